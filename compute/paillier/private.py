"""The Paillier private key: generation, CRT decryption, the key owner's faster encryption, n-th roots.

A provider must never load this module: import rules and a test on ``sys.modules`` enforce it.
"""

import secrets
from typing import NoReturn, Self

import gmpy2
from gmpy2 import mpz

from compute.paillier.ciphertexts import check
from compute.paillier.errors import ModulusError, PlaintextError
from compute.paillier.public import DEFAULT_BITS, MAXIMUM_BITS, MINIMUM_BITS, PRIMALITY_ROUNDS, PublicKey


class _Factor:
    """One prime factor p of n = p·q, with what the residues modulo p² need."""

    __slots__ = ("h", "p", "p_squared", "q")

    def __init__(self, p: mpz, q: mpz) -> None:
        self.p, self.q = p, q
        self.p_squared = p * p
        # (1+n)^(p−1) = 1 + (p−1)·n mod p², so L_p of it is (p−1)·q = −q mod p.
        self.h = gmpy2.invert(-q, p)

    def decrypt(self, c: mpz) -> mpz:
        """m mod p = L_p(c^(p−1) mod p²)·h mod p, with L_p(u) = (u−1)/p (Paillier 1999, §7)."""
        u = gmpy2.powmod_sec(c % self.p_squared, self.p - 1, self.p_squared)
        return (u - 1) // self.p * self.h % self.p

    def nth_residue(self, r: mpz) -> mpz:
        """r^n mod p² = (r^q mod p)^p mod p², since x^p mod p² depends on x mod p only: half the exponent."""
        return gmpy2.powmod_sec(gmpy2.powmod_sec(r % self.p, self.q, self.p), self.p, self.p_squared)

    def nth_root(self, y: mpz) -> mpz:
        """y^(1/n) mod p."""
        return gmpy2.powmod_sec(y % self.p, gmpy2.invert(self.p * self.q, self.p - 1), self.p)


class PrivateKey:
    """The factors p and q of n. Exponents that depend on them go through GMP's constant-time ``powm_sec``."""

    __slots__ = ("_p", "_q", "_q_inverse", "_q_squared_inverse", "public")

    def __init__(self, p: int, q: int) -> None:
        factors = mpz(p), mpz(q)
        if p == q or not all(gmpy2.is_prime(factor, PRIMALITY_ROUNDS) for factor in factors):
            raise ModulusError("the factors must be two different primes; generate a new key")
        n = factors[0] * factors[1]
        if gmpy2.gcd(n, (factors[0] - 1) * (factors[1] - 1)) != 1:
            raise ModulusError("n shares a factor with φ(n), so nothing would decrypt; generate a new key")
        self.public = PublicKey(n)
        self._p, self._q = _Factor(*factors), _Factor(*reversed(factors))
        self._q_inverse = gmpy2.invert(self._q.p, self._p.p)
        self._q_squared_inverse = gmpy2.invert(self._q.p_squared, self._p.p_squared)

    def __repr__(self) -> str:
        return f"PrivateKey({self.public.bits} bits)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled; store it encrypted")

    @classmethod
    def generate(cls, bits: int = DEFAULT_BITS) -> Self:
        """Give a fresh key whose n has exactly ``bits`` bits (even, 2,048 to 4,096).

        p ≡ q ≡ 3 mod 4 and gcd(p−1, q−1) = 2 (PROTOCOLS.md §1), so that n also passes the proofs that later
        protocols ask for. Encryption uses full-length randomness, so no further assumption rests on it.
        """
        if not MINIMUM_BITS <= bits <= MAXIMUM_BITS or bits % 2:
            raise ModulusError(f"{bits} bits; choose an even number from {MINIMUM_BITS} to {MAXIMUM_BITS}")
        while True:
            p, q = _blum_prime(bits // 2), _blum_prime(bits // 2)
            if p != q and gmpy2.gcd(p - 1, q - 1) == 2 and gmpy2.gcd(p * q, (p - 1) * (q - 1)) == 1:  # noqa: PLR2004 -- both are odd, so 2 is the least
                return cls(p, q)

    @property
    def factors(self) -> tuple[mpz, mpz]:
        """(p, q): the secret itself, for interchange and storage."""
        return self._p.p, self._q.p

    def decrypt(self, c: int) -> mpz:
        """Give the plaintext in [0, n); raise :class:`CiphertextError` for what is no ciphertext."""
        check(self.public, [c])
        m_p, m_q = self._p.decrypt(mpz(c)), self._q.decrypt(mpz(c))
        return m_q + self._q.p * ((m_p - m_q) * self._q_inverse % self._p.p)

    def encrypt(self, m: int, r: int | None = None) -> mpz:
        """Give the same ciphertext E(m; r) as ``public.encrypt``, four times faster, modulo p² and q²."""
        r_unit = self.public.random_unit() if r is None else mpz(r)
        self.public.check_encryption(m, r_unit)
        r_p, r_q = self._p.nth_residue(r_unit), self._q.nth_residue(r_unit)
        r_n = r_q + self._q.p_squared * ((r_p - r_q) * self._q_squared_inverse % self._p.p_squared)
        return self.public.residue(m) * r_n % self.public.n_squared

    def nth_root(self, y: int) -> mpz:
        """Give the one x in Z*_n with x^n = y mod n; it exists for all y since gcd(n, φ(n)) = 1."""
        if not 0 < y < self.public.n or gmpy2.gcd(y, self.public.n) != 1:
            raise PlaintextError("an n-th root is taken of an element of Z*_n only")
        x_p, x_q = self._p.nth_root(mpz(y)), self._q.nth_root(mpz(y))
        return x_q + self._q.p * ((x_p - x_q) * self._q_inverse % self._p.p)


def _blum_prime(bits: int) -> mpz:
    """A random prime ≡ 3 mod 4 whose two top bits are set, so that a product of two has 2·bits bits."""
    while True:
        candidate = mpz(secrets.randbits(bits)) | (mpz(3) << (bits - 2)) | 3
        if gmpy2.is_prime(candidate, PRIMALITY_ROUNDS):
            return candidate
