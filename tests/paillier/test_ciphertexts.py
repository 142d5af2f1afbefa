"""What claims to be a ciphertext, one by one and in batches, and the bytes in which they travel."""

import pytest
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st

from compute.paillier.ciphertexts import from_bytes, to_bytes
from compute.paillier.errors import CiphertextError
from compute.paillier.private import PrivateKey

NUMBERS = st.binary(min_size=512, max_size=512).map(int.from_bytes)


def outside(key: PrivateKey) -> list[int]:
    n_squared = int(key.public.n_squared)
    return [0, -1, -5, n_squared, n_squared + 5, 2 * n_squared + 1, -n_squared + 1]


def sharing(key: PrivateKey) -> list[int]:
    n, (p, q) = int(key.public.n), map(int, key.factors)
    return [n, p, q, p * p, q * q, 2 * n, n * n - n, n * n - p]


def good(key: PrivateKey) -> list[mpz]:
    return [key.encrypt(m) for m in (0, 1, key.public.n - 1)] + [mpz(1), key.public.n_squared - 1]


def test_ciphertexts_pass(key: PrivateKey) -> None:
    key.public.check_ciphertexts([])
    key.public.check_ciphertexts(good(key))


@pytest.mark.parametrize("index", range(7))
def test_a_number_out_of_range_is_named(key: PrivateKey, index: int) -> None:
    with pytest.raises(CiphertextError, match=r"number 0 lies outside \(0, n²\)"):
        key.public.check_ciphertexts([outside(key)[index]])


@pytest.mark.parametrize("index", range(8))
def test_a_number_that_shares_a_factor_is_named(key: PrivateKey, index: int) -> None:
    with pytest.raises(CiphertextError, match="number 0 shares a factor with n"):
        key.public.check_ciphertexts([sharing(key)[index]])


@pytest.mark.parametrize("position", range(6))
def test_a_batch_names_the_place(key: PrivateKey, position: int) -> None:
    for bad in (outside(key)[0], outside(key)[4], sharing(key)[0], sharing(key)[1]):
        batch = good(key)
        batch.insert(position, mpz(bad))
        with pytest.raises(CiphertextError, match=rf"^number {position} "):
            key.public.check_ciphertexts(batch)


def test_two_bad_numbers_do_not_hide_each_other(key: PrivateKey) -> None:
    p, q = key.factors
    for pair in ((p, q), (p, p), (q, key.public.n - q)):
        with pytest.raises(CiphertextError, match="number 1 shares"):
            key.public.check_ciphertexts([mpz(1), *pair])


@given(numbers=st.lists(NUMBERS, max_size=5))
def test_bytes_round_trip(key: PrivateKey, numbers: list[int]) -> None:
    ciphertexts = [1 + number % (key.public.n_squared - 1) for number in numbers]
    data = to_bytes(key.public, ciphertexts)
    assert len(data) == 512 * len(numbers)
    assert from_bytes(key.public, data, len(numbers)) == ciphertexts


def test_bytes_are_big_endian_and_padded(key: PrivateKey) -> None:
    assert to_bytes(key.public, [1, 258]) == bytes(511) + b"\1" + bytes(510) + b"\1\2"


@pytest.mark.parametrize(("length", "count"), [(0, 1), (511, 1), (513, 1), (512, 0), (512, 2), (1024, 1), (1, 0)])
def test_another_number_of_bytes_is_refused(key: PrivateKey, length: int, count: int) -> None:
    with pytest.raises(CiphertextError, match=f"{length} bytes where {count} ciphertexts of 512"):
        from_bytes(key.public, b"\1" * length, count)


def test_bytes_are_checked(key: PrivateKey) -> None:
    one, bad = to_bytes(key.public, [1]), key.factors[0].to_bytes(512, "big")
    with pytest.raises(CiphertextError, match="number 1 lies outside"):
        from_bytes(key.public, one + bytes(512) + one, 3)
    with pytest.raises(CiphertextError, match="number 2 lies outside"):
        from_bytes(key.public, one + one + b"\xff" * 512, 3)
    with pytest.raises(CiphertextError, match="number 1 shares a factor"):
        from_bytes(key.public, one + bad + one, 3)
    assert from_bytes(key.public, b"", 0) == []
