"""Figures of a column's moments: mean, variance, and the correlation of the bank's classes with the column."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from compute.node.console.statistics_messages import ResultTable, StatisticsResult
from compute.node.console.told_tables import scale_of, valued_rows
from compute.statistics.contingency import ClassMoments
from compute.statistics.correlation_interval import MomentScales, class_correlation_estimate
from compute.statistics.intervals import Estimate
from compute.statistics.moments import Moment, mean, variance
from compute.statistics.released import ClassSums, StatisticsError
from veilmart.bank.figure import Figure, cohorts, found, joined
from veilmart.bank.measuring import Measuring


@dataclass(frozen=True)
class ToldMoments:
    """What was told of one column."""

    result: StatisticsResult
    provider: str
    rows: ResultTable
    """How many have a value."""
    sums: Mapping[int, ClassSums]
    """By power; one that was withheld is not there."""

    @property
    def column(self) -> str:
        """Give its name."""
        return self.rows.columns[0]

    def sum(self, power: int) -> ClassSums:
        """Give the sums of that power; raise LookupError if they were withheld."""
        if power not in self.sums:
            what = "values" if power == 1 else "squares"
            raise LookupError(f"{self.provider} withheld the sums of {self.column}'s {what}")
        return self.sums[power]

    def clipped(self, power: int) -> str:
        """Give within what the values were clipped, and b of the noise in the sums up to that power."""
        known = [each for each in self.sums.values() if each.power <= power and each.scale]
        if not known:
            return ""
        unit = 10 ** known[0].decimals
        noise = ", ".join(f"{each.scale:.4g}" for each in known)
        return f"values within {known[0].low / unit:g} – {known[0].high / unit:g}, b of sums {noise}"


def moment_figures(told: ToldMoments, asked: Measuring) -> Iterator[Figure]:
    """Give the figures; values count as clipped, in the column's own unit."""
    for classes in cohorts(told.result.classes, asked):
        name = joined(classes)
        yield found(Figure("mean", name, remark=told.clipped(1)), partial(_mean, told, classes, asked.level))
        yield found(
            Figure("variance", name, remark=told.clipped(2)), partial(_variance, told, classes, asked.level)
        )
    if asked.class_values:
        values = " ".join(f"{name}={float(value):g}" for name, value in asked.class_values.items())
        yield found(
            Figure("pearson", values, remark=told.clipped(2)),
            partial(_correlation, told, asked.class_values, asked.level),
        )


def _mean(told: ToldMoments, classes: tuple[str, ...], level: float) -> Moment:
    rows = valued_rows(told.result, told.provider, told.column, classes, (1 + level) / 2)
    return mean(told.sum(1), rows, classes, level)


def _variance(told: ToldMoments, classes: tuple[str, ...], level: float) -> Moment:
    rows = valued_rows(told.result, told.provider, told.column, classes, (2 + level) / 3)
    return variance(told.sum(1), told.sum(2), rows, classes, level)


def _correlation(told: ToldMoments, values: Mapping[str, Fraction], level: float) -> Estimate:
    """A correlation does not change with the values' origin, so the sums stay counted from theirs."""
    (numbers,) = told.rows.numbers
    first, second = told.sum(1), told.sum(2)
    if numbers is None:
        raise LookupError(f"{told.provider} withheld how many rows have a value of {told.column}")
    if first.origin != second.origin:
        raise StatisticsError(f"{told.column}: values and squares are counted from different origins")
    places = [told.result.classes.index(name) for name in values]
    unit = Fraction(1, 10**first.decimals)
    moments = ClassMoments(
        tuple(values.values()),
        tuple(int(numbers[place]) for place in places),
        tuple(first.sums[place] * unit for place in places),
        tuple(second.sums[place] * unit**2 for place in places),
    )
    return class_correlation_estimate(
        moments, MomentScales(scale_of(told.rows), first.scale, second.scale, unit), level
    )
