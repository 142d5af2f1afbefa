"""The form in which a private key lies in a file: an Encrypted JWK (RFC 7517, section 7).

One line, a JWE in compact serialization (RFC 7516) with the content type `jwk+json`. The key in it is encrypted by
AES-256-GCM under a random key, and that key is wrapped in one of two ways (RFC 7518, sections 4.4 and 4.8):

    A256KW               under the 32 bytes of a key file
    PBES2-HS512+A256KW   under a key that PBKDF2 with HMAC-SHA-512 derives of a passphrase

Nothing else is read, whatever the header says: no other algorithm, no compression, no other count.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.util import json_b64decode

ITERATIONS = 300_000
"""Rounds of PBKDF2 in a new file: the most that joserfc reads. OWASP's password storage guide asks for 210,000."""
LEAST_ITERATIONS = 210_000
"""Rounds below which a file is refused."""
LEAST_PASSPHRASE = 15
"""Characters of a passphrase: NIST SP 800-63B-4, section 3.1.1.2, where it is the only factor."""
MAX_BYTES = 16_384
"""Of a file; a Paillier key of 4,096 bits takes 2,500."""

_CONTENT = {"enc": "A256GCM", "cty": "jwk+json"}
_COMPACT = re.compile(rb"[\w-]+(\.[\w-]+){4}\n?")


class EncryptedJwkError(ValueError):
    """The data is no Encrypted JWK that this secret opens: why. It tells nothing of the key or the secret."""


class NotEncryptedError(EncryptedJwkError):
    """The data does not even look like one."""


@dataclass(frozen=True)
class Secret:
    """What a file of a key is locked with; `value` is 32 random bytes, or a passphrase in UTF-8."""

    algorithm: Literal["A256KW", "PBES2-HS512+A256KW"]
    value: bytes = field(repr=False)

    @property
    def is_passphrase(self) -> bool:
        """Whether a person chose it."""
        return self.algorithm != "A256KW"

    @property
    def noun(self) -> str:
        """What a person calls it."""
        return "passphrase" if self.is_passphrase else "key file"


def encrypt(jwk: Mapping[str, Any], secret: Secret) -> bytes:
    """Give the file's bytes; raise `EncryptedJwkError` for a passphrase that is short."""
    _check_length(secret)
    header: dict[str, Any] = {"alg": secret.algorithm, **_CONTENT}
    if secret.is_passphrase:
        header["p2c"] = ITERATIONS  # joserfc draws the salt, 16 bytes
    key = OctKey.import_key(secret.value)
    text = jwe.encrypt_compact(header, json.dumps(jwk), key, [secret.algorithm, _CONTENT["enc"]])
    return text.encode() + b"\n"


def decrypt(data: bytes, secret: Secret) -> dict[str, Any]:
    """Give the JWK in a file's bytes; raise `EncryptedJwkError`.

    1. one line of five base64url parts, not overlong: else it may be a key that was never encrypted
    2. the header has the members that `encrypt` writes, and no other
    3. it was locked with a secret of this kind
    4. the count is neither weak nor a way to keep this process busy
    5. the secret unwraps the content key, and the content is what was encrypted
    """
    if len(data) > MAX_BYTES or not _COMPACT.fullmatch(data):  # 1
        raise NotEncryptedError("not encrypted, or damaged")
    _check_length(secret)
    header = _header(data)
    passphrase = {"p2s", "p2c"} if header.get("alg") != "A256KW" else set()
    if header.keys() != {"alg", *_CONTENT, *passphrase} or any(
        header[name] != _CONTENT[name] for name in _CONTENT
    ):
        raise EncryptedJwkError("its header is not one that is written here")  # 2
    if header["alg"] != secret.algorithm:  # 3
        raise EncryptedJwkError(f"not locked with a {secret.noun}")
    if passphrase and not (type(header["p2c"]) is int and LEAST_ITERATIONS <= header["p2c"] <= ITERATIONS):  # 4
        raise EncryptedJwkError(f"its count p2c is not from {LEAST_ITERATIONS} to {ITERATIONS}")
    try:
        key = OctKey.import_key(secret.value)
        opened = jwe.decrypt_compact(data.strip(), key, [secret.algorithm, _CONTENT["enc"]])  # 5
        jwk = json.loads(opened.plaintext or b"")
    except (JoseError, ValueError, TypeError, AssertionError):
        jwk = None  # the error is left behind: it may hold what was decrypted
    if not isinstance(jwk, dict):
        raise EncryptedJwkError(f"this {secret.noun} does not open it, or it is damaged")
    return jwk


def _check_length(secret: Secret) -> None:
    if secret.is_passphrase and len(secret.value.decode()) < LEAST_PASSPHRASE:
        raise EncryptedJwkError(f"the passphrase is short; take {LEAST_PASSPHRASE} characters or more")


def _header(data: bytes) -> dict[str, Any]:
    """Give the protected header; an empty one for what is none."""
    try:
        header = json_b64decode(data.partition(b".")[0])
    except (ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}
