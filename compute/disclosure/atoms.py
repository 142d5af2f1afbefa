"""Differencing: what can be told apart by combining everything that a bank was ever told of a column.

Every released sum runs over a set of rows. Two rows are in the same *atom* if they are in the same ones of these
sets; atoms are then the smallest sets that any linear combination of released sums can run over, and a release is
admitted only if each holds k rows or none (PROTOCOLS.md §6). Pairwise checks do not see A = B ∪ C ∪ {x}.

A pattern has one non-negative integer per row of the provider's universe, equal for rows that a release does not
tell apart; 0 stands for rows that it does not touch at all. Atom 0 holds the rows that nothing has ever touched:
it is in no sum, and may be small.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from compute.disclosure.errors import DisclosureError

Atoms = NDArray[np.int32]
"""The number of each row's atom."""
Pattern = NDArray[np.integer]
ABSENT = 255
"""The code of a row that the table lacks: a column that statistics are asked of has 255 cells at most."""

_DENSE = 2**20
"""Keys up to this, or some times the rows, are renumbered through a table; beyond, by sorting."""


def untouched(rows: int) -> Atoms:
    """Give the atoms of so many rows of which nothing was told."""
    return np.zeros(rows, dtype=np.int32)


def refine(atoms: Atoms, *patterns: Pattern) -> Atoms:
    """Give the atoms that are left once these patterns are told too; all have one entry per row."""
    for pattern in patterns:
        if pattern.shape != atoms.shape:
            raise ValueError(f"a pattern of {pattern.shape} for atoms of {atoms.shape}; give one entry per row")
        if not len(atoms):
            continue
        if pattern.min() < 0:
            raise ValueError("a pattern has a negative entry; number from 0")
        width = int(pattern.max()) + 1
        if width > 1:
            keys = atoms.astype(np.int64) * width + pattern
            atoms = _renumbered(keys, (int(atoms.max()) + 1) * width)
    return atoms


def smallest(atoms: Atoms) -> int | None:
    """Give the rows of the smallest atom; None if nothing has been told of any row."""
    sizes = np.bincount(atoms)[1:]
    sizes = sizes[sizes > 0]
    return int(sizes.min()) if len(sizes) else None


def admit(atoms: Atoms, patterns: Collection[Pattern], min_cohort: int) -> Atoms:
    """Give the refined atoms if each holds ``min_cohort`` rows; raise `DisclosureError` if one does not."""
    refined = refine(atoms, *patterns)
    rows = smallest(refined)
    if rows is not None and rows < min_cohort:
        raise DisclosureError(
            f"together with what was told before it would tell fewer than {min_cohort} enterprises apart",
            "ask for a cohort and bins of an earlier question, or merge bins",
        )
    return refined


def cohort_pattern(
    codes: Pattern, size: int, member: NDArray[np.bool_], present: NDArray[np.bool_], merged: Collection[int] = ()
) -> Pattern:
    """Give the pattern of a table with ``size`` cells over a cohort, or over a frame, and over the rest.

    Args:
        codes: of each row, its cell; below ``size`` (a row that the table lacks is missing)
        size: the number of cells
        member: whether the row is in the cohort, or for a hidden one in the frame
        present: whether the table has the row; one that is neither present nor a member is not touched
        merged: cells that are suppressed: known together only, within the cohort as outside

    """
    if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < size:
        raise ValueError(f"a code is not below {size}")
    told = np.arange(size, dtype=np.int32)
    together = sorted(merged)
    told[together] = together[:1] * len(together)
    cells = told[codes]
    return np.where(member, cells + 1, np.where(present, cells + size + 1, 0)).astype(np.int32)


def bin_codes(cells: NDArray[np.uint8], bin_of: bytes) -> NDArray[np.uint8]:
    """Give each row's bin; ``bin_of[cell]`` is that of a grid's cell, the last one for a row that is absent."""
    if len(bin_of) >= ABSENT + 1:
        raise ValueError(f"a grid of {len(bin_of)} cells; {ABSENT} at most can be told from an absent row")
    table = np.full(ABSENT + 1, max(bin_of), dtype=np.uint8)
    table[: len(bin_of)] = np.frombuffer(bin_of, dtype=np.uint8)
    return table[cells]


def _renumbered(keys: NDArray[np.int64], limit: int) -> Atoms:
    """Give numbers 0, 1, … in the place of keys below ``limit``; 0 stays 0, and stands for nothing else."""
    if limit <= max(_DENSE, 4 * len(keys)):
        seen = np.zeros(limit, dtype=np.bool_)
        seen[keys] = True
        seen[0] = True
        return (np.cumsum(seen, dtype=np.int32) - np.int32(1))[keys]
    values, numbers = np.unique(keys, return_inverse=True)
    return (numbers + (0 if values[0] == 0 else 1)).astype(np.int32)
