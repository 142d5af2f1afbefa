"""What a provider holds: a published product, and the snapshots of the table behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from compute.binning import Bins, CategoryBins
from compute.grid import Grids

Select = Callable[[Sequence[str], Sequence[str]], pd.DataFrame]
"""(subjects, columns) → one row per subject in that order; all missing for a subject without a row."""


@dataclass(frozen=True)
class Snapshot:
    """The table as it was on an earlier day, and until the next snapshot's."""

    digest: str
    """As :attr:`Holding.snapshot`."""
    date: str
    subjects: Sequence[str]
    select: Select


@dataclass(frozen=True)
class Holding:
    """A published product and the snapshot of the table behind it, inside the provider's domain."""

    product: str
    product_version: str
    snapshot: str
    """SHA-256 of the source, in hexadecimal."""
    snapshot_date: str
    scales: Mapping[str, int | None]
    """Column → decimals of its units, None for text."""
    subjects: Sequence[str]
    """Everybody in the table."""
    select: Select
    grids: Grids = field(default_factory=dict)
    """Column → the grid that is published of it; a column without one cannot be binned."""
    history: tuple[Snapshot, ...] = ()
    """Earlier snapshots, the oldest first."""
    is_told_as_aggregates: bool = True
    """Whether the product is delivered as statistics."""

    def can_bin(self, bins: Bins) -> bool:
        """Say whether there is such a column, of such a type; its grid is another matter."""
        return bins.column in self.scales and isinstance(bins, CategoryBins) == (self.scales[bins.column] is None)

    @property
    def present(self) -> Snapshot:
        """The snapshot that is held now."""
        return Snapshot(self.snapshot, self.snapshot_date, self.subjects, self.select)

    def valid_on(self, day: str) -> Snapshot | None:
        """Give the snapshot that was valid on a day, None if all are of later days; days are ISO 8601."""
        valid = [each for each in (*self.history, self.present) if each.date <= day]
        return valid[-1] if valid else None
