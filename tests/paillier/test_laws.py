"""The algebraic laws in their scalar and array forms, and every refusal in the package's own classes."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import gmpy2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.paillier.blinding import blind, top_mask
from compute.paillier.ciphertexts import from_bytes
from compute.paillier.encoding import to_residue
from compute.paillier.errors import (
    CiphertextError,
    CodeError,
    LayoutError,
    ModulusError,
    PaillierError,
    PlaintextError,
    PoolError,
)
from compute.paillier.histogram import group_sum
from compute.paillier.interchange import ciphertext_to_phe
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.private import PrivateKey
from compute.paillier.public import PublicKey

SOME = settings(max_examples=12)
NUMBERS = st.binary(min_size=1, max_size=260).map(int.from_bytes)
FACTORS = st.integers(-(2**64), 2**64) | NUMBERS | NUMBERS.map(lambda number: -number)


@SOME
@given(a=NUMBERS, b=NUMBERS, c=NUMBERS)
def test_addition_is_a_group_on_ciphertexts(key: PrivateKey, a: int, b: int, c: int) -> None:
    public = key.public
    x, y, z = (key.encrypt(m % public.n) for m in (a, b, c))
    assert public.add(x, y) == public.add(y, x)
    assert public.add(public.add(x, y), z) == public.add(x, public.add(y, z))
    assert public.add(x, 1) == x
    assert public.add(x, public.multiply(x, -1)) == 1
    assert key.decrypt(public.add(x, public.residue(b))) == (a + b) % public.n


@SOME
@given(m=NUMBERS, k=FACTORS, j=FACTORS)
def test_multiplication_is_repeated_addition(key: PrivateKey, m: int, k: int, j: int) -> None:
    public = key.public
    c = key.encrypt(m % public.n)
    assert public.multiply(c, k + j) == public.add(public.multiply(c, k), public.multiply(c, j))
    assert public.multiply(public.multiply(c, 5), k) == public.multiply(c, 5 * k)
    assert public.multiply(c, -k) == gmpy2.invert(public.multiply(c, k), public.n_squared)
    assert key.decrypt(public.multiply(c, k)) == m * k % public.n


def test_multiplication_by_nothing_and_by_the_modulus(key: PrivateKey) -> None:
    n = key.public.n
    for m in (0, 1, n - 1, (-1) % n):
        c = key.encrypt(m)
        assert key.public.multiply(c, 0) == 1
        assert key.public.multiply(c, 1) == c
        assert key.decrypt_many([key.public.multiply(c, k) for k in (n, -n, n + 1, n - 1)]) == [0, 0, m, -m % n]


@SOME
@given(pairs=st.lists(st.tuples(NUMBERS, FACTORS), max_size=4))
def test_array_forms_are_the_scalar_ones(key: PrivateKey, pairs: list[tuple[int, int]]) -> None:
    public = key.public
    plaintexts = [m % public.n for m, _ in pairs]
    factors = [k for _, k in pairs]
    ciphertexts = [key.encrypt(m) for m in plaintexts]
    assert public.add_many(ciphertexts, ciphertexts[::-1]) == [
        public.add(a, b) for a, b in zip(ciphertexts, ciphertexts[::-1], strict=True)
    ]
    assert public.multiply_many(ciphertexts, factors) == [
        public.multiply(c, k) for c, k in zip(ciphertexts, factors, strict=True)
    ]
    assert key.decrypt_many(ciphertexts) == [key.decrypt(c) for c in ciphertexts] == plaintexts
    assert key.decrypt_many(public.encrypt_many(plaintexts)) == plaintexts
    assert key.decrypt_many(key.encrypt_many(plaintexts)) == plaintexts


def test_numbers_of_other_libraries_are_whole_numbers_too(key: PrivateKey) -> None:
    for m in (5, gmpy2.mpz(5), np.int64(5), np.uint8(5)):
        assert key.decrypt_many([key.encrypt(m), key.public.encrypt(m), *key.encrypt_many([m])]) == [5, 5, 5]
        assert key.decrypt_many(key.public.encrypt_many([m])) == [5]
        assert to_residue(key.public, m) == 5


WHOLE = "must be a whole number|is no whole number"


@pytest.mark.parametrize(
    "bad", [1.0, 0.5, Decimal(1), Fraction(1, 2), np.float64(2), gmpy2.mpfr(1), gmpy2.mpq(1, 2)]
)
def test_fractions_are_not_cut_off(key: PrivateKey, bad: Any) -> None:
    for encrypt in (key.encrypt, key.public.encrypt):
        with pytest.raises(PlaintextError, match=WHOLE):
            encrypt(bad)
    for encrypt_many in (key.encrypt_many, key.public.encrypt_many):
        with pytest.raises(PlaintextError, match=WHOLE):
            encrypt_many([0, bad])
    with pytest.raises(PlaintextError, match=WHOLE):
        to_residue(key.public, bad)
    with pytest.raises((TypeError, PaillierError)):
        key.public.multiply(key.encrypt(1), bad)


def test_unequal_lengths_are_refused(key: PrivateKey) -> None:
    for call in (key.public.add_many, key.public.multiply_many):
        for left, right in (([1], []), ([], [1]), ([1, 1], [1])):
            with pytest.raises(
                CiphertextError, match=f"{len(left)} numbers and {len(right)}; give as many of both"
            ):
                call(left, right)


def takers(key: PrivateKey) -> dict[str, Callable[[int], object]]:
    """Every public function that takes a ciphertext from somebody else."""
    public, layout = key.public, SlotLayout(8, 2, 0)
    return {
        "check": lambda c: public.check_ciphertexts([1, c]),
        "add": lambda c: public.add(1, c),
        "add, first": lambda c: public.add(c, 1),
        "add many": lambda c: public.add_many([1, 1], [1, c]),
        "multiply": lambda c: public.multiply(c, 3),
        "multiply by nothing": lambda c: public.multiply(c, 0),
        "multiply many": lambda c: public.multiply_many([1, c], [1, 1]),
        "decrypt": key.decrypt,
        "decrypt many": lambda c: key.decrypt_many([1, c]),
        "blind": lambda c: blind(public, [c]),
        "top mask": lambda c: top_mask(public, [c], layout, 2, 1),
        "look up": lambda c: lookup_sum(public, [[1, c]], [[0]], layout),
        "group": lambda c: group_sum(public, [c], [[0]], [1]),
        "read": lambda c: from_bytes(public, c.to_bytes(520, "big")[-512:] if c > 0 else bytes(512), 1),
        "phe": lambda c: ciphertext_to_phe(public, c),
    }


TAKERS = ["check", "add", "add, first", "add many", "multiply", "multiply by nothing", "multiply many", "decrypt"]
TAKERS += ["decrypt many", "blind", "top mask", "look up", "group", "read", "phe"]


@pytest.mark.parametrize("taker", TAKERS)
def test_nobody_takes_what_is_no_ciphertext(key: PrivateKey, taker: str) -> None:
    n, (p, q) = int(key.public.n), map(int, key.factors)
    assert list(takers(key)) == TAKERS
    for bad in (0, -1, n * n, n * n + 1, n, p, q, p * p, p * q * q, n * (n - 1)):
        if taker == "read" and bad == n * n + 1:
            continue  # its 512 bytes are another number's
        with pytest.raises(CiphertextError) as caught:
            takers(key)[taker](bad)
        told = str(caught.value)
        assert not any(str(secret) in told or f"{secret:x}" in told for secret in (p, q, bad) if secret > 99)


def bad_moduli(key: PrivateKey) -> dict[str, int]:
    p, q = map(int, key.factors)
    return {
        "nothing": 0,
        "negative": -p * q,
        "even": 2 * p * q,
        "short": p,
        "long": p * p * q * q * p,
        "prime": int(gmpy2.next_prime(1 << 2047)),
        "square": p * p,
        "cube": p**3,
        "fourth power": p**4,
        "small factor": 3 * p * q,
        "all small": 3**1400,
        "largest small factor": 1_048_573 * p * q,
    }


MODULI = ["nothing", "negative", "even", "short", "long", "prime", "square", "cube", "fourth power"]
MODULI += ["small factor", "all small", "largest small factor"]


@pytest.mark.parametrize("name", MODULI)
def test_no_wrong_modulus_passes(key: PrivateKey, name: str) -> None:
    moduli = bad_moduli(key)
    assert list(moduli) == MODULI
    with pytest.raises(ModulusError) as caught:
        PublicKey(moduli[name]).validate()
    assert str(key.factors[0]) not in str(caught.value)


def test_values_beyond_their_slot_are_refused() -> None:
    layout = SlotLayout(8, 3, 10)
    for value in (-11, 246, 10**9):
        with pytest.raises(LayoutError, match="overflows its slot of 8 bits with bias 10"):
            layout.pack([0, value])
    with pytest.raises(LayoutError, match="4 values for 3 slots"):
        layout.pack([0] * 4)
    for count in (-1, 4):
        with pytest.raises(LayoutError, match="values asked of 3 slots"):
            layout.unpack(0, count)


def test_every_class_is_of_one_tree_and_a_value_error() -> None:
    for error in (ModulusError, PlaintextError, CiphertextError, LayoutError, CodeError, PoolError):
        assert issubclass(error, PaillierError)
        assert issubclass(error, ValueError)


def test_long_moduli_cost_nothing() -> None:
    """A stranger's modulus of a megabyte is refused before any arithmetic on it but one product."""
    with pytest.raises(ModulusError, match="has 8000000 bits; use 2048 to 4096"):
        PublicKey.from_bytes(b"\xff" * 1_000_000)
