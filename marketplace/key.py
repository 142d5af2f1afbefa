"""The marketplace's own signing key: Ed25519, PKCS #8 in PEM, mode 0600."""

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

_MODE = 0o600


class KeyFileError(ValueError):
    """The key file cannot be used or made: which, why, what to do."""


def load_or_make(path: Path) -> Ed25519PrivateKey:
    """Give the key in the file; make both if the file does not exist and its folder does.

    A file that is there is never written to. Raises `KeyFileError` for one that others can read or that holds no
    Ed25519 key, and for a folder that is missing.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError:
        return _load(path)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; make its folder, and let this user write there") from error
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(descriptor)
    return key


def _load(path: Path) -> Ed25519PrivateKey:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        data = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; let this user, and nobody else, read it") from error
    if mode & ~_MODE:
        raise KeyFileError(f"{path}: its mode is {mode:04o}; make it 0600, and a new key if others have read it")
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise KeyFileError(
            f"{path}: no private key in PEM without a password; restore it from its copy"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path}: a key of another kind; name a file with an Ed25519 key")
    return key
