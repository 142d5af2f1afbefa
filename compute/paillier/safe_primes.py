"""Safe primes p = 2·r + 1, r prime: the factors of a modulus in whose squares no element but 1 has a small order.

Found by sieving a window of candidates for r and for p together (M. Wiener, "Safe Prime Generation with a Combined
Sieve", ePrint 2003/186), so that some hundred powers are needed and not some hundred thousand.
"""

import secrets
from collections.abc import Iterator
from functools import cache

import gmpy2
import numpy as np
from gmpy2 import mpz
from numpy.typing import NDArray

from compute.paillier.primes import PRIMALITY_ROUNDS, SMALL_FACTOR_BOUND

_WINDOW = 2**19
"""Odd numbers that are sieved at a time: one safe prime of 1,536 bits lies among them on average."""


def safe_prime(bits: int) -> mpz:
    """Give a random safe prime of ``bits`` bits whose two top bits are set: a product of two has 2·bits bits.

    Each window starts at a random place; one of 1,536 bits takes some seconds.
    """
    while True:
        start = mpz(secrets.randbits(bits - 3)) | mpz(3) << (bits - 3) | 1
        for r in _survivors(start):
            p = 2 * r + 1
            if p.bit_length() > bits:
                break
            # A power of 2 throws out nearly all composites, at a fortieth of the full test's cost.
            if all(gmpy2.powmod(2, each - 1, each) == 1 for each in (r, p)) and is_safe_prime(p):
                return p


def is_safe_prime(p: int) -> bool:
    """Say whether p and (p−1)/2 are primes."""
    return bool(p % 2 and all(gmpy2.is_prime(mpz(each), PRIMALITY_ROUNDS) for each in (p, (p - 1) // 2)))


def _survivors(start: mpz) -> Iterator[mpz]:
    """Give each r = start + 2·i of the window such that neither r nor 2·r + 1 has a prime factor below 2²⁰."""
    alive = np.ones(_WINDOW, dtype=np.bool_)
    for prime in map(int, _odd_primes()):
        half = (prime + 1) // 2  # the inverse of 2
        remainder = int(start % prime)
        alive[-remainder * half % prime :: prime] = False  # r ≡ 0
        alive[-(remainder + half) * half % prime :: prime] = False  # r ≡ −1/2
    for index in np.flatnonzero(alive):
        yield start + 2 * int(index)


@cache
def _odd_primes() -> NDArray[np.int64]:
    """Give the odd primes below 2²⁰, by Eratosthenes' sieve."""
    alive = np.ones(SMALL_FACTOR_BOUND, dtype=np.bool_)
    alive[:2] = False
    alive[4::2] = False
    for number in range(3, int(SMALL_FACTOR_BOUND**0.5) + 1, 2):
        if alive[number]:
            alive[number * number :: 2 * number] = False
    return np.flatnonzero(alive)[1:]
