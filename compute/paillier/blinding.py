"""What every ciphertext gets before it leaves a provider: an n-th residue and a top mask (PROTOCOLS §2)."""

import hmac
import secrets
from collections.abc import Callable, Sequence
from functools import partial

import gmpy2
from gmpy2 import mpz

from compute.paillier.errors import LayoutError, PoolError
from compute.paillier.packing import SlotLayout
from compute.paillier.pool import EXPONENTS, Pool, pool_residues, pool_size
from compute.paillier.public import PublicKey, nth_residues
from compute.paillier.runner import HERE, Runner

_OWN_RESIDUE = b"veilmart/own-residue/v1"


def blind(
    key: PublicKey,
    ciphertexts: Sequence[int],
    runner: Runner = HERE,
    pool: Pool | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[mpz]:
    """Multiply each ciphertext by an independent n-th residue modulo n²: the plaintext stays and nothing else.

    By r^n, r uniform in Z*_n, for few; by the key's ``pool``, or one that is made for the purpose, for many: the
    cheaper way. That hides how a ciphertext was computed only where gcd(n, φ(n)) = 1, which key enrolment proves.
    """
    key.check_ciphertexts(ciphertexts)
    if pool is not None and pool.key != key:
        raise PoolError("the blinding pool is another key's; its numbers are no n-th residues here")
    residues = _residues(key, len(ciphertexts), runner, pool, progress)
    return [mpz(c) * residue % key.n_squared for c, residue in zip(ciphertexts, residues, strict=True)]


def pool_pays(key: PublicKey, outputs: int, runner: Runner = HERE, *, ready: bool) -> bool:
    """Say whether a pool, ``ready`` or yet to be made, blinds so many ciphertexts at less cost than r^n."""
    costs, size = runner.costs(key.bits), pool_size(key.bits)
    workers = runner.workers if runner.executor else 1
    first = workers * size * EXPONENTS * costs.entry + (0 if ready else size * costs.power)
    return first + outputs * size * costs.half < outputs * costs.power


def _residues(
    key: PublicKey, count: int, runner: Runner, pool: Pool | None, progress: Callable[[int, int], None] | None
) -> list[mpz]:
    if not pool_pays(key, count, runner, ready=pool is not None):
        return nth_residues(key, count, runner, progress)
    if pool is None:
        pool = Pool.make(key, runner)
    each = len(pool) * runner.costs(key.bits).half
    return runner.each(partial(pool_residues, key.to_bytes(), pool.residues), range(count), each, progress)


def own_residue(key: PublicKey, secret: bytes) -> mpz:
    """Give the n-th residue r^n under this key that follows from the provider's ``secret``.

    r is drawn 128 bits longer than n, so it is uniform to 2⁻¹²⁸, and a unit but for whoever can factor n.
    """
    length = key.modulus_bytes + 16
    blocks = (
        hmac.digest(secret, _OWN_RESIDUE + key.to_bytes() + index.to_bytes(4, "big"), "sha512")
        for index in range(-(-length // 64))
    )
    r = mpz.from_bytes(b"".join(blocks)[:length], "big") % key.n
    return gmpy2.powmod(r, key.n, key.n_squared)


def conceal(key: PublicKey, ciphertexts: Sequence[int], residue: int) -> list[mpz]:
    """Multiply ciphertexts that a stranger made by an n-th residue of one's own, before they are computed on.

    Their plaintexts stay. Without it a bank, who can take n-th roots, would choose numbers that are short modulo
    n, and a kernel's time would tell how often they were used: which company stands in which bin.
    """
    key.check_ciphertexts(ciphertexts)
    return [mpz(c) * residue % key.n_squared for c in ciphertexts]


def top_mask(key: PublicKey, ciphertexts: Sequence[int], layout: SlotLayout, parties: int, rows: int) -> list[mpz]:
    """Multiply each ciphertext by (1+n)^(2^W·ρ), ρ uniform in [0, ⌊(n−2^W)/(parties·2^W)⌋).

    ``rows`` is how many values all ciphertexts hold; W is the width of the slots that are in use in each, so a
    ciphertext of one row carries one slot. The masks of all parties together add a multiple of 2^W below n−2^W, so
    honest totals below 2^W survive exactly and what a cheat placed above W is hidden.
    """
    if layout.outputs(rows) != len(ciphertexts):
        raise LayoutError(f"{rows} rows do not fill {len(ciphertexts)} ciphertexts; mask the ones that they fill")
    key.check_ciphertexts(ciphertexts)
    masked: list[mpz] = []
    for output, c in enumerate(ciphertexts):
        bits = layout.width * min(layout.slots, rows - output * layout.slots)
        limit = int((key.n - (mpz(1) << bits)) // (parties << bits))
        if limit <= 1:
            raise LayoutError(f"{bits} bits of slots leave no room for {parties} top masks")
        masked.append(c * key.residue(mpz(secrets.randbelow(limit)) << bits) % key.n_squared)
    return masked
