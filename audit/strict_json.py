"""JSON that every reader reads alike (RFC 7493): names once, integers that are kept exact, UTF-8; no I/O."""

import json
from typing import Any, Never

from audit.errors import FormatError

MAX_INTEGER = 2**53 - 1
"""The integers that every JSON reader keeps exact reach from its negative to this (RFC 7493, section 2.2)."""
_MAX_DIGITS = len(str(-MAX_INTEGER))


def read_json(data: bytes) -> dict[str, Any]:
    """The object in `data`, without the values that JSON readers disagree on; raises `FormatError`."""
    try:
        members = json.loads(
            data.decode(),  # json.loads would also take UTF-16 and UTF-32
            object_pairs_hook=_unique,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_integer,
        )
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON in UTF-8: {error}") from error
    if type(members) is not dict:
        raise FormatError("not a JSON object")
    return members


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise FormatError(f"{name!r:.80}: duplicate")
        members[name] = value
    return members


def _no_float(literal: str) -> Never:
    raise FormatError(f"{literal:.80}: not an integer")


def _integer(literal: str) -> int:
    if len(literal) > _MAX_DIGITS:
        raise FormatError("an integer beyond ±(2^53 - 1)")
    return int(literal)
