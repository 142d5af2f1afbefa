"""A model as the reviewer opened it: bins and points side by side, whatever its encryption."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from compute.binning import Bins
from compute.canonical import Message, Name, Version
from compute.protocols.risk_score.bands import Cuts
from compute.protocols.risk_score.dossier import Dossier
from compute.protocols.risk_score.messages import (
    MAX_FEATURES,
    MAX_POINTS_BOUND,
    ModelSubmission,
    Opening,
    Providers,
    RegisteredTables,
    TableOpening,
)

Points = Annotated[int, Meta(ge=-MAX_POINTS_BOUND, le=MAX_POINTS_BOUND)]


class OpenedFeature(Message, frozen=True):
    """A feature's bins and the points of each, in units; the last bin is for missing."""

    hidden = frozenset({"points"})

    bins: Bins
    points: tuple[Points, ...]


class OpenedTables(Message, frozen=True):
    """One provider's share of a model."""

    provider: Name
    product: Name
    product_version: Version
    features: Annotated[tuple[OpenedFeature, ...], Meta(min_length=1, max_length=MAX_FEATURES)]


class OpenedModel(Message, frozen=True):
    """A whole model in the clear: for the reviewer alone, sealed wherever it is kept, erased once decided."""

    bank: Name
    model: Name
    model_version: Version
    purpose: Name
    tables: Providers[OpenedTables]
    cuts: Cuts | None = None
    """In units, of a banded model."""

    @property
    def points(self) -> list[Sequence[int]]:
        """Each feature's points, provider by provider."""
        return [feature.points for part in self.tables for feature in part.features]


class CaseFile(Message, frozen=True):
    """What examiners decide on: the model in the clear, and its dossier."""

    model: OpenedModel
    dossier: Dossier | None


def opened(submission: ModelSubmission, opening: Opening) -> OpenedModel:
    """Give the model of a submission whose opening was checked against its ciphertexts, entry by entry."""
    first = submission.tables[0]
    return OpenedModel(
        bank=submission.bank,
        model=first.model,
        model_version=first.model_version,
        purpose=submission.purpose,
        tables=tuple(
            OpenedTables(
                provider=part.provider,
                product=part.product,
                product_version=part.product_version,
                features=_features(part, table),
            )
            for part, table in zip(submission.tables, opening.tables, strict=True)
        ),
        cuts=submission.cuts,
    )


def _features(tables: RegisteredTables, opening: TableOpening) -> tuple[OpenedFeature, ...]:
    points = iter(opening.points)
    return tuple(
        OpenedFeature(bins=bins, points=tuple(next(points) for _ in range(bins.size))) for bins in tables.bins
    )
