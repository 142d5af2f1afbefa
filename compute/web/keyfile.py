"""A party's own signing key: Ed25519, PKCS #8 in PEM, mode 0600."""

import base64
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from compute.web import secret
from compute.web.secret import SecretFileError


def load_or_make(path: Path) -> Ed25519PrivateKey:
    """Give the key in the file; make both if the file does not exist and its folder does.

    Raises `compute.web.secret.SecretFileError`, also for a file that holds no Ed25519 key.
    """
    return _parse(path, secret.load_or_make(path, _make))


def load(path: Path) -> Ed25519PrivateKey:
    """Give the key in the file; raise `SecretFileError` as `load_or_make` does, and if the file is missing."""
    return _parse(path, secret.load(path))


def public_text(key: Ed25519PrivateKey) -> str:
    """Give the public key as configurations write it: 32 raw bytes in base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")


def _make() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _parse(path: Path, data: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise SecretFileError(
            f"{path}: no private key in PEM without a password; restore it from its copy"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SecretFileError(f"{path}: a key of another kind; name a file with an Ed25519 key")
    return key
