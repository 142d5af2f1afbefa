"""The one form of a message: RFC 8785 canonical JSON of a typed, frozen structure.

msgspec decodes strictly by type; rfc8785 writes the canonical form; and what does not re-serialise to the very
bytes that came is refused, which also catches duplicate keys, other spellings of a number and base64 variants.
Bytes travel as standard base64.
"""

import json
import re
from typing import Annotated, ClassVar, TypeVar

import msgspec
import rfc8785
from msgspec import Meta

from compute.wording import explain

MAX_MESSAGE_BYTES = 64 * 2**20

_NAME = "a lower-case letter, then up to 63 lower-case letters, digits, _ or -"
Name = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_-]{0,63}\Z", description=_NAME)]
_VERSION = "a digit, then up to 63 letters, digits, ., + or -"
Version = Annotated[str, Meta(pattern=r"\A[0-9][0-9A-Za-z.+-]{0,63}\Z", description=_VERSION)]
Hex32 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z", description="64 hexadecimal digits in lower case")]
Bytes32 = Annotated[bytes, Meta(min_length=32, max_length=32, description="32 bytes in base64")]
_TIME = "UTC, in milliseconds since 1970-01-01"
Milliseconds = Annotated[int, Meta(ge=0, lt=2**53, description=_TIME)]
"""A point in time: UTC, milliseconds since 1970-01-01."""
HOUR = 3600 * 1000
DAY = 24 * HOUR
"""Milliseconds."""
_DATE = r"\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z"
Date = Annotated[str, Meta(pattern=_DATE, description="a day as YYYY-MM-DD")]
# Controls, line separators and marks of direction make a text look like another (Unicode Standard Annex 9).
_UNSEEN = r"\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
UNSEEN = re.compile(f"[{_UNSEEN}]")
"""Any one of these."""
_LINE = "one line of 1 to 200 characters, none of them a control or direction mark, with no space at its ends"
Line = Annotated[str, Meta(max_length=200, pattern=rf"\A(?!\s)[^\n{_UNSEEN}]+(?<!\s)\Z", description=_LINE)]
"""A text that people write and read, on one line."""
_PROSE = "1 to 4000 characters, none of them a control or direction mark, with no space at its ends"
Prose = Annotated[str, Meta(max_length=4000, pattern=rf"\A(?!\s)[^{_UNSEEN}]+(?<!\s)\Z", description=_PROSE)]
"""A text that people write and read, on any number of lines."""
_SHOWN = "any text without control and direction marks"
Shown = Annotated[str, Meta(pattern=rf"\A[^{_UNSEEN}]*\Z", description=_SHOWN)]
"""A text that is shown as it came: it moves no cursor, and looks like what it is."""


class FormatError(ValueError):
    """The bytes are not the canonical form of the message that was expected."""


class InvalidMessageError(FormatError):
    """A field of the message is not as it must be: which, and what is allowed there."""


def _tag(class_name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in class_name).removeprefix("_")


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag=_tag):
    """The base of everything that is sent or signed; ``type`` in its JSON is the class name in snake case."""

    hidden: ClassVar[frozenset[str]] = frozenset()
    """Fields that are secret: they travel, but no representation shows them, as one gets into logs and errors."""

    def __repr__(self) -> str:
        fields = ((name, getattr(self, name)) for name in self.__struct_fields__)
        shown = (f"{name}={'…' if name in self.hidden else repr(value)}" for name, value in fields)
        return f"{type(self).__name__}({', '.join(shown)})"


M = TypeVar("M", bound=Message)


_ENCODER = msgspec.json.Encoder(order="sorted")
_NULL = re.compile(rb"[:\[,]null")  # no base64 looks like that, though much of it has the four letters
# Of a number that others write in another way than RFC 8785, or that RFC 8785 refuses: a fraction, an exponent, an
# integer beyond 2⁵³, what is no number. What looks like one within a text does no harm.
_UNSURE = re.compile(rb"[:\[,]-?(?:[0-9]+[.eE]|[0-9]{16}|[NI])")


def encode(message: Message) -> bytes:
    """Give the canonical bytes."""
    # In ASCII, and without such numbers, msgspec and the standard library write what RFC 8785 asks for, and much
    # faster; msgspec most of all, but it also writes null for what is no number.
    try:
        data = _ENCODER.encode(message)
    except (OverflowError, UnicodeEncodeError):  # an integer beyond 64 bits, half a surrogate pair: told below
        data = b":null"
    if _NULL.search(data) is not None:
        members = msgspec.to_builtins(message)
        text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        data = text.encode("utf-8", "surrogatepass")
    if data.isascii() and _UNSURE.search(data) is None:
        return data
    return rfc8785.dumps(msgspec.to_builtins(message))


def decode(data: bytes, expected: type[M]) -> M:
    """Give the message of type ``expected`` (also a union); raise :class:`FormatError` for anything else.

    That is an :class:`InvalidMessageError` where a field is wrong and not the form of the whole.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise FormatError(f"{len(data)} bytes; a message has at most {MAX_MESSAGE_BYTES}: split the request")
    try:
        message = msgspec.json.decode(data, type=expected)
        canonical = encode(message)
    except msgspec.ValidationError as error:
        raise InvalidMessageError(f"not a well-formed message: {explain(error, expected)}") from error
    except (msgspec.DecodeError, rfc8785.CanonicalizationError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"not a well-formed message: {error}") from error
    if canonical != data:
        raise FormatError("the message is not in canonical form (RFC 8785); send the bytes that encode() gives")
    return message
