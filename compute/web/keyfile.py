"""A party's own signing key: Ed25519, as a JWK (RFC 8037) in an encrypted file."""

import base64
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.util import to_bytes, urlsafe_b64decode, urlsafe_b64encode

from compute.web import sealed
from compute.web.sealed import Jwk
from compute.web.secret import SecretFileError
from compute.web.unlock import Unlocking


def load_or_make(path: Path, unlock: Unlocking) -> Ed25519PrivateKey:
    """Give the key in the file; make both if the file does not exist and its folder does.

    Raises `compute.web.secret.SecretFileError`, also for a file that holds no Ed25519 key.
    """
    return parse(path, sealed.load_or_make(path, unlock, lambda: to_jwk(Ed25519PrivateKey.generate())))


def load(path: Path, unlock: Unlocking) -> Ed25519PrivateKey:
    """Give the key in the file; raise `SecretFileError` as `load_or_make` does, and if the file is missing."""
    return parse(path, sealed.load(path, unlock))


def public_text(key: Ed25519PrivateKey) -> str:
    """Give the public key as configurations write it: 32 raw bytes in base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")


def to_jwk(key: Ed25519PrivateKey) -> Jwk:
    """Give the key as RFC 8037, section 2, writes it."""
    raw = {"d": key.private_bytes_raw(), "x": key.public_key().public_bytes_raw()}
    return {"kty": "OKP", "crv": "Ed25519"} | {name: urlsafe_b64encode(raw[name]).decode() for name in raw}


def parse(path: Path, jwk: Jwk) -> Ed25519PrivateKey:
    """Give the key of a JWK out of this file; raise `SecretFileError` if it is none."""
    if (jwk.get("kty"), jwk.get("crv")) != ("OKP", "Ed25519"):
        raise SecretFileError(f"{path}: a key of another kind; name a file with an Ed25519 key")
    try:
        key = Ed25519PrivateKey.from_private_bytes(urlsafe_b64decode(to_bytes(jwk.get("d"))))
    except (ValueError, TypeError):
        key = None  # the error is left behind: it may hold the key
    if key is None or to_jwk(key)["x"] != jwk.get("x"):
        raise SecretFileError(f"{path}: no Ed25519 key by RFC 8037; restore it from its copy")
    return key
