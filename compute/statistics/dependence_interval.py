"""Intervals of Cramér's V and of chi-square under noise.

χ² = rows·(Σ o² / (r·c) - 1) over cells with counts o and margins r and c. Noise of variance v in o adds
rows·Σ v / (r·c) on average, which is taken off; counts keep their sign, since reading negative ones as 0 would add
more. The interval is the basic bootstrap's (Davison and Hinkley, Bootstrap Methods and their Application, 1997,
§5.2) of this figure, with the noise's own distribution, which is known, in the place of resampling.

A row or column that may be noise for a good part divides by next to nothing. Those whose margin is not
:data:`RESOLVED` times what noise may reach are left out; the figures are those of the others.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compute.statistics.contingency import chi_square, inhabited
from compute.statistics.discrete_laplace import quantile, simulate, variance
from compute.statistics.intervals import DRAWS, LEVEL, SEED, Estimate
from compute.statistics.released import Counts

RESOLVED = 3

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DependenceEstimate:
    """How much rows and columns depend, with intervals for the same rows without noise."""

    cramers_v: Estimate
    chi_square: Estimate
    rows: tuple[int, ...]
    """The places of the table's rows that the figures are of."""
    columns: tuple[int, ...]


def dependence_estimate(
    counts: Counts, scale: float, draws: int | Counts = 1, level: float = LEVEL, seed: int = SEED
) -> DependenceEstimate:
    """Give the estimates of a table (r, c); each count holds so many draws of noise of that scale.

    Raises :class:`~compute.statistics.released.StatisticsError` if fewer than two rows or columns are resolved.
    """
    held = np.broadcast_to(np.asarray(draws, dtype=np.int64), counts.shape)
    places = [np.flatnonzero(_resolved(counts, held, scale, level, axis)) for axis in (1, 0)]
    table, held = counts[np.ix_(*places)], held[np.ix_(*places)]
    positive, _ = inhabited(table)
    rows, least = int(table.sum()), min(table.shape) - 1
    seen = float(chi_square(positive))
    value = math.sqrt(min(seen / int(positive.sum()) / least, 1.0))
    kept = [tuple(each.tolist()) for each in places]
    if not scale:
        exact = [Estimate(each, each, each, each, level) for each in (value, seen)]
        return DependenceEstimate(exact[0], exact[1], kept[0], kept[1])
    found = _mean_square(table, held, scale, level, seed)
    corrected, low, high = (math.sqrt(min(max(each / least, 0.0), 1.0)) for each in found)
    # The mean square's ends and the number of rows must hold together (Bonferroni).
    inner = (1 + level) / 2
    size, (_, *wide) = quantile(scale, int(held.sum()), inner), _mean_square(table, held, scale, inner, seed)
    least_square, most_square = max(wide[0], 0.0) * max(rows - size, 0), max(wide[1], 0.0) * (rows + size)
    return DependenceEstimate(
        Estimate(value, corrected, low, high, level),
        Estimate(seen, max(found[0], 0.0) * rows, least_square, most_square, level),
        kept[0],
        kept[1],
    )


def _resolved(counts: Counts, held: Counts, scale: float, level: float, axis: int) -> NDArray[np.bool_]:
    reach = [RESOLVED * quantile(scale, int(each), level) for each in held.sum(axis=axis)]
    return np.asarray(counts.sum(axis=axis) > np.array(reach))


def _mean_square(table: Counts, held: Counts, scale: float, level: float, seed: int) -> tuple[float, float, float]:
    """Give χ² by the row, its least and its greatest value."""
    plain, added = _contingency(table, held, scale)
    noise = simulate(np.random.default_rng(seed), scale, held, DRAWS)
    drawn, taken = _contingency(table + noise, held, scale)
    # In the simulated world the released table is the one without noise.
    errors = drawn - taken - plain
    low, high = np.quantile(errors, [(1 - level) / 2, (1 + level) / 2])
    found = float(plain - added)
    return found, found - float(high), found - float(low)


def _contingency(tables: Counts, held: Counts, scale: float) -> tuple[_Floats, _Floats]:
    """Give χ² by the row of tables (…, r, c) and what noise adds to it; a margin is at least one row."""
    margins = np.maximum(tables.sum(axis=-1, keepdims=True), 1) * np.maximum(
        tables.sum(axis=-2, keepdims=True), 1.0
    )
    squares = (tables.astype(np.float64) ** 2 / margins).sum(axis=(-1, -2)) - 1
    return squares, (held * variance(scale) / margins).sum(axis=(-1, -2))
