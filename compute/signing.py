"""Statements signed by a party's pinned Ed25519 identity, in the role it was enrolled for (suite ``intl``).

What a party needs beside it follows from it, for one purpose each: the log's key, the witness's, secrets of files.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Generic, Literal, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Meta

from compute.canonical import Message, Name, encode

Suite = Literal["intl"]
SUITE: Suite = "intl"

LOG_KEY, WITNESS_KEY = "veilmart/log/v1", "veilmart/witness/v1"
"""For what the log's key is derived from the marketplace's identity, and a witness's from its node's."""

S = TypeVar("S", bound=Message)
Role = Literal["consumer", "provider", "model_reviewer", "operator"]


@dataclass(frozen=True)
class Pin:
    """What is known of an enrolled party: the one role in which it may sign, and its raw Ed25519 public key."""

    role: Role
    key: bytes


Pins = Mapping[str, Pin]
"""By party name; learnt when the party was enrolled and never from a message."""


class SignatureError(ValueError):
    """The statement is not signed by the pinned key of the party that it names."""


class Signed(Message, Generic[S], frozen=True):
    """A statement, who signed it, and the signature over the suite, the signer and the canonical statement."""

    suite: Suite
    signer: Name
    signature: Annotated[bytes, Meta(min_length=64, max_length=64)]
    statement: S


def sign(statement: S, signer: str, key: Ed25519PrivateKey) -> Signed[S]:
    """Give the statement signed as ``signer``."""
    signature = key.sign(_signed_bytes(signer, statement))
    return Signed(suite=SUITE, signer=signer, signature=signature, statement=statement)


def verify(signed: Signed[S], signer: str, role: Role, pins: Pins) -> S:
    """Give the statement; raise :class:`SignatureError` unless ``signer``, in this role, signed it.

    The role keeps a bank from taking part in its own job as a provider.
    """
    if signed.suite != SUITE:
        raise SignatureError(f"signed in the suite {signed.suite}, which is not supported here")
    if signed.signer != signer:
        raise SignatureError(f"signed by {signed.signer}, but it must be signed by {signer}")
    if signer not in pins:
        raise SignatureError(f"no key of {signer} is pinned here; enrol the party first")
    if pins[signer].role != role:
        raise SignatureError(f"{signer} is enrolled as {pins[signer].role} and cannot sign as {role}")
    try:
        Ed25519PublicKey.from_public_bytes(pins[signer].key).verify(
            signed.signature, _signed_bytes(signer, signed.statement)
        )
    except InvalidSignature as error:
        raise SignatureError(f"the signature of {signer} does not verify under its pinned key") from error
    return signed.statement


def digest(statement: Message) -> bytes:
    """Give SHA-256 of the canonical bytes."""
    return hashlib.sha256(encode(statement)).digest()


def derived_secret(identity: Ed25519PrivateKey, purpose: str) -> bytes:
    """Give 32 bytes that follow from a party's identity for one purpose: HKDF-SHA256 (RFC 5869)."""
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose.encode()).derive(identity.private_bytes_raw())


def derived_key(identity: Ed25519PrivateKey, purpose: str) -> Ed25519PrivateKey:
    """Give the key that follows from a party's identity for one purpose: it signs nothing else."""
    return Ed25519PrivateKey.from_private_bytes(derived_secret(identity, purpose))


def _signed_bytes(signer: str, statement: Message) -> bytes:
    return f"veilmart/signed/v1\n{SUITE}\n{signer}\n".encode() + encode(statement)
