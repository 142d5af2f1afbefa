"""How long a job takes: the measured cost of a unit times the size, and the pace of the run that goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

RUNS = 15
"""How many of the last runs of a kind count: a median of these forgets an old machine and shrugs off one stall."""


@dataclass(frozen=True)
class Estimate:
    """Seconds that a job will run, and how many measured runs say so; 0 runs: the declared prior alone."""

    seconds: float
    runs: int


def estimate(prior: float, costs: Sequence[float], size: int) -> Estimate:
    """Give the estimate for `size` units, from the seconds per unit of the last runs or else from the prior."""
    return Estimate(seconds=(median(costs) if costs else prior) * size, runs=len(costs))


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
