"""What is told of each bin: rows, share, bad rate and weight of evidence, with intervals for the noise.

Intervals of counts are exact; a share lies between those that the bin's rows and the other bins' leave, a weight
of evidence between those that the bin's bad rate and the table's good and bad rows leave. Each such pair holds
together with the level stated (Bonferroni).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compute.statistics.bad_rate import BadRates, bad_rates
from compute.statistics.discrete_laplace import quantile
from compute.statistics.intervals import LEVEL, SEED
from compute.statistics.outcomes import Outcomes
from compute.statistics.woe import ADJUSTMENT, Evidence, evidence

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Range:
    """A figure of each bin with its interval, (bins,) each; NaN for a withheld bin."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class BinMeasures:
    """Figures of a table's bins."""

    good: Range
    bad: Range
    rows: Range
    share: Range
    """Of the rows in all bins that were not withheld."""
    own_rate: BadRates
    """Bad rates, with the interval of the cohort's own rows: for the noise alone."""
    population_rate: BadRates
    """Bad rates, with the interval of the population that the cohort is a sample of: for noise and chance."""
    woe: Range
    evidence: Evidence


def bin_measures(outcomes: Outcomes, level: float = LEVEL, seed: int = SEED) -> BinMeasures:
    """Give the figures of each bin; values are of the counts as released, negative ones read as 0."""
    rows = _summed(outcomes)
    own = bad_rates(outcomes, level, sampling=False, seed=seed)
    found = evidence(outcomes)
    return BinMeasures(
        good=_counted(outcomes, outcomes.good, outcomes.good_draws, level),
        bad=_counted(outcomes, outcomes.bad, outcomes.bad_draws, level),
        rows=_counted(outcomes, *rows, level),
        share=_shares(outcomes, *rows, level),
        own_rate=own,
        population_rate=bad_rates(outcomes, level, sampling=True, seed=seed),
        woe=_weights(outcomes, found, level, seed),
        evidence=found,
    )


def _summed(outcomes: Outcomes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return outcomes.good + outcomes.bad, outcomes.good_draws + outcomes.bad_draws


def _counted(outcomes: Outcomes, counts: NDArray[np.int64], draws: NDArray[np.int64], level: float) -> Range:
    value, low, high = np.full((3, outcomes.bins.size), np.nan)
    for code in np.flatnonzero(outcomes.released).tolist():
        count, reach = int(counts[code]), quantile(outcomes.scale, int(draws[code]), level)
        value[code], low[code], high[code] = max(count, 0), max(count - reach, 0), max(count + reach, 0)
    return Range(value, low, high)


def _shares(outcomes: Outcomes, rows: NDArray[np.int64], draws: NDArray[np.int64], level: float) -> Range:
    value, low, high = np.full((3, outcomes.bins.size), np.nan)
    known = outcomes.released
    total = int(np.maximum(rows[known], 0).sum())
    inner = (1 + level) / 2
    for code in np.flatnonzero(known).tolist():
        count = int(rows[code])
        others, held = int(rows[known].sum()) - count, int(draws[known].sum()) - int(draws[code])
        reach, apart = (quantile(outcomes.scale, each, inner) for each in (int(draws[code]), held))
        value[code] = max(count, 0) / total
        low[code] = _part(max(count - reach, 0), max(others + apart, 0))
        high[code] = _part(max(count + reach, 0), max(others - apart, 0))
    return Range(value, low, high)


def _part(count: int, others: int) -> float:
    return count / (count + others) if count + others else 0.0


def _weights(outcomes: Outcomes, found: Evidence, level: float, seed: int) -> Range:
    value = np.where(outcomes.released, found.woe, np.nan)
    if not outcomes.noisy:
        return Range(value, value, value)
    known = outcomes.released
    # Half of the level's error is for the bin's rate, a quarter each for all good and for all bad rows.
    rates = bad_rates(outcomes, (1 + level) / 2, sampling=False, seed=seed)
    ends = []
    for counts, draws in ((outcomes.good, outcomes.good_draws), (outcomes.bad, outcomes.bad_draws)):
        total, reach = int(counts[known].sum()), quantile(outcomes.scale, int(draws[known].sum()), (3 + level) / 4)
        ends.append((max(total - reach, ADJUSTMENT), max(total + reach, ADJUSTMENT)))
    (goods_low, goods_high), (bads_low, bads_high) = ends
    reaches = np.array([quantile(outcomes.scale, int(d), level) for d in outcomes.good_draws + outcomes.bad_draws])
    most = np.maximum(outcomes.good + outcomes.bad + reaches, 1)
    low = np.log(_odds(1 - rates.high, most) * bads_low / goods_high)
    high = np.log(_odds(1 - rates.low, most) * bads_high / goods_low)
    return Range(
        value, np.where(known, np.minimum(low, value), np.nan), np.where(known, np.maximum(high, value), np.nan)
    )


def _odds(good_rate: Floats, rows: NDArray[np.int64]) -> Floats:
    """Good to bad for a bin with that share of good; where one side is none, adjusted as evidence is."""
    good, bad = good_rate * rows, (1 - good_rate) * rows
    return np.asarray(np.maximum(good, ADJUSTMENT) / np.maximum(bad, ADJUSTMENT))
