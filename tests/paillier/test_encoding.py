"""Fixed point without a rounding, and signed integers as residues."""

from decimal import Decimal
from fractions import Fraction

import pytest
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st

from compute.paillier.encoding import FixedPoint, from_residue, to_residue
from compute.paillier.errors import PlaintextError
from compute.paillier.private import PrivateKey

DECIMALS = st.integers(0, 12)
UNITS = st.integers(-(10**60), 10**60)


@given(units=UNITS, decimals=DECIMALS)
def test_units_round_trip(units: int, decimals: int) -> None:
    fixed = FixedPoint(decimals)
    value = fixed.decode(units)
    assert Fraction(value) == Fraction(units, 10**decimals)
    assert fixed.encode(value) == units


@given(digits=UNITS, exponent=st.integers(-12, 12), decimals=DECIMALS)
def test_encoding_is_exact_or_refused(digits: int, exponent: int, decimals: int) -> None:
    value = Decimal((int(digits < 0), tuple(map(int, str(abs(digits)))), exponent))
    exact = Fraction(digits) * Fraction(10) ** exponent * 10**decimals
    if exact.denominator == 1:
        assert FixedPoint(decimals).encode(value) == exact
    else:
        with pytest.raises(PlaintextError, match=f"has more than {decimals} decimals"):
            FixedPoint(decimals).encode(value)


@given(a=UNITS, b=UNITS, decimals=DECIMALS)
def test_sums_of_units_are_sums_of_numbers(a: int, b: int, decimals: int) -> None:
    fixed = FixedPoint(decimals)
    assert Fraction(fixed.decode(a + b)) == Fraction(fixed.decode(a)) + Fraction(fixed.decode(b))


@pytest.mark.parametrize(
    ("value", "units"),
    [
        (Decimal("12.5"), 1250),
        (Decimal("-12.5"), -1250),
        (Decimal("0.01"), 1),
        (Decimal("-0.01"), -1),
        (Decimal("1.500"), 150),
        (Decimal("-0.0"), 0),
        (Decimal("1E+3"), 100_000),
        (7, 700),
        (-7, -700),
        (0, 0),
        (Decimal("123456789012345678901234567890123456789.01"), 12345678901234567890123456789012345678901),
    ],
)
def test_known_numbers(value: Decimal | int, units: int) -> None:
    assert FixedPoint(2).encode(value) == units


@pytest.mark.parametrize("value", [0.5, 1.0, True, False, "1", None, 1j, Fraction(1, 2), mpz(1)])
def test_what_is_not_exact_is_refused(value: object) -> None:
    with pytest.raises(PlaintextError, match=f"{type(value).__name__} is not exact; give an int or a Decimal"):
        FixedPoint(2).encode(value)  # type: ignore[arg-type] # the refusal is the point


@pytest.mark.parametrize("text", ["NaN", "-NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(PlaintextError, match=f"{text} is not a number"):
        FixedPoint(2).encode(Decimal(text))


@pytest.mark.parametrize("text", ["0.125", "-0.001", "1E-3", "99999999999999999999999999999999.001"])
def test_too_many_decimals_are_refused(text: str) -> None:
    with pytest.raises(PlaintextError, match=f"{text.replace('1E-3', '0.001')} has more than 2 decimals; round"):
        FixedPoint(2).encode(Decimal(text))


def test_decoding_shows_the_decimals() -> None:
    assert str(FixedPoint(2).decode(1250)) == "12.50"
    assert str(FixedPoint(3).decode(-1)) == "-0.001"
    assert str(FixedPoint(0).decode(5)) == "5"
    assert str(FixedPoint(2).decode(mpz(5))) == "0.05"


@given(value=st.integers(-(2**2046), 2**2046))
def test_signed_integers_round_trip(key: PrivateKey, value: int) -> None:
    residue = to_residue(key.public, value)
    assert 0 <= residue < key.public.n
    assert (residue - value) % key.public.n == 0
    assert from_residue(key.public, residue) == value


def test_signed_integers_at_the_edges(key: PrivateKey) -> None:
    n = int(key.public.n)
    half = (n - 1) // 2
    assert [to_residue(key.public, v) for v in (0, 1, -1, half, -half)] == [0, 1, n - 1, half, half + 1]
    assert [from_residue(key.public, m) for m in (0, 1, n - 1, half, half + 1)] == [0, 1, -1, half, -half]


def test_integers_beyond_half_the_modulus_are_refused(key: PrivateKey) -> None:
    half = (int(key.public.n) - 1) // 2
    for value in (half + 1, -half - 1, int(key.public.n), 2**4000):
        with pytest.raises(PlaintextError, match=r"must lie within ±\(n−1\)/2"):
            to_residue(key.public, value)


def test_plaintexts_out_of_range_are_refused(key: PrivateKey) -> None:
    for plaintext in (-1, int(key.public.n), int(key.public.n) + 1):
        with pytest.raises(PlaintextError, match=r"plaintext must lie in \[0, n\)"):
            from_residue(key.public, plaintext)


def test_signed_arithmetic_survives_encryption(key: PrivateKey) -> None:
    public, fixed = key.public, FixedPoint(2)
    a, b = Decimal("12.34"), Decimal("-100.01")
    c_a, c_b = (public.encrypt(to_residue(public, fixed.encode(v))) for v in (a, b))
    total = key.decrypt(public.add(public.multiply(c_a, -3), c_b))
    assert fixed.decode(from_residue(public, int(total))) == a * -3 + b
