"""Weight of evidence and information value.

For a bin with shares g of the good rows and b of the bad, WOE = ln(g / b), so that more is safer, and the bin's
part of the information value is (g - b)·WOE (Siddiqi, Credit Risk Scorecards, 2006, ch. 6; Kullback's
J-divergence). Positive WOE is good, as in Siddiqi and optbinning; toad's has the other sign.

Zero cells: where a bin has no good or no bad row, :data:`ADJUSTMENT` is added to both of its counts (Haldane
1956 and Anscombe 1956 for log odds; the "WOE adjustment" of SAS Enterprise Miner). optbinning leaves such bins
out (WOE and part 0), toad counts the zero as 1. A bin with neither, an empty one, has WOE 0 and no part. Shares
are of the counts as they were, so full bins are not touched by an empty one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.statistics.outcomes import Outcomes

ADJUSTMENT = 0.5
"""Rows added to both counts of a bin that lacks good or bad ones."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """The weights of evidence of a table's bins, (bins,) each; a withheld bin has 0 in all."""

    woe: Floats
    parts: Floats
    """Of the information value."""
    adjusted: tuple[int, ...]
    """Codes of the bins that got the adjustment."""

    @property
    def information_value(self) -> float:
        """Give the sum of the parts."""
        return float(self.parts.sum())


def evidence(outcomes: Outcomes) -> Evidence:
    """Give weights of evidence and parts of the information value of each bin; negative counts are read as 0."""
    good, bad = outcomes.counts
    weights, parts = weigh(good, bad)
    woe, part = np.zeros(len(outcomes.released)), np.zeros(len(outcomes.released))
    woe[outcomes.released], part[outcomes.released] = weights, parts
    lacking = ((good == 0) | (bad == 0)) & ((good > 0) | (bad > 0))
    return Evidence(woe, part, tuple(np.flatnonzero(outcomes.released)[lacking].tolist()))


def weigh(good: NDArray[Any], bad: NDArray[Any]) -> tuple[Floats, Floats]:
    """Give WOE and parts of the information value for counts of at least 0, (…, bins) like the two arrays."""
    rows = (good > 0) | (bad > 0)
    lacking = rows & ((good == 0) | (bad == 0))
    extra = np.where(lacking, ADJUSTMENT, 0.0)
    # An empty bin's shares are set alike, so that its logarithm is that of 1.
    goods = np.where(rows, (good + extra) / np.maximum(good.sum(axis=-1, keepdims=True), 1), 1.0)
    bads = np.where(rows, (bad + extra) / np.maximum(bad.sum(axis=-1, keepdims=True), 1), 1.0)
    woe = np.log(goods / bads)
    return woe, (goods - bads) * woe


def information_values(good: NDArray[Any], bad: NDArray[Any]) -> Floats:
    """Give the information value of each table, (…,) for arrays (…, bins) of counts of at least 0."""
    return np.asarray(weigh(good, bad)[1].sum(axis=-1))
