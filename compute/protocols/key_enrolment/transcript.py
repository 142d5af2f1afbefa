"""Fiat–Shamir transcripts: challenges as a hash of everything that both sides have before them.

Every part goes in behind its length, so that no two lists of parts give the same bytes, and the first parts say
for which proof it is and between whom. Libraries that lacked the one or the other lost keys: CVE-2022-47931 (parts
that ran into each other), CVE-2022-47930 (proofs of another session).
"""

import hashlib
from collections.abc import Iterator

from gmpy2 import mpz

from compute.signing import SUITE

EXTRA_BITS = 128
"""A number is this much longer than the modulus before its reduction, so that it is uniform to 2⁻¹²⁸."""

CHALLENGE_BYTES = 16
"""Of a challenge of 128 bits; of 128 rounds with one bit each, too."""
ROUNDS = 8 * CHALLENGE_BYTES


class Transcript:
    """The label ``veilmart/key-enrolment/…``, the suite, then the parts. One transcript gives challenges once."""

    def __init__(self, proof: str, *parts: bytes) -> None:
        labelled = (f"veilmart/key-enrolment/{proof}".encode(), SUITE.encode(), *parts)
        self._prefix = b"".join(len(part).to_bytes(4, "big") + part for part in labelled)

    def challenge(self) -> bytes:
        """Give 128 bits: the first 16 bytes of SHAKE256."""
        return hashlib.shake_256(self._prefix).digest(CHALLENGE_BYTES)

    def numbers(self, count: int, modulus: mpz) -> list[mpz]:
        """Give SHAKE256(prefix ‖ i), |modulus|+128 bits of it, modulo the modulus, for i = 0 … count−1."""
        length = (modulus.bit_length() + EXTRA_BITS + 7) // 8
        return [
            mpz.from_bytes(hashlib.shake_256(self._prefix + index.to_bytes(4, "big")).digest(length), "big")
            % modulus
            for index in range(count)
        ]


def bits(challenge: bytes) -> Iterator[int]:
    """Give the bits of a challenge, the highest of the first byte first."""
    return (byte >> shift & 1 for byte in challenge for shift in range(7, -1, -1))
