"""How well a whole card separates, and how stable its total is, on scores that the bank holds with their outcomes.

The tables of single columns cannot tell this: how features overlap within a company is in none of them. So a
dossier's figures are computed once the bank has scored its own cohort with the registered card. Conventions are
those that reviewers recompute: ties count half, KS over distinct scores, the index over the deciles of the
expected scores.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np

from compute.statistics.discrimination import delong, exact_auc, exact_ks
from compute.statistics.released import StatisticsError

BANDS = 10
_PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class Performance:
    """Figures of scored rows with known outcomes."""

    rows: int
    bad: int
    auc: Fraction
    ks: Fraction
    auc_low: float
    """Of the interval for the population (DeLong et al. 1988)."""
    auc_high: float
    level: float

    def sample(self, first_day: str, last_day: str) -> dict[str, object]:
        """Give the dossier's sample of these rows; the days are those of their first and last observation."""
        return {
            "first_day": first_day,
            "last_day": last_day,
            "rows": self.rows,
            "bad": self.bad,
            "auc": _rounded(self.auc),
            "ks": _rounded(self.ks),
        }


def performance(scores: Sequence[Decimal], bad: Sequence[bool], level: float = 0.95) -> Performance:
    """Give the figures of rows with these scores, higher for the safer, and outcomes."""
    if len(scores) != len(bad):
        raise StatisticsError(f"{len(scores)} scores but {len(bad)} outcomes; give one for each")
    places = {score: place for place, score in enumerate(sorted(set(scores)))}
    codes = np.array([places[score] for score in scores], dtype=np.int64)
    outcome = np.array(bad, dtype=np.bool_)
    goods, bads = (np.bincount(codes[side], minlength=len(places)) for side in (~outcome, outcome))
    area, distance = exact_auc(goods, bads), exact_ks(goods, bads)
    low, high = delong(goods, bads, level)
    return Performance(len(scores), int(outcome.sum()), area, distance, low, high, level)


def score_stability(expected: Sequence[Decimal], actual: Sequence[Decimal]) -> float:
    """Give the population stability index from the expected scores to the actual, over the deciles of the former.

    Raises :class:`StatisticsError` if a band holds no actual score: another population altogether.
    """
    ordered = sorted(expected)
    edges = sorted({ordered[len(ordered) * band // BANDS] for band in range(1, BANDS)})
    shares = [_shares(edges, scores) for scores in (expected, actual)]
    pairs = [(e, a) for e, a in zip(*shares, strict=True) if e or a]
    if not all(e and a for e, a in pairs):
        raise StatisticsError(
            "a band of scores holds nobody now; the index is not finite: this is another population"
        )
    return math.fsum(float(a - e) * math.log(a / e) for e, a in pairs)


def index_figure(index: float) -> Decimal:
    """Give the index as a dossier writes it."""
    return Decimal(index).quantize(_PLACES, ROUND_HALF_UP)


def _shares(edges: Sequence[Decimal], scores: Sequence[Decimal]) -> list[Fraction]:
    values = np.searchsorted(np.array(edges, dtype=object), np.array(scores, dtype=object), side="right")
    return [Fraction(int(n), len(scores)) for n in np.bincount(values, minlength=len(edges) + 1)]


def _rounded(figure: Fraction) -> Decimal:
    return (Decimal(figure.numerator) / Decimal(figure.denominator)).quantize(_PLACES, ROUND_HALF_UP)
