"""How a model differs from an earlier version of it, also when nobody has the earlier one's points any more.

Of a decided model the reviewer keeps its bins, which providers have in clear, and of each feature's points an HMAC
under its own secret: equal points are recognised, and without the secret no guess at them can be tested.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from compute.binning import Bins
from compute.canonical import Hex32, Message, Name, Version, encode
from compute.protocols.risk_score.opened import OpenedFeature, OpenedModel, OpenedTables

Points = tuple[int, ...]
Place = tuple[str, str, str]
"""Provider, product, column."""


class Change(StrEnum):
    """What became of a feature: with other bins its points are others too."""

    ADDED = "added"
    REMOVED = "removed"
    BINS = "bins"
    POINTS = "points"


class FeatureMark(Message, frozen=True):
    """What is kept of a feature: its bins, and what recognises its points."""

    provider: Name
    product: Name
    product_version: Version
    bins: Bins
    points: Hex32
    """HMAC-SHA256 of bank, place, bins and points."""

    @property
    def place(self) -> Place:
        """What tells the feature from the model's others."""
        return self.provider, self.product, self.bins.column


class FeatureDifference(Message, frozen=True):
    """A feature that is not as it was; points where both versions' are open still."""

    hidden = frozenset({"earlier_points", "points"})

    provider: Name
    product: Name
    column: Name
    change: Change
    earlier_bins: Bins | None
    bins: Bins | None
    earlier_points: Points | None
    points: Points | None


def marks(model: OpenedModel, secret: bytes) -> tuple[FeatureMark, ...]:
    """Give what is kept of each feature, in the model's order."""
    return tuple(
        FeatureMark(
            provider=part.provider,
            product=part.product,
            product_version=part.product_version,
            bins=feature.bins,
            points=_mark(model.bank, part, feature, secret),
        )
        for part in model.tables
        for feature in part.features
    )


def differences(
    earlier: Sequence[FeatureMark],
    later: Sequence[FeatureMark],
    earlier_model: OpenedModel | None = None,
    later_model: OpenedModel | None = None,
) -> tuple[FeatureDifference, ...]:
    """Give the features that differ, in the order of their places; with points if both models are given."""
    before, after = _by_place(earlier), _by_place(later)
    old: Mapping[Place, Points] = {}
    new: Mapping[Place, Points] = {}
    if earlier_model is not None and later_model is not None:
        old, new = _points(earlier_model), _points(later_model)
    found = []
    for place in sorted(before.keys() | after.keys()):
        change = _change(before.get(place), after.get(place))
        if change is not None:
            provider, product, column = place
            found.append(
                FeatureDifference(
                    provider=provider,
                    product=product,
                    column=column,
                    change=change,
                    earlier_bins=_bins(before.get(place)),
                    bins=_bins(after.get(place)),
                    earlier_points=old.get(place),
                    points=new.get(place),
                )
            )
    return tuple(found)


def _change(earlier: FeatureMark | None, later: FeatureMark | None) -> Change | None:
    if earlier is None or later is None:
        return Change.ADDED if earlier is None else Change.REMOVED
    if earlier.bins != later.bins:
        return Change.BINS
    return None if earlier.points == later.points else Change.POINTS


def _bins(mark: FeatureMark | None) -> Bins | None:
    return None if mark is None else mark.bins


def _by_place(found: Iterable[FeatureMark]) -> Mapping[Place, FeatureMark]:
    return {mark.place: mark for mark in found}


def _points(model: OpenedModel) -> Mapping[Place, Points]:
    return {
        (part.provider, part.product, feature.bins.column): feature.points
        for part in model.tables
        for feature in part.features
    }


def _mark(bank: str, part: OpenedTables, feature: OpenedFeature, secret: bytes) -> str:
    # The place is part of it, or two features of equal points would be seen to be equal.
    head = f"veilmart/feature-mark/v1\n{bank}\n{part.provider}\n{part.product}\n".encode()
    return hmac.digest(secret, head + encode(feature), "sha256").hex()
