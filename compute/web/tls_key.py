"""A server's private key of TLS: PEM, and encrypted (PKCS #8, RFC 5958) under what unlocks the party's other keys.

    passphrase   itself
    key file     its one line of base64, which openssl reads by `-pass file:PATH`

A key in clear is served too, with a warning: a site's own tools may renew it each hour, on a file system in
memory. The old form, in which a PEM header names the cipher (RFC 1421), is not: its key is one round of MD5.
"""

import base64
import logging
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    KeySerializationEncryption,
    NoEncryption,
    load_pem_private_key,
)

from compute.settings import SettingsError
from compute.web import secret
from compute.web.encrypted_jwk import Secret
from compute.web.secret import SecretFileError
from compute.web.unlock import Unlocking

logger = logging.getLogger(__name__)

_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
_OLD_FORM = b"Proc-Type: 4,ENCRYPTED"
_ENCRYPT = "openssl pkcs8 -topk8 -v2 aes-256-cbc -passout file:UNLOCK"


@dataclass(frozen=True)
class KeyPair:
    """Where a certificate and its private key lie, both in PEM; the key file has mode 0600."""

    certificate: Path
    key: Path
    unlock: Unlocking | None = field(default=None, repr=False)
    """Gives what opens the key; without, it must lie in clear."""


def load_chain(context: ssl.SSLContext, pair: KeyPair) -> None:
    """Have the context serve the pair's certificate.

    1. The key's file is this user's alone.
    2. It is not encrypted in the old form.
    3. If it is encrypted, what unlocks it is known: nobody is asked at a terminal.
    4. It opens, and is the certificate's own.

    Raises `SecretFileError` and `SettingsError`; neither holds anything of key or secret.
    """
    pem = secret.load(pair.key)  # 1
    if _OLD_FORM in pem:  # 2
        raise SecretFileError(f"{pair.key}: encrypted in the old form; write it anew: {_ENCRYPT} -in OLD -out NEW")
    password = _password(pair) if _ENCRYPTED in pem else None
    try:
        context.load_cert_chain(pair.certificate, pair.key, password)  # 4
    except OSError as error:  # SSLError is one
        if password is not None:
            _opened(pair, pem, password)  # OpenSSL tells a wrong passphrase in many ways
        raise SettingsError(
            f"{pair.certificate}, {pair.key}: {error.strerror}; name a certificate and its own key, in PEM"
        ) from error


def warn_of_plain(pair: KeyPair) -> None:
    """Log a warning if the key's file holds it in clear. Raises `SecretFileError`."""
    if _ENCRYPTED not in secret.load(pair.key):
        logger.warning(
            "%s: the key lies there in clear; encrypt it: %s -in OLD -out NEW, UNLOCK being the key file",
            pair.key,
            _ENCRYPT,
        )


def encryption(unlock: Unlocking | None) -> KeySerializationEncryption:
    """Give how a key is encrypted that this unlocks: PBES2 with AES-256-CBC; without, that it is not."""
    return NoEncryption() if unlock is None else BestAvailableEncryption(password_of(unlock()))


def load_key(pair: KeyPair) -> Any:  # noqa: ANN401 -- a private key of any type that cryptography knows
    """Give the pair's private key; raise `SecretFileError`."""
    pem = secret.load(pair.key)
    return _opened(pair, pem, _password(pair) if _ENCRYPTED in pem else None)


def password_of(found: Secret) -> bytes:
    """Give what stands for the secret where a passphrase is asked for."""
    return found.value if found.is_passphrase else base64.b64encode(found.value)


def _password(pair: KeyPair) -> bytes:
    if pair.unlock is None:  # 3
        raise SecretFileError(f"{pair.key}: encrypted; say what opens it, by certificate_unlock")
    return password_of(pair.unlock())


def _opened(pair: KeyPair, pem: bytes, password: bytes | None) -> Any:  # noqa: ANN401 -- as above
    try:
        return load_pem_private_key(pem, password)
    except (ValueError, TypeError):
        pass  # the error is left behind: what it says of the content is nobody's business
    raise SecretFileError(
        f"{pair.key}: does not open; name what it was encrypted under by certificate_unlock, or restore it"
    )
