"""The blinding pool: its size, its seal, and what its products are."""

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from math import comb
from multiprocessing import get_context

import engine
import gmpy2
import numpy as np
import pytest
from gmpy2 import mpz

from compute.paillier import pool as pool_module
from compute.paillier.blinding import blind, pool_pays
from compute.paillier.ciphertexts import from_bytes, to_bytes
from compute.paillier.errors import CiphertextError, PoolError
from compute.paillier.histogram import group_sum
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.pool import EXPONENTS, OUTPUTS, SECURITY_BITS, Pool, pool_residues, pool_size
from compute.paillier.private import PrivateKey
from compute.paillier.public import PublicKey
from compute.paillier.runner import Runner

SECRET = b"of the owner"
POOLED = Runner(costs=lambda bits: engine.small(bits).__class__(1e-9, 1e-9, 1e-9, 1e-12, 1.0))
"""A machine on which a pool always pays."""


def distance_holds(bits: int, rank: int, size: int) -> bool:
    """Say whether OUTPUTS·½·√(2^(bits−8M) + Σ N_t·c_t^M) ≤ 2^-SECURITY_BITS, squared, but for a millionth.

    At 2,048 bits the term of t = 2 alone is the bound to the bit, and the others come to 2^-200 of it.
    """
    total = Fraction(2) ** (bits - 8 * size)
    for t in range(2, 256):
        remainders = [e % t for e in range(256)]
        same = Fraction(sum(remainders.count(r) ** 2 for r in range(t)), 256**2)
        total += t**rank * same**size
    return OUTPUTS**2 * total / 4 <= Fraction(1, 4**SECURITY_BITS) * (1 + Fraction(1, 10**6))


@pytest.mark.parametrize(
    ("bits", "prime_factors", "size"), [(2048, None, 324), (3072, None, 412), (2048, 2, 284), (3072, 2, 412)]
)
def test_the_size_is_the_least_that_keeps_the_distance(bits: int, prime_factors: int | None, size: int) -> None:
    rank = bits // 20 if prime_factors is None else prime_factors
    assert pool_size(bits, prime_factors) == size
    assert distance_holds(bits, rank, size)
    assert not distance_holds(bits, rank, size - 1)


def test_the_distance_in_decimals() -> None:
    """The same bound by the other number: the terms with t = 2 are the greatest where the rank is high."""
    with localcontext() as context:
        context.prec = 60
        same = Decimal(1) / 2
        assert 2 ** Decimal(102) * same**324 / 2 ** Decimal(2048 - 8 * 324) > 1
        total = sum(
            Decimal(t) ** 102 * (Decimal(sum(len(range(r, 256, t)) ** 2 for r in range(t))) / 65536) ** 324
            for t in range(2, 256)
        ) + Decimal(2) ** (2048 - 8 * 324)
        exact = (total.ln() / Decimal(2).ln()) / 2 - 1
        assert abs(exact - Decimal(pool_module._distance_bits(2048, 102, 324))) < Decimal("1e-9")


def test_the_bound_covers_groups_that_are_small_enough_to_count() -> None:
    """The distance of Π g_k^(e_k) from uniform on average over pools, counted in full, is within the bound.

    The group is Z_5 × Z_2 (written additively), of one draw of 2 residues with exponents 0 … 3.
    """
    group = [(a, b) for a in range(5) for b in range(2)]
    collisions = Fraction(0)
    distances = []
    for g in group:
        for h in group:
            counts: dict[tuple[int, int], int] = {}
            for e in range(4):
                for f in range(4):
                    x = ((e * g[0] + f * h[0]) % 5, (e * g[1] + f * h[1]) % 2)
                    counts[x] = counts.get(x, 0) + 1
            collisions += sum(Fraction(count, 16) ** 2 for count in counts.values())
            distances.append(sum(abs(Fraction(counts.get(x, 0), 16) - Fraction(1, 10)) for x in group) / 2)
    average = sum(distances) / len(distances)
    bound = Fraction(10, 16)  # |G|·(1/4)²: where e = e'
    for t in (2, 3):
        same = Fraction(sum(len(range(r, 4, t)) ** 2 for r in range(t)), 16)
        bound += sum(1 for a, b in group if (t * a % 5, t * b % 2) == (0, 0)) * same**2
    assert collisions / len(distances) <= (1 + bound) / 10
    assert average**2 <= bound / 4


def test_every_product_is_an_nth_residue_and_none_comes_twice(key: PrivateKey, pool: Pool) -> None:
    products = pool_residues(key.public.to_bytes(), pool.residues, range(40))
    assert len(set(products)) == 40
    assert key.decrypt_many(products) == [0] * 40
    assert pool_residues(key.public.to_bytes(), pool.residues, range(1))[0] not in products


