"""Figures of one column's histogram: separation of good and bad, dependence, quantiles, stability."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np

from compute.binning import NumberBins
from compute.grid import label
from compute.statistics.contingency import dependence
from compute.statistics.dependence_interval import DependenceEstimate, dependence_estimate
from compute.statistics.discrimination import ranked_aucs, ranked_kss
from compute.statistics.intervals import Estimate, difference_estimate, information_estimate
from compute.statistics.moments import QuantileBin, quantile_bin
from compute.statistics.outcomes import Outcomes, merge, split
from compute.statistics.regroup import groups
from compute.statistics.released import ClassTable, Counts, StatisticsError
from compute.statistics.stability import between
from veilmart.bank.figure import Figure, cohorts, found, joined
from veilmart.bank.measuring import Measuring


def separation_figures(outcomes: Outcomes, asked: Measuring) -> Iterator[Figure]:
    """Give information value, KS, AUC, Gini, chi-square and Cramér's V of good against bad over these bins."""
    sides, level = joined(asked.good, asked.bad), asked.level
    yield found(Figure("information_value", sides), partial(information_estimate, outcomes, level))
    yield found(Figure("ks", sides), partial(difference_estimate, ranked_kss, outcomes, level))
    area = difference_estimate(ranked_aucs, outcomes, level)
    yield found(Figure("auc", sides), lambda: area)
    yield found(Figure("gini", sides), lambda: _gini(area))
    known = outcomes.released
    counts = np.stack([outcomes.good[known], outcomes.bad[known]], axis=1)
    yield from dependence_figures(Figure("", sides), counts, outcomes.scale, outcomes.draws.T, level)


def dependence_figures(
    figure: Figure, counts: Counts, scale: float, draws: Counts, level: float
) -> Iterator[Figure]:
    """Give chi-square, its p value and Cramér's V of a table (r, c), named like the figure otherwise.

    All three are of the rows and columns that are more than noise. The p value is that of a test whose null
    hypothesis has the noise in it, so it has no interval.
    """
    try:
        made = dependence_estimate(counts, scale, draws, level)
        part = np.ix_(made.rows, made.columns)
        test = dependence(counts[part], scale, draws[part])
    except StatisticsError as error:
        names = ("chi_square", "p_value", "cramers_v")
        yield from (replace(figure, name=name, remark=_and(figure.remark, str(error))) for name in names)
        return
    remark = _and(figure.remark, _left_out(made, counts))
    freedom = replace(figure, name="chi_square", remark=_and(f"{test.degrees} df", remark))
    yield found(freedom, lambda: made.chi_square)
    yield replace(figure, name="p_value", value=test.chance, remark=remark)
    yield found(replace(figure, name="cramers_v", remark=remark), lambda: made.cramers_v)


def quantile_figures(table: ClassTable, asked: Measuring) -> Iterator[Figure]:
    """Give the quantiles of a number column: the interval is the bin, or the bins that noise leaves possible."""
    if isinstance(table.bins, NumberBins):
        for classes in cohorts(table.classes, asked):
            for share in asked.quantiles:
                yield _quantile(table, table.bins, classes, share, asked.level)


def stability_figures(
    table: ClassTable, merged: Outcomes | None, later: ClassTable | None, asked: Measuring
) -> Iterator[Figure]:
    """Give the stability index between classes, and from the table's cohort to a later one."""
    if asked.between is not None:
        figure = Figure("stability_index", joined(*asked.between))
        yield found(figure, partial(_moved, table, merged, asked.between, asked.level))
    if later is not None:
        figure = Figure("stability_index", "cohort | later cohort")
        yield found(figure, partial(between, table, later, asked.level))


def _gini(area: Estimate) -> Estimate:
    value, corrected, low, high = (2 * each - 1 for each in (area.value, area.corrected, area.low, area.high))
    return Estimate(value, corrected, low, high, area.level)


def _left_out(made: DependenceEstimate, counts: Counts) -> str:
    held = [int((np.maximum(counts, 0).sum(axis=axis) > 0).sum()) for axis in (1, 0)]
    lost = [size - len(kept) for size, kept in zip(held, (made.rows, made.columns), strict=True)]
    return f"without {lost[0]} rows and {lost[1]} columns that may be noise" if any(lost) else ""


def _and(*remarks: str) -> str:
    return "; ".join(filter(None, remarks))


def _quantile(
    table: ClassTable, bins: NumberBins, classes: tuple[str, ...], share: Fraction, level: float
) -> Figure:
    figure = Figure(f"quantile_{float(share):g}", joined(classes))
    try:
        place: QuantileBin = quantile_bin(table, classes, share, level)
    except StatisticsError as error:
        return replace(figure, remark=str(error))
    edges = (-np.inf, *map(float, bins.edges), np.inf)
    return replace(figure, low=edges[place.first], high=edges[place.last + 1], remark=label(bins, place.code))


def _moved(
    table: ClassTable, merged: Outcomes | None, sides: tuple[tuple[str, ...], tuple[str, ...]], level: float
) -> Estimate:
    expected, actual = sides
    counts = split(table, actual, expected)
    if merged is not None:
        counts = merge(counts, merged.bins, groups(table.bins, merged.bins))
    return information_estimate(counts, level)
