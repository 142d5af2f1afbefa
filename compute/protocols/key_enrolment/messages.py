"""The messages of key enrolment, and the challenges of the n-th roots.

bank → provider   AskRingPedersen
provider → bank   RingPedersenStatement, signed: parameters under which the bank can commit to its factors, and the
                  proof that committing tells nothing. Made at the first question, the same ever after.
bank → provider   EnrolKey   n, and for this provider under these parameters: n-th roots of 8 challenges, Π_mod,
                  Π_fac; signed by the bank's identity
provider → bank   Accepted or Refused

A provider learns n, which is public, and that n is a product of two large Blum primes with gcd(n, φ(n)) = 1. The
bank learns nothing. Both assume that the other's identity key was pinned at onboarding; the bank's proof hides its
factors whatever the provider's parameters are made of, the provider's check holds as long as nobody can take roots
modulo N̂ (strong RSA).
"""

from typing import Annotated

from gmpy2 import mpz
from msgspec import Meta

from compute.canonical import Message, Milliseconds, Name
from compute.protocols.key_enrolment.blum_modulus import BlumProof
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.numbers import Residue
from compute.protocols.key_enrolment.small_factor import SmallFactorProof
from compute.signing import Signed, Suite

CHALLENGES = 8
"""With no prime factor below 2²⁰ a false modulus passes with probability 2^(−20·8) = 2⁻¹⁶⁰."""


class AskRingPedersen(Message, frozen=True):
    """Bank to provider: send your ring-Pedersen parameters. Making them takes seconds, once."""

    bank: Name


class KeyStatement(Message, frozen=True):
    """The bank's claim to one provider: n is well formed, by these proofs under the provider's parameters."""

    suite: Suite
    bank: Name
    provider: Name
    issued_at: Milliseconds
    """A later statement replaces an earlier one and never the other way round."""
    n: Residue
    modulus: Residue
    """N̂, by which the provider sees whether the proofs are under its parameters."""
    roots: Annotated[tuple[Residue, ...], Meta(min_length=CHALLENGES, max_length=CHALLENGES)]
    """The n-th roots of the challenges, big-endian."""
    blum_modulus: BlumProof
    small_factor: SmallFactorProof


class EnrolKey(Message, frozen=True):
    """Bank to provider: enrol this key."""

    statement: Signed[KeyStatement]


def challenges(claim: Claim) -> list[mpz]:
    """Give y_0 … y_7 in [0, n), of which the bank shows n-th roots: raising to the n-th power permutes Z*_n.

    Source: Goldberg, Reyzin, Sagga, Baldimtsi, "Efficient Noninteractive Certification of RSA Moduli and
    Beyond" (ePrint 2018/057), which asks that n has no factor below 2²⁰ for this number of roots.
    """
    return claim.transcript("roots/v2").numbers(CHALLENGES, claim.key.n)
