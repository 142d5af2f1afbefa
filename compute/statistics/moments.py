"""Count, sum, mean, variance and quantiles of a column over classes of rows, with their intervals under noise.

Figures are exact fractions. Where noise is in them, their intervals follow from the counts' and sums' own, so
that all of these hold together with the level stated (Bonferroni); none depends on an approximation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from compute.binning import NumberBins
from compute.statistics.discrete_laplace import quantile
from compute.statistics.intervals import LEVEL
from compute.statistics.released import ClassSums, ClassTable, StatisticsError


@dataclass(frozen=True)
class Moment:
    """A figure in the column's own unit (its square, for a variance)."""

    value: Fraction
    low: Fraction
    high: Fraction
    level: float


@dataclass(frozen=True)
class Noisy:
    """A released integer and how far its noise reaches."""

    value: int
    reach: int

    @property
    def ends(self) -> tuple[int, int]:
        """Give the least and the greatest value that it may have."""
        return self.value - self.reach, self.value + self.reach


def count(table: ClassTable, classes: Sequence[str], level: float = LEVEL) -> Moment:
    """Give the number of rows with a value: those of every released bin but the last, which is for missing."""
    rows = valued_rows(table, classes, level)
    low, high = rows.ends
    return Moment(Fraction(rows.value), Fraction(max(low, 0)), Fraction(max(high, 0)), level)


def valued_rows(table: ClassTable, classes: Sequence[str], level: float) -> Noisy:
    """Give the rows of every bin but the last; raise :class:`StatisticsError` if one of those was withheld."""
    if not table.released[:-1].all():
        raise StatisticsError(f"{table.column}: a bin was withheld, so its rows are not known; take coarser bins")
    draws = len(classes) * (table.bins.size - 1)
    return Noisy(int(table.count(classes)[:-1].sum()), quantile(table.scale, draws, level))


def total(sums: ClassSums, classes: Sequence[str], level: float = LEVEL) -> Moment:
    """Give the sum over the classes, values clipped and counted from where the sums say."""
    figure = _noisy(sums, classes, level)
    unit = Fraction(1, 10 ** (sums.decimals * sums.power))
    low, high = figure.ends
    return Moment(figure.value * unit, low * unit, high * unit, level)


def mean(sums: ClassSums, rows: Noisy, classes: Sequence[str], level: float = LEVEL) -> Moment:
    """Give the mean of the clipped values; ``rows`` are :func:`valued_rows` at the level (1+level)/2."""
    if sums.power != 1:
        raise StatisticsError(f"{sums.column}: a mean is of the values, not of their squares; ask for power 1")
    figure = _noisy(sums, classes, (1 + level) / 2)
    unit = Fraction(1, 10**sums.decimals)
    bounds = Fraction(sums.low) * unit, Fraction(sums.high) * unit
    _require_rows(sums.column, rows)
    low, high = (end + sums.origin for end in _ratio(figure, rows))
    value = min(max((Fraction(figure.value, rows.value) + sums.origin) * unit, bounds[0]), bounds[1])
    return Moment(value, max(low * unit, bounds[0]), min(high * unit, bounds[1]), level)


def variance(
    sums: ClassSums, squares: ClassSums, rows: Noisy, classes: Sequence[str], level: float = LEVEL
) -> Moment:
    """Give the variance of the clipped values over the rows (denominator n); ``rows`` at the level (2+level)/3."""
    ranges = [(each.low, each.high, each.origin) for each in (sums, squares)]
    if (sums.power, squares.power) != (1, 2) or ranges[0] != ranges[1]:
        raise StatisticsError(f"{sums.column}: a variance needs the sums of values and of squares, clipped alike")
    _require_rows(sums.column, rows)
    unit = Fraction(1, 10 ** (2 * sums.decimals))
    first, second = (_noisy(each, classes, (2 + level) / 3) for each in (sums, squares))
    value = Fraction(second.value, rows.value) - Fraction(first.value, rows.value) ** 2
    means, means_of_squares = _ratio(first, rows), _ratio(second, rows)
    ends = [end**2 for end in means]
    least = Fraction(0) if means[0] <= 0 <= means[1] else min(ends)
    widest = Fraction((sums.high - sums.low) ** 2, 4)  # Popoviciu's bound for values between low and high
    low, high = max(means_of_squares[0] - max(ends), Fraction(0)), min(means_of_squares[1] - least, widest)
    return Moment(min(max(value, Fraction(0)), widest) * unit, low * unit, high * unit, level)


@dataclass(frozen=True)
class QuantileBin:
    """Where a quantile lies: in a bin, with the bins that the noise leaves possible."""

    code: int
    low: str | None
    """The bin's lower edge, None for no bound; the quantile is at least this."""
    high: str | None
    """The bin's upper edge, None for no bound; the quantile is less than this."""
    first: int
    last: int
    """The codes of the first and last bin that it may lie in."""
    level: float


def quantile_bin(table: ClassTable, classes: Sequence[str], share: Fraction, level: float = LEVEL) -> QuantileBin:
    """Give the bin with the least value that at least ``share`` of the rows with a value do not exceed.

    A histogram tells no more than the bin. The noise in (rows up to a bin) - share·(all rows) is a sum of as
    many draws as there are counts, each times at most 1, so that sum's quantile bounds it (Birnbaum 1948).
    """
    if not isinstance(table.bins, NumberBins):
        raise StatisticsError(f"{table.column} holds text, which has no quantiles; take a number column")
    if not 0 < share < 1:
        raise StatisticsError(f"a quantile's share lies between 0 and 1, not at {share}")
    valued_rows(table, classes, level)
    up_to = np.cumsum(np.maximum(table.count(classes)[:-1], 0) if not table.scale else table.count(classes)[:-1])
    rows = int(up_to[-1])
    if rows < 1:
        raise StatisticsError(f"{table.column}: no row has a value, so there is no quantile; take another class")
    ahead = [Fraction(each) - share * rows for each in up_to.tolist()]
    reach = quantile(table.scale, len(classes) * len(ahead), (1 + level) / 2)
    last_bin = len(ahead) - 1
    code = next(place for place, each in enumerate(ahead) if each >= 0 or place == last_bin)
    first = next((place for place, each in enumerate(ahead) if each >= -reach), last_bin)
    last = max((place + 1 for place, each in enumerate(ahead[:-1]) if each < reach), default=0)
    edges: tuple[str | None, ...] = (None, *table.bins.edges, None)
    return QuantileBin(code, edges[code], edges[code + 1], min(first, code), max(last, code), level)


def _noisy(sums: ClassSums, classes: Sequence[str], level: float) -> Noisy:
    units = sums.total(classes).scaleb(sums.decimals * sums.power)
    return Noisy(int(units), quantile(sums.scale, len(classes), level))


def _ratio(top: Noisy, rows: Noisy) -> tuple[Fraction, Fraction]:
    corners = [Fraction(each, n) for each in top.ends for n in rows.ends]
    return min(corners), max(corners)


def _require_rows(column: str, rows: Noisy) -> None:
    if rows.ends[0] < 1:
        raise StatisticsError(f"{column}: {rows.value} rows ± {rows.reach} may be none; take a larger cohort")
