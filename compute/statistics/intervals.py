"""Intervals of statistics of noisy tables, for the statistic that the same rows have without noise.

A count's interval is exact: released count ± the quantile of the noise it holds.

Others are nonlinear in the counts, and noise moves them: it adds to an information value on average. Their
intervals are those of a test inverted over simulated noise (Carpenter, "Test inversion bootstrap confidence
intervals", J. R. Statist. Soc. B 61, 1999; the one-parameter family of tables is Efron's "least favourable"
one): tables run from no difference between good and bad through the released table to larger differences, log
odds multiplied by λ. The interval holds the statistic of every such table that would give a released statistic
as low, or as high, as the one seen with a chance of at least 0.3·(1-level): 0.5 would do if the true table were
in the family, the rest is for its being only near. The corrected value is that of the
table whose median is the one seen. For a statistic with a fixed ranking the tables run through the released one
to both sides, log odds plus λ·rank.

What is compared is the statistic of steadied counts: each gets a few scales of the noise more, good and bad in
the cohort's own proportion, so that bins of a few rows, which noise alone can fill, do not drown the others.
Little steadying keeps what small bins tell, more keeps their noise out: both of :data:`STEADYING` are tried,
and the interval holds both. It is of the plain statistic nevertheless. An information value has parts that no
noisy table resolves: a bin's whose good or bad count may be 0. Its interval allows for the largest part that
the counts' own intervals permit.

Draws come from NumPy's PCG64 under a seed that is part of the answer, so anybody finds the same interval.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.statistics.discrete_laplace import quantile, simulate
from compute.statistics.outcomes import Outcomes
from compute.statistics.woe import ADJUSTMENT, information_values, weigh

LEVEL = 0.95
SEED = 20_250_701
DRAWS = 1000
STEADYING = (1, 8)
_OUTER = 0.3
_STEPS = 14
_WIDEST = 8.0
_FINE = 1024
"""Parts of a row in which the family's tables are counted; every measure is one of shares."""

Measure = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float64]]
"""From good and bad, (…, bins) of at least 0, to a statistic of each table, (…,)."""
_Counts = NDArray[Any]
_Family = Callable[[float, float], NDArray[np.float64]]


@dataclass(frozen=True)
class Estimate:
    """A statistic of noisy counts."""

    value: float
    """Of the counts as released."""
    corrected: float
    """Without the noise's bias, in the median."""
    low: float
    high: float
    level: float
    """The chance, over the noise, that low ≤ the statistic without noise ≤ high."""


def count_interval(count: int, scale: float, draws: int = 1, level: float = LEVEL) -> tuple[int, int]:
    """Give the interval of a count that holds so many draws of noise of that scale; never below 0."""
    reach = quantile(scale, draws, level)
    return max(count - reach, 0), max(count + reach, 0)


def information_estimate(
    outcomes: Outcomes, level: float = LEVEL, seed: int = SEED, draws: int = DRAWS
) -> Estimate:
    """Give the estimate of the information value, or of the population stability index: one formula."""
    found = difference_estimate(information_values, outcomes, level, seed, draws)
    return replace(found, high=found.high + _unresolved(outcomes, level)) if outcomes.noisy else found


def difference_estimate(
    measure: Measure, outcomes: Outcomes, level: float = LEVEL, seed: int = SEED, draws: int = DRAWS
) -> Estimate:
    """Give the estimate of a measure that is least where good and bad are alike: KS, a ranked AUC.

    Exact counts give their own statistic with an interval of no width.
    """
    good, bad = outcomes.counts
    rows, goods, bads = good + bad, good.sum(), bad.sum()

    def family(strength: float, scales: float) -> NDArray[np.float64]:
        woe = weigh(*_steady(good, bad, outcomes, scales))[0]
        odds = np.exp(np.clip(strength * woe, -30, 30)) * (goods / max(bads, 1))
        return np.stack([rows * odds / (1 + odds), rows / (1 + odds)])

    return _invert(measure, outcomes, family, (0.0, _WIDEST), (level, seed, draws))


