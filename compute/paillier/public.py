"""The Paillier public key: encryption, addition, multiplication by a known number, validation of a modulus.

The scheme is P. Paillier, "Public-Key Cryptosystems Based on Composite Degree Residuosity Classes" (1999),
with g = 1 + n, so that E(m; r) = (1 + m·n)·r^n mod n². It does not read the private key's module.
"""

import hashlib
import secrets
from functools import cache

import gmpy2
from gmpy2 import mpz

from compute.paillier.errors import ModulusError, PlaintextError

MINIMUM_BITS = 2048
MAXIMUM_BITS = 4096
"""What a stranger's key may cost is bounded too."""
DEFAULT_BITS = 3072
SMALL_FACTOR_BOUND = 2**20
PRIMALITY_ROUNDS = 40  # error below 4⁻⁴⁰ for a composite, whoever chose it


class PublicKey:
    """A modulus n of 2,048 to 4,096 bits. Construction checks length and parity, ``validate`` the rest."""

    __slots__ = ("bits", "ciphertext_bytes", "modulus_bytes", "n", "n_squared")

    def __init__(self, n: int) -> None:
        self.n = mpz(n)
        self.bits: int = self.n.bit_length()
        if self.n <= 0 or not MINIMUM_BITS <= self.bits <= MAXIMUM_BITS:
            raise ModulusError(f"the modulus has {self.bits} bits; use {MINIMUM_BITS} to {MAXIMUM_BITS}")
        if self.n % 2 == 0:
            raise ModulusError("the modulus is even; generate a new key")
        self.n_squared = self.n * self.n
        self.modulus_bytes: int = (self.bits + 7) // 8
        self.ciphertext_bytes: int = (self.n_squared.bit_length() + 7) // 8

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and bool(self.n == other.n)

    def __hash__(self) -> int:
        return hash(self.n)

    def __repr__(self) -> str:
        return f"PublicKey({self.bits} bits, {self.fingerprint[:16]})"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of n in big-endian bytes, in hexadecimal: the name of the key in messages and logs."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Give n as big-endian bytes without leading zeros, the one form that :meth:`from_bytes` takes."""
        return bytes(self.n.to_bytes(self.modulus_bytes, "big"))

    @classmethod
    def from_bytes(cls, data: bytes) -> "PublicKey":
        """Read n from its canonical bytes; a leading zero is refused."""
        if data[:1] == b"\0":
            raise ModulusError("the modulus is not in canonical form; send it without leading zero bytes")
        return cls(mpz.from_bytes(data, "big"))

    def validate(self) -> None:
        """Raise :class:`ModulusError` where n is prime, a perfect power, or has a prime factor below 2²⁰.

        These are the checks of PROTOCOLS.md §1.1 that need no proof; that gcd(n, φ(n)) = 1 is proven by
        ``compute.protocols.key_enrolment``.
        """
        if gmpy2.gcd(_small_primes() % self.n, self.n) != 1:
            raise ModulusError("the modulus has a prime factor below 2²⁰; generate a new key")
        if gmpy2.is_power(self.n):
            raise ModulusError("the modulus is a perfect power; generate a key of two different primes")
        if gmpy2.is_prime(self.n, PRIMALITY_ROUNDS):
            raise ModulusError("the modulus is a prime; generate a key of two primes")

    def random_unit(self) -> mpz:
        """Draw a uniform element of Z*_n from the operating system's randomness."""
        while True:
            r = mpz(secrets.randbelow(int(self.n)))
            if gmpy2.gcd(r, self.n) == 1:
                return r

    def encrypt(self, m: int, r: int | None = None) -> mpz:
        """Give E(m; r) for 0 ≤ m < n; r in Z*_n is drawn afresh where it is not given."""
        r_unit = self.random_unit() if r is None else mpz(r)
        self.check_encryption(m, r_unit)
        return self.residue(m) * gmpy2.powmod(r_unit, self.n, self.n_squared) % self.n_squared

    def check_encryption(self, m: int, r: int) -> None:
        """Raise :class:`PlaintextError` unless 0 ≤ m < n and r is in Z*_n."""
        if not 0 <= m < self.n:
            raise PlaintextError("the plaintext must lie in [0, n); encode signed values first")
        if not 0 < r < self.n or gmpy2.gcd(r, self.n) != 1:
            raise PlaintextError("the randomness must be invertible modulo n; draw it with random_unit()")

    def residue(self, m: int) -> mpz:
        """Give (1 + n)^m mod n² = 1 + m·n: m without randomness, to be multiplied into a ciphertext."""
        return 1 + (m % self.n) * self.n

    def add(self, a: int, b: int) -> mpz:
        """Give a ciphertext of the sum modulo n of what a and b encrypt."""
        return mpz(a) * b % self.n_squared

    def multiply(self, c: int, k: int) -> mpz:
        """Give a ciphertext of k times what c encrypts, modulo n; k may be negative."""
        return gmpy2.powmod(c, k, self.n_squared)


@cache
def _small_primes() -> mpz:
    """The product of all primes below 2²⁰ (1.5 million bits, 15 ms)."""
    return gmpy2.primorial(SMALL_FACTOR_BOUND)
