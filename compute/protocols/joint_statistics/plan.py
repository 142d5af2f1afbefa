"""The tables that a question asks for, and the noise in each: both sides derive them alike.

One company's row replaced by another moves it from a cell to another in each histogram and cross-table, so
the sums over its one-hot class change by 2 in the L1 norm; a count of values by 1, a sum by the range R of
the clipped values, a sum of squares by R². Each of the d tables gets the d-th part of ε, so the noise of a
table of sensitivity Δ has the scale b = Δ·d/ε, and all together cost ε (sequential composition; Dwork, Roth
2014, theorem 3.14).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import prod

from compute.binning import Bins
from compute.protocols.joint_statistics.messages import StatisticsQuestion

MOVED = 2
"""What a company that moves from a cell to another changes."""


class Measure(StrEnum):
    """What the cells of a table hold, for each class."""

    COMPANIES = "companies"
    """The companies in each bin or combination of bins."""
    COUNT = "count"
    """The companies that have a value of the column."""
    SUM = "sum"
    SQUARES = "squares"
    """Of the values, counted from the low end of their range."""


@dataclass(frozen=True)
class Range:
    """Between what the values of a column are clipped, in units of 10^-scale."""

    low: int
    high: int

    @property
    def width(self) -> int:
        """R: the greatest clipped value, counted from `low`."""
        return self.high - self.low


@dataclass(frozen=True)
class TablePlan:
    """One table of a release."""

    measure: Measure
    columns: tuple[str, ...]
    bins: tuple[Bins, ...] = ()
    """The column's, or both columns' of a cross-table; moments have none."""
    clipped: Range | None = None
    """Of moments."""

    @property
    def cells(self) -> int:
        """How many there are."""
        return prod(bins.size for bins in self.bins)

    @property
    def greatest(self) -> int:
        """What one company adds at most."""
        width = 1 if self.clipped is None else self.clipped.width
        return {Measure.SUM: width, Measure.SQUARES: width * width}.get(self.measure, 1)

    @property
    def sensitivity(self) -> int:
        """Δ: how much one company's row, replaced, changes the table under one-hot classes, in the L1 norm."""
        return MOVED if self.measure is Measure.COMPANIES else self.greatest


def tables_of(question: StatisticsQuestion, ranges: Mapping[str, Range]) -> tuple[TablePlan, ...]:
    """Give the tables in the order of a release; ``ranges`` by column, for moments."""
    histograms = [TablePlan(Measure.COMPANIES, (bins.column,), (bins,)) for bins in question.histograms]
    crosses = [
        TablePlan(Measure.COMPANIES, (cross.first.column, cross.second.column), (cross.first, cross.second))
        for cross in question.crosses
    ]
    moments = [
        TablePlan(measure, (column,), (), ranges[column])
        for column in question.moments
        for measure in (Measure.COUNT, Measure.SUM, Measure.SQUARES)
    ]
    return (*histograms, *crosses, *moments)