def ranked_estimate(
    measure: Measure, outcomes: Outcomes, level: float = LEVEL, seed: int = SEED, draws: int = DRAWS
) -> Estimate:
    """Give the estimate of a measure that grows as bins, in their order, go from bad to good: a ranking's AUC."""
    good, bad = outcomes.counts
    rows = good + bad
    ranks = np.linspace(-1.0, 1.0, len(rows))
    odds = (good + 0.5) / (bad + 0.5)

    def family(strength: float, scales: float) -> NDArray[np.float64]:  # noqa: ARG001 -- nothing is steadied
        tilted = odds * np.exp(strength * ranks)
        return np.stack([rows * tilted / (1 + tilted), rows / (1 + tilted)])

    return _invert(measure, outcomes, family, (-_WIDEST, _WIDEST), (level, seed, draws))


def _steady(good: _Counts, bad: _Counts, outcomes: Outcomes, scales: float) -> tuple[_Counts, _Counts]:
    """Give the counts (…, bins) with the steadying ones added, in proportion to the table's own good and bad."""
    extra = scales * outcomes.scale * np.sqrt(outcomes.draws.mean(axis=0))
    goods, bads = good.sum(axis=-1, keepdims=True), bad.sum(axis=-1, keepdims=True)
    rows = np.maximum(goods + bads, 1)
    return good + extra * (goods / rows), bad + extra * (bads / rows)


def _unresolved(outcomes: Outcomes, level: float) -> float:
    """Give what bins whose good or bad count may be 0 can add to what is seen, as independent errors."""
    good, bad = outcomes.counts
    reach = np.array([[quantile(outcomes.scale, int(d), level) for d in side] for side in outcomes.draws])
    open_ = (good <= reach[0]) | (bad <= reach[1])
    goods, bads = max(int(good.sum()), 1), max(int(bad.sum()), 1)

    def part(g: _Counts, b: _Counts) -> _Counts:
        shares = (np.maximum(g, ADJUSTMENT) / goods, np.maximum(b, ADJUSTMENT) / bads)
        return np.asarray((shares[0] - shares[1]) * np.log(shares[0] / shares[1]))

    steadied = part(*_steady(good, bad, outcomes, STEADYING[0]))
    far = reach / np.sqrt(2)
    corners = [part(good + far[0], bad - far[1]), part(good - far[0], bad + far[1])]
    beyond = np.maximum(np.maximum(*corners) - steadied, 0)
    return float(np.sqrt((beyond[open_] ** 2).sum()))


def _invert(
    measure: Measure,
    outcomes: Outcomes,
    family: _Family,
    span: tuple[float, float],
    settings: tuple[float, int, int],
) -> Estimate:
    """Give the estimate, by bisection for the strength of each tail; the draws are the same throughout."""
    level, seed, draws = settings
    good, bad = outcomes.counts
    seen = float(measure(good, bad))
    if not outcomes.noisy:
        return Estimate(seen, seen, seen, seen, level)
    noise = simulate(np.random.default_rng(seed), outcomes.scale, outcomes.draws, draws)

    def value(chance: float, scales: float) -> float:
        """The statistic of the table with that chance of one up to the one seen, half of those equal."""
        pivot = float(measure(*_steady(good, bad, outcomes, scales)))

        def tail(strength: float) -> float:
            tables = np.maximum(np.rint(family(strength, scales)).astype(np.int64) + noise, 0)
            drawn = measure(*_steady(tables[:, 0], tables[:, 1], outcomes, scales))
            return float((drawn < pivot).mean() + (drawn == pivot).mean() / 2)

        table = family(_bisect(tail, chance, span), scales)
        return float(measure(*(_FINE * table).astype(np.int64)))

    outer = _OUTER * (1 - level)
    lows, middles, highs = ([value(chance, each) for each in STEADYING] for chance in (1 - outer, 0.5, outer))
    return Estimate(seen, sum(middles) / len(middles), min(lows), max(highs), level)


def _bisect(tail: Callable[[float], float], chance: float, span: tuple[float, float]) -> float:
    """Give where the falling ``tail`` comes down to ``chance``; an end of the span if it never does."""
    low, high = span
    if tail(low) <= chance:
        return low
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > chance else (low, middle)
    return high
