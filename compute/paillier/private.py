"""The Paillier private key: generation, CRT decryption, the key owner's faster encryption, n-th roots.

A provider must never load this module: import rules and a test on ``sys.modules`` enforce it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from typing import NoReturn, Self

import gmpy2
from gmpy2 import mpz

from compute.paillier.errors import ModulusError, PlaintextError
from compute.paillier.fixed_base import ENTRIES_PER_BYTE, FixedBase, exponent_bytes
from compute.paillier.primes import PRIMALITY_ROUNDS, blum_prime, factors_of_order
from compute.paillier.public import DEFAULT_BITS, MAXIMUM_BITS, MINIMUM_BITS, PublicKey
from compute.paillier.runner import HERE, Runner

_BATCH = 256
"""Encryptions at a time: each table then stays in the processor's cache while it is used."""


class PrivateKey:
    """The factors p and q of n. Exponents that depend on them go through GMP's constant-time ``powm_sec``.

    Where an array form takes a runner, its executor's workers get p and q: they must stand in the owner's domain.
    """

    __slots__ = ("_crt", "public")

    def __init__(self, p: int, q: int) -> None:
        if p == q or not all(gmpy2.is_prime(mpz(factor), PRIMALITY_ROUNDS) for factor in (p, q)):
            raise ModulusError("the factors must be two different primes; generate a new key")
        if gmpy2.gcd(p * q, (p - 1) * (q - 1)) != 1:
            raise ModulusError("n shares a factor with φ(n), so nothing would decrypt; generate a new key")
        self.public = PublicKey(p * q)
        self._crt = _crt(mpz(p), mpz(q))

    def __repr__(self) -> str:
        return f"PrivateKey({self.public.bits} bits)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled; store it encrypted")

    @classmethod
    def generate(cls, bits: int = DEFAULT_BITS) -> Self:
        """Give a fresh key whose n has exactly ``bits`` bits (even, 2,048 to 4,096).

        p ≡ q ≡ 3 mod 4 and gcd(p−1, q−1) = 2 (PROTOCOLS.md §1), so that n also passes the proofs that later
        protocols ask for, and p−1 and q−1 can be factored, which :meth:`encrypt_many` needs.
        """
        if not MINIMUM_BITS <= bits <= MAXIMUM_BITS or bits % 2:
            raise ModulusError(f"{bits} bits; choose an even number from {MINIMUM_BITS} to {MAXIMUM_BITS}")
        while True:
            p, q = blum_prime(bits // 2), blum_prime(bits // 2)
            common = gmpy2.gcd(p - 1, q - 1)
            if p != q and common == 2 and gmpy2.gcd(p * q, (p - 1) * (q - 1)) == 1:  # noqa: PLR2004 -- both are odd
                return cls(p, q)

    @property
    def factors(self) -> tuple[mpz, mpz]:
        """(p, q): the secret itself, for interchange and storage."""
        return self._crt.p.p, self._crt.q.p

    def decrypt(self, c: int) -> mpz:
        """Give the plaintext in [0, n); raise :class:`CiphertextError` for what is no ciphertext."""
        self.public.check_ciphertexts([c])
        return self._crt.decrypt(mpz(c))

    def decrypt_many(
        self, ciphertexts: Sequence[int], runner: Runner = HERE, progress: Callable[[int, int], None] | None = None
    ) -> list[mpz]:
        """Give the plaintexts in [0, n); raise :class:`CiphertextError`, naming the index, for another number."""
        self.public.check_ciphertexts(ciphertexts)
        seconds = 2 * runner.costs(self.public.bits // 2).power
        return runner.each(partial(_decrypt, _Factors(*self.factors)), ciphertexts, seconds, progress)

    def are_zero(
        self, ciphertexts: Sequence[int], runner: Runner = HERE, progress: Callable[[int, int], None] | None = None
    ) -> list[bool]:
        """Say of each ciphertext whether its plaintext is a multiple of p: of 0 and the units, only 0 is one.

        It takes half as long as :meth:`decrypt_many`, and raises the same.
        """
        self.public.check_ciphertexts(ciphertexts)
        seconds = runner.costs(self.public.bits // 2).power
        return runner.each(partial(_are_zero, _Factors(*self.factors)), ciphertexts, seconds, progress)

    def encrypt(self, m: int, r: int | None = None) -> mpz:
        """Give the same ciphertext E(m; r) as ``public.encrypt``, four times faster, modulo p² and q²."""
        r_unit = self.public.random_unit() if r is None else mpz(r)
        self.public.check_encryption(m, r_unit)
        return self._crt.encrypt(mpz(m), r_unit)

    def encrypt_many(
        self,
        plaintexts: Sequence[int],
        runner: Runner = HERE,
        progress: Callable[[int, int], None] | None = None,
        *,
        short: bool = True,
    ) -> list[mpz]:
        """Give E(m) of each plaintext in [0, n), with fresh randomness, by tables of powers (``fixed_base.py``).

        ``short`` exponents are twice as fast and rest on the assumption that is stated there; others on none. The
        tables are made once per process. Where they do not pay, or where p−1 or q−1 cannot be factored, as with a
        key made elsewhere, each plaintext is encrypted as by :meth:`encrypt`.
        """
        self.public.check_plaintexts(plaintexts)
        half_bits, count = self.public.bits // 2, len(plaintexts)
        costs, digits = runner.costs(half_bits), 2 * exponent_bytes(half_bits, short=short)
        alone, by_tables, tables = 3 * costs.power, digits * costs.half, digits * ENTRIES_PER_BYTE * costs.entry
        if tables + count * by_tables < count * alone and None not in self._crt.orders:
            encrypt = partial(_encrypt_by_tables, _Factors(*self.factors), short)
            return runner.each(encrypt, plaintexts, by_tables, progress)
        return runner.each(partial(_encrypt, _Factors(*self.factors)), plaintexts, alone, progress)

    def nth_root(self, y: int) -> mpz:
        """Give the one x in Z*_n with x^n = y mod n; it exists for all y since gcd(n, φ(n)) = 1."""
        if not 0 < y < self.public.n or gmpy2.gcd(y, self.public.n) != 1:
            raise PlaintextError("an n-th root is taken of an element of Z*_n only")
        return self._crt.nth_root(mpz(y))


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


class _Crt:
    """The arithmetic modulo p, q, p² and q², of checked numbers, put together by the Chinese remainder theorem."""

    def __init__(self, p: mpz, q: mpz) -> None:
        self.p, self.q = _Factor(p, q), _Factor(q, p)
        self._n_squared = (p * q) ** 2
        self._q_inverse = gmpy2.invert(q, p)
        self._q_squared_inverse = gmpy2.invert(self.q.p_squared, self.p.p_squared)

    def decrypt(self, c: mpz) -> mpz:
        return self._modulo_n(self.p.decrypt(c), self.q.decrypt(c))

    def nth_root(self, y: mpz) -> mpz:
        return self._modulo_n(self.p.nth_root(y), self.q.nth_root(y))

    def encrypt(self, m: mpz, r: mpz) -> mpz:
        n_th = self.modulo_n_squared(self.p.nth_residue(r), self.q.nth_residue(r))
        return (1 + m * self.p.p * self.q.p) * n_th % self._n_squared

    @cached_property
    def orders(self) -> tuple[tuple[mpz, ...] | None, tuple[mpz, ...] | None]:
        """The prime factors of p−1 and of q−1, where they can be found."""
        return factors_of_order(self.p.p), factors_of_order(self.q.p)

    def _modulo_n(self, x_p: mpz, x_q: mpz) -> mpz:
        return x_q + self.q.p * ((x_p - x_q) * self._q_inverse % self.p.p)

    def modulo_n_squared(self, x_p: mpz, x_q: mpz) -> mpz:
        return x_q + self.q.p_squared * ((x_p - x_q) * self._q_squared_inverse % self.p.p_squared)


@dataclass(frozen=True)
class _Factors:
    """p and q on their way to a worker, whose log may show what a task that failed was called with."""

    p: mpz = field(repr=False)
    q: mpz = field(repr=False)


@lru_cache(maxsize=4)
def _crt(p: mpz, q: mpz) -> _Crt:
    """One for each key and process, so that its tables are made once."""
    return _Crt(p, q)


def _decrypt(key: _Factors, ciphertexts: Sequence[int]) -> list[mpz]:
    crt = _crt(key.p, key.q)
    return [crt.decrypt(mpz(c)) for c in ciphertexts]


def _are_zero(key: _Factors, ciphertexts: Sequence[int]) -> list[bool]:
    crt = _crt(key.p, key.q)
    return [crt.p.decrypt(mpz(c)) == 0 for c in ciphertexts]


def _encrypt(key: _Factors, plaintexts: Sequence[int]) -> list[mpz]:
    """Encrypt with randomness drawn in this very process."""
    public, crt = PublicKey(key.p * key.q), _crt(key.p, key.q)
    return [crt.encrypt(mpz(m), public.random_unit()) for m in plaintexts]


def _encrypt_by_tables(key: _Factors, short: bool, plaintexts: Sequence[int]) -> list[mpz]:  # noqa: FBT001 -- for partial
    n, crt, (by_p, by_q) = key.p * key.q, _crt(key.p, key.q), _fixed_bases(key.p, key.q, short)
    ciphertexts: list[mpz] = []
    for start in range(0, len(plaintexts), _BATCH):
        batch = plaintexts[start : start + _BATCH]
        residues = zip(by_p.nth_residues(len(batch)), by_q.nth_residues(len(batch)), strict=True)
        ciphertexts += [
            (1 + m * n) * crt.modulo_n_squared(*pair) % (n * n) for m, pair in zip(batch, residues, strict=True)
        ]
    return ciphertexts


@lru_cache(maxsize=4)
def _fixed_bases(p: mpz, q: mpz, short: bool) -> tuple[FixedBase, FixedBase]:  # noqa: FBT001 -- a cache's key
    of_p, of_q = _crt(p, q).orders
    if of_p is None or of_q is None:
        raise ModulusError("p−1 or q−1 cannot be factored; encrypt without tables")
    return FixedBase(p, of_p, short=short), FixedBase(q, of_q, short=short)
