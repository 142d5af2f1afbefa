"""Numbers in messages: each in a fixed number of bytes, so that it has one form and its length bounds the work."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import gmpy2
from gmpy2 import mpz
from msgspec import Meta

from compute.paillier.public import MAXIMUM_BITS
from compute.protocols.key_enrolment.transcript import ROUNDS

MODULUS_BYTES = MAXIMUM_BITS // 8
Residue = Annotated[bytes, Meta(min_length=1, max_length=MODULUS_BYTES)]
"""A number below a modulus, big-endian, in as many bytes as the modulus has."""
Column = Annotated[bytes, Meta(min_length=1, max_length=ROUNDS * MODULUS_BYTES)]
"""A residue for each round, one behind the other."""
Integer = Annotated[bytes, Meta(min_length=1, max_length=4 * MODULUS_BYTES)]
"""A number of either sign in two's complement, big-endian, in as many bytes as its bound takes."""


class ProofError(ValueError):
    """A proof does not verify, or its numbers are not in their one form."""


def residue_bytes(numbers: Iterable[int], modulus: mpz) -> bytes:
    """Give numbers below the modulus as one :data:`Column`, or one as a :data:`Residue`."""
    length = _length(modulus)
    return b"".join(mpz(number).to_bytes(length, "big") for number in numbers)


def residues(name: str, data: bytes, modulus: mpz, count: int = 1) -> list[mpz]:
    """Read so many numbers in (0, modulus); raise :class:`ProofError`, which names them, for another form."""
    length = _length(modulus)
    if len(data) != count * length:
        raise ProofError(f"{name} has {len(data)} bytes, not {count} times {length}")
    numbers = [mpz.from_bytes(data[at : at + length], "big") for at in range(0, len(data), length)]
    for index, number in enumerate(numbers):
        if not 0 < number < modulus:
            raise ProofError(f"number {index} of {name} lies outside its modulus")
    return numbers


def units(name: str, numbers: Sequence[mpz], modulus: mpz) -> None:
    """Raise :class:`ProofError` unless all are invertible modulo the modulus."""
    if any(gmpy2.gcd(number, modulus) != 1 for number in numbers):
        raise ProofError(f"{name} shares a factor with its modulus")


def integer_bytes(number: int, bound: int) -> bytes:
    """Give a number of at most ``bound`` in size as an :data:`Integer`."""
    return int(number).to_bytes(_signed_length(bound), "big", signed=True)


def integer(name: str, data: bytes, bound: int) -> mpz:
    """Read a number of at most ``bound`` in size; raise :class:`ProofError`, which names it, for another form."""
    length = _signed_length(bound)
    if len(data) != length:
        raise ProofError(f"{name} has {len(data)} bytes, not {length}")
    number = int.from_bytes(data, "big", signed=True)
    if abs(number) > bound:
        raise ProofError(f"{name} lies beyond its bound")
    return mpz(number)


def _length(modulus: mpz) -> int:
    return int((modulus.bit_length() + 7) // 8)


def _signed_length(bound: int) -> int:
    return bound.bit_length() // 8 + 1
