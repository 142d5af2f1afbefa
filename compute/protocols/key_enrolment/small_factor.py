"""Π_fac: n = p·q with neither factor small. Message, challenge, bounds, verification.

The prover commits to p and q under the verifier's ring-Pedersen parameters and shows that the product is n and
that both lie below √n·2^(ℓ+ε+1): so both lie above √n/2^(ℓ+ε+1). With n a product of exactly two primes (Π_mod),
they are the primes.

ℓ = 128 and ε = 256: ℓ is the length κ of a challenge and ε = 2κ, as in the source, whose challenges have 256 bits.
So each mask is 2^(ε−128) = 2¹²⁸ times as wide as what it masks, and a commitment's randomness 2^ℓ = 2¹²⁸ times as
wide as its group: each number of the proof is within 2⁻¹²⁸ of one that is drawn without p and q. What is proven is
that each factor lies above 2⁶³⁸ at 2048 bits, 2¹¹⁵⁰ at 3072, 2¹⁶⁶² at 4096: more than the 2^ℓ that the source asks
for, and than the 2¹²⁸ on which the soundness of proofs about plaintexts rests. Factors of |n|/2 bits always pass.

Source: CGGMP21 (ePrint 2021/060), figure "No Small Factor Proof – Π^fac".
"""

from dataclasses import dataclass

import gmpy2
from gmpy2 import mpz

from compute.canonical import Message
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.numbers import Integer, ProofError, Residue, integer, residues, units

ELL, EPSILON = 128, 256


class SmallFactorProof(Message, frozen=True):
    """The proof. In the source: P, Q, A, B, T, σ, then z₁, z₂, w₁, w₂, v."""

    committed_p: Residue
    """s^p·t^μ."""
    committed_q: Residue
    """s^q·t^ν."""
    masked_p: Residue
    """s^α·t^x."""
    masked_q: Residue
    """s^β·t^y."""
    masked_product: Residue
    """Q^α·t^r."""
    sigma: Integer
    z1: Integer
    """α + e·p."""
    z2: Integer
    """β + e·q."""
    w1: Integer
    """x + e·μ."""
    w2: Integer
    """y + e·ν."""
    v: Integer
    """r + e·(σ − ν·p)."""

    @property
    def commitments(self) -> tuple[bytes, ...]:
        """Give what is sent before the challenge."""
        return (
            self.committed_p,
            self.committed_q,
            self.masked_p,
            self.masked_q,
            self.masked_product,
            self.sigma,
        )


@dataclass(frozen=True)
class Bounds:
    """The greatest size of each number. An honest one keeps it but with probability 2⁻¹²⁸."""

    z: int
    """2^(ℓ+ε)·√n."""
    sigma: int
    """2^ℓ·n·N̂."""
    w: int
    """2^(ℓ+ε+1)·N̂."""
    v: int
    """2^(ℓ+ε+1)·n·N̂."""

    @classmethod
    def of(cls, n: int, modulus: int) -> "Bounds":
        """Give the bounds for a key and a set of parameters."""
        mask = ELL + EPSILON
        return cls(
            int(gmpy2.isqrt(mpz(n))) << mask,
            int(n * modulus) << ELL,
            int(modulus) << mask + 1,
            int(n * modulus) << mask + 1,
        )


def least_factor(n: int) -> mpz:
    """Give the bound below which a key that is proven has no factor: ⌊√n⌋ / 2^(ℓ+ε+1)."""
    return gmpy2.isqrt(mpz(n)) >> ELL + EPSILON + 1


def small_factor_challenge(claim: Claim, commitments: tuple[bytes, ...]) -> int:
    """Give e in [0, 2¹²⁸)."""
    return int.from_bytes(claim.transcript("small-factor/v1", *commitments).challenge(), "big")


def check_small_factor(claim: Claim, proof: SmallFactorProof) -> None:
    """Raise :class:`ProofError` unless the proof verifies. All numbers are in their ranges before one is used.

    The equations, modulo N̂: s^z₁·t^w₁ = A·P^e, s^z₂·t^w₂ = B·Q^e, Q^z₁·t^v = T·(s^n·t^σ)^e; the ranges: those of
    :class:`Bounds`, of which soundness needs |z₁|, |z₂| ≤ 2^(ℓ+ε)·√n, and the others bound the work.
    """
    n, own = claim.key.n, claim.parameters
    modulus, bounds = own.modulus, Bounds.of(n, own.modulus)
    names = ("committed_p", "committed_q", "masked_p", "masked_q", "masked_product")
    p, q, a, b, product = (residues(name, getattr(proof, name), modulus)[0] for name in names)
    units("a commitment", [p, q, a, b, product], modulus)
    sigma = integer("sigma", proof.sigma, bounds.sigma)
    z1, z2 = integer("z1", proof.z1, bounds.z), integer("z2", proof.z2, bounds.z)
    w1, w2 = integer("w1", proof.w1, bounds.w), integer("w2", proof.w2, bounds.w)
    v = integer("v", proof.v, bounds.v)
    e = small_factor_challenge(claim, proof.commitments)

    def power(base: mpz, exponent: int) -> mpz:
        return gmpy2.powmod(base, exponent, modulus)

    def commit(value: mpz, randomness: mpz) -> mpz:
        return power(own.s, value) * power(own.t, randomness) % modulus

    if commit(z1, w1) != a * power(p, e) % modulus:
        raise ProofError("the first factor's equation does not hold")
    if commit(z2, w2) != b * power(q, e) % modulus:
        raise ProofError("the second factor's equation does not hold")
    if power(q, z1) * power(own.t, v) % modulus != product * power(commit(n, sigma), e) % modulus:
        raise ProofError("the product's equation does not hold")
