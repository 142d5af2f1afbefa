"""Bins that are unions of a grid's cells. A field's grid is its finest bins, which its provider publishes.

With such bins alone, edges cannot slide from one model to the next until a bin holds one company more or less; and
where every cell holds k companies, so does every bin that a model can have (docs/adr/0026).
"""

from collections.abc import Mapping

import numpy as np

from compute.binning import BinningError, Bins, CategoryBins, NumberBins

Grids = Mapping[str, Bins]
"""Column → its grid; a column without one cannot be binned."""


class GridError(BinningError):
    """Bins are no unions of the published grid's cells."""


def require_union(bins: Bins, grid: Bins | None) -> None:
    """Return if every bin is a union of the grid's cells; raise :class:`GridError` naming column and place if not.

    ``grid`` is that of the bins' column, None if it has none. The last bin takes what the others leave, with the
    cell of missing values, so it is one wherever the others are.
    """
    if grid is None:
        raise GridError(f"{bins.column} has no published grid, so it cannot be binned")
    if isinstance(bins, NumberBins) and isinstance(grid, NumberBins):
        foreign = sorted(set(bins.edges) - set(grid.edges))
        if foreign:
            raise GridError(f"{bins.column}: the edge {foreign[0]} is not one of the published grid")
    elif isinstance(bins, CategoryBins) and isinstance(grid, CategoryBins):
        if bins.groups and bins.prefix != grid.prefix:
            raise GridError(f"{bins.column}: the published grid has the prefix {grid.prefix}, not {bins.prefix}")
        foreign = sorted({value for group in bins.groups for value in group} - _cells(grid))
        if foreign:
            raise GridError(f"{bins.column}: {foreign[0]} is not a cell of the published grid")
    else:
        raise GridError(f"{bins.column}: edges are for numbers, categories for text")


def small_cells(grid: Bins, codes: bytes, least: int) -> list[str]:
    """Give the labels of the cells that hold fewer than ``least`` rows; ``codes`` are all rows' in this grid.

    The last cell, of missing and other values, may be empty: a bin that nobody is in tells of nobody.
    """
    *counts, last = np.bincount(np.frombuffer(codes, dtype=np.uint8), minlength=grid.size).tolist()
    small = [label(grid, code) for code, count in enumerate(counts) if count < least]
    return small + ([label(grid, len(counts))] if 0 < last < least else [])


def label(bins: Bins, code: int) -> str:
    """Give a bin's name as people read it, like ``2 ≤ x < 5``, ``NJ, NY`` or ``missing``."""
    if isinstance(bins, CategoryBins):
        return ", ".join(bins.groups[code]) if code < len(bins.groups) else "other or missing"
    if code > len(bins.edges):
        return "missing"
    low = f"{bins.edges[code - 1]} ≤ " if code else ""
    high = f" < {bins.edges[code]}" if code < len(bins.edges) else ""
    return f"{low}x{high}"


def _cells(grid: CategoryBins) -> set[str]:
    return {value for group in grid.groups for value in group}
