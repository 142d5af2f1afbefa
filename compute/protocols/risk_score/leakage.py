"""What a model can leak: the number of totals that it can reach (PROTOCOLS.md §3)."""

import math
from collections.abc import Iterable, Sequence


def reachable_totals(tables: Iterable[Sequence[int]], limit: int) -> int:
    """Give how many different sums one entry from each table can make; past ``limit`` any larger number.

    A table more never makes the sums fewer, so counting stops once the limit is passed: what a hostile model
    costs is bounded by the limit and not by its range.
    """
    totals = {0}
    for table in tables:
        totals = {total + points for total in totals for points in set(table)}
        if len(totals) > limit:
            break
    return len(totals)


def leaked_bits(totals: int) -> float:
    """Give log2 of the number of reachable totals: the most that one score can tell about a subject, in bits."""
    return math.log2(totals)
