"""Keys and ciphertexts to phe and back; phe is the reference for every operation."""

import phe
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.paillier.encoding import from_residue, to_residue
from compute.paillier.errors import CiphertextError, ModulusError
from compute.paillier.interchange import ciphertext_from_phe, ciphertext_to_phe, from_phe, to_phe
from compute.paillier.private import PrivateKey

VALUES = st.integers(-(10**30), 10**30)
SLOW = settings(max_examples=8)


def test_keys_round_trip(key: PrivateKey) -> None:
    assert from_phe(to_phe(key.public)) == key.public
    again = from_phe(to_phe(key))
    assert again.public == key.public
    assert set(again.factors) == set(key.factors)
    assert isinstance(to_phe(key.public), phe.PaillierPublicKey)
    assert isinstance(to_phe(key), phe.PaillierPrivateKey)


def test_phes_keys_serve_here(key: PrivateKey) -> None:
    """The private half stays phe's own."""
    theirs = phe.PaillierPrivateKey(phe.PaillierPublicKey(int(key.public.n)), *map(int, key.factors))
    ours = from_phe(theirs.public_key)
    assert theirs.raw_decrypt(int(ours.encrypt(12345))) == 12345
    assert from_phe(theirs).decrypt(theirs.public_key.raw_encrypt(12345)) == 12345


def test_phes_short_keys_are_refused() -> None:
    public, private = phe.generate_paillier_keypair(n_length=512)
    for short in (public, private):
        with pytest.raises(ModulusError, match="512 bits; use 2048 to 4096"):
            from_phe(short)


@SLOW
@given(value=VALUES)
def test_phe_reads_our_ciphertexts(key: PrivateKey, value: int) -> None:
    c = key.encrypt(to_residue(key.public, value))
    assert to_phe(key).decrypt(ciphertext_to_phe(key.public, c)) == value


@SLOW
@given(value=VALUES)
def test_we_read_phes_ciphertexts(key: PrivateKey, value: int) -> None:
    c = ciphertext_from_phe(to_phe(key.public).encrypt(value))
    assert from_residue(key.public, int(key.decrypt(c))) == value


def test_the_same_randomness_gives_the_same_ciphertext(key: PrivateKey) -> None:
    n, theirs = int(key.public.n), to_phe(key.public)
    r = int(key.public.random_unit())
    for m in (0, 1, n // 3, n // 2, n - 5, n - 1):
        assert theirs.raw_encrypt(m, r_value=r) == key.public.encrypt(m, r) == key.encrypt(m, r)


def test_both_decrypt_alike(key: PrivateKey) -> None:
    n, theirs = int(key.public.n), to_phe(key)
    for m in (0, 1, n // 3, n // 2, n // 2 + 1, n - 1):
        c = int(key.encrypt(m))
        assert theirs.raw_decrypt(c) == key.decrypt(c) == m


@SLOW
@given(a=VALUES, b=VALUES, k=st.integers(-(10**9), 10**9))
def test_phes_arithmetic_is_ours(key: PrivateKey, a: int, b: int, k: int) -> None:
    public = key.public
    c_a, c_b = (key.encrypt(to_residue(public, value)) for value in (a, b))
    their_a, their_b = (ciphertext_to_phe(public, c) for c in (c_a, c_b))
    assert (their_a + their_b).ciphertext(be_secure=False) == public.add(c_a, c_b)
    assert (their_a * k).ciphertext(be_secure=False) == public.multiply(c_a, k)
    total = ciphertext_from_phe(their_a * k + their_b)
    assert from_residue(public, int(key.decrypt(total))) == a * k + b


def test_mixed_sums_there_and_back(key: PrivateKey) -> None:
    public, theirs = key.public, to_phe(key)
    ours = key.encrypt(to_residue(public, -100))
    total = ciphertext_to_phe(public, ours) + theirs.public_key.encrypt(58) + 2
    assert theirs.decrypt(total) == -40
    back = public.add(ciphertext_from_phe(total), ours)
    assert from_residue(public, int(key.decrypt(back))) == -140
    assert theirs.decrypt(ciphertext_to_phe(public, back)) == -140


def test_phe_blinds_what_it_hands_out(key: PrivateKey) -> None:
    c = key.encrypt(1)
    doubled = ciphertext_to_phe(key.public, c) + ciphertext_to_phe(key.public, c)
    assert ciphertext_from_phe(doubled) != key.public.add(c, c)


@pytest.mark.parametrize("value", [0.5, -1.25, 1e-9, 1e300])
def test_phes_fractions_are_refused(key: PrivateKey, value: float) -> None:
    number = to_phe(key.public).encrypt(value)
    with pytest.raises(CiphertextError, match=f"has the exponent {number.exponent}; encrypt an integer"):
        ciphertext_from_phe(number)


def test_what_is_no_ciphertext_does_not_reach_phe(key: PrivateKey) -> None:
    for bad in (0, -1, key.public.n_squared, key.factors[0]):
        with pytest.raises(CiphertextError, match="number 0"):
            ciphertext_to_phe(key.public, bad)
