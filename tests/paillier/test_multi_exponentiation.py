"""Products of many powers against the same by squaring, one after the other."""

from dataclasses import replace

import engine
import gmpy2
import pytest
from conftest import P, Q
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.paillier.errors import CiphertextError
from compute.paillier.multi_exponentiation import product_of_powers, products_of_powers, seconds_of_powers
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner

SMALL = replace(HERE, costs=engine.small)


def plain(bases: list[mpz], exponents: list[int], modulus: mpz) -> mpz:
    result = mpz(1)
    for base, exponent in zip(bases, exponents, strict=True):
        result = result * gmpy2.powmod(base, exponent, modulus) % modulus
    return result


@settings(max_examples=60)
@given(
    modulus=st.sampled_from([mpz(P * Q), mpz(P), mpz(3), mpz(2**521 - 1)]),
    bits=st.integers(1, 200),
    drawn=st.lists(st.tuples(st.integers(0, 2**600), st.integers(0, 2**200)), max_size=40),
)
def test_a_product_of_powers_is_the_one_by_squaring(modulus: mpz, bits: int, drawn: list[tuple[int, int]]) -> None:
    bases = [mpz(base) % modulus for base, _ in drawn]
    exponents = [exponent % (1 << bits) for _, exponent in drawn]
    assert product_of_powers(bases, exponents, bits, modulus) == plain(bases, exponents, modulus) % modulus


@pytest.mark.parametrize("bits", [1, 7, 8, 127, 128])
def test_the_least_and_the_greatest_exponents(bits: int) -> None:
    bases, modulus = [mpz(2), mpz(3), mpz(5), mpz(7)], mpz(2**521 - 1)
    exponents = [0, 1, (1 << bits) - 1, 1 << (bits - 1)]
    assert product_of_powers(bases, exponents, bits, modulus) == plain(bases, exponents, modulus)


def test_modulo_n_squared_and_modulo_n(key: PrivateKey) -> None:
    public = key.public
    columns = [engine.units(public, 50, seed) for seed in (1, 2)]
    exponents = [int(unit % (1 << 128)) for unit in engine.units(public, 50, 3)]
    expected = [plain(column, exponents, public.n_squared) for column in columns]
    assert products_of_powers(public, columns, exponents, 128, SMALL) == expected
    residues = [[c % public.n for c in column] for column in columns]
    modulo_n = products_of_powers(public, residues, exponents, 128, SMALL, modulo_n=True)
    assert modulo_n == [product % public.n for product in expected]


def test_of_none_it_is_one(key: PrivateKey) -> None:
    assert products_of_powers(key.public, [[], []], [], 128, SMALL) == [1, 1]
    assert product_of_powers([], [], 128, mpz(77)) == 1


def test_a_number_that_is_no_unit_is_refused(key: PrivateKey) -> None:
    with pytest.raises(CiphertextError, match="shares a factor"):
        products_of_powers(key.public, [[mpz(5), key.factors[0]]], [1, 0], 128, SMALL)


def test_two_processes_give_the_same_and_tell_how_far_they_are(key: PrivateKey, two_processes: Runner) -> None:
    rows = 2500  # of which a task takes a thousand at least
    column = (engine.units(key.public, 25) * 100)[:rows]
    exponents = [index * 2**110 + 1 for index in range(rows)]
    heard: list[tuple[int, int]] = []
    (product,) = products_of_powers(
        key.public, [column], exponents, 128, two_processes, lambda *at: heard.append(at)
    )
    assert [product] == products_of_powers(key.public, [column], exponents, 128, SMALL)
    assert len(heard) == 2
    assert heard[-1] == (rows, rows)


def test_the_cost_grows_with_the_rows_and_not_with_their_square() -> None:
    costs = engine.small(2048)
    one, ten = (seconds_of_powers(rows, 128, costs) for rows in (4096, 40960))
    assert ten < 10 * one
    assert one / 4096 < 128 * costs.square / 5  # powering each takes 128 squares
