"""How long a job takes: what its kind is declared to cost, corrected by what was measured; and a run's own pace.

A run says by which factor the declared cost of its own size was wrong. It says much about jobs of that size and
little about others: after one company that took long, because another party's worker was missing, nothing is known
of six thousand. So the factor is a weighted median, in which a run counts the square root of the smaller size over
the larger, and the declaration itself (factor 1) counts as one run of the very size asked for.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import sqrt

RUNS = 15
"""How many of the last runs of a kind count: a median of these forgets an old machine and shrugs off one stall."""


@dataclass(frozen=True)
class Cost:
    """What a job of one kind is declared to cost: seconds at any size, above 0, and seconds for each unit."""

    fixed: float
    unit: float

    def seconds(self, size: int) -> float:
        """Give the seconds for so many units."""
        return self.fixed + self.unit * size


@dataclass(frozen=True)
class Run:
    """A measured run: its units and seconds."""

    size: int
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """Seconds that a job will run, and how many measured runs were heard; 0: the declared cost alone."""

    seconds: float
    runs: int


def estimate(declared: Cost, runs: Sequence[Run], size: int) -> Estimate:
    """Give the estimate for `size` units from the declared cost and the last runs, in any order."""
    factors = [(run.seconds / declared.seconds(run.size), _nearness(run.size, size)) for run in runs]
    return Estimate(_weighted_median([(1.0, 1.0), *factors]) * declared.seconds(size), len(runs))


def _nearness(one: int, other: int) -> float:
    smaller, larger = sorted((max(one, 1), max(other, 1)))
    return sqrt(smaller / larger)


def _weighted_median(weighted: Sequence[tuple[float, float]]) -> float:
    """Give the value at half of the weight; of two, the lower, so that no single stall makes an estimate long."""
    in_order = sorted(weighted)
    passed = list(accumulate(weight for _, weight in in_order))
    return in_order[bisect_left(passed, passed[-1] / 2)][0]


class Pace:
    """The seconds per unit observed in one step of one run, on the monotonic clock of the process that works."""

    def __init__(self) -> None:
        self._step: str | None = None
        self._done, self._at = 0, 0.0

    def observe(self, step: str, done: int, now: float) -> float | None:
        """Give the step's seconds per unit so far; None before two reports of it differ.

        A step counts from its first report: what a resumed job finds done already cost this run no time.
        """
        if step != self._step or done < self._done:
            self._step, self._done, self._at = step, done, now
        if done == self._done:
            return None
        return (now - self._at) / (done - self._done)
