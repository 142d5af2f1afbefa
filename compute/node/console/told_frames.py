"""What providers told as data frames in long form, for files and notebooks: a row for each number."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pandas as pd

from compute.grid import label
from compute.node.console.statistics_messages import ProviderStatistics, ResultTable, StatisticsResult
from compute.node.console.told_tables import scale_of, tables_of, valued_rows
from compute.statistics.discrete_laplace import quantile
from compute.statistics.intervals import LEVEL
from compute.statistics.moments import Moment, mean, variance
from compute.statistics.released import ClassSums, StatisticsError

_COUNTS = {
    "provider": "str",
    "column": "str",
    "bin": "Int64",
    "label": "str",
    "second_column": "str",
    "second_bin": "Int64",
    "second_label": "str",
    "class": "str",
    "count": "Int64",
    "low": "Int64",
    "high": "Int64",
    "withheld": "bool",
    "snapshot_date": "str",
    "present_only": "bool",
}
_MOMENTS = {
    "provider": "str",
    "column": "str",
    "class": "str",
    "figure": "str",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "withheld": "bool",
    "snapshot_date": "str",
    "present_only": "bool",
}


def counts_frame(result: StatisticsResult, level: float = LEVEL) -> pd.DataFrame:
    """Give the companies in each cell of each class, as they were told.

    One row for each cell and class: ``provider``, ``column``, ``bin`` (its code) and its ``label``, of
    cross-tables ``second_…`` likewise, ``class``, ``count``; ``low`` and ``high`` hold the count without its noise
    with a chance of ``level``; ``withheld`` cells have no count. ``present_only`` values are not of the day that
    was asked for.
    """
    rows = [row for told in result.providers for row in _count_rows(told, result.classes, level)]
    return pd.DataFrame(rows, columns=list(_COUNTS)).astype(_COUNTS)


def moments_frame(result: StatisticsResult, level: float = LEVEL) -> pd.DataFrame:
    """Give how many companies of each class have a value of a column, the values' mean and their variance.

    One row for each figure: ``low`` and ``high`` hold it, of the clipped values without noise, with a chance of
    ``level``. What was withheld, and a mean over what may be nobody, has no value.
    """
    sums = {
        (each.provider, each.column, each.power): each for each in tables_of(result) if isinstance(each, ClassSums)
    }
    rows = [
        row
        for told in result.providers
        for table in told.tables
        if table.measure == "count"
        for row in _moment_rows(result, told, table, sums, level)
    ]
    return pd.DataFrame(rows, columns=list(_MOMENTS)).astype(_MOMENTS)


def _count_rows(told: ProviderStatistics, classes: tuple[str, ...], level: float) -> Iterator[tuple[Any, ...]]:
    for table in told.tables:
        if table.measure != "companies":
            continue
        reach = quantile(scale_of(table), 1, level)
        for cell, numbers in enumerate(table.numbers):
            place = _place(table, cell)
            for at, name in enumerate(classes):
                known = (pd.NA,) * 3 if numbers is None else _with_ends(int(numbers[at]), reach)
                noted = (numbers is None, told.snapshot_date, told.is_present_only)
                yield (told.provider, *place, name, *known, *noted)


def _place(table: ResultTable, cell: int) -> tuple[Any, ...]:
    """The columns, codes and labels of a cell."""
    first, *second = table.bins
    if not second:
        return first.column, cell, label(first, cell), pd.NA, pd.NA, pd.NA
    (other,) = second
    row, column = divmod(cell, other.size)
    return first.column, row, label(first, row), other.column, column, label(other, column)


def _with_ends(count: int, reach: int) -> tuple[int, int, int]:
    return count, max(count - reach, 0), max(count + reach, 0)


def _moment_rows(
    result: StatisticsResult,
    told: ProviderStatistics,
    table: ResultTable,
    sums: dict[tuple[str, str, int], ClassSums],
    level: float,
) -> Iterator[tuple[Any, ...]]:
    provider, (column,) = told.provider, table.columns
    for name in result.classes:
        figures = _figures(result, (provider, column), name, sums, level)
        for figure, found in figures.items():
            known = (None, None, None) if found is None else (found.value, found.low, found.high)
            numbers = tuple(None if each is None else float(each) for each in known)
            noted = (found is None, told.snapshot_date, told.is_present_only)
            yield (provider, column, name, figure, *numbers, *noted)


def _figures(
    result: StatisticsResult,
    place: tuple[str, str],
    name: str,
    sums: dict[tuple[str, str, int], ClassSums],
    level: float,
) -> dict[str, Moment | None]:
    """The figures of a column in a class; None for what cannot be told."""
    figures: dict[str, Moment | None] = {"rows": None, "mean": None, "variance": None}
    first, second = sums.get((*place, 1)), sums.get((*place, 2))
    try:
        rows = valued_rows(result, *place, (name,), level)
        low, high = rows.ends
        figures["rows"] = Moment(Fraction(rows.value), Fraction(max(low, 0)), Fraction(max(high, 0)), level)
        if first is not None:
            figures["mean"] = mean(first, valued_rows(result, *place, (name,), (1 + level) / 2), [name], level)
        if first is not None and second is not None:
            rows = valued_rows(result, *place, (name,), (2 + level) / 3)
            figures["variance"] = variance(first, second, rows, [name], level)
    except (LookupError, StatisticsError):
        return figures  # what is None stays withheld
    return figures
