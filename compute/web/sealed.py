"""Private keys in files: each an Encrypted JWK, mode 0600. A key that lies there unencrypted is refused."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from compute.web import secret
from compute.web.encrypted_jwk import EncryptedJwkError, NotEncryptedError, Secret, decrypt, encrypt
from compute.web.files import write_atomically
from compute.web.secret import SecretFileError
from compute.web.unlock import Unlocking

Jwk = Mapping[str, Any]


def load(path: Path, unlock: Unlocking) -> Jwk:
    """Give the key in the file; raise `SecretFileError` for one that is missing, readable, or does not open."""
    data = secret.load(path)
    return _open(path, data, unlock())


def load_or_make(path: Path, unlock: Unlocking, make: Callable[[], Jwk]) -> Jwk:
    """Give the key in the file; put that of `make` there first if there is no file and its folder exists.

    Processes that do this at the same moment all get the same. Raises `SecretFileError` as `load` does.
    """
    lock = unlock()  # before a key is made, which takes seconds
    return _open(path, secret.load_or_make(path, lambda: _seal(path, make(), lock)), lock)


def put(path: Path, jwk: Jwk, unlock: Unlocking) -> None:
    """Put the key in a new file; raise `SecretFileError` if there is one, which is left as it is."""
    if os.path.lexists(path) or not secret.put(path, _seal(path, jwk, unlock())):
        raise SecretFileError(f"{path}: is there already; name a new file")


def replace(path: Path, jwk: Jwk, unlock: Unlocking) -> None:
    """Put the key in place of what the file holds, in one step: a crash leaves the old file or the new one.

    Raises `SecretFileError`.
    """
    data = _seal(path, jwk, unlock())
    try:
        write_atomically(path.resolve(), data, secret.MODE)
    except OSError as error:
        raise SecretFileError(f"{path}: {error.strerror}; let this user write there") from error


def _seal(path: Path, jwk: Jwk, lock: Secret) -> bytes:
    try:
        return encrypt(jwk, lock)
    except EncryptedJwkError as error:
        raise SecretFileError(f"{path}: {error}") from error


def _open(path: Path, data: bytes, lock: Secret) -> Jwk:
    try:
        return decrypt(data, lock)
    except NotEncryptedError as error:
        option = "" if lock.is_passphrase else " --key-file PATH"
        raise SecretFileError(
            f"{path}: {error}; a key of an earlier version is encrypted by: veilmart key encrypt{option} {path}"
        ) from error
    except EncryptedJwkError as error:
        raise SecretFileError(
            f"{path}: {error}; name what it was locked with, or restore it from its copy"
        ) from error