def test_products_are_those_of_the_exponents(key: PrivateKey, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With known bytes for randomness, by the formula."""
    n, residues = key.public, from_bytes(key.public, pool.residues, len(pool))
    drawn: list[bytes] = []

    def token_bytes(count: int) -> bytes:
        drawn.append(bytes((7 * i + i // 256) % 256 for i in range(count)))
        return drawn[-1]

    monkeypatch.setattr(pool_module.secrets, "token_bytes", token_bytes)
    products = pool_residues(n.to_bytes(), pool.residues, range(3))
    (exponents,) = drawn
    assert len(exponents) == 3 * len(pool)  # a byte for each residue of each output, none used twice
    for output, product in enumerate(products):
        expected = mpz(1)
        for residue, exponent in zip(residues, exponents[output::3], strict=True):
            expected = expected * gmpy2.powmod(residue, exponent, n.n_squared) % n.n_squared
        assert product == expected


def test_blinding_by_a_pool_keeps_the_plaintexts(key: PrivateKey, pool: Pool) -> None:
    plaintexts = [0, 0, 1, int(key.public.n) - 1]
    ciphertexts = [mpz(1), *(key.encrypt(m) for m in plaintexts[1:])]
    assert pool_pays(key.public, 4, POOLED, ready=True)
    blinded = blind(key.public, ciphertexts, POOLED, pool)
    assert key.decrypt_many(blinded) == plaintexts
    assert len({*ciphertexts, *blinded}) == 8


@pytest.mark.parametrize("pooled", [False, True])
def test_trivial_results_are_blinded_like_the_rest(key: PrivateKey, pool: Pool, *, pooled: bool) -> None:
    """A table of ones, empty bins, single rows: they come out deterministic, and do not leave so."""
    runner, given = (POOLED, pool) if pooled else (Runner(costs=engine.small), None)
    sums = lookup_sum(key.public, [[1, 1]], [[0, 1, 0]], SlotLayout(8, 2, 0))
    (cells,) = group_sum(key.public, [key.encrypt(5)], [[1]], [3])
    trivial = [*sums, *cells]
    assert trivial.count(mpz(1)) == 4
    blinded = blind(key.public, trivial, runner, given)
    assert len({*blinded, *trivial}) == 7
    assert key.decrypt_many(blinded) == [0, 0, 0, 5, 0]


def test_an_empty_batch_takes_no_residue(key: PrivateKey, pool: Pool) -> None:
    assert blind(key.public, [], POOLED, pool) == []
    assert blind(key.public, [], POOLED) == []


def test_what_is_no_ciphertext_is_not_blinded(key: PrivateKey, pool: Pool) -> None:
    for bad in (0, int(key.factors[0]), int(key.public.n_squared)):
        with pytest.raises(CiphertextError, match="number 1"):
            blind(key.public, [mpz(1), bad], POOLED, pool)


def test_anothers_pool_is_refused(key: PrivateKey, pool: Pool) -> None:
    """Its residues would be arbitrary units here, and change every plaintext."""
    other = PublicKey(gmpy2.next_prime(key.factors[0]) * key.factors[1])
    for runner in (POOLED, Runner(costs=engine.small)):
        with pytest.raises(PoolError, match="another key's"):
            blind(other, [mpz(1)], runner, pool)


def test_sealing_round_trips(key: PrivateKey, pool: Pool) -> None:
    sealed = pool.seal(SECRET)
    assert Pool.open(key.public, sealed, SECRET) == pool
    assert len(sealed) == 32 + pool_size(2048) * 512


FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "short": lambda sealed: sealed[:31],
    "truncated by a residue": lambda sealed: sealed[:-512],
    "without its HMAC": lambda sealed: sealed[32:],
    "only its HMAC": lambda sealed: sealed[:32],
    "one bit of the HMAC": lambda sealed: bytes([sealed[0] ^ 1]) + sealed[1:],
    "one bit of the first residue": lambda sealed: sealed[:32] + bytes([sealed[32] ^ 1]) + sealed[33:],
    "one bit of the last residue": lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 128]),
    "a residue more": lambda sealed: sealed + (1).to_bytes(512, "big"),
    "two residues swapped": lambda sealed: sealed[:32] + sealed[544:1056] + sealed[32:544] + sealed[1056:],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_was_altered_is_refused(key: PrivateKey, pool: Pool, forgery: str) -> None:
    with pytest.raises(PoolError, match="altered or is another key's"):
        Pool.open(key.public, FORGERIES[forgery](pool.seal(SECRET)), SECRET)


def test_another_secret_and_another_key_open_nothing(key: PrivateKey, pool: Pool) -> None:
    other = PublicKey(gmpy2.next_prime(key.factors[0]) * key.factors[1])
    for public, secret in ((key.public, b"of another"), (key.public, b""), (other, SECRET)):
        with pytest.raises(PoolError) as caught:
            Pool.open(public, pool.seal(SECRET), secret)
        assert repr(SECRET) not in str(caught.value)


# Python 3.12 and later warn of any fork beside threads; what the child runs here takes no lock of theirs.
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_workers_never_draw_the_same(key: PrivateKey, pool: Pool) -> None:
    """Forked after the tables are made, and one after another: the system's randomness is drawn at its use."""
    n = key.public.to_bytes()
    here = pool_residues(
        n, pool.residues, range(3)
    )  # the tables, and whatever state there might be, are inherited
    context = get_context("fork")  # as nobody should: the tables and all other state are inherited
    with context.Pool(2) as workers:
        there = workers.starmap(pool_residues, [(n, pool.residues, range(3))] * 2, chunksize=1)
    assert len({*here, *there[0], *there[1]}) == 9


def test_blinding_by_a_pool_in_a_pool_of_processes(key: PrivateKey, pool: Pool, two_processes: Runner) -> None:
    assert pool_pays(key.public, 12, two_processes, ready=True)
    blinded = blind(key.public, [mpz(1)] * 12, two_processes, pool)
    assert len(set(blinded)) == 12
    assert key.decrypt_many(blinded) == [0] * 12


def test_exponents_are_uniform_bytes(key: PrivateKey) -> None:
    """Seen in the powers of 1 + n, whose exponents can be read, where a pool has them for residues."""
    n = key.public
    size = 12
    # (1+n)^(256^k) for the k-th: the product's logarithm has the exponents for digits.
    readable = to_bytes(n, [n.residue(256**k) for k in range(size)])
    products = pool_residues(n.to_bytes(), readable, range(2000))
    digits = np.array([list((int((c - 1) // n.n)).to_bytes(size, "little")) for c in products])
    counts = np.bincount(digits.ravel(), minlength=EXPONENTS)
    expected = digits.size / EXPONENTS
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    assert 255 - 7 * 22.6 < chi_square < 255 + 7 * 22.6  # seven standard deviations of 255 degrees of freedom
    for left, right in ((0, 1), (0, 11), (5, 6)):
        assert abs(float(np.corrcoef(digits[:, left], digits[:, right])[0, 1])) < 7 / 2000**0.5
    assert len({tuple(row) for row in digits.tolist()}) == 2000


def subset_products(n_squared: mpz, residues: Sequence[mpz]) -> set[mpz]:
    """All products of the residues with exponents below 4."""
    products = {mpz(1)}
    for residue in residues:
        products = {product * residue**e % n_squared for product in products for e in range(4)}
    return products


def test_who_knows_a_tiny_pool_sees_through_it_and_the_size_prevents_that(key: PrivateKey) -> None:
    """The attack that the size is for: with few residues an outsider tries all exponents."""
    public = key.public
    residues = key.encrypt_many([0] * 3)
    possible = subset_products(public.n_squared, residues)
    assert len(possible) == 4**3
    sums = [key.encrypt(m) for m in (3, 4)]
    blinded = sums[1] * residues[0] ** 2 * residues[2] % public.n_squared
    seen = [blinded * pow(int(c), -1, int(public.n_squared)) % public.n_squared in possible for c in sums]
    assert seen == [False, True]
    size = pool_size(public.bits)
    assert 8 * size - 2 * SECURITY_BITS - 64 > public.bits - 2  # more choices than there are residues, by far
    assert comb(size, size // 2) > 2**SECURITY_BITS


def test_a_modulus_that_shares_a_factor_with_its_totient_shows_what_was_blinded(key: PrivateKey) -> None:
    """Why no key is taken without the proof that gcd(n, φ(n)) = 1.

    With q | p−1, r^n raised to p·(p−1)/q is r^(p²(p−1)) = 1 modulo p²: that power of a ciphertext is the same
    before and after any blinding, and tells ciphertexts apart.
    """
    q = key.factors[1]
    p = next(2 * k * q + 1 for k in range(100, 4000) if gmpy2.is_prime(2 * k * q + 1))
    bad = PublicKey(p * q)
    invariant = (p - 1) // q * p
    a, b = engine.units(bad, 2)
    for c in (a, b):
        (blinded,) = blind(bad, [c], Runner(costs=engine.small))
        assert blinded != c
        assert gmpy2.powmod(blinded, invariant, p * p) == gmpy2.powmod(c, invariant, p * p)
    assert gmpy2.powmod(a, invariant, p * p) != gmpy2.powmod(b, invariant, p * p)
