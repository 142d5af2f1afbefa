"""A signed statement as the marketplace takes it: by the enrolled key, or refused."""

from typing import TypeVar

from compute.canonical import Message
from compute.signing import Pins, Role, SignatureError, Signed, verify
from marketplace.errors import BadSignatureError

S = TypeVar("S", bound=Message)


def verified(signed: Signed[S], signer: str, role: Role, pins: Pins) -> S:
    """Give the statement; raise `BadSignatureError` unless the pinned key of `signer`, in this role, signed it."""
    try:
        return verify(signed, signer, role, pins)
    except SignatureError as error:
        raise BadSignatureError(str(error), "sign it with the enrolled key of the party that sends it") from error
