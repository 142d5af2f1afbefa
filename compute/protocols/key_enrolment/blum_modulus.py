"""Π_mod: n is a product of two Blum primes, and gcd(n, φ(n)) = 1. Message, challenges, verification.

For each of 128 challenges y_i the prover shows an n-th root of y_i, and a fourth root of one of y_i, −y_i, w·y_i,
−w·y_i, where w has the Jacobi symbol −1. With more than two prime factors at most half of the numbers are ± or ±w
times a square; with a prime ≡ 1 mod 4 not all squares are fourth powers. A false n passes with 2⁻¹²⁸ at most.

Source: CGGMP21 (ePrint 2021/060), figure "Paillier-Blum Modulus ZK – Π^mod". Without it keys were extracted
from wallets: Makriyannis, Yomtov, Galansky (ePrint 2023/1234; CVE-2023-33241).
"""

from typing import Annotated

import gmpy2
from gmpy2 import mpz
from msgspec import Meta

from compute.canonical import Message
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.numbers import Column, ProofError, Residue, residues
from compute.protocols.key_enrolment.transcript import CHALLENGE_BYTES, ROUNDS, bits

Bits = Annotated[bytes, Meta(min_length=CHALLENGE_BYTES, max_length=CHALLENGE_BYTES)]
"""A bit for each round, the highest of the first byte first."""


class BlumProof(Message, frozen=True):
    """The proof, by the letters of the source."""

    w: Residue
    a: Bits
    """Where y_i takes the sign −."""
    b: Bits
    """Where y_i takes the factor w."""
    x: Column
    """Fourth roots of (−1)^a_i·w^b_i·y_i."""
    z: Column
    """n-th roots of y_i."""


def blum_challenges(claim: Claim, w: bytes) -> list[mpz]:
    """Give y_0 … y_127, which depend on the claim and on w."""
    return claim.transcript("blum-modulus/v1", w).numbers(ROUNDS, claim.key.n)


def check_blum_modulus(claim: Claim, proof: BlumProof) -> None:
    """Raise :class:`ProofError` unless the proof verifies; n is odd and no prime, which the caller has checked.

    w has the Jacobi symbol −1 modulo n, and in each round z^n = y and x⁴ = (−1)^a·w^b·y mod n. All numbers are in
    (0, n), in as many bytes as n, before one of them is used.
    """
    n = claim.key.n
    (w,) = residues("w", proof.w, n)
    fourth_roots = residues("the fourth roots", proof.x, n, ROUNDS)
    nth_roots = residues("the n-th roots", proof.z, n, ROUNDS)
    if gmpy2.jacobi(w, n) != -1:
        raise ProofError("the Jacobi symbol of w is not −1")
    rounds = zip(
        blum_challenges(claim, proof.w), fourth_roots, nth_roots, bits(proof.a), bits(proof.b), strict=True
    )
    for index, (y, x, z, a, b) in enumerate(rounds):
        power = y * (w if b else 1) % n
        if gmpy2.powmod(x, 4, n) != (n - power if a else power):
            raise ProofError(f"fourth root {index} is not that of its challenge")
        if gmpy2.powmod(z, n, n) != y:
            raise ProofError(f"n-th root {index} is not that of its challenge")
