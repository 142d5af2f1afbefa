"""The opening of a model, sealed to the reviewer with HPKE (RFC 9180), bound to the tables that it opens."""

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from compute.canonical import decode, encode
from compute.protocols.risk_score.messages import Opening, RegisteredTables
from compute.signing import digest

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class SealError(ValueError):
    """The sealed opening does not open under this key for these tables."""


def seal(opening: Opening, tables: Sequence[RegisteredTables], sealing_key: bytes) -> bytes:
    """Give the opening encrypted to the X25519 ``sealing_key``."""
    return _SUITE.encrypt(encode(opening), X25519PublicKey.from_public_bytes(sealing_key), _info(tables))


def unseal(sealed: bytes, tables: Sequence[RegisteredTables], key: X25519PrivateKey) -> Opening:
    """Give the opening, or raise :class:`SealError`."""
    try:
        return decode(_SUITE.decrypt(sealed, key, _info(tables)), Opening)
    except (InvalidTag, ValueError) as error:
        raise SealError("the opening is not sealed to this key for these tables") from error


def _info(tables: Sequence[RegisteredTables]) -> bytes:
    return b"veilmart/opening/v1" + b"".join(digest(table) for table in tables)
