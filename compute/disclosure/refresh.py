"""Refreshes of a table: which codes a column is answered from, and what a bank could learn from the change.

Where fewer than k rows changed since a bank was told of a column, the difference of two answers would be about
those few: the bank is answered from the codes that were kept. All that it was ever told from are kept, not the
last ones alone: of two snapshots that differ in one row, a third one told of in between, from which both differ
in nearly all rows, would hide that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compute.disclosure.atoms import ABSENT, Atoms, Pattern, untouched

Codes = NDArray[np.uint8] | NDArray[np.int64]
"""Of each row of the universe the grid's cell (uint8), or, where values are summed, the value itself (int64)."""
NO_VALUE = np.iinfo(np.int64).min
"""In the place of a value that is missing, or of a row that the table lacks."""


@dataclass(frozen=True, eq=False)
class KeptColumn:
    """What a bank was told of a column: from which codes, and which atoms its releases leave."""

    codes: Codes
    """Those that it was told from last."""
    atoms: Atoms
    version: int = 0
    """How often it had been written when it was read; 0 if never."""
    earlier: tuple[Codes, ...] = ()
    """The others that it was ever told from, of other snapshots, the latest first."""
    grid: str = ""
    """Of which grid the codes are the cells, by a name of it."""

    @property
    def told(self) -> tuple[Codes, ...]:
        """All codes that it was told from."""
        return (self.codes, *self.earlier)

    def padded(self, rows: int) -> "KeptColumn":
        """Give the same over a universe that has grown to so many rows: new ones are absent and untouched."""
        more = rows - len(self.atoms)
        if more < 0:
            raise ValueError(f"{len(self.atoms)} rows were kept, more than {rows}; a universe never shrinks")
        fill = ABSENT if self.codes.dtype == np.uint8 else NO_VALUE
        new = np.full(more, fill, dtype=self.codes.dtype)
        codes, *earlier = (np.concatenate([each, new]) for each in self.told)
        atoms = np.concatenate([self.atoms, untouched(more)])
        return replace(self, codes=codes, atoms=atoms, earlier=tuple(earlier))

    def told_from(self, codes: Codes, atoms: Atoms) -> "KeptColumn":
        """Give what is to be kept once it is told from these codes, its own or new ones, with these atoms left."""
        earlier = tuple(each for each in self.told if each is not codes)
        return replace(self, codes=codes, atoms=atoms, earlier=earlier)


def unknown(codes: Codes, grid: str = "") -> KeptColumn:
    """Give what is kept of a column of which nothing was told yet."""
    return KeptColumn(codes, untouched(len(codes)), grid=grid)


def changed(codes: Codes, present: Codes) -> Pattern:
    """Give the pattern of the rows whose code changed: 1 for them, 0 for the others."""
    if codes.dtype != present.dtype or len(codes) != len(present):
        raise ValueError("codes of another kind or number than were kept; pad what was kept to the universe")
    change: Pattern = (codes != present).astype(np.uint8)
    return change


def changes(kept: KeptColumn, codes: Codes) -> list[Pattern]:
    """Give the patterns by which codes differ from each that was told from: part of what is released with them."""
    return [changed(each, codes) for each in kept.told if each is not codes]


def answered_from(kept: Sequence[KeptColumn], present: Sequence[Codes], min_cohort: int) -> int | None:
    """Give which of the codes in :attr:`KeptColumn.told` to answer from; None for the present ones.

    ``kept`` and ``present`` are of one column, its cells and its values, which are answered from one snapshot. It
    is a kept one if fewer than ``min_cohort`` rows have changed since, first of all one of which none has. If the
    atoms do not admit the present ones, they may still admit those of :func:`nearest`.
    """
    numbers = _numbers_changed(kept, present)
    same = [version for version, each in enumerate(numbers) if not any(each)]
    few = [version for version, each in enumerate(numbers) if any(0 < number < min_cohort for number in each)]
    return next(iter([*same, *few]), None)


def nearest(kept: Sequence[KeptColumn], present: Sequence[Codes]) -> int:
    """Give which of the codes that a column was told from the fewest rows differ from the present ones."""
    numbers = [max(of_version) for of_version in _numbers_changed(kept, present)]
    return numbers.index(min(numbers))


def _numbers_changed(kept: Sequence[KeptColumn], present: Sequence[Codes]) -> list[list[int]]:
    """Give for each version that all were told from how many rows changed, of cells and of values."""
    versions = min(len(each.told) for each in kept)
    return [
        [int(np.count_nonzero(changed(each.told[version], now))) for each, now in zip(kept, present, strict=True)]
        for version in range(versions)
    ]
