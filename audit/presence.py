"""Proofs that a subject was asked about in a use, or was not, and their form in a file.

`audit.subjects` makes and checks them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit.errors import FormatError
from audit.merkle import HASH_SIZE

MAX_PROOF = 1 << 14
"""Bytes of an encoded proof: two paths of 63 hashes fit."""
MAX_INDEX = 2**53 - 1
"""All readers of JSON agree on integers up to it."""


@dataclass(frozen=True)
class Presence:
    """A value stands at `index`; `path` leads from its leaf to the root."""

    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class Neighbour:
    """A value beside the place of another, and the path from its leaf to the root."""

    value: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class Absence:
    """A value would stand at `index`, after `below` and before `above`, which stand at index - 1 and index."""

    index: int
    below: Neighbour | None
    """None where the value is less than all."""
    above: Neighbour | None
    """None where it is greater than all."""


def encode(proof: Presence | Absence) -> bytes:
    """The proof as canonical JSON (RFC 8785), hashes in hexadecimal."""
    if isinstance(proof, Presence):
        return _dump({"index": proof.index, "path": _hex(proof.path), "type": "presence"})
    below, above = _shown(proof.below), _shown(proof.above)
    return _dump({"above": above, "below": below, "index": proof.index, "type": "absence"})


def parse(data: bytes) -> Presence | Absence:
    """The proof of these bytes; raises FormatError for anything that `encode` does not give."""
    if len(data) > MAX_PROOF:
        raise FormatError(f"a proof of {len(data)} bytes is over the limit of {MAX_PROOF}")
    try:
        proof = _proof(json.loads(data.decode()))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"not a proof: {type(error).__name__}") from error
    if encode(proof) != data:  # duplicate and unknown members, other spellings
        raise FormatError("not canonical JSON (RFC 8785)")
    return proof


def _proof(members: dict[str, Any]) -> Presence | Absence:
    index = members["index"]
    if type(index) is not int or not 0 <= index <= MAX_INDEX:
        raise FormatError("index: not an integer from 0 to 2^53 - 1")
    if members["type"] == "presence":
        return Presence(index, _path(members["path"]))
    return Absence(index, _neighbour(members["below"]), _neighbour(members["above"]))


def _neighbour(members: dict[str, Any] | None) -> Neighbour | None:
    if members is None:
        return None
    return Neighbour(_hash(members["value"]), _path(members["path"]))


def _path(hashes: list[str]) -> tuple[bytes, ...]:
    if type(hashes) is not list:
        raise FormatError("path: not a list")
    return tuple(map(_hash, hashes))


def _hash(text: str) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != HASH_SIZE:
        raise FormatError(f"a hash does not have {HASH_SIZE} bytes")
    return value


def _shown(neighbour: Neighbour | None) -> dict[str, Any] | None:
    return None if neighbour is None else {"path": _hex(neighbour.path), "value": neighbour.value.hex()}


def _hex(hashes: Sequence[bytes]) -> list[str]:
    return [each.hex() for each in hashes]


def _dump(members: dict[str, Any]) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
