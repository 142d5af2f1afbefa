"""The messages of key enrolment, and the challenges that both sides derive.

bank → provider   EnrolKey   n and its n-th roots of 8 derived challenges, signed by the bank's identity
provider → bank   Accepted or Refused

A provider learns n, which is public, and that gcd(n, φ(n)) = 1. It assumes that the bank's identity key was
pinned at onboarding.
"""

import hashlib
from typing import Annotated

from gmpy2 import mpz
from msgspec import Meta

from compute.canonical import Message, Milliseconds, Name
from compute.paillier.public import PublicKey
from compute.signing import Signed

CHALLENGES = 8
"""With no prime factor below 2²⁰ a false modulus passes with probability 2^(−20·8) = 2⁻¹⁶⁰."""

EXTRA_BITS = 128
"""A challenge is this much longer than n before reduction, so that it is uniform to 2⁻¹²⁸."""

Residue = Annotated[bytes, Meta(min_length=1, max_length=512)]


class KeyStatement(Message, frozen=True):
    """The bank's claim: n is well formed, and these are the n-th roots of its challenges, big-endian."""

    bank: Name
    issued_at: Milliseconds
    """A later statement replaces an earlier one and never the other way round."""
    n: Residue
    roots: Annotated[tuple[Residue, ...], Meta(min_length=CHALLENGES, max_length=CHALLENGES)]


class EnrolKey(Message, frozen=True):
    """Bank to provider: enrol this key."""

    statement: Signed[KeyStatement]


def challenges(key: PublicKey, bank: str) -> list[mpz]:
    """Give H(n ‖ bank ‖ i) mod n for i = 0 … 7, H being SHAKE256 to |n|+128 bits.

    Source: Goldberg, Reyzin, Sagga, Baldimtsi, "Efficient Noninteractive Certification of RSA Moduli and
    Beyond" (ePrint 2018/057), the proof that raising to the n-th power permutes Z*_n.
    """
    prefix = b"veilmart/key-enrolment/v1" + _sized(key.to_bytes()) + _sized(bank.encode())
    length = (key.bits + EXTRA_BITS + 7) // 8
    return [
        mpz.from_bytes(hashlib.shake_256(prefix + bytes([i])).digest(length), "big") % key.n
        for i in range(CHALLENGES)
    ]


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
