"""What the files of the tests' keys are locked with."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.web import encrypted_jwk, keyfile, sealed
from compute.web.encrypted_jwk import Secret
from compute.web.unlock import Unlock

KEY = b"\x2a" * 32
SECRET = Secret("A256KW", KEY)
UNLOCK_TOML = 'unlock = { key_file = "unlock.key" }'
ROUNDS = 1000
"""Of PBKDF2, where a test says `few_rounds`; production has no way to it."""


def unlock() -> Secret:
    """Give the secret of `lay_key_file`."""
    return SECRET


def lay_key_file(folder: Path, name: str = "unlock.key") -> Path:
    """Put a key file in a folder, if it is not there."""
    path = folder / name
    path.touch(0o600)
    path.write_bytes(base64.b64encode(KEY) + b"\n")
    return path


def lay_key(path: Path, key: Ed25519PrivateKey) -> None:
    """Put the key, and the key file that opens it, in a folder."""
    lay_key_file(path.parent)
    path.unlink(missing_ok=True)
    sealed.put(path, keyfile.to_jwk(key), unlock)


def load_beside(path: Path) -> Ed25519PrivateKey:
    """Give the key in a file by the key file in its folder."""
    return keyfile.load(path, Unlock(key_file=path.parent / "unlock.key").secret)


@contextmanager
def few_rounds() -> Iterator[None]:
    """Derive keys quickly in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encrypted_jwk, "ITERATIONS", ROUNDS)
        patch.setattr(encrypted_jwk, "LEAST_ITERATIONS", ROUNDS)
        yield
