"""Checks on everything that claims to be a ciphertext, and the one form in which arrays of them travel."""

from collections.abc import Iterable, Sequence

import gmpy2
from gmpy2 import mpz

from compute.paillier.errors import CiphertextError
from compute.paillier.public import PublicKey


def check(key: PublicKey, ciphertexts: Sequence[int]) -> None:
    """Raise :class:`CiphertextError`, naming the index, unless every c has 0 < c < n² and gcd(c, n) = 1.

    One gcd serves the whole batch: the product shares a factor with n if and only if one of them does.
    """
    product = mpz(1)
    for index, c in enumerate(ciphertexts):
        if not 0 < c < key.n_squared:
            raise CiphertextError(f"number {index} lies outside (0, n²); encrypt it under this key")
        product = product * c % key.n
    if gmpy2.gcd(product, key.n) != 1:
        index = next(i for i, c in enumerate(ciphertexts) if gmpy2.gcd(c, key.n) != 1)
        raise CiphertextError(f"number {index} shares a factor with n; encrypt it under this key")


def to_bytes(key: PublicKey, ciphertexts: Iterable[int]) -> bytes:
    """Give the ciphertexts one after another, each big-endian in ``key.ciphertext_bytes`` bytes."""
    return b"".join(mpz(c).to_bytes(key.ciphertext_bytes, "big") for c in ciphertexts)


def from_bytes(key: PublicKey, data: bytes, count: int) -> list[mpz]:
    """Read and check exactly ``count`` ciphertexts; raise :class:`CiphertextError` for anything else."""
    size = key.ciphertext_bytes
    if len(data) != count * size:
        raise CiphertextError(f"{len(data)} bytes where {count} ciphertexts of {size} bytes were expected")
    ciphertexts = [mpz.from_bytes(data[start : start + size], "big") for start in range(0, len(data), size)]
    check(key, ciphertexts)
    return ciphertexts
