"""The split form against plain products modulo n² and p²."""

from collections.abc import Sequence
from math import prod

import numpy as np
import pytest
from conftest import P, Q
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.paillier.errors import CiphertextError
from compute.paillier.split import Products, Split, Table, _limbs, _numbers

MODULI = [P * Q, P, 3, 2**31 - 1, 2**32 + 15, 2**521 - 1, 2**607 - 1]
"""n, a factor, and lengths around those of limbs; all without small factors, so few numbers are no units."""
NUMBERS = st.binary(min_size=1, max_size=520).map(int.from_bytes)
CASES = {"m": st.sampled_from(MODULI), "numbers": st.lists(NUMBERS, min_size=1, max_size=5)}
SOME = settings(max_examples=40)


def units_of(numbers: Sequence[int], m: int) -> list[int]:
    square = m * m
    return [number % square if number % m else (number + 1) % square for number in numbers]


def joined(split: Split) -> list[int]:
    """The units again, after a look at what the form promises."""
    m = split.m
    for t, inverse, kappa in zip(split.t, split.inverse, split.kappa, strict=True):
        assert 0 < t < m
        assert 0 <= kappa < m
        assert t * inverse % m == 1
    return [t * (1 + m * kappa) % (m * m) for t, kappa in zip(split.t, split.kappa, strict=True)]


@SOME
@given(**CASES)
def test_splitting_loses_nothing(m: int, numbers: list[int]) -> None:
    units = units_of(numbers, m)
    split = Split.of(units, m)
    assert joined(split) == units
    assert len(split) == len(units)


@pytest.mark.parametrize("m", MODULI)
def test_the_edges(m: int) -> None:
    edges = [1, m - 1, m + 1, m * m - 1, m * m - m + 1, m * m - m - 1]
    assert joined(Split.of(edges, m)) == edges
    assert joined(Split.of([], m)) == []


@SOME
@given(**CASES, others=st.lists(NUMBERS, max_size=4))
def test_outer_gives_all_products(m: int, numbers: list[int], others: list[int]) -> None:
    left, right = units_of(numbers, m), units_of(others, m)
    products = Split.of(left, m).outer(Split.of(right, m))
    assert joined(products) == [a * b % (m * m) for a in left for b in right]


@SOME
@given(m=st.sampled_from(MODULI), number=NUMBERS, count=st.integers(1, 20))
def test_powers(m: int, number: int, count: int) -> None:
    (unit,) = units_of([number], m)
    assert joined(Split.of([unit], m).powers(count)) == [pow(unit, k, m * m) for k in range(count)]


@SOME
@given(**CASES, cut=st.integers(0, 5))
def test_parts_joined_again_are_the_whole(m: int, numbers: list[int], cut: int) -> None:
    split = Split.of(units_of(numbers, m), m)
    assert split.part(0, cut).then(split.part(cut, len(numbers))) == split
    assert joined(split.part(1, 3)) == joined(split)[1:3]


@SOME
@given(
    **CASES,
    codes=st.lists(st.lists(st.integers(0, 2**16), min_size=3, max_size=3), max_size=5),
    squarings=st.integers(0, 40),
)
def test_products_are_the_plain_ones(m: int, numbers: list[int], codes: list[list[int]], squarings: int) -> None:
    units = units_of(numbers, m)
    table, products = Table(Split.of(units, m)), Products(mpz(m), 3)
    expected = [1, 1, 1]
    for column in codes:
        wrapped = [code % len(units) for code in column]
        products.multiply(table, np.array(wrapped, dtype=np.uint16))
        products.square(squarings)
        expected = [pow(a * units[code], 2**squarings, m * m) for a, code in zip(expected, wrapped, strict=True)]
    assert products.residues() == expected


@SOME
@given(**CASES, others=st.lists(NUMBERS, min_size=1, max_size=5))
def test_two_factors_at_once(m: int, numbers: list[int], others: list[int]) -> None:
    left, right = units_of(numbers, m), units_of(others, m)
    count = min(len(left), len(right))
    products, tables = Products(mpz(m), count), [Table(Split.of(units, m)) for units in (left, right)]
    codes = np.array([range(count), range(count)[::-1]], dtype=np.uint8)
    products.multiply_pair(tables, codes)
    products.multiply_pair(tables, codes)
    assert products.residues() == [
        (a * b) ** 2 % (m * m) for a, b in zip(left[:count], right[:count][::-1], strict=True)
    ]


def test_no_products_at_all() -> None:
    products = Products(mpz(P), 0)
    products.multiply(Table(Split.of([2], P)), np.zeros(0, dtype=np.uint16))
    products.square(3)
    assert products.residues() == []


def test_many_sums_do_not_overflow() -> None:
    """2³² limbs of 2³²−1 each still fit 64 bits, and are read as what they are."""
    limbs = np.full((1, 32), (2**32 - 1) * 2**32, dtype=np.uint64)
    assert _numbers(limbs) == [(2**1024 - 1) * 2**32]
    largest = mpz(P) - 1
    sums = sum((_limbs([largest], mpz(P)) for _ in range(3000)), start=np.zeros((1, 32), dtype=np.uint64))
    assert _numbers(sums) == [3000 * largest]


def test_many_factors_with_the_largest_kappa() -> None:
    m = mpz(P)
    unit = 1 + m * (m - 1)  # t = 1, κ = m−1
    products, table = Products(m, 2), Table(Split.of([unit], int(m)))
    for _ in range(5000):
        products.multiply(table, np.zeros(2, dtype=np.uint16))
    assert products.residues() == [pow(unit, 5000, m * m)] * 2


@pytest.mark.parametrize("bad", [0, P, Q, P * Q, 2 * P, P * Q * P])
def test_what_is_no_unit_is_refused(bad: int) -> None:
    for numbers in ([bad], [1, bad, 5], [bad, bad]):
        with pytest.raises(CiphertextError, match="shares a factor with the modulus"):
            Split.of(numbers, P * Q)


def test_factors_that_make_up_the_modulus_are_refused() -> None:
    with pytest.raises(CiphertextError, match="shares a factor with the modulus"):
        Split.of([P, Q], P * Q)
    assert prod(joined(Split.of([2, 3], P * Q))) == 6
