"""Whether two things that rows are sorted by depend: chi-square, Cramér's V, Pearson correlation.

Chi-square is Σ (observed - expected)² / expected; V = √(χ² / (rows·(min(r, c) - 1))) over the r rows and c
columns that hold anybody (Cramér 1946). Noise adds to χ², so for noisy counts the chance is found by
simulation: tables of independent rows with the same margins, noise added, tested as the one seen (Gaboardi,
Lim, Rogers and Vadhan, "Differentially private chi-squared hypothesis testing", 2016, MCIndep).
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.statistics.chi_square import upper_tail
from compute.statistics.discrete_laplace import simulate, variance
from compute.statistics.intervals import DRAWS, SEED
from compute.statistics.released import ClassTable, Counts, CrossTable, StatisticsError


@dataclass(frozen=True)
class Dependence:
    """A test of independence."""

    chi_square: float
    degrees: int
    chance: float
    """The p value: of a chi-square this large where nothing depends."""
    cramers_v: float
    """From 0 to 1; for noisy counts after what noise adds to chi-square on average is taken off."""


def dependence(counts: Counts, scale: float = 0.0, draws: int | Counts = 1, seed: int = SEED) -> Dependence:
    """Give the test of a table (r, c); each count holds so many draws of noise of that scale.

    Rows and columns without anybody are left out. Raises :class:`StatisticsError` if fewer than two of either
    stay.
    """
    table, held = inhabited(counts, draws)
    seen = float(chi_square(table))
    degrees, rows = (table.shape[0] - 1) * (table.shape[1] - 1), int(table.sum())
    if not scale:
        return Dependence(seen, degrees, upper_tail(seen, degrees), _cramers_v(seen, rows, table.shape))
    expected = expected_counts(table)
    generator = np.random.default_rng(seed)
    tables = generator.multinomial(rows, (expected / rows).ravel(), DRAWS).reshape(DRAWS, *table.shape)
    drawn = chi_square(np.maximum(tables + simulate(generator, scale, held, DRAWS), 0))
    chance = (1 + int((drawn >= seen).sum())) / (1 + DRAWS)
    # E[z² / expected], less what fitting the margins takes of it.
    added = variance(scale) * float((held / expected).sum()) * degrees / table.size
    return Dependence(seen, degrees, chance, _cramers_v(max(seen - added, 0.0), rows, table.shape))


def class_dependence(table: ClassTable, classes: Sequence[str], seed: int = SEED) -> Dependence:
    """Give the test of a column's bins against some of the bank's classes."""
    counts = np.stack([table.count([name]) for name in classes], axis=1)
    return dependence(counts[table.released], table.scale, seed=seed)


def column_dependence(table: CrossTable, classes: Sequence[str], seed: int = SEED) -> Dependence:
    """Give the test of two columns over the rows of the classes; withheld cells count as none."""
    return dependence(table.count(classes), table.scale, len(classes), seed)


def complete_part(shape: tuple[int, int], withheld: Collection[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Give rows and columns of a table (r, c) whose cells were all told, by their places.

    A withheld cell may hold many, so it cannot count as none. As long as there is one, the row or the column is
    left out that loses most of its cells.
    """
    missing = np.zeros(shape, dtype=np.bool_)
    for cell in withheld:
        missing[cell] = True
    rows, columns = list(range(shape[0])), list(range(shape[1]))
    while (part := missing[np.ix_(rows, columns)]).any():
        across, down = part.mean(axis=1), part.mean(axis=0)
        if across.max() >= down.max():
            del rows[int(across.argmax())]
        else:
            del columns[int(down.argmax())]
    return rows, columns


def correlation(counts: Counts, first: Sequence[float], second: Sequence[float]) -> float:
    """Give Pearson's correlation over a table (r, c) whose rows and columns stand for these numbers.

    For bins: their representatives, or their WOE as a scorecard sees them; for classes: their values, good 0
    and bad 1 say. Raises :class:`StatisticsError` if either is constant over the rows.
    """
    weights = np.maximum(counts, 0).astype(np.float64)
    rows = weights.sum()
    if not rows:
        raise StatisticsError("the table holds nobody; there is nothing to correlate")
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    margins = weights.sum(axis=1) / rows, weights.sum(axis=0) / rows
    one, two = one - margins[0] @ one, two - margins[1] @ two
    spread = math.sqrt(float((margins[0] @ one**2) * (margins[1] @ two**2)))
    if not spread:
        raise StatisticsError("one of the two is constant over these rows, so it correlates with nothing")
    return float(np.clip(one @ weights @ two / rows / spread, -1, 1))


@dataclass(frozen=True)
class ClassMoments:
    """Per class: rows, and sums of a column and of its squares over them; exact, one entry a class."""

    values: tuple[Fraction, ...]
    """The classes' own numeric values."""
    rows: tuple[int, ...]
    sums: tuple[Fraction, ...]
    squares: tuple[Fraction, ...]


def class_correlation(moments: ClassMoments) -> float:
    """Give Pearson's correlation of the classes' values with the column: exact but for the last square root."""
    rows = sum(moments.rows)
    if rows < 1:
        raise StatisticsError("the classes hold nobody; there is nothing to correlate")
    y = sum((v * n for v, n in zip(moments.values, moments.rows, strict=True)), Fraction(0)) / rows
    x = sum(moments.sums, Fraction(0)) / rows
    xy = sum((v * s for v, s in zip(moments.values, moments.sums, strict=True)), Fraction(0)) / rows
    xx = sum(moments.squares, Fraction(0)) / rows - x * x
    yy = sum((v * v * n for v, n in zip(moments.values, moments.rows, strict=True)), Fraction(0)) / rows - y * y
    if xx <= 0 or yy <= 0:
        raise StatisticsError("the column or the classes' values do not vary; a constant correlates with nothing")
    return max(-1.0, min(1.0, float(xy - x * y) / math.sqrt(xx * yy)))


def inhabited(counts: Counts, draws: int | Counts = 1) -> tuple[Counts, Counts]:
    """Give the table (r, c) and its draws without rows and columns that hold nobody; negative counts are 0.

    Raises :class:`StatisticsError` if fewer than two rows or columns stay.
    """
    table = np.maximum(counts, 0)
    rows, columns = table.sum(axis=1) > 0, table.sum(axis=0) > 0
    table = table[rows][:, columns]
    if min(table.shape) < 2:  # noqa: PLR2004 -- one row depends on nothing
        raise StatisticsError(
            "a table needs two rows and two columns that hold somebody; take other bins or classes"
        )
    held = np.broadcast_to(np.asarray(draws, dtype=np.int64), counts.shape)
    return table, held[rows][:, columns]


def expected_counts(tables: NDArray[Any]) -> NDArray[np.float64]:
    """Give the counts of independent rows with the margins of tables (…, r, c)."""
    across, down = tables.sum(axis=-1, keepdims=True), tables.sum(axis=-2, keepdims=True)
    return np.asarray(across * down / np.maximum(tables.sum(axis=(-1, -2), keepdims=True), 1), dtype=np.float64)


def chi_square(tables: NDArray[Any]) -> NDArray[np.float64]:
    """Give chi-square of each of the tables (…, r, c), (…,)."""
    expected = expected_counts(tables)
    return np.asarray(((tables - expected) ** 2 / np.where(expected > 0, expected, 1)).sum(axis=(-1, -2)))


def _cramers_v(chi_square: float, rows: int, shape: tuple[int, ...]) -> float:
    return math.sqrt(min(chi_square / (rows * (min(shape) - 1)), 1.0))
