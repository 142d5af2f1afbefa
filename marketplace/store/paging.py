"""Pages by cursor: the next one begins behind the last row's keys, so what is added meanwhile moves nothing."""

import base64
import binascii
from collections.abc import Sequence

import msgspec

from compute.canonical import UNSEEN
from marketplace.errors import InvalidError

Keys = tuple[str | int, ...]
_MAX_CHARACTERS = 1000


def encode_cursor(keys: Sequence[str | int]) -> str:
    """Give the cursor behind a row with these sort keys."""
    return base64.urlsafe_b64encode(msgspec.json.encode(tuple(keys))).rstrip(b"=").decode()


def decode_cursor(cursor: str, *types: type) -> Keys:
    """Give the keys of a cursor, of these types; raise `InvalidError` for one that was not given out."""
    if len(cursor) > _MAX_CHARACTERS:
        raise _unknown()
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        keys = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=list[str | int])
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise _unknown() from error
    if tuple(map(type, keys)) != types or not all(map(_is_storable, keys)):
        raise _unknown()
    return tuple(keys)


def _is_storable(key: str | int) -> bool:
    """Whether a database could hold the key: else none gave it out, and asking one for it fails."""
    if isinstance(key, int):
        return -(2**63) <= key < 2**63
    return UNSEEN.search(key) is None


def _unknown() -> InvalidError:
    return InvalidError(
        "the cursor is none of this list",
        "take the one of the page before, or leave it out",
        fields={"cursor": "Not a cursor of this list."},
    )
