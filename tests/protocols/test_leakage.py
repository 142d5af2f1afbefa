"""Reachable totals against all combinations, and what a hostile model costs."""

import itertools
import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.protocols.risk_score.leakage import leaked_bits, reachable_totals

TABLES = st.lists(st.lists(st.integers(-30, 30), min_size=1, max_size=5), max_size=5)
UNLIMITED = 10**9


def brute_force(tables: list[list[int]]) -> int:
    return len({sum(choice) for choice in itertools.product(*tables)})


@given(tables=TABLES)
def test_totals_are_counted_exactly(tables: list[list[int]]) -> None:
    assert reachable_totals(tables, UNLIMITED) == brute_force(tables)


@given(tables=TABLES, limit=st.integers(1, 60))
def test_the_limit_does_not_change_the_verdict(tables: list[list[int]], limit: int) -> None:
    """Up to the limit the count is exact; past it any larger number will do."""
    exact, counted = brute_force(tables), reachable_totals(tables, limit)
    assert (counted > limit) == (exact > limit)
    assert counted <= exact
    assert counted == exact or counted > limit


@given(tables=TABLES, shift=st.integers(-100, 100))
def test_a_shift_or_the_order_leaks_nothing(tables: list[list[int]], shift: int) -> None:
    shifted = [[points + shift for points in table] for table in reversed(tables)]
    assert reachable_totals(shifted, UNLIMITED) == reachable_totals(tables, UNLIMITED)


@pytest.mark.parametrize(
    ("tables", "totals"),
    [
        ([], 1),
        ([[5]], 1),
        ([[5, 5, 5]], 1),
        ([[0, 1]], 2),
        ([[0, 1], [0, 1]], 3),
        ([[0, 1], [0, 2], [0, 4]], 8),
        ([[-1, 1], [-1, 1]], 3),
        ([[7, 7], [0, 3, 3]], 2),
    ],
)
def test_known_counts(tables: list[list[int]], totals: int) -> None:
    assert reachable_totals(tables, UNLIMITED) == totals


def test_a_base_packing_is_counted_in_full() -> None:
    tables = [[digit * 10**place for digit in range(10)] for place in range(4)]
    assert reachable_totals(tables, UNLIMITED) == 10_000


def test_counting_stops_once_the_limit_is_passed() -> None:
    def hostile() -> Iterator[list[int]]:
        yield list(range(257))
        raise AssertionError("a table was read after the limit")

    assert reachable_totals(hostile(), 256) == 257


def test_counting_goes_on_at_the_limit() -> None:
    tables = iter([list(range(256)), [0], [0, 1]])
    assert reachable_totals(tables, 256) == 257
    assert next(tables, None) is None


def test_a_hostile_model_is_cheap() -> None:
    """64 tables of 256 bins reach 256⁶⁴ totals; no more than limit × 256 of them are ever made."""
    tables = [[digit * 256**place for digit in range(256)] for place in range(64)]
    assert 256 < reachable_totals(tables, 256) <= 256 * 256


@pytest.mark.parametrize(("totals", "bits"), [(1, 0.0), (2, 1.0), (256, 8.0), (324, math.log2(324))])
def test_bits_are_the_logarithm(totals: int, bits: float) -> None:
    assert leaked_bits(totals) == bits
