"""Tables as a provider releases them, decoded: counts of bins under the bank's classes, and sums of a column.

Rows fall in the bins of one column, or of two, and in the bank's classes (good and bad, say, or those by
vintage). With noise every count holds one draw of the discrete Laplace distribution, P(z) ∝ exp(-|z| / scale).
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from compute.binning import Bins

Counts = NDArray[np.int64]

ALL = "all"
"""The one class of an unweighted table."""


class StatisticsError(ValueError):
    """A table does not hold what a statistic needs, or a request for one makes no sense."""


@dataclass(frozen=True, eq=False)
class ClassTable:
    """One column's histogram under the bank's classes."""

    provider: str
    column: str
    bins: Bins
    classes: tuple[str, ...]
    counts: Counts
    """(bins, classes); noise included, so a count may be negative."""
    suppressed: tuple[int, ...] = ()
    """Codes of the bins withheld. Their counts are 0 here and are never read."""
    scale: float = 0.0
    """Of the noise; 0 where the counts are exact."""
    bound: int = 0
    """No draw's magnitude is larger."""

    def __post_init__(self) -> None:
        _check(self.column, self.classes, self.counts, (self.bins.size,), self.scale)

    def count(self, classes: Collection[str]) -> Counts:
        """Give the counts of the classes together, (bins,)."""
        places = class_places(self.column, self.classes, classes)
        return np.asarray(self.counts[:, places].sum(axis=1, dtype=np.int64))

    @property
    def released(self) -> NDArray[np.bool_]:
        """Give which bins were not withheld, (bins,)."""
        known = np.ones(self.bins.size, dtype=np.bool_)
        known[list(self.suppressed)] = False
        return known


@dataclass(frozen=True, eq=False)
class CrossTable:
    """Two columns of one provider against each other, under the bank's classes."""

    provider: str
    bins: tuple[Bins, Bins]
    classes: tuple[str, ...]
    counts: Counts
    """(bins of the first, bins of the second, classes)."""
    suppressed: tuple[tuple[int, int], ...] = ()
    """Pairs of codes of the cells withheld."""
    scale: float = 0.0
    bound: int = 0

    def __post_init__(self) -> None:
        columns = " × ".join(bins.column for bins in self.bins)
        _check(columns, self.classes, self.counts, (self.bins[0].size, self.bins[1].size), self.scale)

    def count(self, classes: Collection[str]) -> Counts:
        """Give the counts of the classes together, (bins of the first, bins of the second)."""
        columns = " × ".join(bins.column for bins in self.bins)
        places = class_places(columns, self.classes, classes)
        return np.asarray(self.counts[:, :, places].sum(axis=2, dtype=np.int64))


@dataclass(frozen=True)
class ClassSums:
    """Sums of a number column, or of its squares, over the rows of each class; values are clipped before.

    What is summed is (value - origin)^power.
    """

    provider: str
    column: str
    power: int
    """1 for the values, 2 for their squares."""
    classes: tuple[str, ...]
    sums: tuple[int, ...]
    """In units of 10^-(decimals·power)."""
    low: int
    high: int
    """Values count as at least ``low`` and at most ``high``, in units of 10^-decimals."""
    decimals: int = 0
    scale: float = 0.0
    """Of the noise, in the sums' units."""
    bound: int = 0
    origin: int = 0
    """From where values are counted, in units of 10^-decimals: under noise the sums are those from the low end."""

    def __post_init__(self) -> None:
        if self.power not in {1, 2}:
            raise StatisticsError(f"{self.column}: sums of power {self.power} are not known; use 1 or 2")
        if len(self.sums) != len(self.classes):
            raise StatisticsError(f"{self.column}: {len(self.sums)} sums for {len(self.classes)} classes")

    def total(self, classes: Collection[str]) -> Decimal:
        """Give the sum over the classes together, in the column's own unit, of values counted from the origin."""
        places = class_places(self.column, self.classes, classes)
        return Decimal(sum(self.sums[place] for place in places)).scaleb(-self.decimals * self.power)


def class_places(name: str, known: tuple[str, ...], wanted: Collection[str]) -> list[int]:
    """Give the classes' places; raise :class:`StatisticsError` for an unknown, a repeated or no class."""
    unknown = sorted(set(wanted) - set(known))
    if unknown or not wanted or len(set(wanted)) != len(wanted):
        fault = f"has no class {unknown[0]}" if unknown else "needs classes, each named once"
        raise StatisticsError(f"the table of {name} {fault}; it has {', '.join(known)}")
    return [known.index(each) for each in wanted]


def tabulate(
    provider: str, bins: Bins, codes: bytes, classes: tuple[str, ...], labels: NDArray[np.int64]
) -> ClassTable:
    """Give the exact table of rows held in the clear, as a bank's own columns are.

    ``codes`` are the rows' bins (:func:`compute.binning.code_columns`), ``labels`` their places in ``classes``;
    a row with the label -1 is in none and is not counted.
    """
    rows = np.frombuffer(codes, dtype=np.uint8).astype(np.int64)
    if len(rows) != len(labels):
        raise StatisticsError(f"{bins.column}: {len(rows)} rows but {len(labels)} labels; give one for each")
    member = labels >= 0
    cells = rows[member] * len(classes) + labels[member]
    counts = np.bincount(cells, minlength=bins.size * len(classes)).reshape(bins.size, len(classes))
    return ClassTable(provider, bins.column, bins, classes, counts.astype(np.int64))


def _check(name: str, classes: tuple[str, ...], counts: Counts, shape: tuple[int, ...], scale: float) -> None:
    if counts.shape != (*shape, len(classes)) or counts.dtype != np.int64:
        raise StatisticsError(
            f"the table of {name} has counts {counts.dtype} {counts.shape}; "
            f"its bins and classes make int64 {(*shape, len(classes))}"
        )
    if scale < 0:
        raise StatisticsError(f"the table of {name} has noise of scale {scale}; it is at least 0")
