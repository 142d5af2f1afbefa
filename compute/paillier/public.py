"""The Paillier public key: encryption, addition, multiplication by a known number, validation of a modulus.

The scheme is P. Paillier, "Public-Key Cryptosystems Based on Composite Degree Residuosity Classes" (1999),
with g = 1 + n, so that E(m; r) = (1 + m·n)·r^n mod n². It does not read the private key's module.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from functools import partial

import gmpy2
from gmpy2 import mpz

from compute.paillier.errors import CiphertextError, ModulusError, PlaintextError
from compute.paillier.primes import PRIMALITY_ROUNDS, small_primes
from compute.paillier.runner import HERE, Runner

MINIMUM_BITS = 2048
MAXIMUM_BITS = 4096
"""What a stranger's key may cost is bounded too."""
DEFAULT_BITS = 3072


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
        if gmpy2.gcd(small_primes() % self.n, self.n) != 1:
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

    def check_plaintexts(self, plaintexts: Sequence[int]) -> None:
        """Raise :class:`PlaintextError`, naming the index, unless every m is whole and 0 ≤ m < n."""
        for index, m in enumerate(plaintexts):
            if not hasattr(m, "__index__"):  # a fraction would be cut off or rounded
                raise PlaintextError(f"plaintext {index} must be a whole number; encode it first")
            if not 0 <= m < self.n:
                raise PlaintextError(f"plaintext {index} must lie in [0, n); encode signed values first")

    def check_encryption(self, m: int, r: int) -> None:
        """Raise :class:`PlaintextError` unless 0 ≤ m < n and r is in Z*_n."""
        self.check_plaintexts([m])
        if not 0 < r < self.n or gmpy2.gcd(r, self.n) != 1:
            raise PlaintextError("the randomness must be invertible modulo n; draw it with random_unit()")

    def residue(self, m: int) -> mpz:
        """Give (1 + n)^m mod n² = 1 + m·n: m without randomness, to be multiplied into a ciphertext."""
        return 1 + (m % self.n) * self.n

    def check_ciphertexts(self, ciphertexts: Sequence[int]) -> None:
        """Raise :class:`CiphertextError`, naming the index, unless every c has 0 < c < n² and gcd(c, n) = 1."""
        self._check_range(ciphertexts)
        self._check_units(ciphertexts)

    def _check_range(self, ciphertexts: Sequence[int]) -> None:
        for index, c in enumerate(ciphertexts):
            if not 0 < c < self.n_squared:
                raise CiphertextError(f"number {index} lies outside (0, n²); encrypt it under this key")

    def _check_units(self, numbers: Sequence[int]) -> None:
        """One gcd serves them all: the product shares a factor with n if and only if one of them does."""
        product = mpz(1)
        for number in numbers:
            product = product * number % self.n
        if gmpy2.gcd(product, self.n) != 1:
            index = next(i for i, number in enumerate(numbers) if gmpy2.gcd(number, self.n) != 1)
            raise CiphertextError(f"number {index} shares a factor with n; encrypt it under this key")

    def add(self, a: int, b: int) -> mpz:
        """Give a ciphertext of the sum modulo n of what a and b encrypt."""
        return self.add_many([a], [b])[0]

    def multiply(self, c: int, k: int) -> mpz:
        """Give a ciphertext of k times what c encrypts, modulo n; k may be negative."""
        return self.multiply_many([c], [k])[0]

    def encrypt_many(self, plaintexts: Sequence[int], runner: Runner = HERE) -> list[mpz]:
        """Give E(m) of each plaintext in [0, n), with fresh randomness."""
        self.check_plaintexts(plaintexts)
        return [
            self.residue(m) * unit % self.n_squared
            for m, unit in zip(plaintexts, nth_residues(self, len(plaintexts), runner), strict=True)
        ]

    def add_many(self, a: Sequence[int], b: Sequence[int]) -> list[mpz]:
        """Give ciphertexts of the sums modulo n of what a_i and b_i encrypt."""
        self._check_pairs(a, b)
        self._check_range(a)
        self._check_range(b)
        sums = [mpz(left) * right % self.n_squared for left, right in zip(a, b, strict=True)]
        self._check_units(sums)  # a sum is a unit if and only if both its parts are
        return sums

    def multiply_many(self, ciphertexts: Sequence[int], factors: Sequence[int]) -> list[mpz]:
        """Give ciphertexts of k_i times what c_i encrypts, modulo n; a factor may be negative."""
        self._check_pairs(ciphertexts, factors)
        self.check_ciphertexts(ciphertexts)
        return [gmpy2.powmod(c, k, self.n_squared) for c, k in zip(ciphertexts, factors, strict=True)]

    def _check_pairs(self, left: Sequence[int], right: Sequence[int]) -> None:
        if len(left) != len(right):
            raise CiphertextError(f"{len(left)} numbers and {len(right)}; give as many of both")


def nth_residues(
    key: PublicKey, count: int, runner: Runner = HERE, progress: Callable[[int, int], None] | None = None
) -> list[mpz]:
    """Give so many independent uniform n-th residues r^n mod n², r uniform in Z*_n."""
    draw = partial(_nth_residues, key.to_bytes())
    return runner.each(draw, range(count), runner.costs(key.bits).power, progress)


def _nth_residues(n: bytes, indices: Sequence[int]) -> list[mpz]:
    key = PublicKey.from_bytes(n)
    return [gmpy2.powmod(key.random_unit(), key.n, key.n_squared) for _ in indices]
