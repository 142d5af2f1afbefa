"""Good and bad rows over the bins of a column: what weight of evidence and its kin are computed from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compute.binning import Bins
from compute.statistics.released import ClassTable, Counts, StatisticsError


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Counts of good and bad rows over the same bins; all arrays are (bins,)."""

    bins: Bins
    good: Counts
    bad: Counts
    released: NDArray[np.bool_]
    """False for a bin that was withheld: its counts are not read."""
    good_draws: Counts
    bad_draws: Counts
    """How many draws of the noise each count holds."""
    scale: float

    @property
    def counts(self) -> tuple[Counts, Counts]:
        """Give good and bad of the released bins; a count that noise made negative is 0, the nearest possible."""
        return np.maximum(self.good[self.released], 0), np.maximum(self.bad[self.released], 0)

    @property
    def draws(self) -> Counts:
        """Give the draws in the counts of the released bins, (2, released bins): good's, then bad's."""
        return np.stack([self.good_draws[self.released], self.bad_draws[self.released]])

    @property
    def noisy(self) -> bool:
        """Give whether any count holds noise."""
        return self.scale > 0


def split(table: ClassTable, good: Sequence[str], bad: Sequence[str]) -> Outcomes:
    """Give the table's classes as two: those of ``good`` together and those of ``bad`` together.

    Any two disjoint sets of classes will do: for the population stability index, those expected and the actual
    ones. Raises :class:`StatisticsError` if a class is unknown or stands on both sides, or a side has no row
    left.
    """
    both = sorted(set(good) & set(bad))
    if both:
        raise StatisticsError(f"the class {both[0]} stands on both sides; a row is of one")
    each = np.ones(table.bins.size, dtype=np.int64)
    sides = Outcomes(
        table.bins,
        table.count(good),
        table.count(bad),
        table.released,
        each * len(good),
        each * len(bad),
        table.scale,
    )
    for name, counts in zip((good, bad), sides.counts, strict=True):
        if not counts.any():
            raise StatisticsError(
                f"the table of {table.column} has no row of {', '.join(name)}; ask for a cohort that has some"
            )
    return sides


def merge(outcomes: Outcomes, bins: Bins, groups: Sequence[Sequence[int]]) -> Outcomes:
    """Give the counts over unions of bins: bin j holds those of ``groups[j]``; withheld ones add nothing.

    A bin is withheld only if all of its parts are (and it has any): the rows of a withheld part are in it,
    uncounted.
    """
    cells = sorted(cell for group in groups for cell in group)
    if cells != list(range(outcomes.bins.size)) or len(groups) != bins.size:
        raise StatisticsError(f"{bins.column}: the groups must hold every bin once, a group for each new bin")
    known = outcomes.released
    summed = [
        np.array([int(values[[c for c in group if known[c]]].sum()) for group in groups], dtype=np.int64)
        for values in (outcomes.good, outcomes.bad, outcomes.good_draws, outcomes.bad_draws)
    ]
    released = np.array([not group or any(known[cell] for cell in group) for group in groups], dtype=np.bool_)
    return Outcomes(bins, summed[0], summed[1], released, summed[2], summed[3], outcomes.scale)
