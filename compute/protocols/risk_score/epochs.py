"""X25519 keys that change with time: a provider's for masks, a reviewer's for sealed openings."""

from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey


@dataclass(frozen=True)
class KeyEpoch:
    """An X25519 key that serves until it expires, in milliseconds."""

    key: X25519PrivateKey
    expires: int

    @property
    def public_key(self) -> bytes:
        """The raw X25519 public key."""
        return self.key.public_key().public_bytes_raw()


class Epochs(Protocol):
    """The keys of the present and the last epochs, the same in every process of a node."""

    def current(self) -> KeyEpoch:
        """Give the key to offer now; it serves for a while yet."""
        ...

    def alive(self) -> list[KeyEpoch]:
        """Give every key that has not expired."""
        ...
