"""Bins are unions of the cells of a grid, or are refused with column and place; small cells are named."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.binning import Bins, CategoryBins, NumberBins
from compute.grid import GridError, label, require_union, small_cells

NUMBERS = NumberBins(column="age", edges=("1", "2", "5", "10"))
TEXTS = CategoryBins(column="state", groups=(("CA",), ("NJ",), ("NY",)))
SECTORS = CategoryBins(column="naics", groups=(("44",), ("62",)), prefix=2)


@pytest.mark.parametrize(
    ("bins", "grid"),
    [
        (NumberBins(column="age", edges=()), NUMBERS),
        (NumberBins(column="age", edges=("2", "10")), NUMBERS),
        (NUMBERS, NUMBERS),
        (CategoryBins(column="state", groups=()), TEXTS),
        (CategoryBins(column="state", groups=(("CA", "NY"),)), TEXTS),
        (CategoryBins(column="naics", groups=(("62",),), prefix=2), SECTORS),
        (CategoryBins(column="naics", groups=()), SECTORS),
    ],
)
def test_unions_of_cells_pass(bins: Bins, grid: Bins) -> None:
    require_union(bins, grid)


@pytest.mark.parametrize(
    ("bins", "grid", "told"),
    [
        (NUMBERS, None, "age has no published grid, so it cannot be binned"),
        (NumberBins(column="age", edges=("2", "3")), NUMBERS, "age: the edge 3 is not one of the published grid"),
        (CategoryBins(column="state", groups=(("TX",),)), TEXTS, "state: TX is not a cell"),
        (CategoryBins(column="naics", groups=(("621",),), prefix=3), SECTORS, "has the prefix 2, not 3"),
        (CategoryBins(column="naics", groups=(("621111",),)), SECTORS, "has the prefix 2, not None"),
        (CategoryBins(column="state", groups=(("C",),), prefix=1), TEXTS, "has the prefix None, not 1"),
        (NumberBins(column="state", edges=("1",)), TEXTS, "edges are for numbers"),
        (CategoryBins(column="age", groups=(("1",),)), NUMBERS, "categories for text"),
    ],
)
def test_what_is_no_union_is_refused(bins: Bins, grid: Bins | None, told: str) -> None:
    with pytest.raises(GridError, match=told):
        require_union(bins, grid)


@given(st.lists(st.integers(0, 12), min_size=1), st.sets(st.sampled_from(NUMBERS.edges)), st.integers(1, 4))
def test_where_every_cell_holds_k_so_does_every_bin(ages: list[int], edges: set[str], least: int) -> None:
    """What the grid is for: after it nothing needs to be looked at, whatever the bank chooses."""
    column = pd.Series(ages, dtype="Int64")
    if small_cells(NUMBERS, NUMBERS.codes(column, 0), least):
        return
    bins = NumberBins(column="age", edges=tuple(sorted(edges, key=int)))
    require_union(bins, NUMBERS)
    codes = bins.codes(column, 0)
    assert all(codes.count(code) >= least for code in range(bins.size - 1))
    assert codes.count(bins.size - 1) == 0


def test_small_cells_are_named_and_the_last_one_may_be_empty() -> None:
    codes = bytes([0] * 3 + [1] * 2 + [2] * 3 + [3] * 9)
    assert small_cells(NUMBERS, codes, 3) == ["1 ≤ x < 2", "10 ≤ x"]
    assert small_cells(NUMBERS, codes + bytes([1, 4, 4, 4]), 3) == []
    assert small_cells(NUMBERS, codes + bytes([1, 4, 4, 4, 5]), 3) == ["missing"]
    assert small_cells(TEXTS, bytes([0, 1, 2, 2, 3]), 2) == ["CA", "NJ", "other or missing"]


def test_labels_read_like_the_bins() -> None:
    assert [label(NUMBERS, code) for code in range(NUMBERS.size)] == [
        "x < 1",
        "1 ≤ x < 2",
        "2 ≤ x < 5",
        "5 ≤ x < 10",
        "10 ≤ x",
        "missing",
    ]
    assert label(NumberBins(column="x", edges=()), 0) == "x"
    assert label(CategoryBins(column="s", groups=(("a", "b"),)), 0) == "a, b"
