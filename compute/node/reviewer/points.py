"""The secret under which a reviewer names models: an oct JWK (RFC 7518, section 6.4) in an encrypted file."""

import secrets
from pathlib import Path

from joserfc.util import to_bytes, urlsafe_b64decode, urlsafe_b64encode

from compute.web import sealed
from compute.web.sealed import Jwk
from compute.web.secret import SecretFileError
from compute.web.unlock import Unlocking

SECRET_BYTES = 32


def load_or_make(path: Path, unlock: Unlocking) -> bytes:
    """Give the secret in the file; make it first if there is none. Raises :class:`SecretFileError`."""
    jwk = sealed.load_or_make(path, unlock, lambda: to_jwk(secrets.token_bytes(SECRET_BYTES)))
    try:
        found = urlsafe_b64decode(to_bytes(jwk["k"])) if jwk.get("kty") == "oct" else b""
    except (ValueError, TypeError, KeyError):
        found = b""  # the error is left behind: it may hold the secret
    if len(found) != SECRET_BYTES:
        raise SecretFileError(f"{path}: no secret of {SECRET_BYTES} bytes; restore it from its copy")
    return found


def to_jwk(secret: bytes) -> Jwk:
    """Give the secret as a JWK."""
    return {"kty": "oct", "k": urlsafe_b64encode(secret).decode()}
