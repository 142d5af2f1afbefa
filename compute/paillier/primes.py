"""Prime factors for Paillier keys: Blum primes p = 2·a·r + 1 whose p − 1 is factored by construction.

p ≡ 3 mod 4 (PROTOCOLS.md §1), r is a prime and a is odd and below 2²⁰, so whoever has p finds the factors of p−1
by trial division. p−1 having one large prime factor is what FIPS 186's strong primes ask for too.
"""

import secrets
from functools import cache

import gmpy2
from gmpy2 import mpz

PRIMALITY_ROUNDS = 40  # error below 4⁻⁴⁰ for a composite, whoever chose it
SMALL_FACTOR_BOUND = 2**20


@cache
def small_primes() -> mpz:
    """Give the product of all primes below 2²⁰ (1.5 million bits, 15 ms)."""
    return gmpy2.primorial(SMALL_FACTOR_BOUND)


def blum_prime(bits: int) -> mpz:
    """Give a random p = 2·a·r + 1 of ``bits`` bits whose two top bits are set: a product of two has 2·bits bits.

    r is a random prime and a a random odd number below 2²⁰; some hundred tries for r, and then for p.
    """
    bound, top = mpz(1) << bits, mpz(3) << (bits - 2)
    while True:
        r = _random_prime(bits - SMALL_FACTOR_BOUND.bit_length() + 1)
        for _ in range(2 * bits):
            least, most = -(-top // (2 * r)), (bound - 2) // (2 * r)
            a = least + secrets.randbelow(int(most - least + 1))
            p = 2 * a * r + 1
            if a % 2 and a < SMALL_FACTOR_BOUND and gmpy2.is_prime(p, PRIMALITY_ROUNDS):
                return p


def _random_prime(bits: int) -> mpz:
    while True:
        candidate = mpz(secrets.randbits(bits)) | (mpz(1) << (bits - 1)) | 1
        if gmpy2.is_prime(candidate, PRIMALITY_ROUNDS):
            return candidate


def factors_of_order(p: int) -> tuple[mpz, ...] | None:
    """Give the different primes that divide p−1; None where trial division to 2²⁰ leaves a composite."""
    rest = mpz(p - 1)
    small, factors, divisor = gmpy2.gcd(rest, small_primes()), [], mpz(2)
    while small > 1:
        if small % divisor == 0:
            factors.append(divisor)
            small //= divisor
            rest, _ = gmpy2.remove(rest, divisor)
        divisor += 1
    if rest == 1:
        return tuple(factors)
    return (*factors, rest) if gmpy2.is_prime(rest, PRIMALITY_ROUNDS) else None


def generator(p: int, factors: tuple[mpz, ...]) -> mpz:
    """Give a random generator of the units modulo the prime p, ``factors`` being the primes that divide p−1."""
    while True:
        h = mpz(2 + secrets.randbelow(int(p) - 3))
        if all(gmpy2.powmod_sec(h, (p - 1) // factor, p) != 1 for factor in factors):
            return h
