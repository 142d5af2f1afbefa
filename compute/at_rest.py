"""Secret values in a node's database: sealed under a key that follows from its identity, each for its own place.

A sealed value is `version ‖ nonce ‖ AES-256-GCM(value)` (NIST SP 800-38D), its place the associated data: table,
column and row, so that a value copied into another row does not open there. Nonces of 96 bits are drawn at random,
which is good for 2^32 values under one key (section 8.3): a thousand every second for fifty days, and a node seals
a few for each job.

What it does not hide: how long a value is, and that an older one was put back in its own place. And it erases
nothing: whoever has the identity opens old sealed bytes wherever they are left, so they are overwritten as clear
ones were.
"""

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compute.signing import derived_secret

AT_REST = "veilmart/at-rest/v1"
"""For what the key is derived from the node's identity."""
KEY_BYTES = 32
NONCE_BYTES = 12
OVERHEAD = 1 + NONCE_BYTES + 16
"""Bytes by which a sealed value is longer: the version, the nonce and the tag."""

_VERSION = b"\x01"
_SEAL, _FINGERPRINT = b"seal", b"fingerprint"


class AtRestError(Exception):
    """A sealed value does not open at this place: it was altered, moved, or sealed under another identity."""


class AtRest:
    """Seals and opens values under 32 bytes of `secret`, which no representation of it shows.

    Raises ValueError for a secret of another length.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a secret of {len(secret)} bytes; give {KEY_BYTES}")
        self._cipher = AESGCM(_derived(secret, _SEAL))
        self._fingerprint = hmac.new(_derived(secret, _FINGERPRINT), digestmod="sha256")

    @classmethod
    def of(cls, identity: Ed25519PrivateKey) -> "AtRest":
        """Give the one of the node with this identity."""
        return cls(derived_secret(identity, AT_REST))

    def seal(self, value: bytes, *place: str) -> bytes:
        """Give the value sealed for a place: table, column, and what names the row. Each time it differs."""
        nonce = os.urandom(NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, value, _associated(place))

    def open(self, sealed: bytes, *place: str) -> bytes:
        """Give what was sealed for this place; raise `AtRestError`, which names the place and no value."""
        nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        if len(sealed) >= OVERHEAD and sealed[:1] == _VERSION:
            try:
                return self._cipher.decrypt(nonce, ciphertext, _associated(place))
            except InvalidTag:
                pass  # told below, as what was never sealed is
        raise AtRestError(
            f"{' '.join(place)}: not sealed under this node's identity, or altered; restore identity and database "
            "from the same copy, or begin with a new database: one of an earlier version cannot be taken over"
        )

    def fingerprint(self, value: bytes, *place: str) -> bytes:
        """Give 32 bytes that recognise a value which comes again: HMAC-SHA256 of place and value.

        Without the secret no guess at the value can be tested against them, as it could against a plain digest.
        """
        mac = self._fingerprint.copy()
        mac.update(_associated((*place, "")))
        mac.update(value)
        return mac.digest()


def _derived(secret: bytes, purpose: bytes) -> bytes:
    """Give HKDF-Expand of one block (RFC 5869, section 2.3): the secret is uniform already."""
    return hmac.digest(secret, purpose + b"\x01", "sha256")


def _associated(place: tuple[str, ...]) -> bytes:
    """Give the parts, each behind its length, so that no two places have the same bytes."""
    parts = [part.encode() for part in place]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
