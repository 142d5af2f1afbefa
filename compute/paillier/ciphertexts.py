"""The one form in which arrays of ciphertexts travel."""

from collections.abc import Iterable

from gmpy2 import mpz

from compute.paillier.errors import CiphertextError
from compute.paillier.public import PublicKey


def to_bytes(key: PublicKey, ciphertexts: Iterable[int]) -> bytes:
    """Give the ciphertexts one after another, each big-endian in ``key.ciphertext_bytes`` bytes."""
    return b"".join(mpz(c).to_bytes(key.ciphertext_bytes, "big") for c in ciphertexts)


def from_bytes(key: PublicKey, data: bytes, count: int) -> list[mpz]:
    """Read and check exactly ``count`` ciphertexts; raise :class:`CiphertextError` for anything else."""
    size = key.ciphertext_bytes
    if len(data) != count * size:
        raise CiphertextError(f"{len(data)} bytes where {count} ciphertexts of {size} bytes were expected")
    ciphertexts = read(key, data)
    key.check_ciphertexts(ciphertexts)
    return ciphertexts


def read(key: PublicKey, data: bytes) -> list[mpz]:
    """Read ciphertexts that this side wrote itself after it had checked them."""
    size = key.ciphertext_bytes
    return [mpz.from_bytes(data[start : start + size], "big") for start in range(0, len(data), size)]
