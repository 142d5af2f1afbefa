"""Weights of features that overlap, where tables of two columns show by how much: Fisher's linear discriminant.

Σ WOE counts twice what two features both tell. With S the covariance of the features' WOE within good and bad,
and d the difference of their means, the weights S⁻¹d separate best among linear ones (Fisher 1936), and are
those of a logistic regression where WOE are normal (Efron 1975). Means and variances follow from a feature's
own table, a covariance from a table of both. Where nobody has one (columns of two providers), it is taken as 0.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from compute.statistics.outcomes import Outcomes
from compute.statistics.released import Counts, StatisticsError
from compute.statistics.woe import Floats

LEAST_WEIGHT = 0.0
"""A negative weight would turn a feature's meaning round."""
MOST_WEIGHT = 2.0
"""Above 1 where another feature hides part of what this one tells; more rests on few rows."""


def discriminant_weights(
    features: Sequence[tuple[Outcomes, Floats]], joint: Mapping[tuple[int, int], tuple[Counts, Counts]]
) -> list[float]:
    """Give a weight for each feature, counts and WOE by bin, between the least and the most.

    ``joint`` holds, for pairs i < j of features, the tables of both under good and under bad, (bins of i, bins
    of j).
    """
    size = len(features)
    if not size:
        raise StatisticsError("no feature, so no weight; choose some")
    covariance: Floats = np.zeros((size, size))
    difference: Floats = np.zeros(size)
    weights = [woe for _, woe in features]
    for place, (each, _) in enumerate(features):
        sides = [np.where(each.released, np.maximum(side, 0), 0) for side in (each.good, each.bad)]
        rows = [max(int(side.sum()), 1) for side in sides]
        means = [float(side @ weights[place]) / n for side, n in zip(sides, rows, strict=True)]
        squares = [float(side @ weights[place] ** 2) / n for side, n in zip(sides, rows, strict=True)]
        difference[place] = means[0] - means[1]
        spread = [(s - m * m) * n for s, m, n in zip(squares, means, rows, strict=True)]
        covariance[place, place] = sum(spread) / sum(rows)
    for (one, two), tables in joint.items():
        covariance[one, two] = covariance[two, one] = _within(tables, weights[one], weights[two])
    # A feature whose WOE hardly vary has nothing to be weighed by; the ridge keeps the system solvable.
    ridge = np.diag(np.full(size, 1e-9))
    found = np.asarray(np.linalg.solve(covariance + ridge, difference), dtype=np.float64)
    return [float(each) for each in np.clip(found, LEAST_WEIGHT, MOST_WEIGHT)]


def _within(tables: tuple[Counts, Counts], one: Floats, two: Floats) -> float:
    """Give the covariance within good and bad, pooled."""
    total, rows = 0.0, 0
    for table in tables:
        counts = np.maximum(table, 0)
        n = max(int(counts.sum()), 1)
        first, second = counts.sum(axis=1) @ one / n, counts.sum(axis=0) @ two / n
        total += float((one - first) @ counts @ (two - second))
        rows += n
    return total / rows
