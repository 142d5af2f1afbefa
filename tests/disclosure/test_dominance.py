"""Dominance: sums of which the largest few contributors hold most."""

from fractions import Fraction

import numpy as np
import pytest

from compute.disclosure.dominance import MAX_VALUE, Contributions
from compute.disclosure.suppression import Reason, suppress_line

SHARE = Fraction(3, 4)


def contributions(*cells: list[int], power: int = 1) -> Contributions:
    values = np.array([value for cell in cells for value in cell], dtype=np.int64)
    codes = np.repeat(np.arange(len(cells)), [len(cell) for cell in cells])
    order = np.random.default_rng(1).permutation(len(values))
    return Contributions(values[order], codes[order], len(cells), 2, SHARE, power)


def test_a_sum_is_dominated_if_two_hold_more_than_the_share() -> None:
    found = contributions([50, 25, 25], [50, 26, 24], [1] * 12, [], [0, 0])
    assert found.dominated_cells().tolist() == [False, True, False, False, False]


def test_magnitudes_count() -> None:
    assert contributions([-90, 100, 1, 1]).dominated([0])


def test_a_sum_of_squares_is_dominated_sooner() -> None:
    cell = [10, 10] + [1] * 40
    assert not contributions(cell).dominated([0])
    assert contributions(cell, power=2).dominated([0])  # 200 of 240
    assert not contributions([2**61, 2**61 - 1, 2**61], power=2).dominated([0])


def test_cells_together_are_dominated_by_the_largest_of_all() -> None:
    found = contributions([40, 10, 10], [100, 20, 10], [30] * 10)
    assert not found.dominated([0, 1, 2])
    assert found.dominated([1])
    assert not found.dominated([0, 1])  # 140 of 190
    assert contributions([40, 10], [110, 10]).dominated([0, 1])


def test_totals_beyond_64_bits_are_exact() -> None:
    large = MAX_VALUE - 1
    assert not contributions([large] * 9).dominated([0])
    with pytest.raises(ValueError, match="clip it"):
        contributions([MAX_VALUE])


def test_a_dominated_cell_is_withheld_with_others_that_dilute_it() -> None:
    found = contributions([5] * 20, [1000] + [1] * 20, [5] * 20, [400] * 20, [5] * 20)
    counts = np.array([20, 21, 20, 20, 20])
    result = suppress_line(counts, 10, dominated=found.dominated)
    assert 1 in result.cells
    assert result.reasons == (Reason.COMPLEMENTARY, Reason.DOMINANCE)
    assert not found.dominated(result.cells)


def test_the_runner_up_misses_the_largest_by_a_third() -> None:
    """What the docstring claims of (2, 75%): (1 - s)/s of it at least."""
    drawn = np.random.default_rng(2)
    for _ in range(300):
        cell = sorted((int(x) for x in drawn.pareto(1.0, 8) * 100 + 1), reverse=True)
        if not contributions(cell).dominated([0]):
            assert 3 * (sum(cell) - cell[0] - cell[1]) >= cell[0]
