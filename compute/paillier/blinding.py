"""What every ciphertext gets before it leaves a provider: an n-th residue and a top mask (PROTOCOLS §2)."""

import secrets
from collections.abc import Callable, Sequence

import gmpy2
from gmpy2 import mpz

from compute.paillier.errors import LayoutError
from compute.paillier.packing import SlotLayout
from compute.paillier.public import PublicKey


def blind(
    key: PublicKey, ciphertexts: Sequence[int], progress: Callable[[int, int], None] | None = None
) -> list[mpz]:
    """Multiply each ciphertext by r^n mod n², r uniform in Z*_n: the plaintext stays and nothing else.

    That hides how the ciphertext was computed only where gcd(n, φ(n)) = 1, which key enrolment proves.
    """
    blinded = []
    for done, c in enumerate(ciphertexts, start=1):
        blinded.append(c * gmpy2.powmod(key.random_unit(), key.n, key.n_squared) % key.n_squared)
        if progress is not None:
            progress(done, len(ciphertexts))
    return blinded


def top_mask(key: PublicKey, ciphertexts: Sequence[int], layout: SlotLayout, parties: int) -> list[mpz]:
    """Multiply each ciphertext by (1+n)^(2^W·ρ), ρ uniform in [0, ⌊(n−2^W)/(parties·2^W)⌋).

    W is ``layout.used_bits``. The masks of all parties together add a multiple of 2^W below n−2^W, so honest
    totals below 2^W survive exactly and what a cheat placed above W is hidden.
    """
    limit = int((key.n - (mpz(1) << layout.used_bits)) // (parties << layout.used_bits))
    if limit <= 1:
        raise LayoutError(f"{layout.used_bits} bits of slots leave no room for {parties} top masks")
    return [
        c * key.residue(mpz(secrets.randbelow(limit)) << layout.used_bits) % key.n_squared for c in ciphertexts
    ]
