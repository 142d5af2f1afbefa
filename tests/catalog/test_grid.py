"""What a published grid may be, and whose."""

from typing import Any

import msgspec
import pytest

from catalog.description import parse_product
from catalog.errors import DescriptionError, FieldError
from catalog.field import Field, FieldType
from catalog.grade import Grade
from catalog.grid import Grid
from catalog.text import Text


def test_a_description_has_grids(description: str) -> None:
    assert [field.grid for field in parse_product(description.encode()).fields] == [None, None]
    found = parse_product((description + 'grid.edges = ["0", "1000.5"]\n').encode()).fields[1].grid
    assert found == Grid(edges=("0", "1000.5"))


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({}, "either the edges of a number or the cells of a text"),
        ({"edges": ("1",), "cells": ("a",)}, "either the edges of a number or the cells of a text"),
        ({"edges": ("1.0",)}, "no decimal number in its shortest form"),
        ({"edges": ("1e3",)}, "no decimal number in its shortest form"),
        ({"edges": ("٣",)}, "no decimal number in its shortest form"),
        ({"edges": ("10", "9")}, "the edge 9 follows 10; edges must increase"),
        ({"edges": ("1", "1")}, "edges must increase"),
        ({"edges": tuple(map(str, range(254)))}, "at most 254 cells"),
        ({"edges": ("1",), "prefix": 2}, "only the cells of a text have a prefix"),
        ({"cells": ("b", "a")}, "the cell a follows b; cells must stand in sorted order"),
        ({"cells": ("a", "a")}, "each once"),
        ({"cells": ("",)}, "is empty, too long"),
        ({"cells": ("a\n",)}, "holds what cannot be seen"),
        ({"cells": ("44", "5"), "prefix": 2}, "the cell 5 can never match; write 2 characters"),
        ({"cells": tuple(f"{i:03}" for i in range(255))}, "at most 254 cells"),
    ],
)
def test_a_grid_that_no_bins_could_be_cut_from_is_refused(parts: dict[str, Any], told: str) -> None:
    with pytest.raises(FieldError, match=told):
        Grid(**parts)


def test_the_largest_grids_are_bins() -> None:
    Grid(edges=tuple(map(str, range(253))))
    Grid(cells=tuple(f"{i:03}" for i in range(254)))


@pytest.mark.parametrize("kind", FieldType)
def test_only_numbers_have_edges_and_only_texts_cells(kind: FieldType) -> None:
    scale = 2 if kind is FieldType.DECIMAL else 0
    field = Field(name="f", type=kind, meaning=Text(zh="意义", en="meaning"), grade=Grade.GENERAL_1, scale=scale)
    for grid, kinds in (
        (Grid(edges=("1",)), {FieldType.INTEGER, FieldType.DECIMAL}),
        (Grid(cells=("a",)), {FieldType.TEXT}),
    ):
        if kind in kinds:
            assert msgspec.structs.replace(field, grid=grid).grid == grid
        else:
            with pytest.raises(FieldError, match=r"field f: only a (number|text)'s grid has"):
                msgspec.structs.replace(field, grid=grid)


def test_a_wrong_grid_is_named_by_its_place(description: str) -> None:
    with pytest.raises(DescriptionError, match=r"edges must increase.*fields\[1\]\.grid|fields.*grid.*edges"):
        parse_product((description + 'grid.edges = ["2", "1"]\n').encode())
    with pytest.raises(DescriptionError, match="unknown field"):
        parse_product((description + 'grid.edge = ["2"]\n').encode())
