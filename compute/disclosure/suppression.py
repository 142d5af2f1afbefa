"""Suppression: which cells of a row of counts are withheld so that the total gives none of them away.

A cell below k is withheld, and so is one of 0 (the bank would learn it of each of its customers), one outside
which between 1 and k - 1 enterprises of its bin are left, and one whose sum is dominated. The bank knows the
total, for it made the labels; so at least one other is withheld with them, and more until they hold 2k together.
With k, a cell of 0 beside one of k would be told by the rule itself; and without another, so would cells that are
all as large as the rule lets them be.

Which are added follows from their places, never from their counts: the smallest one that suffices would tell that
it is the smallest ("minimality attack", Wong et al., VLDB 2007). And reasons are told of the table, not of a cell.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from compute.disclosure.errors import DisclosureError


class Reason(StrEnum):
    """Why cells are withheld."""

    BELOW_MIN_COHORT = "below_min_cohort"
    COMPLEMENTARY = "complementary"
    DOMINANCE = "dominance"


@dataclass(frozen=True)
class Suppression:
    """What is withheld of a table: its cells in ascending order, and the reasons that occur among them."""

    cells: tuple[int, ...]
    reasons: tuple[Reason, ...]


NOTHING = Suppression((), ())


def suppress_line(
    counts: NDArray[np.int64],
    min_cohort: int,
    outside: NDArray[np.int64] | None = None,
    structural: Collection[int] = (),
    dominated: Callable[[Collection[int]], bool] | None = None,
) -> Suppression:
    """Give what is withheld of a table of one dimension whose total is known.

    Args:
        counts: distinct enterprises of each cell
        min_cohort: k
        outside: of each cell, the enterprises of the provider's table in the same bin outside the cohort
        structural: cells of which it is public that they are always empty, like a missing value where none can be:
            never withheld
        dominated: whether the sum over some cells together is dominated

    Raises `DisclosureError` if no cell is left.

    """
    free = [cell for cell in range(len(counts)) if cell not in structural]
    if any(counts[cell] for cell in structural):
        raise ValueError("a cell that is said to be always empty is not")
    beyond = np.zeros_like(counts) if outside is None else outside
    small = primary(counts, min_cohort, beyond)
    below = {cell for cell in free if small[cell]}
    dominant = {cell for cell in free if dominated is not None and dominated([cell])}
    withheld = below | dominant
    if not withheld:
        return NOTHING
    while withheld == below | dominant or not _together(withheld, counts, beyond, min_cohort, dominated):
        left = [cell for cell in free if cell not in withheld]
        if not left:
            raise nothing_left()
        withheld.add(min(left, key=lambda cell: (min(abs(cell - other) for other in withheld), cell)))
    if len(withheld) == len(free):
        raise nothing_left()
    return told(withheld, below, dominant)


def primary(counts: NDArray[np.int64], min_cohort: int, outside: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Give of each cell whether it is withheld for its own count, or for what its complement leaves."""
    few: NDArray[np.bool_] = (counts < min_cohort) | ((outside > 0) & (outside < min_cohort))
    return few


def told(withheld: Collection[int], below: Collection[int], dominant: Collection[int]) -> Suppression:
    """Give these cells with the reasons that occur among them."""
    added = set(withheld) - set(below) - set(dominant)
    occurring = {Reason.BELOW_MIN_COHORT: below, Reason.COMPLEMENTARY: added, Reason.DOMINANCE: dominant}
    return Suppression(tuple(sorted(withheld)), tuple(reason for reason, cells in occurring.items() if cells))


def nothing_left() -> DisclosureError:
    """Give the error of a table of which every cell would be withheld."""
    return DisclosureError(
        "too few enterprises to tell any cell of a table", "merge bins, or take a larger cohort"
    )


def _together(
    withheld: Collection[int],
    counts: NDArray[np.int64],
    outside: NDArray[np.int64],
    min_cohort: int,
    dominated: Callable[[Collection[int]], bool] | None,
) -> bool:
    """Whether what these cells hold together, which the total tells, may be told."""
    cells = sorted(withheld)
    return (
        int(counts[cells].sum()) >= 2 * min_cohort
        and not 0 < int(outside[cells].sum()) < min_cohort
        and not (dominated is not None and dominated(cells))
    )
