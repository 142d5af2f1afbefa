"""The one form of all models that tell the same, and the name that follows from it.

A model gives a subject the total T(x) = Σ_f p_f(x_f). Its form is made from it by steps that each keep what T
tells:

1. Bins of a feature that share their points are one: every value keeps its points, so T is the same function.
2. From each feature its least points are taken away, and one that is the same everywhere is left out: T changes by
   a constant.
3. All points are divided by their greatest common divisor: T is divided by a positive constant.
4. Of the points and the points turned over (each feature's greatest minus each), the lesser ones stand: T may
   change its sign, and by a constant.
5. Features stand in the order of provider, product and column; names, versions and keys are left out.
6. Of a banded model the cuts follow, each as the least number of divided points, counted from the least total,
   that lies above it; of the points turned over, those of the other side.

*Equal forms tell the same.* By 1–5 there is for each model a function G, given by its form alone, with T = a·G + b
for constants a ≠ 0 and b. Two models of one form have totals T = a·G + b and T' = a'·G + b', so T' = (a'/a)(T − b)
+ b': either follows from the other, for every subject, whatever its values. The ledger charges a subject for a
name once: a second score under it tells a bank that holds the first one nothing new (PROTOCOLS.md §3).

A banded model tells where G lies among the cuts of its form, so equal forms tell the same there too.

*Different forms are charged apart.* If T' = a·T + b for all values, varying one column at a time shows p'_f =
a·p_f + b_f, and then steps 1–5 give one form. So no such disguise is missed. Totals that are functions of each
other in another way (the points 0, 1, 10 of a single feature and its points 0, 1, 11) have two forms: that costs
the bank more, and tells no more.
"""

import hmac
import json
import math
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

from compute.binning import NumberBins
from compute.protocols.risk_score.bands import thresholds
from compute.protocols.risk_score.opened import OpenedFeature, OpenedModel


def points_id(model: OpenedModel, secret: bytes) -> str:
    """Give the HMAC-SHA256 of the bank and the model's form, in hexadecimal: a name that does not show the model.

    The bank is part of it, or a rival could find a model by submitting guesses and comparing names. The secret is
    the reviewer's, or a provider could.
    """
    content = json.dumps([model.bank, canonical_form(model)])
    return hmac.digest(secret, content.encode(), "sha256").hex()


def canonical_form(model: OpenedModel) -> list[object]:
    """Give the form, as lists of texts and integers that JSON writes in one way."""
    merged = {
        (part.provider, part.product, feature.bins.column): _Pieces.of(feature)  # 1
        for part in model.tables
        for feature in part.features
    }
    in_order = sorted(merged.items())  # 5
    varying = {place: pieces.shifted() for place, pieces in in_order if len(set(pieces.points)) > 1}  # 2
    divisor = math.gcd(*(points for pieces in varying.values() for points in pieces.points))
    divided = {place: pieces.divided(divisor) for place, pieces in varying.items()}  # 3
    turned = {place: pieces.turned_over() for place, pieces in divided.items()}
    if model.cuts is None:
        return min(_written(divided), _written(turned))  # 4
    above, most = thresholds(model.points, model.cuts)  # 6
    # With G' = most − G, G ≥ c is the same as not G' ≥ most + 1 − c.
    below = [most + 1 - each for each in reversed(above)]
    return min(["bands", _written(divided), above], ["bands", _written(turned), below])  # 4


def _written(features: "dict[tuple[str, str, str], _Pieces]") -> list[object]:
    return [[list(place), pieces.where, list(pieces.points)] for place, pieces in features.items()]


@dataclass(frozen=True)
class _Pieces:
    """A feature as a function of its column: where its points change, and the points, of missing values last."""

    where: list[object]
    points: tuple[int, ...]

    @classmethod
    def of(cls, feature: OpenedFeature) -> Self:
        """Merge the bins that share their points, as far as they can be one bin."""
        bins, (*points, last) = feature.bins, feature.points
        if isinstance(bins, NumberBins):
            cuts = zip(bins.edges, pairwise(points), strict=True)
            steps = [(edge, after) for edge, (before, after) in cuts if before != after]
            return cls(["edges", *(edge for edge, _ in steps)], (points[0], *(after for _, after in steps), last))
        values: dict[int, list[str]] = defaultdict(list)
        for group, each in zip(bins.groups, points, strict=True):
            values[each].extend(group)
        values.pop(last, None)  # they are with the others
        groups = sorted((sorted(group), each) for each, group in values.items())
        return cls(["values", bins.prefix, *(group for group, _ in groups)], (*(each for _, each in groups), last))

    def shifted(self) -> Self:
        """Give the pieces whose least points are 0."""
        return replace(self, points=tuple(each - min(self.points) for each in self.points))

    def divided(self, divisor: int) -> Self:
        """Give the pieces with all points divided."""
        return replace(self, points=tuple(each // divisor for each in self.points))

    def turned_over(self) -> Self:
        """Give the pieces of the least points where the greatest were."""
        return replace(self, points=tuple(max(self.points) - each for each in self.points))
