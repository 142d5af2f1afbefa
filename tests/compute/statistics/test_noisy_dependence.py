"""Intervals of Cramér's V, chi-square and correlations hold the figure without noise as often as they say."""

import numpy as np
import pytest
from loan_tables import cross, grids, noise, table

from compute.statistics.correlation_interval import correlation_estimate
from compute.statistics.dependence_interval import dependence_estimate
from compute.statistics.released import StatisticsError

pytestmark = pytest.mark.long

LEVEL, SEEDS = 0.9, 200
# The chance that 200 intervals of level 0.9 miss 31 times or more is 0.6%; these seeds are fixed.
MOST_MISSES = 30
SCALE = 2 * 8 / 3
GRIDS = {column: bins for product in grids().values() for column, bins in product.items()}


@pytest.mark.parametrize("column", ["franchise", "employees", "naics"])
def test_the_dependence_of_a_column_on_the_outcome_is_held(column: str) -> None:
    exact = table("clear", GRIDS[column]).counts
    exact = exact[exact.sum(axis=1) > 0]
    held_strength, held_square, wide = 0, 0, []
    for seed in range(SEEDS):
        released = exact + noise(np.random.default_rng(seed), exact.shape, SCALE)
        found = dependence_estimate(released, SCALE, level=LEVEL)
        truth = dependence_estimate(exact[np.ix_(found.rows, found.columns)], 0.0)
        assert truth.cramers_v.low == truth.cramers_v.value == truth.cramers_v.high
        held_strength += found.cramers_v.low <= truth.cramers_v.value <= found.cramers_v.high
        held_square += found.chi_square.low <= truth.chi_square.value <= found.chi_square.high
        wide.append(found.cramers_v.high - found.cramers_v.low)
    assert SEEDS - held_strength <= MOST_MISSES
    assert SEEDS - held_square <= MOST_MISSES
    assert np.mean(wide) < 0.03


@pytest.mark.parametrize(
    ("one", "two", "scale"),
    [
        ("urban_rural", "business_age", SCALE),
        ("urban_rural", "business_age", 16.0),
        ("employees", "jobs_retained", SCALE),
    ],
)
def test_the_dependence_and_correlation_of_two_columns_are_held(one: str, two: str, scale: float) -> None:
    tables = cross(GRIDS[one], GRIDS[two]).counts
    exact = tables.sum(axis=2)
    places = list(range(exact.shape[0])), list(range(exact.shape[1]))
    draws = np.full(exact.shape, 2)
    truth = correlation_estimate(exact, 0.0, draws, places)
    assert truth.low == truth.value == truth.high
    strengths, correlations = 0, 0
    for seed in range(100):
        released = exact + noise(np.random.default_rng(seed), tables.shape, scale).sum(axis=2)
        found = dependence_estimate(released, scale, 2, LEVEL)
        own = dependence_estimate(exact[np.ix_(found.rows, found.columns)], 0.0).cramers_v.value
        strengths += not found.cramers_v.low <= own <= found.cramers_v.high
        line = correlation_estimate(released, scale, draws, places, LEVEL)
        correlations += not line.low <= truth.value <= line.high
    # Of 100 at a level of 0.9 the chance of 19 misses or more is 0.5%.
    assert strengths <= 18
    assert correlations <= 18


def test_noise_raises_chi_square_and_the_correction_takes_it_off() -> None:
    exact = np.full((6, 4), 400)
    found = [
        dependence_estimate(exact + noise(np.random.default_rng(seed), exact.shape, 8.0), 8.0).chi_square
        for seed in range(100)
    ]
    assert np.mean([each.value for each in found]) > 3
    assert np.mean([each.corrected for each in found]) < 2  # none below 0
    assert np.mean([each.low == 0 for each in found]) > 0.9


def test_a_table_that_may_be_noise_alone_is_refused() -> None:
    small = np.array([[4, 2], [1, 3]])
    with pytest.raises(StatisticsError, match="two rows and two columns"):
        dependence_estimate(small, 8.0)
    with pytest.raises(StatisticsError, match="noise may be all that varies"):
        correlation_estimate(np.array([[30, 1], [2, 1]]), 30.0, np.ones((2, 2), dtype=np.int64), ([0, 1], [0, 1]))
