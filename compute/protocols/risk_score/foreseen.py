"""What a reviewer will measure of a drafted card, foreseen from the tables that it was built from.

The reviewer measures on the providers' joint histograms, which the bank never sees. The bank has each column's
own table. With the columns taken to be independent of each other, the tables give a joint histogram, and on that
the reviewer's own measures are taken (:mod:`compute.protocols.risk_score.concentration`). Columns do depend on
each other, so what is measured is more than what is foreseen: on the example's loans up to a half more for gains,
a seventh for guesses, and four times for what is certain. So this chooses between scales, and promises nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.protocols.risk_score.assessment import Limits
from compute.protocols.risk_score.concentration import Concentration, KeptCells, concentration
from compute.protocols.risk_score.leakage import reachable_totals
from compute.protocols.risk_score.opened import OpenedFeature, OpenedTables
from compute.statistics.build import Built, BuiltFeature, at_scale
from compute.statistics.draft import DraftFeature
from compute.statistics.points import Scale
from compute.statistics.released import StatisticsError

MIN_COHORT = 10
"""k of the providers, below which a combination is not counted; the bank may know of a greater one."""
LIMITS = Limits()
COARSEST = 4
"""How many times coarser than asked a scale may be made: beyond, rounding costs more than it hides."""

GUARD = 2
"""How many times what is certain counts where scales are compared, for there the foreseen falls shortest.

Of 60 simulated draws of noise over the example's statistics at ε = 3, a reviewer would have refused one card
without it and none with it; few draws, so it makes a refusal rarer and rules none out.
"""


@dataclass(frozen=True)
class Foreseen:
    """What is expected of a draft."""

    totals: int
    """Reachable over the products' features."""
    concentration: Concentration | None
    """None where no combination of a product's bins is large enough, or a product's points are all alike."""
    limits: Limits

    @property
    def is_within_bits(self) -> bool:
        """Give whether the totals are no more than the limits' bits allow."""
        return self.totals <= int(2**self.limits.max_bits)

    @property
    def exposure(self) -> float:
        """Give the greatest of the measures as a share of its limit; above 1 a reviewer is expected to refuse."""
        return self._greatest(1)

    @property
    def guarded(self) -> float:
        """Give the same with what is certain counted :data:`GUARD` times, by which scales are compared."""
        return self._greatest(GUARD)

    def _greatest(self, guard: int) -> float:
        if not self.is_within_bits or self.concentration is None:
            return float("inf")
        limits, found = self.limits, self.concentration
        shares = [found.left_out / limits.max_certain]
        for each in found.measures:
            shares.append(guard * each.certain / limits.max_certain)
            is_partial = each.column is None
            shares.append(each.guess / limits.max_guess if is_partial else each.gain / limits.max_gain)
        return max(shares)


def foresee(built: Built, limits: Limits = LIMITS, min_cohort: int = MIN_COHORT) -> Foreseen:
    """Give what a reviewer with these limits is expected to measure of the draft."""
    features = sorted(
        ((each.source, each, built.features[each.name]) for each in built.draft.features if each.source),
        key=lambda one: (one[0], one[1].bins.column),
    )
    tables, kept = [], []
    for product, group in groupby(features, key=lambda one: one[0]):
        parts = [(drafted, found) for _, drafted, found in group]
        tables.append(_opened(product, [drafted for drafted, _ in parts]))
        kept.append(_independent([found for _, found in parts], min_cohort))
    points = [feature.points for table in tables for feature in table.features]
    totals = reachable_totals(points, int(2**limits.max_bits))
    alike = any(reachable_totals([each.points for each in table.features], 1) == 1 for table in tables)
    measurable = totals <= int(2**limits.max_bits) and not alike and all(cells.counts for cells in kept)
    return Foreseen(totals, concentration(tables, kept) if measurable else None, limits)


def fitted(built: Built, scale: Scale, limits: Limits, min_cohort: int = MIN_COHORT) -> tuple[Built, Foreseen]:
    """Give the card on the scale that settles least, from the one asked for to one four times coarser.

    Coarser points make totals coincide, so that they tell less; too coarse ones leave a department's points all
    alike but a few. Of scales that settle the same the finest is taken. If none of those keeps within the limits'
    bits, it is the finest that does. Raises :class:`StatisticsError` where none does at all.
    """
    asked = scale.points_to_double_odds
    best: tuple[Built, Foreseen] | None = None
    for points in range(asked, 0, -1):
        if best is not None and points * COARSEST < asked:
            break
        made = at_scale(built, replace(scale, points_to_double_odds=points))
        found = foresee(made, limits, min_cohort)
        if found.is_within_bits and (best is None or found.guarded < best[1].guarded):
            best = made, found
    if best is None:
        raise StatisticsError(
            f"on every scale from {asked} points down to 1 the totals tell more than {limits.max_bits:g} bits; "
            "choose fewer features or fewer bins"
        )
    return best


def _opened(product: str, features: Sequence[DraftFeature]) -> OpenedTables:
    """The draft's features as a reviewer would open them; the measures ask for no version."""
    return OpenedTables(
        provider=product,
        product=product,
        product_version="0.0.0",
        features=tuple(
            OpenedFeature(bins=each.bins, points=tuple(int(points) for points in each.points)) for each in features
        ),
    )


def _independent(features: Sequence[BuiltFeature], min_cohort: int) -> KeptCells:
    """Give the joint histogram of columns taken to be independent, combinations of few left out."""
    cells: NDArray[np.uint8] = np.zeros((1, 0), dtype=np.uint8)
    mass: NDArray[Any] = np.ones(1)
    rows = 0
    for feature in features:
        counts = np.where(
            feature.outcomes.released,
            np.maximum(feature.outcomes.good, 0) + np.maximum(feature.outcomes.bad, 0),
            0,
        )
        rows = rows or int(counts.sum())
        codes = np.arange(len(counts), dtype=np.uint8)
        cells = np.hstack([np.repeat(cells, len(codes), axis=0), np.tile(codes, len(mass))[:, np.newaxis]])
        mass = np.multiply.outer(mass, counts / max(int(counts.sum()), 1)).ravel()
        # What is small now only gets smaller, so at most rows / k combinations are ever held.
        large = mass * rows >= min_cohort
        cells, mass = cells[large], mass[large]
    left_out = round(rows * (1 - float(mass.sum())))
    return KeptCells(cells, np.rint(mass * rows).astype(np.int64).tolist(), max(left_out, 0))
