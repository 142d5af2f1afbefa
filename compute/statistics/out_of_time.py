"""A feature out of time: its bins ranked as they were developed, tried on later vintages.

Classes are outcomes by vintage, good 2004, bad 2004 and so on, so one table holds every period. What is found
is of each feature; of the whole card it is found by scoring later rows (:mod:`compute.statistics.performance`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from compute.binning import Bins
from compute.statistics.discrimination import aucs, by_bad_rate
from compute.statistics.intervals import LEVEL, SEED, Estimate, information_estimate, ranked_estimate
from compute.statistics.outcomes import Outcomes, merge, split
from compute.statistics.regroup import groups
from compute.statistics.released import ClassTable, StatisticsError
from compute.statistics.woe import evidence


@dataclass(frozen=True)
class Period:
    """The classes of one period."""

    good: tuple[str, ...]
    bad: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Give all of them."""
        return self.good + self.bad


@dataclass(frozen=True)
class OutOfTime:
    """A feature's figures in development and after."""

    column: str
    developed: Estimate
    """The AUC in development, bins ranked by its own bad rates."""
    later: Estimate
    """The AUC of the same ranking in the later period."""
    stability: Estimate
    """The population stability index of the bins, from development to later."""
    point_shift: float
    """Σ (actual - expected share)·points over the bins: how far this feature alone moved the mean score (Siddiqi's
    characteristic analysis)."""


def out_of_time(
    table: ClassTable,
    developed: Period,
    later: Period,
    points: Sequence[float] | None = None,
    bins: Bins | None = None,
    level: float = LEVEL,
    seed: int = SEED,
) -> OutOfTime:
    """Give a feature's figures out of time over ``bins``, unions of the table's (None: those of the table).

    ``points`` are the bins' (None: no shift of the score is asked for). Raises :class:`StatisticsError` if the
    periods share a class or one has no good or no bad row.
    """
    shared = sorted(set(developed.classes) & set(later.classes))
    if shared:
        raise StatisticsError(f"the class {shared[0]} is of both periods; out of time means of one")
    over = table.bins if bins is None else bins
    parts = groups(table.bins, over)
    before, after = (merge(split(table, period.good, period.bad), over, parts) for period in (developed, later))
    moved = merge(split(table, later.classes, developed.classes), over, parts)
    order = by_bad_rate(before)
    return OutOfTime(
        table.column,
        ranked_estimate(aucs, _in_order(before, order), level, seed),
        ranked_estimate(aucs, _in_order(after, order), level, seed),
        information_estimate(moved, level, seed),
        0.0 if points is None else _shift(before, after, points),
    )


def weights_drift(table: ClassTable, developed: Period, later: Period) -> list[float]:
    """Give each bin's WOE in the later period less its WOE in development."""
    before, after = (evidence(split(table, period.good, period.bad)).woe for period in (developed, later))
    return [float(each) for each in after - before]


def _in_order(outcomes: Outcomes, order: Sequence[int]) -> Outcomes:
    """Give the outcomes with their bins in that order: what it names is all that is released."""
    places = list(order)
    return Outcomes(
        outcomes.bins,
        outcomes.good[places],
        outcomes.bad[places],
        outcomes.released[places],
        outcomes.good_draws[places],
        outcomes.bad_draws[places],
        outcomes.scale,
    )


def _shift(before: Outcomes, after: Outcomes, points: Sequence[float]) -> float:
    known = before.released
    shares = []
    for each in (before, after):
        good, bad = each.counts
        shares.append((good + bad) / max(int(good.sum() + bad.sum()), 1))
    values = [point for point, is_known in zip(points, known.tolist(), strict=True) if is_known]
    return float((shares[1] - shares[0]) @ values)
