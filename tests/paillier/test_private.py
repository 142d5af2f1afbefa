"""The private key: CRT against the textbook, the owner's encryption against everybody's, n-th roots, refusals."""

import copy
import math
import pickle

import gmpy2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.paillier.errors import CiphertextError, ModulusError, PlaintextError
from compute.paillier.private import PrivateKey

NUMBERS = st.binary(min_size=260, max_size=260).map(int.from_bytes)
SLOW = settings(max_examples=10)


def textbook_decrypt(key: PrivateKey, c: int) -> int:
    """L(c^λ mod n²)·λ⁻¹ mod n, as in Paillier 1999 §4 with g = 1 + n."""
    p, q = map(int, key.factors)
    n, carmichael = p * q, math.lcm(p - 1, q - 1)
    return (pow(int(c), carmichael, n * n) - 1) // n * pow(carmichael, -1, n) % n


@SLOW
@given(m=NUMBERS)
def test_decryption_by_remainders_is_the_textbooks(key: PrivateKey, m: int) -> None:
    c = key.encrypt(m % key.public.n)
    assert key.decrypt(c) == textbook_decrypt(key, c) == m % key.public.n


def test_decryption_at_the_edges(key: PrivateKey) -> None:
    n, (p, q) = key.public.n, key.factors
    for m in (0, 1, 2, p, q, n - p, n // 2, n // 2 + 1, n - 1):
        assert key.decrypt(key.encrypt(m)) == m


def test_any_unit_modulo_n_squared_decrypts_as_in_the_textbook(key: PrivateKey) -> None:
    for c in (1, 2, key.public.n + 1, key.public.n_squared - 1, key.public.n_squared // 3):
        assert key.decrypt(c) == textbook_decrypt(key, c)


def test_the_order_of_the_factors_does_not_matter(key: PrivateKey) -> None:
    swapped = PrivateKey(*reversed(key.factors))
    c = key.encrypt(42)
    assert swapped.public == key.public
    assert swapped.decrypt(c) == 42
    assert swapped.encrypt(42, 5) == key.encrypt(42, 5)


@SLOW
@given(m=NUMBERS, r=NUMBERS)
def test_the_owners_encryption_is_everybodys(key: PrivateKey, m: int, r: int) -> None:
    n = key.public.n
    unit = 1 + r % (n - 1)
    assert key.encrypt(m % n, unit) == key.public.encrypt(m % n, unit)


def test_the_owners_encryption_is_everybodys_at_the_edges(key: PrivateKey) -> None:
    n = key.public.n
    for m in (0, 1, n // 2, n - 1):
        for r in (1, 2, n - 1):
            assert key.encrypt(m, r) == key.public.encrypt(m, r)


def test_the_owner_draws_fresh_randomness(key: PrivateKey) -> None:
    assert len({key.encrypt(7) for _ in range(4)}) == 4


def test_the_owners_encryption_refuses_what_everybodys_does(key: PrivateKey) -> None:
    n, (p, q) = key.public.n, key.factors
    for m in (-1, n, n + 1):
        with pytest.raises(PlaintextError, match="must lie"):
            key.encrypt(m)
    for r in (0, -1, n, p, q):
        with pytest.raises(PlaintextError, match="randomness must be invertible"):
            key.encrypt(1, r)


def test_decrypt_refuses_what_is_no_ciphertext(key: PrivateKey) -> None:
    n, (p, q) = key.public.n, key.factors
    for c in (0, -1, n * n, n * n + 5):
        with pytest.raises(CiphertextError, match=r"outside \(0, n²\)"):
            key.decrypt(c)
    for c in (n, p, q, p * p, n * 7):
        with pytest.raises(CiphertextError, match="shares a factor"):
            key.decrypt(c)


@SLOW
@given(y=NUMBERS)
def test_an_nth_root_raised_to_n_is_the_number(key: PrivateKey, y: int) -> None:
    n = int(key.public.n)
    unit = 1 + y % (n - 1)
    root = int(key.nth_root(unit))
    assert pow(root, n, n) == unit
    assert key.nth_root(pow(unit, n, n)) == unit


def test_nth_roots_of_the_edges(key: PrivateKey) -> None:
    assert key.nth_root(1) == 1
    assert key.nth_root(key.public.n - 1) == key.public.n - 1


def test_no_root_is_taken_outside_the_units(key: PrivateKey) -> None:
    n, (p, q) = key.public.n, key.factors
    for y in (0, -1, n, n + 1, p, q, n - q):
        with pytest.raises(PlaintextError, match="an element of Z\\*_n only"):
            key.nth_root(y)


def test_generated_keys_are_what_the_protocols_need() -> None:
    key = PrivateKey.generate(2048)
    p, q = key.factors
    key.public.validate()
    assert key.public.bits == 2048
    assert p * q == key.public.n
    assert p % 4 == q % 4 == 3
    assert math.gcd(int(p - 1), int(q - 1)) == 2
    assert math.gcd(int(key.public.n), int((p - 1) * (q - 1))) == 1
    assert key.decrypt(key.public.encrypt(5)) == 5


@pytest.mark.parametrize("bits", [0, 512, 1024, 2046, 2047, 2049, 3071])
def test_generate_refuses_short_and_odd_lengths(bits: int) -> None:
    with pytest.raises(ModulusError, match=f"{bits} bits; choose an even number"):
        PrivateKey.generate(bits)


def test_factors_must_be_two_different_primes(key: PrivateKey) -> None:
    p, q = key.factors
    for pair in ((p, p), (p * q, q), (p, q + 2), (1, p), (0, p), (-p, -q), (p, -q)):
        with pytest.raises(ModulusError, match="two different primes"):
            PrivateKey(*pair)


def test_short_factors_are_refused(key: PrivateKey) -> None:
    with pytest.raises(ModulusError, match="use 2048 to 4096"):
        PrivateKey(key.factors[0], 2**127 - 1)


def test_factors_whose_product_shares_a_factor_with_its_totient_are_refused(key: PrivateKey) -> None:
    q = key.factors[1]
    p = next(2 * k * q + 1 for k in range(100, 2000) if gmpy2.is_prime(2 * k * q + 1))
    with pytest.raises(ModulusError, match=r"shares a factor with φ\(n\)"):
        PrivateKey(p, q)


def test_the_factors_do_not_show(key: PrivateKey) -> None:
    assert repr(key) == str(key) == "PrivateKey(2048 bits)"


@pytest.mark.parametrize("copier", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_private_key_is_not_copied_out(key: PrivateKey, copier: object) -> None:
    assert callable(copier)
    with pytest.raises(TypeError, match="not pickled"):
        copier(key)
