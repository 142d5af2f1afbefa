"""Masks that vanish in the sum of all providers' answers, so that no single answer decrypts to anything.

Source: PROTOCOLS.md §4.3; pairwise masks as in Bonawitz et al., "Practical Secure Aggregation for
Privacy-Preserving Machine Learning" (2017).
"""

import hashlib
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from gmpy2 import mpz

from compute.paillier.public import PublicKey

EXTRA_BITS = 128
"""Output beyond |n| before reduction, so that a mask is uniform modulo n to 2⁻¹²⁸."""


def zero_sum_masks(
    own: str, key: X25519PrivateKey, peers: Mapping[str, bytes], job: bytes, outputs: int, public: PublicKey
) -> list[mpz]:
    """Give ``own``'s mask modulo n for each of the job's outputs; over all parties they add to 0 mod n.

    ``peers`` maps the other parties' names to their X25519 public keys, ``job`` is the digest of the job
    statement. The party whose name sorts first adds a pair's mask, the other subtracts it. Raises
    ``ValueError`` where a peer's key is a point of small order.
    """
    totals = [mpz(0)] * outputs
    for peer, peer_key in peers.items():
        shared = key.exchange(X25519PublicKey.from_public_bytes(peer_key))
        seed = HKDF(SHA256(), 32, salt=None, info=b"veilmart/mask/v1" + job).derive(shared)
        sign = 1 if own < peer else -1
        for t in range(outputs):
            totals[t] += sign * _mask(seed, t, public)
    return [total % public.n for total in totals]


def _mask(seed: bytes, t: int, public: PublicKey) -> mpz:
    stream = hashlib.shake_256(seed + t.to_bytes(8, "big"))
    return mpz.from_bytes(stream.digest((public.bits + EXTRA_BITS + 7) // 8), "big") % public.n
