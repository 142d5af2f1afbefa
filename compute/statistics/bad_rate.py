"""Bad rates by bin, with intervals that hold the noise and, where wanted, the sample's chance.

Of a bin with b bad and g good rows the released counts satisfy (1-p)·b̃ - p·ĝ = (b - p·n) + (1-p)·Z₁ - p·Z₂.
With p the rows' own rate the first term is 0 and the rest is noise alone, whatever the counts: Fieller's pivot
(J. R. Statist. Soc. B 16, 1954), so the interval covers as often as it says. With p the rate of the population
that the rows are a sample of, the first term's variance is n·p·(1-p) as in Wilson's score interval (1927), with
n as released.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compute.statistics.discrete_laplace import simulate
from compute.statistics.intervals import DRAWS, LEVEL, SEED
from compute.statistics.outcomes import Outcomes

_DRAWS = 4 * DRAWS
"""Of the noise; a quantile in the tail wants more than a bisection does."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BadRates:
    """Bad rates of a table's bins, (bins,) each; NaN for a withheld bin and one without rows."""

    rate: Floats
    low: Floats
    high: Floats
    level: float


def bad_rates(
    outcomes: Outcomes, level: float = LEVEL, *, sampling: bool = True, seed: int = SEED, draws: int = _DRAWS
) -> BadRates:
    """Give the bad rate of each bin with an interval.

    ``sampling`` True: for the rate of the population that the cohort is a sample of. False: for the rate of the
    cohort's own rows, which is exact where the counts are.
    """
    size = outcomes.bins.size
    rates = BadRates(np.full(size, np.nan), np.full(size, np.nan), np.full(size, np.nan), level)
    generator = np.random.default_rng(seed)
    for code in np.flatnonzero(outcomes.released).tolist():
        good, bad = int(outcomes.good[code]), int(outcomes.bad[code])
        rows = max(good, 0) + max(bad, 0)
        if rows:
            rates.rate[code] = max(bad, 0) / rows
        held = np.array([outcomes.bad_draws[code], outcomes.good_draws[code]])
        noise = simulate(generator, outcomes.scale, held, draws)
        chance = generator.standard_normal(draws) * np.sqrt(rows) if sampling else np.zeros(draws)
        rates.low[code], rates.high[code] = _interval(good, bad, noise, chance, level)
    return rates


def _interval(good: int, bad: int, noise: NDArray[np.int64], chance: Floats, level: float) -> tuple[float, float]:
    """Give the least and the greatest rate whose pivot is within its quantile; 0 and 1 if none is."""
    if not noise.any() and not chance.any():
        rate = bad / (good + bad) if good + bad else np.nan
        return rate, rate

    def holds(rates: Floats) -> NDArray[np.bool_]:
        column = rates[:, np.newaxis]
        spread = np.sqrt(column * (1 - column)) * chance
        error = np.abs((1 - column) * noise[:, 0] - column * noise[:, 1] + spread)
        reach = np.quantile(error, level, axis=1, method="higher")
        return np.asarray(np.abs((1 - rates) * bad - rates * good) <= reach + 1e-9)

    coarse = np.linspace(0, 1, 41)
    seen = np.clip(bad / max(good + bad, 1), 0, 1)
    coarse = np.union1d(coarse, seen)
    inside = np.flatnonzero(holds(coarse))
    if not len(inside):
        return 0.0, 1.0
    low, high = float(coarse[inside[0]]), float(coarse[inside[-1]])
    step = (coarse[max(inside[0] - 1, 0)], coarse[min(inside[-1] + 1, len(coarse) - 1)])
    return _edge(holds, float(step[0]), low), _edge(holds, float(step[1]), high)


def _edge(holds: Callable[[Floats], NDArray[np.bool_]], outside: float, inside: float) -> float:
    for _ in range(12):
        middle = (outside + inside) / 2
        if holds(np.array([middle]))[0]:
            inside = middle
        else:
            outside = middle
    return outside
