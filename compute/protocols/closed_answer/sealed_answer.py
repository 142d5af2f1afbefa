"""An answer under a one-time key, which the bank gets once it has logged its receipt (PROTOCOLS.md §7).

    content = nonce (12 bytes) ‖ ChaCha20-Poly1305(ciphertexts), bound to provider, bank and job

The key follows from the provider's secret and the job, so a retry gives the same. The answer carries the key's
digest: ChaCha20-Poly1305 alone would open under two keys that its maker chose together (Dodis, Grubbs, Ristenpart,
Woodage, "Fast Message Franking", 2018), and so to two answers.
"""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES, TAG_BYTES = 12, 16
OVERHEAD = NONCE_BYTES + TAG_BYTES
"""Bytes that sealing adds."""


class SealedAnswerError(ValueError):
    """The key is not the one that the answer committed to, or the content was not sealed under it."""


def one_time_key(secret: bytes, job: bytes) -> bytes:
    """Give the 32-byte key of the answer to the job with this digest; ``secret`` is the provider's."""
    return HKDF(SHA256(), 32, salt=None, info=b"veilmart/answer-key/v1" + job).derive(secret)


def key_digest(key: bytes) -> bytes:
    """Give what an answer says of its key beforehand."""
    return hashlib.sha256(b"veilmart/answer-key/v1\n" + key).digest()


def seal_answer(ciphertexts: bytes, key: bytes, provider: str, bank: str, job: bytes) -> bytes:
    """Give the sealed content, :data:`OVERHEAD` bytes longer than the ciphertexts."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, ciphertexts, _bound(provider, bank, job))


def open_answer(content: bytes, key: bytes, committed: bytes, provider: str, bank: str, job: bytes) -> bytes:
    """Give the ciphertexts; raise :class:`SealedAnswerError` unless ``key`` fits, and ``committed`` to it."""
    if not hmac.compare_digest(key_digest(key), committed):
        raise SealedAnswerError("the key is not the one that the answer committed to")
    try:
        return ChaCha20Poly1305(key).decrypt(
            content[:NONCE_BYTES], content[NONCE_BYTES:], _bound(provider, bank, job)
        )
    except (InvalidTag, ValueError) as error:
        raise SealedAnswerError("the answer does not open under the key that it committed to") from error


def _bound(provider: str, bank: str, job: bytes) -> bytes:
    return f"veilmart/answer/v1\n{provider}\n{bank}\n".encode() + job
