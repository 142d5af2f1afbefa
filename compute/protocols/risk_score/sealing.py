"""Messages for one reader, sealed with HPKE (RFC 9180) to its X25519 key and bound to what they are about."""

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from compute.canonical import M, Message, decode, encode
from compute.protocols.risk_score.bin_histogram import HistogramQuestion
from compute.protocols.risk_score.messages import RegisteredTables
from compute.signing import digest

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_PADDING = b"\0"
"""No JSON ends so."""


class SealError(ValueError):
    """What is sealed does not open under this key for this purpose."""


def seal(message: Message, sealing_key: bytes, info: bytes, size: int = 0) -> bytes:
    """Give the message encrypted to the X25519 ``sealing_key``; ``info`` must be the same to open it.

    It is padded with zeros to ``size`` bytes if it is shorter: a length that follows from the content tells of it.
    """
    padded = encode(message).ljust(size, _PADDING)
    return _SUITE.encrypt(padded, X25519PublicKey.from_public_bytes(sealing_key), info)


def unseal(sealed: bytes, key: X25519PrivateKey, info: bytes, expected: type[M]) -> M:
    """Give the message of type ``expected``, or raise :class:`SealError`."""
    try:
        return decode(_SUITE.decrypt(sealed, key, info).rstrip(_PADDING), expected)
    except (InvalidTag, ValueError) as error:
        raise SealError("it is not sealed to this key for this purpose") from error


def opening_info(tables: Sequence[RegisteredTables]) -> bytes:
    """Give what binds a model's opening to the tables that it opens."""
    return b"veilmart/opening/v1" + b"".join(digest(table) for table in tables)


def histogram_info(question: HistogramQuestion) -> bytes:
    """Give what binds a histogram to the question that it answers."""
    return b"veilmart/histogram/v1" + digest(question)
