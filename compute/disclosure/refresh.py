"""Refreshes of a table: which codes a column is answered from, and what a bank could learn from the change.

Where fewer than k rows changed since a bank was last told of a column, the difference of two answers would be
about those few: the bank is answered from the codes that were kept.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compute.disclosure.atoms import ABSENT, Atoms, Pattern, untouched

Codes = NDArray[np.uint8] | NDArray[np.int64]
"""Of each row of the universe the grid's cell (uint8), or, where values are summed, the value itself (int64)."""
NO_VALUE = np.iinfo(np.int64).min
"""In the place of a value that is missing, or of a row that the table lacks."""


@dataclass(frozen=True, eq=False)
class KeptColumn:
    """What a bank was last told of a column: from which codes, and which atoms its releases leave."""

    codes: Codes
    atoms: Atoms
    version: int = 0
    """How often it had been written when it was read; 0 if never."""

    def padded(self, rows: int) -> "KeptColumn":
        """Give the same over a universe that has grown to so many rows: new ones are absent and untouched."""
        more = rows - len(self.atoms)
        if more < 0:
            raise ValueError(f"{len(self.atoms)} rows were kept, more than {rows}; a universe never shrinks")
        fill = ABSENT if self.codes.dtype == np.uint8 else NO_VALUE
        codes = np.concatenate([self.codes, np.full(more, fill, dtype=self.codes.dtype)])
        return KeptColumn(codes, np.concatenate([self.atoms, untouched(more)]), self.version)


def unknown(codes: Codes) -> KeptColumn:
    """Give what is kept of a column of which nothing was told yet."""
    return KeptColumn(codes, untouched(len(codes)))


def changed(kept: KeptColumn, present: Codes) -> Pattern:
    """Give the pattern of the rows whose code changed: 1 for them, 0 for the others."""
    if kept.codes.dtype != present.dtype or len(kept.codes) != len(present):
        raise ValueError("codes of another kind or number than were kept; pad what was kept to the universe")
    change: Pattern = (kept.codes != present).astype(np.uint8)
    return change


def answered_from(kept: KeptColumn, present: Codes, min_cohort: int) -> tuple[Codes, Pattern]:
    """Give the codes to answer from, and the pattern of what changed by it: part of what is released.

    They are the kept ones if fewer than ``min_cohort`` rows changed, but some; else the present ones. If the atoms
    do not admit the present ones, :func:`as_before` may still.
    """
    change = changed(kept, present)
    if np.count_nonzero(change) < min_cohort:
        return as_before(kept)
    return present, change


def as_before(kept: KeptColumn) -> tuple[Codes, Pattern]:
    """Give the kept codes, by which nothing changes."""
    return kept.codes, np.zeros(len(kept.codes), dtype=np.uint8)
