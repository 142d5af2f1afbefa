"""The joint histogram of a model's bins at one provider, under disclosure control, for the reviewer's eyes alone.

::

    bank ─ AskHistogram (signed question, the reviewer's terms) ─▶ provider     its bins, no points
    bank ◀───────────── Signed[SealedHistogram] ──────────────── provider     sealed to the reviewer's key
    bank ─ ModelSubmission.histograms ───────────────────────────▶ reviewer     opens it, verifies what is inside

It travels by way of the bank, so no party needs a new path to another. The bank learns nothing of it, also from
its length, which follows from the question and the size of the provider's table. The reviewer learns how many
companies are in each combination of bins, where they are k or more.
"""

from itertools import pairwise
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from compute.binning import Bins
from compute.canonical import Bytes32, Date, Hex32, Message, Milliseconds, Name, Version

MAX_SEALED = 2**23
"""Bytes of one sealed histogram."""

Companies = Annotated[int, Meta(ge=0, lt=2**53)]


class HistogramQuestion(Message, frozen=True):
    """How many companies of a provider are in each combination of these bins."""

    hidden = frozenset({"nonce"})

    bank: Name
    provider: Name
    product: Name
    product_version: Version
    bins: Annotated[tuple[Bins, ...], Meta(min_length=1)]
    nonce: Bytes32
    """Drawn at random: else whoever reads the log could find the bins by trying."""

    def __post_init__(self) -> None:
        columns = [feature.column for feature in self.bins]
        if any(low >= high for low, high in pairwise(columns)):
            raise ValueError("features must stand in the order of their columns, each column once")


class BinHistogram(Message, frozen=True):
    """The provider's word on its table: the combinations of bins that hold k companies or more, and its grids."""

    hidden = frozenset({"codes", "counts"})

    question: Bytes32
    """Digest of the :class:`HistogramQuestion`."""
    snapshot: Hex32
    snapshot_date: Date
    grids: tuple[Bins, ...]
    """The published grid of each column, in the question's order."""
    min_cohort: Annotated[int, Meta(ge=1, lt=2**53)]
    """k."""
    codes: bytes
    """A byte for each feature of each kept cell, cell by cell in rising order: the codes of its bins."""
    counts: tuple[Annotated[int, Meta(ge=1, lt=2**53)], ...]
    """Each kept cell's companies."""
    suppressed_cells: Companies
    """Of fewer than k companies but some, rounded up to a multiple of k."""
    suppressed_companies: Companies
    """In those cells together, rounded up to a multiple of k."""
    counted_at: Milliseconds

    def cells(self, bins: tuple[Bins, ...]) -> NDArray[np.uint8]:
        """Give the kept cells' codes, a row for each; raise ValueError if they are none of these bins.

        Shape (cells, features), rows in rising order, each once.
        """
        codes = np.frombuffer(self.codes, dtype=np.uint8)
        if len(codes) != len(self.counts) * len(bins):
            raise ValueError("there is not one code for each feature of each cell")
        cells = codes.reshape(len(self.counts), len(bins))
        if (cells >= np.array([feature.size for feature in bins])).any():
            raise ValueError("a cell is in a bin that the question does not have")
        rows = [row.tobytes() for row in cells]
        if any(low >= high for low, high in pairwise(rows)):
            raise ValueError("cells must stand in rising order, each once")
        return cells


class SealedHistogram(Message, frozen=True):
    """The question, and the ``Signed[BinHistogram]`` that answers it, sealed to the reviewer with HPKE."""

    question: HistogramQuestion
    sealed: Annotated[bytes, Meta(max_length=MAX_SEALED)]
