"""Intervals of Pearson's correlation under noise.

A correlation is a smooth function of sums, and noise is added to those: the interval is the basic bootstrap's
(Davison and Hinkley, Bootstrap Methods and their Application, 1997, §5.2) with the noise's own distribution, which
is known, in the place of resampling. Counts keep their sign here: read as 0, negative ones would pull it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from compute.statistics.contingency import ClassMoments, class_correlation, correlation
from compute.statistics.discrete_laplace import simulate
from compute.statistics.intervals import DRAWS, LEVEL, SEED, Estimate
from compute.statistics.released import Counts, StatisticsError

_Floats = NDArray[np.float64]


def correlation_estimate(
    counts: Counts,
    scale: float,
    draws: Counts,
    places: tuple[Sequence[float], Sequence[float]],
    level: float = LEVEL,
    seed: int = SEED,
) -> Estimate:
    """Give the correlation over a table (r, c) whose rows and columns stand for the numbers ``places``.

    Each count holds ``draws`` (r, c) draws of noise of that scale. Raises :class:`StatisticsError` as
    :func:`~compute.statistics.contingency.correlation` does.
    """
    seen = correlation(counts, *places)
    if not scale:
        return Estimate(seen, seen, seen, seen, level)
    noise = simulate(np.random.default_rng(seed), scale, draws, DRAWS)
    one, two = (np.asarray(each, dtype=np.float64) for each in places)

    def sums(tables: NDArray[np.int64]) -> _Floats:
        first, second = tables.sum(axis=-1), tables.sum(axis=-2)
        return np.stack(
            [
                tables.sum(axis=(-1, -2)),
                first @ one,
                second @ two,
                first @ one**2,
                second @ two**2,
                one @ tables @ two,
            ],
            axis=-1,
        )

    return _interval(seen, sums(counts), sums(counts + noise), level)


@dataclass(frozen=True)
class MomentScales:
    """Of the noise in each of the numbers of :class:`~compute.statistics.contingency.ClassMoments`."""

    rows: float
    sums: float
    squares: float
    unit: Fraction
    """In which the sums' noise counts; the squares' counts in its square."""


def class_correlation_estimate(
    moments: ClassMoments, scales: MomentScales, level: float = LEVEL, seed: int = SEED
) -> Estimate:
    """Give the correlation of the classes' values with a column, from its moments.

    Raises :class:`StatisticsError` as :func:`~compute.statistics.contingency.class_correlation` does.
    """
    seen = class_correlation(moments)
    if not (scales.rows or scales.sums or scales.squares):
        return Estimate(seen, seen, seen, seen, level)
    generator = np.random.default_rng(seed)
    values = np.array([float(each) for each in moments.values])
    one = np.ones(len(values), dtype=np.int64)

    def noisy(told: Sequence[Fraction | int], scale: float, unit: float) -> tuple[_Floats, _Floats]:
        exact = np.array([float(each) for each in told])
        return exact, exact + unit * simulate(generator, scale, one, DRAWS)

    unit = float(scales.unit)
    rows, totals, squares = (
        noisy(moments.rows, scales.rows, 1.0),
        noisy(moments.sums, scales.sums, unit),
        noisy(moments.squares, scales.squares, unit**2),
    )

    def sums(n: _Floats, x: _Floats, xx: _Floats) -> _Floats:
        return np.stack(
            [n.sum(axis=-1), n @ values, x.sum(axis=-1), n @ values**2, xx.sum(axis=-1), x @ values], axis=-1
        )

    released, drawn = (sums(n, x, xx) for n, x, xx in zip(rows, totals, squares, strict=True))
    return _interval(seen, released, drawn, level)


def _interval(seen: float, released: _Floats, drawn: _Floats, level: float) -> Estimate:
    """Give the estimate for sums (6,) and simulated ones (draws, 6): n, Σx, Σy, Σx², Σy², Σxy."""
    (value,), found = _pearson(released[np.newaxis]), _pearson(drawn)
    if np.isnan(value) or np.isnan(found).mean() > (1 - level) / 4:
        raise StatisticsError("noise may be all that varies here, so nothing is known of a correlation")
    errors = np.nanquantile(found - value, [(1 - level) / 2, (1 + level) / 2])
    ends = np.clip(value - errors[::-1], -1, 1)
    return Estimate(seen, float(np.clip(value, -1, 1)), float(ends[0]), float(ends[1]), level)


def _pearson(sums: _Floats) -> _Floats:
    """NaN where a variance is not positive."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    rows = np.where(n > 0, n, np.nan)
    spread = (xx / rows - (x / rows) ** 2) * (yy / rows - (y / rows) ** 2)
    positive = (xx * rows > x**2) & (yy * rows > y**2)
    return np.asarray((xy / rows - x * y / rows**2) / np.sqrt(np.where(positive, spread, np.nan)))
