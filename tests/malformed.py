"""Moduli that are no product of two large Blum primes, and a bank that proves what can be proven of them."""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import gmpy2
from gmpy2 import mpz

from compute.paillier.public import PublicKey
from compute.protocols.key_enrolment.blum_modulus import BlumProof, blum_challenges
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.messages import challenges
from compute.protocols.key_enrolment.numbers import integer_bytes, residue_bytes
from compute.protocols.key_enrolment.small_factor import (
    ELL,
    EPSILON,
    Bounds,
    SmallFactorProof,
    small_factor_challenge,
)
from compute.protocols.key_enrolment.small_factor_prover import draw_signed

VECTORS = Path(__file__).parent / "protocols" / "vectors"


@dataclass(frozen=True)
class Malformed:
    """A modulus, by all its prime factors; ``check`` refuses it."""

    name: str
    what: str
    factors: tuple[mpz, ...]
    check: int

    @property
    def n(self) -> mpz:
        return mpz(prod(self.factors))

    @functools.cached_property
    def totient(self) -> mpz:
        return mpz(prod(p if p in self.factors[:i] else p - 1 for i, p in enumerate(self.factors)))


def _read(record: dict[str, Any]) -> Malformed:
    factors = tuple(mpz(factor, 16) for factor in record["factors"])
    return Malformed(record["name"], record["what"], factors, record["check"])


MODULI = {
    record["name"]: _read(record)
    for record in json.loads((VECTORS / "malformed_moduli.json").read_text("utf-8"))["moduli"]
}


def unchecked(n: int) -> PublicKey:
    """A public key as construction would make it if it checked nothing."""
    key = PublicKey.__new__(PublicKey)
    key.n, key.n_squared = mpz(n), mpz(n) ** 2
    key.bits = key.n.bit_length()
    key.modulus_bytes = (key.bits + 7) // 8
    key.ciphertext_bytes = (key.n_squared.bit_length() + 7) // 8
    return key


# --- the best that can be proven ---------------------------------------------------------------------------------


@functools.cache
def roots(claim: Claim, modulus: Malformed) -> tuple[bytes, ...]:
    """n-th roots where gcd(n, φ(n)) = 1, and 1 elsewhere."""
    n = claim.key.n
    exponent = gmpy2.invert(n, modulus.totient) if gmpy2.gcd(n, modulus.totient) == 1 else 0
    return tuple(residue_bytes([gmpy2.powmod(y, exponent, n)], n) for y in challenges(claim))


@functools.cache
def blum_proof(claim: Claim, modulus: Malformed, w: int) -> BlumProof:
    """Fourth roots of whichever of y, −y, w·y, −w·y has one modulo all prime factors; 1 where none has."""
    n, a_bits, b_bits, fourth, nth = claim.key.n, 0, 0, [], []
    exponent = gmpy2.invert(n, modulus.totient) if gmpy2.gcd(n, modulus.totient) == 1 else 0
    w_bytes = residue_bytes([w], n)
    for y in blum_challenges(claim, w_bytes):
        found = ((a, b, _fourth_root((-1) ** a * w**b * y, modulus.factors)) for a in (0, 1) for b in (0, 1))
        a, b, x = next((each for each in found if each[2] is not None), (0, 0, mpz(1)))
        a_bits, b_bits = a_bits << 1 | a, b_bits << 1 | b
        fourth.append(x)
        nth.append(gmpy2.powmod(y, exponent, n))
    return BlumProof(
        w=w_bytes,
        a=a_bits.to_bytes(16, "big"),
        b=b_bits.to_bytes(16, "big"),
        x=residue_bytes(fourth, n),
        z=residue_bytes(nth, n),
    )


def non_residue(n: int) -> int:
    """The least number with the Jacobi symbol −1."""
    return next(w for w in range(2, 10_000) if gmpy2.jacobi(w, mpz(n)) == -1)


def _fourth_root(u: int, primes: Sequence[mpz]) -> mpz | None:
    """The fourth root in the subgroup of odd order: with p−1 = 2m or 4m, m odd, there is one or none."""
    x, modulus = mpz(0), mpz(1)
    for p in primes:
        order = (p - 1) >> gmpy2.bit_scan1(p - 1)
        if gmpy2.powmod(u, order, p) != 1:
            return None
        root = gmpy2.powmod(u, gmpy2.invert(4, order), p)
        x += modulus * ((root - x) * gmpy2.invert(modulus, p) % p)
        modulus *= p
    return x


def small_factor_proof(claim: Claim, p: int, q: int) -> SmallFactorProof:
    """Π_fac of p and q, whatever they are, by the letter; a number beyond its bound is cut down to it."""
    n, own = int(claim.key.n), claim.parameters
    modulus, mask, bounds = own.modulus, ELL + EPSILON, Bounds.of(n, own.modulus)
    root = int(gmpy2.isqrt(mpz(n)))
    alpha, beta, mu, nu, sigma, r, x, y = (
        draw_signed(bound)
        for bound in (
            root << mask,
            root << mask,
            int(modulus) << ELL,
            int(modulus) << ELL,
            bounds.sigma,
            int(n * modulus) << mask,
            int(modulus) << mask,
            int(modulus) << mask,
        )
    )

    def commit(value: int, randomness: int, base: mpz = own.s) -> mpz:
        return gmpy2.powmod(base, value, modulus) * gmpy2.powmod(own.t, randomness, modulus) % modulus

    committed_q = commit(q, nu)
    numbers = [commit(p, mu), committed_q, commit(alpha, x), commit(beta, y), commit(alpha, r, committed_q)]
    commitments = (*(residue_bytes([each], modulus) for each in numbers), integer_bytes(sigma, bounds.sigma))
    e = small_factor_challenge(claim, commitments)
    z1, z2 = (max(min(int(z), bounds.z), -bounds.z) for z in (alpha + e * p, beta + e * q))
    committed_p, committed_q_bytes, masked_p, masked_q, masked_product, sigma_bytes = commitments
    return SmallFactorProof(
        committed_p=committed_p,
        committed_q=committed_q_bytes,
        masked_p=masked_p,
        masked_q=masked_q,
        masked_product=masked_product,
        sigma=sigma_bytes,
        z1=integer_bytes(z1, bounds.z),
        z2=integer_bytes(z2, bounds.z),
        w1=integer_bytes(x + e * mu, bounds.w),
        w2=integer_bytes(y + e * nu, bounds.w),
        v=integer_bytes(max(min(r + e * (sigma - nu * int(p)), bounds.v), -bounds.v), bounds.v),
    )
