"""The key owner's randomness: n-th residues modulo p² from tables of powers of one base.

The n-th residues modulo p² are the lifts x^p of the units x modulo p, a cyclic group of order p−1. Let h generate
it; whether it does is decided with the prime factors of p−1, which our own keys have by construction
(``primes.py``).

- *Full exponents*, e uniform in [0, p−1): h^e is exactly uniform, and nothing is assumed.
- *Short exponents*, e uniform in [0, 2^(|p|/2)), for each factor its own: |n|/2 random bits together, as in
  Damgård, Jurik and Nielsen (2010, §4.2), at half the cost. Assumed: to whoever does not know p and q, such
  residues look uniform. Goldreich and Rosen (2003) show it under factoring where one exponent of half the length
  serves for all of n; for one exponent per factor it is an assumption. Whoever looks for two residues that agree
  modulo p and not modulo q, by greatest common divisors of many, meets one after 2^(|p|/4) ≥ 2²⁵⁶ of them:
  factoring n is far easier.

Only the owner of p may load this module; a provider never does.
"""

import secrets

import gmpy2
import numpy as np
from gmpy2 import mpz

from compute.paillier.primes import generator
from compute.paillier.split import Products, Split, Table

ENTRIES_PER_BYTE = 256
"""Of an exponent: a table for each byte, with an entry for each value."""


class FixedBase:
    """Tables of the powers of a generator: the i-th holds h^(256^i·d) for each digit d."""

    def __init__(self, p: mpz, factors: tuple[mpz, ...], *, short: bool) -> None:
        """Make the tables; ``factors`` are the primes that divide p−1."""
        self._p, self._short = p, short
        self._length = exponent_bytes(p.bit_length(), short=short)
        base = Split.of([gmpy2.powmod_sec(generator(p, factors), p, p * p)], p)
        self._tables = []
        for _ in range(self._length):
            powers = base.powers(ENTRIES_PER_BYTE)
            base = powers.part(ENTRIES_PER_BYTE - 1, ENTRIES_PER_BYTE).outer(base)
            self._tables.append(Table(powers))

    def nth_residues(self, count: int) -> list[mpz]:
        """Give so many fresh n-th residues modulo p²."""
        products = Products(self._p, count)
        exponents = np.frombuffer(self._exponents(count), dtype=np.uint8).reshape(count, self._length).T
        for index in range(0, self._length - 1, 2):
            products.multiply_pair(self._tables[index : index + 2], exponents[index : index + 2])
        if self._length % 2:
            products.multiply(self._tables[-1], exponents[-1])
        return products.residues()

    def _exponents(self, count: int) -> bytes:
        if self._short:
            return secrets.token_bytes(count * self._length)
        order = int(self._p) - 1
        return b"".join(secrets.randbelow(order).to_bytes(self._length, "little") for _ in range(count))


def exponent_bytes(bits: int, *, short: bool) -> int:
    """Give the length of exponents for a factor of so many bits."""
    return -(-bits // (16 if short else 8))
