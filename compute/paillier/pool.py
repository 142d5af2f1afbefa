"""The blinding pool: M uniform n-th residues g_k, from which Π g_k^(e_k) is as good as a fresh one (PROTOCOLS §2).

The e_k are fresh uniform bytes. How far from uniform a product then is, over the choice of the pool too, by the
leftover hash lemma: let G be the n-th residues modulo n², |G| = φ(n) < 2^|n|. For δ = e − e' of two draws and
t = gcd(δ_1, …, δ_M), Π g_k^(δ_k) is uniform on the t-th powers of G, so it is 1 with the chance N_t/|G|, N_t being
the number of elements whose t-th power is 1 (all of G where δ = 0). With c_t = Pr[e ≡ e' mod t] for two bytes, the
chance of a collision is at most (1 + |G|·2^(−8M) + Σ_{2≤t<256} N_t·c_t^M) / |G|, and the statistical distance of
one output from uniform at most

    ½·√(2^(|n|−8M) + Σ_{2≤t<256} N_t·c_t^M),      N_t ≤ t^r,

r being the number of n's prime factors: n is squarefree as gcd(n, φ(n)) = 1 is proven, so G is a product of r
cyclic groups, and no factor lies below 2²⁰, so r ≤ |n|/20; r = 2 where n is proven to be a product of two primes.
Outputs of one pool sum up: M is the least for which :data:`OUTPUTS` of them stay within 2^-:data:`SECURITY_BITS`.

The pool need not be secret, but nobody else may choose it: it is kept under an HMAC of its owner.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import count
from math import log2

import numpy as np
from gmpy2 import mpz

from compute.paillier.ciphertexts import from_bytes, to_bytes
from compute.paillier.errors import PoolError
from compute.paillier.public import PublicKey, nth_residues
from compute.paillier.runner import HERE, Runner
from compute.paillier.split import Products, Split, Table

OUTPUTS = 2**32
"""Products that one pool may serve."""
SECURITY_BITS = 80
EXPONENTS = 256
_MAC_BYTES = 32
_LABEL = b"veilmart/blinding-pool/v1"


@cache
def pool_size(bits: int, prime_factors: int | None = None) -> int:
    """Give M for a modulus of so many bits; ``prime_factors`` is their proven number, if there is a proof."""
    rank = bits // 20 if prime_factors is None else prime_factors
    allowed = -SECURITY_BITS - log2(OUTPUTS)
    return next(size for size in count(bits // 8) if _distance_bits(bits, rank, size) <= allowed)


def _distance_bits(bits: int, rank: int, size: int) -> float:
    """log2 of the bound on one output's distance."""
    terms = [float(bits - 8 * size)]
    for t in range(2, EXPONENTS):
        quotient, rest = divmod(EXPONENTS, t)  # so many bytes have each remainder, and the first `rest` one more
        same = (rest * (quotient + 1) ** 2 + (t - rest) * quotient**2) / EXPONENTS**2
        terms.append(rank * log2(t) + size * log2(same))
    largest = max(terms)  # taken out, since the terms themselves are beyond a float's range
    return (largest + log2(sum(2 ** (term - largest) for term in terms))) / 2 - 1


@dataclass(frozen=True)
class Pool:
    """The residues of one key, as bytes one after another."""

    key: PublicKey
    residues: bytes

    def __len__(self) -> int:
        return len(self.residues) // self.key.ciphertext_bytes

    @classmethod
    def make(
        cls, key: PublicKey, runner: Runner = HERE, progress: Callable[[int, int], None] | None = None
    ) -> "Pool":
        """Draw a pool: some 3 s of CPU time at 2,048 bits and 11 s at 3,072, off the hot path."""
        return cls(key, to_bytes(key, nth_residues(key, pool_size(key.bits), runner, progress)))

    def seal(self, secret: bytes) -> bytes:
        """Give the bytes to keep: HMAC-SHA256 under the owner's secret, then the residues."""
        return _mac(self.key, self.residues, secret) + self.residues

    @classmethod
    def open(cls, key: PublicKey, sealed: bytes, secret: bytes) -> "Pool":
        """Read what :meth:`seal` gave; raise :class:`PoolError` for anything else, also for another key's pool."""
        mac, residues = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, _mac(key, residues, secret)):
            raise PoolError("the blinding pool was altered or is another key's; delete it, a new one will be made")
        pool = cls(key, residues)
        if len(pool) < pool_size(key.bits):
            raise PoolError(f"the blinding pool has {len(pool)} residues and needs {pool_size(key.bits)}")
        return pool


def _mac(key: PublicKey, residues: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, _LABEL + hashlib.sha256(key.to_bytes()).digest() + residues, "sha256")


def pool_residues(n: bytes, residues: bytes, indices: Sequence[int]) -> list[mpz]:
    """Give for each index a fresh Π g_k^(e_k), with the operating system's randomness drawn in this very process.

    Equal exponents would cancel, so nothing here may be forked or resumed between the draw and the use.
    """
    key, tables, outputs = PublicKey.from_bytes(n), _powers(n, residues), len(indices)
    products = Products(key.n, outputs)
    exponents = np.frombuffer(secrets.token_bytes(outputs * len(tables)), dtype=np.uint8).reshape(-1, outputs)
    for table, column in zip(tables, exponents, strict=True):
        products.multiply(table, column)
    return products.residues()


@lru_cache(maxsize=1)
def _powers(n: bytes, residues: bytes) -> Sequence[Table]:
    """All powers of all residues, made once per process: 0.4 s and 60 MB at 2,048 bits."""
    key = PublicKey.from_bytes(n)
    pool = Split.of(from_bytes(key, residues, len(residues) // key.ciphertext_bytes), key.n)
    return [Table(pool.part(index, index + 1).powers(EXPONENTS)) for index in range(len(pool))]
