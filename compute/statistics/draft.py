"""A scorecard in the making: bins and points, before it is written in the file format that models register in."""

from dataclasses import dataclass
from decimal import Decimal

from compute.binning import Bins
from compute.grid import Grids, require_union


@dataclass(frozen=True)
class DraftFeature:
    """A column's bins and the points of each; the last bin is for missing (and other) values."""

    source: str | None
    """The product's id; None for the bank's own column."""
    bins: Bins
    points: tuple[Decimal, ...]

    @property
    def name(self) -> str:
        """Give the column with its product, which is unique in a card."""
        return f"{self.source}.{self.bins.column}" if self.source else self.bins.column


@dataclass(frozen=True)
class Draft:
    """A scorecard's content; a higher score is safer."""

    name: str
    version: str
    points_to_double_odds: int
    base_points: Decimal
    features: tuple[DraftFeature, ...]


def require_grids(draft: Draft, grids: dict[str, Grids]) -> None:
    """Return if every feature from a product is on its grid; ``grids`` is product → column → grid.

    Raises :class:`compute.grid.GridError` naming the column and the place.
    """
    for feature in draft.features:
        if feature.source is not None:
            require_union(feature.bins, grids.get(feature.source, {}).get(feature.bins.column))
