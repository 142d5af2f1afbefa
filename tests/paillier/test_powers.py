"""Powers by digits against powers by squaring."""

import engine
import gmpy2
import pytest
from conftest import P, Q
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.paillier.errors import CiphertextError
from compute.paillier.powers import UnitPowers, powers_seconds
from compute.paillier.private import PrivateKey

MODULI = [mpz(P * Q), mpz(P), mpz(3), mpz(2**31 - 1), mpz(2**521 - 1)]


@settings(max_examples=40)
@given(
    m=st.sampled_from(MODULI),
    number=st.integers(1, 2**1100),
    bits=st.integers(1, 300),
    drawn=st.integers(0, 2**300),
)
def test_every_power_is_the_one_by_squaring(m: mpz, number: int, bits: int, drawn: int) -> None:
    unit = mpz(number) % (m * m)
    if gmpy2.gcd(unit, m) != 1:
        unit = mpz(1)
    powers = UnitPowers(unit, m, bits)
    for exponent in (0, 1, (1 << bits) - 1, drawn % (1 << bits)):
        assert powers.power(mpz(exponent)) == gmpy2.powmod(unit, exponent, m * m)


def test_exponents_of_full_length(key: PrivateKey) -> None:
    n, n_squared = key.public.n, key.public.n_squared
    (unit,) = engine.units(key.public, 1)
    powers = UnitPowers(unit, n, key.public.bits)
    for exponent in (n - 1, key.public.random_unit(), mpz(1) << (key.public.bits - 1)):
        assert powers.power(exponent) == gmpy2.powmod(unit, exponent, n_squared)


def test_no_unit_has_no_powers(key: PrivateKey) -> None:
    with pytest.raises(CiphertextError, match="shares a factor"):
        UnitPowers(key.factors[0], key.public.n, 8)


def test_the_cost_grows_by_the_power_and_not_by_the_square() -> None:
    costs = engine.small(2048)
    one, two, many = (powers_seconds(2048, count, costs) for count in (1, 2, 128))
    assert many - one == pytest.approx(127 * (two - one))
    assert two - one < costs.power / 5  # powering anew takes as long as r^n
