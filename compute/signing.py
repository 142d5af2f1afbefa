"""Statements signed by a party's pinned Ed25519 identity (suite ``intl``)."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Generic, Literal, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from compute.canonical import Message, Name, encode

Suite = Literal["intl"]
SUITE: Suite = "intl"

S = TypeVar("S", bound=Message)
Pins = Mapping[str, bytes]
"""Party name → its raw Ed25519 public key, learnt when the party was enrolled and never from a message."""


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


def verify(signed: Signed[S], signer: str, pins: Pins) -> S:
    """Give the statement; raise :class:`SignatureError` unless ``signer``'s pinned key signed it."""
    if signed.suite != SUITE:
        raise SignatureError(f"signed in the suite {signed.suite}, which is not supported here")
    if signed.signer != signer:
        raise SignatureError(f"signed by {signed.signer}, but it must be signed by {signer}")
    if signer not in pins:
        raise SignatureError(f"no key of {signer} is pinned here; enrol the party first")
    try:
        Ed25519PublicKey.from_public_bytes(pins[signer]).verify(
            signed.signature, _signed_bytes(signer, signed.statement)
        )
    except InvalidSignature as error:
        raise SignatureError(f"the signature of {signer} does not verify under its pinned key") from error
    return signed.statement


def digest(statement: Message) -> bytes:
    """Give SHA-256 of the canonical bytes."""
    return hashlib.sha256(encode(statement)).digest()


def _signed_bytes(signer: str, statement: Message) -> bytes:
    return f"veilmart/signed/v1\n{SUITE}\n{signer}\n".encode() + encode(statement)
