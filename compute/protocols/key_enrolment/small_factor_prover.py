"""Π_fac, the bank's side: commit to both factors under the provider's parameters, which carry Π_prm."""

import secrets
from collections.abc import Callable
from functools import partial

import gmpy2
from gmpy2 import mpz

from compute.paillier.errors import ModulusError
from compute.paillier.private import PrivateKey
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.numbers import integer_bytes, residue_bytes
from compute.protocols.key_enrolment.small_factor import (
    ELL,
    EPSILON,
    Bounds,
    SmallFactorProof,
    small_factor_challenge,
)

Draw = Callable[[int], int]
"""Gives a uniform number of at most this size, of either sign."""


def draw_signed(bound: int) -> int:
    """Draw uniformly from [−bound, bound], of the operating system's randomness."""
    return secrets.randbelow(2 * bound + 1) - bound


def prove_small_factor(key: PrivateKey, claim: Claim, draw: Draw = draw_signed) -> SmallFactorProof:
    """Give the proof. The claim's parameters must have passed ``check_ring_pedersen``: else it tells the factors.

    Raises :class:`ModulusError` where one factor is too small to be proven.
    """
    p, q = key.factors
    n, own = key.public.n, claim.parameters
    modulus, mask = own.modulus, ELL + EPSILON
    root, bounds = int(gmpy2.isqrt(n)), Bounds.of(n, own.modulus)
    if max(p, q) > root << ELL:
        raise ModulusError("one factor is far smaller than the other; generate a new key")
    alpha, beta = draw(root << mask), draw(root << mask)
    mu, nu = draw(int(modulus) << ELL), draw(int(modulus) << ELL)
    sigma, r = draw(bounds.sigma), draw(int(n * modulus) << mask)
    x, y = draw(int(modulus) << mask), draw(int(modulus) << mask)
    power = partial(_power, modulus=modulus)

    def commit(value: int, randomness: int) -> mpz:
        return power(own.s, value) * power(own.t, randomness) % modulus

    committed_q = commit(q, nu)
    numbers = (
        commit(p, mu),
        committed_q,
        commit(alpha, x),
        commit(beta, y),
        power(committed_q, alpha) * power(own.t, r) % modulus,
    )
    commitments = (*(residue_bytes([each], modulus) for each in numbers), integer_bytes(sigma, bounds.sigma))
    e = small_factor_challenge(claim, commitments)
    z1, z2 = alpha + e * p, beta + e * q
    if max(abs(z1), abs(z2)) > bounds.z:  # with probability 2⁻¹²⁸
        return prove_small_factor(key, claim, draw)
    return SmallFactorProof(
        committed_p=commitments[0],
        committed_q=commitments[1],
        masked_p=commitments[2],
        masked_q=commitments[3],
        masked_product=commitments[4],
        sigma=commitments[5],
        z1=integer_bytes(z1, bounds.z),
        z2=integer_bytes(z2, bounds.z),
        w1=integer_bytes(x + e * mu, bounds.w),
        w2=integer_bytes(y + e * nu, bounds.w),
        v=integer_bytes(r + e * (sigma - nu * int(p)), bounds.v),
    )


def _power(base: mpz, exponent: int, modulus: mpz) -> mpz:
    """base^exponent, in a time that depends on the exponent's length and sign only."""
    return gmpy2.powmod_sec(base if exponent >= 0 else gmpy2.invert(base, modulus), abs(exponent), modulus)
