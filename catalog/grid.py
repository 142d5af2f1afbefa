"""The grid of a field: the finest bins that a model may cut it into, published so that it can be read before.

A model's bins are unions of a grid's cells, so no edge can slide along the rows to find one (PROTOCOLS.md §3).
"""

import re
from decimal import Decimal
from itertools import pairwise

import msgspec

from catalog.errors import FieldError

MAX_CELLS = 254
"""Beside the one for what is missing or in no cell: a code of a bin is one byte."""
MAX_CHARACTERS = 256

# A decimal number in its shortest form, as bins have their edges.
_EDGE = re.compile(r"0|-?[1-9][0-9]{0,14}|-?(0|[1-9][0-9]{0,14})\.[0-9]{0,5}[1-9]")


class Grid(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The cells of one field: `edges` between those of a number, or `cells` of a text.

    Edges e_1 < … < e_n make the cells x < e_1, e_1 ≤ x < e_2, …, x ≥ e_n. A cell of a text is one value, or all
    values that begin with it if `prefix` counts its characters. What is
    missing, or in no cell, is a cell of its own.
    """

    edges: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    prefix: int | None = None

    def __post_init__(self) -> None:
        """Raise `FieldError` for edges or cells that are out of order, repeated, or in a form that bins lack."""
        if bool(self.edges) == bool(self.cells):
            raise FieldError("a grid has either the edges of a number or the cells of a text; give one of them")
        if len(self.edges) + 1 > MAX_CELLS or len(self.cells) > MAX_CELLS:
            raise FieldError(f"a grid has at most {MAX_CELLS} cells; merge some")
        if self.prefix is not None and not self.cells:
            raise FieldError("only the cells of a text have a prefix; remove it")
        _check_edges(self.edges)
        _check_cells(self.cells, self.prefix)


def _check_edges(edges: tuple[str, ...]) -> None:
    for edge in edges:
        if _EDGE.fullmatch(edge) is None:
            raise FieldError(f'the edge {edge} is no decimal number in its shortest form; write it like "2.5"')
    for low, high in pairwise(edges):
        if Decimal(low) >= Decimal(high):
            raise FieldError(f"the edge {high} follows {low}; edges must increase")


def _check_cells(cells: tuple[str, ...], prefix: int | None) -> None:
    for cell in cells:
        if not 1 <= len(cell) <= MAX_CHARACTERS or not cell.isprintable():
            raise FieldError(f"the cell {cell!r} is empty, too long, or holds what cannot be seen; rewrite it")
        if prefix is not None and len(cell) != prefix:
            raise FieldError(f"the cell {cell} can never match; write {prefix} characters")
    for low, high in pairwise(cells):
        if low >= high:
            raise FieldError(f"the cell {high} follows {low}; cells must stand in sorted order, each once")
