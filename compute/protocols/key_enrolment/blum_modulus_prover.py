"""Π_mod, the bank's side: fourth roots and n-th roots from the factors of n."""

import secrets

import gmpy2
from gmpy2 import mpz

from compute.paillier.errors import ModulusError
from compute.paillier.private import PrivateKey
from compute.protocols.key_enrolment.blum_modulus import BlumProof, blum_challenges
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.numbers import residue_bytes
from compute.protocols.key_enrolment.transcript import ROUNDS

_BLUM = 3
"""p ≡ 3 mod 4."""


def prove_blum_modulus(key: PrivateKey, claim: Claim, w: int | None = None) -> BlumProof:
    """Give the proof; w, of Jacobi symbol −1, is drawn afresh where it is not given.

    Raises :class:`ModulusError` for a key whose primes are not both ≡ 3 mod 4. Powers whose exponent or modulus
    is secret are in constant time; which a and b they give is in the proof.
    """
    p, q = key.factors
    if any(prime % 4 != _BLUM for prime in (p, q)):
        raise ModulusError("the factors are not both ≡ 3 mod 4; generate a new key")
    chosen = _non_residue(key.public.n) if w is None else mpz(w)
    w_bytes = residue_bytes([chosen], key.public.n)
    signs, factors, fourth, nth = 0, 0, [], []
    w_p = _is_square(chosen, p)
    for y in blum_challenges(claim, w_bytes):
        y_p, y_q = _is_square(y, p), _is_square(y, q)
        # w changes the residuosity modulo one prime only, and −1 modulo both.
        b = y_p != y_q
        a = y_p != w_p if b else not y_p
        signs, factors = signs << 1 | a, factors << 1 | b
        square = (-1 if a else 1) * (chosen if b else 1) * y
        x_p, x_q = _fourth_root(square, p), _fourth_root(square, q)
        fourth.append(x_q + q * ((x_p - x_q) * gmpy2.invert(q, p) % p))
        nth.append(key.nth_root(y))
    return BlumProof(
        w=w_bytes,
        a=signs.to_bytes(ROUNDS // 8, "big"),
        b=factors.to_bytes(ROUNDS // 8, "big"),
        x=residue_bytes(fourth, key.public.n),
        z=residue_bytes(nth, key.public.n),
    )


def _non_residue(n: mpz) -> mpz:
    while True:
        w = mpz(secrets.randbelow(int(n)))
        if gmpy2.jacobi(w, n) == -1:
            return w


def _is_square(y: mpz, p: mpz) -> bool:
    """Euler's criterion."""
    return bool(gmpy2.powmod_sec(y % p, (p - 1) // 2, p) == 1)


def _fourth_root(square: mpz, p: mpz) -> mpz:
    """With p ≡ 3 mod 4 the square root u^((p+1)/4) of a square is a square itself, so it can be taken twice."""
    return gmpy2.powmod_sec(square % p, ((p + 1) // 4) ** 2 % ((p - 1) // 2), p)
