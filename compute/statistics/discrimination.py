"""How well bins separate good from bad: AUC, Gini and KS, exact from counts.

Bins are ranked by a score (the riskiest first) or, for a column of its own, by their bad rate, as a scorecard
with WOE points ranks them. AUC is the chance that a good row ranks above a bad one, ties counted half (Hanley
and McNeil 1982); Gini = 2·AUC - 1; KS is the largest distance between the two cumulative distributions.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.statistics.outcomes import Outcomes
from compute.statistics.released import StatisticsError
from compute.statistics.woe import Floats

Ints = NDArray[np.int64]


def auc(outcomes: Outcomes, order: Sequence[int] | None = None) -> Fraction:
    """Give the AUC; ``order`` names every released bin, the riskiest first (None: by bad rate)."""
    good, bad = _ordered(outcomes, order)
    return exact_auc(good, bad)


def gini(outcomes: Outcomes, order: Sequence[int] | None = None) -> Fraction:
    """Give 2·AUC - 1."""
    return 2 * auc(outcomes, order) - 1


def ks(outcomes: Outcomes, order: Sequence[int] | None = None) -> Fraction:
    """Give the largest distance between the distributions of good and bad; ``order`` as in :func:`auc`."""
    good, bad = _ordered(outcomes, order)
    return exact_ks(good, bad)


def exact_auc(good: Ints, bad: Ints) -> Fraction:
    """Give the AUC of counts (bins,) in order, the riskiest first."""
    halves = 2 * (np.cumsum(bad) - bad) + bad
    return Fraction(sum(g * h for g, h in zip(good.tolist(), halves.tolist(), strict=True)), _pairs(good, bad) * 2)


def exact_ks(good: Ints, bad: Ints) -> Fraction:
    """Give the KS of counts (bins,) in order."""
    goods, bads = int(good.sum()), int(bad.sum())
    distances = (
        abs(b * goods - g * bads) for g, b in zip(np.cumsum(good).tolist(), np.cumsum(bad).tolist(), strict=True)
    )
    return Fraction(max(distances), _pairs(good, bad))


def aucs(good: NDArray[Any], bad: NDArray[Any]) -> Floats:
    """Give the AUC of each table, bins as they stand, (…,) for arrays (…, bins) of counts of at least 0."""
    below = np.cumsum(bad, axis=-1) - bad / 2
    pairs = good.sum(axis=-1) * bad.sum(axis=-1)
    return np.asarray((good * below).sum(axis=-1) / np.maximum(pairs, 1))


def ranked_aucs(good: NDArray[Any], bad: NDArray[Any]) -> Floats:
    """Give the AUC of each table with its bins ranked by its own bad rates, so at least ½."""
    ranks = np.argsort(-bad / np.maximum(good + bad, 1), axis=-1, kind="stable")
    return aucs(np.take_along_axis(good, ranks, axis=-1), np.take_along_axis(bad, ranks, axis=-1))


def ranked_kss(good: NDArray[Any], bad: NDArray[Any]) -> Floats:
    """Give the KS of each table with its bins ranked by bad rate: half the sum of |g - b| over the shares."""
    goods = good / np.maximum(good.sum(axis=-1, keepdims=True), 1)
    bads = bad / np.maximum(bad.sum(axis=-1, keepdims=True), 1)
    return np.asarray(np.abs(goods - bads).sum(axis=-1) / 2)


def delong(good: Ints, bad: Ints, level: float) -> tuple[float, float]:
    """Give the interval of an AUC for the population that the rows are a sample of.

    Counts (scores,) are exact, the riskiest first. DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988),
    whose variance is that of the placements of good among bad and of bad among good.
    """
    goods, bads = int(good.sum()), int(bad.sum())
    if min(goods, bads) < 2:  # noqa: PLR2004 -- a variance needs two
        raise StatisticsError(f"{goods} good and {bads} bad rows give no variance; take at least two of each")
    of_good = (np.cumsum(bad) - bad / 2) / bads
    of_bad = 1 - (np.cumsum(good) - good / 2) / goods
    area = float(good @ of_good) / goods
    spread = sum(
        float(counts @ (placements - area) ** 2) / (rows - 1) / rows
        for counts, placements, rows in ((good, of_good, goods), (bad, of_bad, bads))
    )
    reach = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(spread)
    return max(area - reach, 0.0), min(area + reach, 1.0)


def by_bad_rate(outcomes: Outcomes) -> list[int]:
    """Give the codes of the released bins, the riskiest first; equal rates keep their order."""
    good, bad = outcomes.counts
    codes = np.flatnonzero(outcomes.released).tolist()
    rate = {
        code: Fraction(b, g + b) if g + b else Fraction(0)
        for code, g, b in zip(codes, good.tolist(), bad.tolist(), strict=True)
    }
    return sorted(codes, key=lambda code: -rate[code])


def _ordered(outcomes: Outcomes, order: Sequence[int] | None) -> tuple[Ints, Ints]:
    codes = by_bad_rate(outcomes) if order is None else list(order)
    if sorted(codes) != np.flatnonzero(outcomes.released).tolist():
        raise StatisticsError(f"{outcomes.bins.column}: the order must name every released bin once")
    return np.maximum(outcomes.good[codes], 0), np.maximum(outcomes.bad[codes], 0)


def _pairs(good: Ints, bad: Ints) -> int:
    pairs = int(good.sum()) * int(bad.sum())
    if not pairs:
        raise StatisticsError("there is no good or no bad row, so nothing to separate; take another cohort")
    return pairs
