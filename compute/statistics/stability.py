"""Population stability index: how far a distribution has moved from the one expected.

Σ (a - e)·ln(a / e) over the bins, with the shares e expected and a actual (Siddiqi, Credit Risk Scorecards,
2006: below 0.1 stable, above 0.25 another population). It is the information value's formula with the two
cohorts in the places of good and bad, zero cells adjusted alike.
"""

from collections.abc import Sequence

from compute.statistics.intervals import LEVEL, SEED, Estimate, information_estimate
from compute.statistics.outcomes import Outcomes, split
from compute.statistics.released import ClassTable, StatisticsError
from compute.statistics.woe import evidence


def stability_index(
    table: ClassTable, expected: Sequence[str], actual: Sequence[str], level: float = LEVEL, seed: int = SEED
) -> Estimate:
    """Give the index from the rows of the classes ``expected`` to those of ``actual``, with its interval."""
    return information_estimate(split(table, actual, expected), level, seed)


def stability_parts(table: ClassTable, expected: Sequence[str], actual: Sequence[str]) -> list[float]:
    """Give each bin's part of the index; a withheld bin has 0."""
    return [float(part) for part in evidence(split(table, actual, expected)).parts]


def between(expected: ClassTable, actual: ClassTable, level: float = LEVEL, seed: int = SEED) -> Estimate:
    """Give the index from one table's rows to another's, all classes of each together: two cohorts, the same bins.

    A bin that either withholds is left out. Raises :class:`StatisticsError` if bins or scales differ.
    """
    if expected.bins != actual.bins or expected.scale != actual.scale:
        raise StatisticsError(
            f"{expected.column}: the two tables must have the same bins and noise of one scale; ask for both alike"
        )
    known = expected.released & actual.released
    one, two = (table.count(table.classes) for table in (actual, expected))
    each = known.astype(one.dtype)
    counts = Outcomes(
        expected.bins, one, two, known, each * len(actual.classes), each * len(expected.classes), expected.scale
    )
    return information_estimate(counts, level, seed)
