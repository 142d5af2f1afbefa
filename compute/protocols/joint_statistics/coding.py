"""A provider's rows as codes over its universe: which cell of a table each company of a cohort is in.

The universe numbers every company that a table or a cohort ever named, for good. A column is coded by the cells of
its published grid, and its values by themselves where they are summed; bins follow from cells, which they unite.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compute.binning import Bins, CategoryBins, NumberBins, units_of
from compute.disclosure.atoms import ABSENT, bin_codes
from compute.disclosure.refresh import NO_VALUE, Codes
from compute.protocols.holding import Holding, Snapshot
from compute.protocols.joint_statistics.plan import Measure, Range, TablePlan

Rows = NDArray[np.int64]
"""Numbers in the universe."""
VALUES = "#values"
"""Ends the name under which a column's values are kept, beside its cells: no column is called so."""
DIGIT = 256
"""Values are summed digit by digit in this base."""


MATCHED = "#matched"
"""The name under which is kept which disclosed cohorts exact answers told the sizes of, by whatever column."""


def values_name(column: str) -> str:
    """Give under which name a column's values are kept."""
    return column + VALUES


def column_of(name: str) -> str:
    """Give the column whose cells or values are kept under a name."""
    return name.removesuffix(VALUES)


def is_values(name: str) -> bool:
    """Say whether values are kept under a name, and not cells."""
    return name.endswith(VALUES)


def kept_names(grids: Mapping[str, Bins], tables: Sequence[TablePlan]) -> list[str]:
    """Give under which names the tables' columns are kept, each once: of numbers the cells and the values.

    Both are kept even if one is told: where cells hold a single value, sums tell what counts of cells do.
    """
    columns = dict.fromkeys(column for table in tables for column in table.columns)
    numbers = {column for column in columns if isinstance(grids[column], NumberBins)}
    return [name for each in columns for name in ((each, values_name(each)) if each in numbers else (each,))]


def range_of(holding: Holding, column: str) -> Range:
    """Give between what a column's values are clipped: the first and the last edge of its published grid."""
    grid, scale = holding.grids.get(column), holding.scales.get(column)
    if not isinstance(grid, NumberBins) or scale is None or len(grid.edges) < 2:  # noqa: PLR2004 -- a low and a high end
        raise ValueError(f"{column} has no published range of numbers")
    low, *_, high = (units_of(edge, scale) for edge in grid.edges)
    return Range(low, high)


def coded(holding: Holding, snapshot: Snapshot, rows: Rows, size: int, names: Sequence[str]) -> dict[str, Codes]:
    """Give the codes of columns, or of their values, over a universe of ``size``; ``rows`` are the table's own."""
    columns = [name.removesuffix(VALUES) for name in names]
    frame = snapshot.select(snapshot.subjects, list(dict.fromkeys(columns)))
    found: dict[str, Codes] = {}
    for name, column in zip(names, columns, strict=True):
        if name == column:
            cells = np.full(size, ABSENT, dtype=np.uint8)
            cells[rows] = np.frombuffer(
                holding.grids[column].codes(frame[column], holding.scales[column]), np.uint8
            )
            found[name] = cells
        else:
            found[name] = _values(frame[column], rows, size)
    return found


def _values(values: pd.Series, rows: Rows, size: int) -> NDArray[np.int64]:
    placed = np.full(size, NO_VALUE, dtype=np.int64)
    present = values.notna().to_numpy()
    placed[rows[present]] = values[present].to_numpy(dtype=np.int64)
    return placed


def table_codes(table: TablePlan, codes: Mapping[str, Codes], grids: Mapping[str, Bins]) -> NDArray[np.int64]:
    """Give each row's cell in a table of companies; a row that the provider lacks is missing."""
    joint: NDArray[np.int64] | None = None
    for bins in table.bins:
        cells = codes[bins.column].astype(np.uint8)
        column = bin_codes(cells, cell_bins(bins, grids[bins.column])).astype(np.int64)
        joint = column if joint is None else joint * bins.size + column
    if joint is None:
        raise ValueError("moments have no cells of companies")
    return joint


def cell_bins(bins: Bins, grid: Bins) -> bytes:
    """Give each grid cell's bin, one byte each; the bins are unions of the grid's cells."""
    if isinstance(bins, NumberBins) and isinstance(grid, NumberBins):
        # The bin of a cell is the number of the bins' edges up to its low end.
        edges = [grid.edges.index(edge) for edge in bins.edges]
        of_cells = [sum(edge < cell for edge in edges) for cell in range(len(grid.edges) + 1)]
        return bytes([*of_cells, bins.size - 1])
    if isinstance(bins, CategoryBins) and isinstance(grid, CategoryBins):
        group_of = {value: code for code, group in enumerate(bins.groups) for value in group}
        return bytes([*(group_of.get(group[0], bins.size - 1) for group in grid.groups), bins.size - 1])
    raise ValueError(f"the bins of {bins.column} are of another type than its grid")


def clipped(values: NDArray[np.int64], limits: Range) -> NDArray[np.int64]:
    """Give the values clipped to the range, counted from its low end; missing values add nothing and give 0."""
    return np.where(values == NO_VALUE, 0, np.clip(values, limits.low, limits.high) - limits.low)


def digits(table: TablePlan, values: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    """Give the digits in base 256, the least first, of what each row adds to a table of moments."""
    if table.clipped is None:
        raise ValueError("only moments have values")
    if table.measure is Measure.COUNT:
        return [(values != NO_VALUE).astype(np.uint8)]
    added = clipped(values, table.clipped)
    if table.measure is Measure.SQUARES:
        added = added * added
    count = max(1, -(-table.greatest.bit_length() // 8))
    return [(added >> (8 * place) & 0xFF).astype(np.uint8) for place in range(count)]
