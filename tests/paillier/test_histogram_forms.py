"""Whatever grouping, cut and executor: group_sum gives the residues of the formula."""

from itertools import product
from math import prod

import engine
import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.paillier import histogram
from compute.paillier.encoding import from_residue, to_residue
from compute.paillier.errors import CiphertextError, CodeError
from compute.paillier.histogram import Plan, _marginal_products, group_sum, marginals
from compute.paillier.joint import groupings
from compute.paillier.packing import SlotLayout
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner

SIZES = (3, 1, 4, 2)
GROUPINGS = [*groupings(SIZES), ((0,), (1,), (2,), (3,)), ((3, 1), (0, 2)), ((2, 3, 0, 1),)]
MANY = Runner(costs=engine.large)


@pytest.fixture
def three_rows_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histogram, "MAX_ROWS", 3)


@pytest.mark.parametrize("groups", GROUPINGS, ids=str)
def test_every_grouping_gives_the_same_residues(
    key: PrivateKey, monkeypatch: pytest.MonkeyPatch, groups: tuple[tuple[int, ...], ...]
) -> None:
    monkeypatch.setattr(histogram, "plan", lambda *_: Plan(groups, 50.0, 0))
    for rows, runner in product((1, 2, 7, 20), (HERE, MANY)):
        values, codes = engine.units(key.public, rows), engine.columns(SIZES, rows)
        expected = engine.plain_groups(key.public, values, codes, SIZES)
        assert group_sum(key.public, values, codes, SIZES, runner) == expected


@pytest.mark.usefixtures("three_rows_at_most")
def test_cuts_of_rows(key: PrivateKey) -> None:
    for rows in (1, 2, 3, 4, 6, 7, 20):
        values, codes = engine.units(key.public, rows), engine.columns(SIZES, rows)
        heard: list[tuple[int, int]] = []
        sums = group_sum(key.public, values, codes, SIZES, progress=lambda *told, heard=heard: heard.append(told))
        assert sums == engine.plain_groups(key.public, values, codes, SIZES)
        assert len(heard) == -(-rows // 3)
        assert heard == sorted(heard)
        assert heard[-1] == (rows, rows)


@pytest.mark.usefixtures("three_rows_at_most")
def test_a_pool_of_processes(key: PrivateKey, two_processes: Runner) -> None:
    values, codes = engine.units(key.public, 20), engine.columns(SIZES, 20)
    expected = engine.plain_groups(key.public, values, codes, SIZES)
    assert group_sum(key.public, values, codes, SIZES, two_processes) == expected


def test_negative_values_and_packed_ones(key: PrivateKey) -> None:
    codes = engine.columns(SIZES, 24)
    numbers = [(-1) ** i * 10**i for i in range(24)]
    signed = key.encrypt_many([to_residue(key.public, number) for number in numbers])
    layout = SlotLayout(16, 5, 0)
    rows = [[i, 2 * i, 0, 65_535 // 24, i * i] for i in range(24)]
    packed = key.encrypt_many([layout.pack(row) for row in rows])
    sums = zip(
        group_sum(key.public, signed, codes, SIZES, MANY),
        group_sum(key.public, packed, codes, SIZES, MANY),
        codes,
        SIZES,
        strict=True,
    )
    for of_signed, of_packed, column, size in sums:
        for b in range(size):
            members = [i for i in range(24) if column[i] == b]
            assert from_residue(key.public, int(key.decrypt(of_signed[b]))) == sum(numbers[i] for i in members)
            assert layout.unpack(int(key.decrypt(of_packed[b])), 5) == [
                sum(rows[i][slot] for i in members) for slot in range(5)
            ]


@settings(max_examples=40)
@given(dimensions=st.lists(st.integers(1, 4), min_size=1, max_size=5), seed=st.integers(0, 10**6))
def test_marginals_are_products_over_the_other_dimensions(dimensions: list[int], seed: int) -> None:
    modulus = mpz(10**9 + 7)
    cells = [mpz(1 + (seed * 31 + 977 * i) % 10**6) for i in range(prod(dimensions))]
    expected = [[mpz(1)] * size for size in dimensions]
    for cell, place in zip(cells, product(*map(range, dimensions)), strict=True):
        for dimension, code in enumerate(place):
            expected[dimension][code] = expected[dimension][code] * cell % modulus
    assert marginals(cells, dimensions, modulus) == expected
    assert _marginal_products(dimensions) <= 2 * len(dimensions) * prod(dimensions)


def test_a_feature_of_one_bin_is_the_sum_of_all(key: PrivateKey) -> None:
    values = engine.units(key.public, 9)
    ((total,),) = group_sum(key.public, values, [bytes(9)], [1])
    assert total == prod(values) % key.public.n_squared


def test_as_many_bins_as_16_bits_count(key: PrivateKey) -> None:
    (c,) = engine.units(key.public, 1)
    ((*empty, last),) = group_sum(key.public, [c], [[65_534]], [65_535])
    assert last == c
    assert set(empty) == {mpz(1)}
    with pytest.raises(CodeError, match="feature 0 has 65536 bins"):
        group_sum(key.public, [c], [[0]], [65_536])
    with pytest.raises(CodeError, match="feature 0 has -1 bins"):
        group_sum(key.public, [], [[]], [-1])


def test_what_is_no_ciphertext_is_refused_in_its_place(key: PrivateKey) -> None:
    q = int(key.factors[1])
    for bad in (0, -1, int(key.public.n_squared), q, q * q):
        with pytest.raises(CiphertextError, match="number 1"):
            group_sum(key.public, [1, bad], [[0, 0]], [1])
