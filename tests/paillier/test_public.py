"""The public key: the scheme's laws, and every modulus that cannot serve."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.paillier.errors import ModulusError, PlaintextError
from compute.paillier.private import PrivateKey
from compute.paillier.public import MINIMUM_BITS, PublicKey

PRIME = 2**2047 + 1919
LAST_SMALL_PRIME = 1_048_573
FIRST_LARGE_PRIME = 1_048_583
NUMBERS = st.integers(0, 2**2100) | st.binary(min_size=260, max_size=260).map(int.from_bytes)
SLOW = settings(max_examples=12)


def edges(n: int) -> list[int]:
    return [0, 1, n // 2, n // 2 + 1, n - 2, n - 1]


@SLOW
@given(number=NUMBERS)
def test_decryption_undoes_encryption(key: PrivateKey, number: int) -> None:
    m = number % key.public.n
    assert key.decrypt(key.public.encrypt(m)) == m


def test_encryption_is_the_formula_of_the_paper(key: PrivateKey) -> None:
    n, r = int(key.public.n), int(key.public.random_unit())
    for m in edges(n):
        expected = pow(1 + n, m, n * n) * pow(r, n, n * n) % (n * n)
        assert key.public.encrypt(m, r) == expected


def test_encryption_draws_fresh_randomness(key: PrivateKey) -> None:
    assert len({key.public.encrypt(7) for _ in range(4)}) == 4


def test_addition_holds_at_the_edges(key: PrivateKey) -> None:
    n = int(key.public.n)
    ciphertexts = {m: key.encrypt(m) for m in edges(n)}
    for a, c_a in ciphertexts.items():
        for b, c_b in ciphertexts.items():
            assert key.decrypt(key.public.add(c_a, c_b)) == (a + b) % n


@SLOW
@given(a=NUMBERS, b=NUMBERS)
def test_addition_is_homomorphic(key: PrivateKey, a: int, b: int) -> None:
    n = key.public.n
    assert key.decrypt(key.public.add(key.encrypt(a % n), key.encrypt(b % n))) == (a + b) % n


@SLOW
@given(m=NUMBERS, k=NUMBERS, negative=st.booleans())
def test_multiplication_by_a_known_number(key: PrivateKey, m: int, k: int, *, negative: bool) -> None:
    n = key.public.n
    factor = -k if negative else k
    assert key.decrypt(key.public.multiply(key.encrypt(m % n), factor)) == m * factor % n


def test_multiplication_holds_at_the_edges(key: PrivateKey) -> None:
    n = int(key.public.n)
    for m in (0, 1, n - 1):
        c = key.encrypt(m)
        for k in (0, 1, -1, 2, -2, n - 1, n, n + 1, -n, n // 2, -(n // 2)):
            assert key.decrypt(key.public.multiply(c, k)) == m * k % n


def test_a_number_less_itself_is_zero(key: PrivateKey) -> None:
    c = key.encrypt(123_456_789)
    assert key.decrypt(key.public.add(c, key.public.multiply(c, -1))) == 0


@SLOW
@given(m=NUMBERS, negative=st.booleans())
def test_residue_is_a_power_of_the_base(key: PrivateKey, m: int, *, negative: bool) -> None:
    value = -m if negative else m
    n = int(key.public.n)
    assert key.public.residue(value) == pow(1 + n, value % n, n * n)


def test_random_units_are_invertible_and_differ(key: PrivateKey) -> None:
    units = [key.public.random_unit() for _ in range(8)]
    assert len(set(units)) == 8
    for r in units:
        assert 0 < r < key.public.n
        assert r * pow(int(r), -1, int(key.public.n)) % key.public.n == 1


@pytest.mark.parametrize("offset", [-1, "n", "n+1"])
def test_encrypt_refuses_a_plaintext_out_of_range(key: PrivateKey, offset: int | str) -> None:
    m = {-1: -1, "n": key.public.n, "n+1": key.public.n + 1}[offset]
    with pytest.raises(PlaintextError, match=r"must lie in \[0, n\)"):
        key.public.encrypt(m, 1)


def test_encrypt_refuses_randomness_that_is_no_unit(key: PrivateKey) -> None:
    n, (p, q) = key.public.n, key.factors
    for r in (0, -1, n, n + 1, p, q, n - p):
        with pytest.raises(PlaintextError, match="randomness must be invertible"):
            key.public.encrypt(1, r)


def test_bytes_round_trip(key: PrivateKey) -> None:
    data = key.public.to_bytes()
    assert int.from_bytes(data) == key.public.n
    assert len(data) == 256
    assert PublicKey.from_bytes(data) == key.public
    assert hash(PublicKey.from_bytes(data)) == hash(key.public)


def test_fingerprint_is_the_digest_of_the_bytes(key: PrivateKey) -> None:
    assert key.public.fingerprint == hashlib.sha256(key.public.to_bytes()).hexdigest()
    assert repr(key.public) == f"PublicKey(2048 bits, {key.public.fingerprint[:16]})"


def test_keys_differ_by_modulus(key: PrivateKey) -> None:
    assert key.public != PublicKey(key.public.n + 2)
    assert key.public != key.public.n


def test_ciphertext_bytes_hold_any_ciphertext(key: PrivateKey) -> None:
    assert 256 ** (key.public.ciphertext_bytes - 1) <= key.public.n_squared - 1 < 256**key.public.ciphertext_bytes


@pytest.mark.parametrize("zeros", [1, 2, 300])
def test_from_bytes_refuses_leading_zeros(key: PrivateKey, zeros: int) -> None:
    with pytest.raises(ModulusError, match="not in canonical form"):
        PublicKey.from_bytes(bytes(zeros) + key.public.to_bytes())


@pytest.mark.parametrize("bits", [0, 1, 1024, MINIMUM_BITS - 1])
def test_a_short_modulus_is_refused(bits: int) -> None:
    with pytest.raises(ModulusError, match=f"has {bits} bits; use 2048 to 4096"):
        PublicKey(2**bits - 1)


def test_no_bytes_are_no_modulus() -> None:
    with pytest.raises(ModulusError, match="has 0 bits"):
        PublicKey.from_bytes(b"")


def test_an_even_modulus_is_refused(key: PrivateKey) -> None:
    for n in (2**2047, 2 * key.public.n, key.public.n + 1):
        with pytest.raises(ModulusError, match="is even"):
            PublicKey(n)


def test_a_fine_modulus_is_valid(key: PrivateKey) -> None:
    key.public.validate()


def test_a_prime_is_no_modulus() -> None:
    with pytest.raises(ModulusError, match="modulus is a prime"):
        PublicKey(PRIME).validate()


@pytest.mark.parametrize("exponent", [2, 3, 4])
def test_a_prime_power_is_no_modulus(key: PrivateKey, exponent: int) -> None:
    with pytest.raises(ModulusError, match="perfect power"):
        PublicKey(key.factors[0] ** exponent).validate()


def test_the_square_of_a_product_is_no_modulus(key: PrivateKey) -> None:
    with pytest.raises(ModulusError, match="perfect power"):
        PublicKey(key.public.n_squared).validate()


@pytest.mark.parametrize("factor", [3, 65_537, LAST_SMALL_PRIME, LAST_SMALL_PRIME**2])
def test_a_small_factor_is_refused(key: PrivateKey, factor: int) -> None:
    with pytest.raises(ModulusError, match="prime factor below 2²⁰"):
        PublicKey(key.public.n * factor).validate()


def test_the_bound_of_small_factors_is_exact(key: PrivateKey) -> None:
    PublicKey(key.public.n * FIRST_LARGE_PRIME).validate()
