"""From what providers told to the tables that `compute.statistics` computes with."""

from fractions import Fraction
from itertools import islice

import numpy as np

from compute.node.console.statistics_messages import ProviderStatistics, ResultTable, StatisticsResult
from compute.statistics.discrete_laplace import quantile
from compute.statistics.intervals import LEVEL
from compute.statistics.moments import Noisy
from compute.statistics.released import ClassSums, ClassTable, Counts, CrossTable

_WIDEST = 10**18
"""Beyond any value of a column: exact sums are of values that were not clipped."""

Table = ClassTable | CrossTable | ClassSums


def tables_of(result: StatisticsResult) -> list[Table]:
    """Give all tables in the order in which they were asked for: histograms, cross-tables, sums of each provider.

    A column's sums and sums of squares are there if they were told; how many rows they are over,
    :func:`valued_rows` gives.
    """
    return [
        made
        for told in result.providers
        for table in told.tables
        if (made := table_of(told, table, result.classes)) is not None
    ]


def valued_rows(
    result: StatisticsResult, provider: str, column: str, classes: tuple[str, ...], level: float = LEVEL
) -> Noisy:
    """Give over how many rows of these classes a column's sums are: those that have a value.

    Raises LookupError where that was not asked for, or was withheld.
    """
    places = [result.classes.index(each) for each in classes]
    for told in result.providers:
        for table in told.tables:
            if (told.provider, table.measure, table.columns) == (provider, "count", (column,)):
                (numbers,) = table.numbers
                if numbers is not None:
                    value = sum(int(numbers[place]) for place in places)
                    return Noisy(value, quantile(scale_of(table), len(places), level))
    raise LookupError(f"{provider} told of no rows that have a value of {column}; ask for its moments")


def scale_of(table: ResultTable) -> float:
    """Give b of the noise in each number of a table; 0 where there is none."""
    return float(Fraction(int(table.scale_numerator), int(table.scale_denominator)))


def table_of(told: ProviderStatistics, table: ResultTable, classes: tuple[str, ...]) -> Table | None:
    """Give one table as it can be computed with; None for a count, and for a sum that was withheld."""
    provider, scale, bound = told.provider, scale_of(table), int(table.bound)
    withheld = tuple(cell for cell, numbers in enumerate(table.numbers) if numbers is None)
    match table.measure, table.bins:
        case "companies", (bins,):
            counts = _counts(table, len(classes))
            return ClassTable(provider, bins.column, bins, classes, counts, withheld, scale, bound)
        case "companies", (first, second):
            pairs = tuple(divmod(cell, second.size) for cell in withheld)
            counts = _counts(table, len(classes)).reshape(first.size, second.size, len(classes))
            return CrossTable(provider, (first, second), classes, counts, pairs, scale, bound)
        case "sum" | "squares", ():
            return None if withheld else _sums(told, table, classes)
    return None


def _sums(told: ProviderStatistics, table: ResultTable, classes: tuple[str, ...]) -> ClassSums:
    (numbers,) = table.numbers
    low, high = (int(table.low), int(table.high)) if scale_of(table) else (-_WIDEST, _WIDEST)
    return ClassSums(
        provider=told.provider,
        column=table.columns[0],
        power=1 if table.measure == "sum" else 2,
        classes=classes,
        sums=tuple(int(number) for number in numbers or ()),
        low=low,
        high=high,
        decimals=table.decimals,
        scale=scale_of(table),
        bound=int(table.bound),
        origin=low if scale_of(table) else 0,
    )


def _counts(table: ResultTable, classes: int) -> Counts:
    """(cells, classes); 0 where a cell was withheld."""
    nothing = ("0",) * classes
    rows = [[int(number) for number in islice(numbers or nothing, classes)] for numbers in table.numbers]
    return np.array(rows, dtype=np.int64).reshape(len(rows), classes)
