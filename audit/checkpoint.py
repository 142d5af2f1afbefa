"""Checkpoints: what a log commits to, as a note that it has signed (C2SP tlog-checkpoint).

    market.example/log                             origin: the log's name
    70000                                          size of the tree
    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=   root of the tree

    — market.example/log TGm2fQ…                   by the log, then by witnesses

A checkpoint that was parsed is in form, and no more: `audit.policy` says who stands behind it.
"""

import base64
import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import note as notes
from audit.errors import FormatError, SignatureError
from audit.merkle import HASH_SIZE, SIZE_LIMIT

_COUNT = re.compile(r"0|[1-9][0-9]{0,18}")  # SIZE_LIMIT has 19 digits
_LINES = 3  # origin, size, root


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint in a note: its fields are those of the signed text, and cannot be given otherwise.

    Making one of a note with another text raises FormatError.
    """

    note: notes.Note
    origin: str = field(init=False)
    size: int = field(init=False)
    root: bytes = field(init=False)
    extensions: tuple[str, ...] = field(init=False)  # opaque lines: the log says so, and nobody audits it

    def __post_init__(self) -> None:
        origin, size, root, extensions = parse_text(self.note.text)
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "root", root)
        object.__setattr__(self, "extensions", extensions)

    def encode(self) -> bytes:
        """The note in UTF-8."""
        return self.note.encode()


def parse(data: bytes) -> Checkpoint:
    """The checkpoint of these bytes: `parse(data).encode() == data` for what is accepted; raises FormatError."""
    return Checkpoint(notes.parse(data))


def parse_signed(data: bytes, log: notes.VerifierKey) -> Checkpoint:
    """The checkpoint of these bytes, if the log of this key has signed it under its own name; else SignatureError.

    Raises FormatError, as `parse` does.
    """
    made = parse(data)
    if made.origin != log.name or not notes.verify(made.note, [log]):
        raise SignatureError(f"a checkpoint of {made.origin!r:.80} that {log.name} has not signed with its key")
    return made


def text(origin: str, size: int, root: bytes) -> str:
    """The text of the checkpoint that a log of this name signs; raises FormatError for values out of bounds."""
    made = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    if parse_text(made) != (origin, size, root, ()):  # a newline in the origin, True for 1
        raise FormatError("these are no origin, size and root of a log")
    return made


def signed(origin: str, size: int, root: bytes, private_key: Ed25519PrivateKey) -> bytes:
    """The checkpoint of a log, signed under its name; raises FormatError for values out of bounds.

    Signs whatever it is given: that a log never signs two checkpoints that contradict each other is the caller's.
    """
    body = text(origin, size, root)
    return notes.Note(body, (notes.sign(body, origin, private_key),)).encode()


def parse_text(body: str) -> tuple[str, int, bytes, tuple[str, ...]]:
    """The origin, size, root and extension lines of a checkpoint's text; raises FormatError if it is none."""
    notes.require_text(body)
    *lines, _ = body.split("\n")  # and not splitlines, which ends lines at U+2028 too
    if len(lines) < _LINES or not all(lines):
        raise FormatError("the text of a checkpoint is not three or more lines, none of them empty")
    origin, size, root, *extensions = lines
    return origin, parse_count(size), parse_hash(root), tuple(extensions)


def parse_count(digits: str) -> int:
    """The size or index of these ASCII digits without leading zeros; raises FormatError, from 2^63 on too."""
    if not _COUNT.fullmatch(digits) or int(digits) >= SIZE_LIMIT:
        raise FormatError(f"{digits!r:.40}: not a decimal from 0 to 2^63 - 1 without leading zeros")
    return int(digits)


def parse_hash(encoded: str) -> bytes:
    """The hash of this base64; raises FormatError unless it has 32 bytes."""
    decoded = notes.decode_base64(encoded)
    if len(decoded) != HASH_SIZE:
        raise FormatError(f"{encoded!r:.80}: not a hash of {HASH_SIZE} bytes")
    return decoded
