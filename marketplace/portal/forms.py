"""What subjects type in and hand in, read strictly: every text by its type, a document by its whole structure.

A power of attorney is read by a clerk of the bank, so nothing is taken that runs a script, carries other files or
only looks like a document: whoever says to be an agent may be anybody.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, TypeVar

import flask
import msgspec
from msgspec import Meta

from compute.canonical import DAY, Line, Prose
from compute.records import DisputeMatter
from compute.subject_code import SubjectCode
from marketplace.attachments import kinds
from marketplace.commands.subject_consents import Attorney
from marketplace.errors import InvalidError
from marketplace.flow.consent_request import PowerOfAttorney
from marketplace.identity.registry import TELEPHONE

MAX_FORM = 3 * 2**20
"""Bytes of a form with a document."""
MAX_DOCUMENT = 2 * 2**20
_KINDS = frozenset({kinds.PDF, kinds.PNG, kinds.JPEG})

Telephone = Annotated[str, Meta(pattern=rf"\A{TELEPHONE}\Z")]
Code = Annotated[str, Meta(pattern=r"\A[0-9]{6}\Z")]
T = TypeVar("T")


class DocumentError(InvalidError):
    """The document is too long, or none that is taken."""


@dataclass(frozen=True)
class Claimed:
    """Whom somebody says they act for, and by which number they are reached."""

    subject: str
    telephone: str


def claimed() -> Claimed:
    """Give the code in capitals, and the number with its country; raise `InvalidError` for others."""
    number = _text("telephone").replace(" ", "").replace("-", "")
    if not number.startswith("+"):
        number = f"+86{number}"
    subject = _text("subject").replace(" ", "").upper()
    return Claimed(_read(subject, SubjectCode, "subject"), _read(number, Telephone, "telephone"))


def typed() -> dict[str, str]:
    """Give what somebody typed in to say who they are, for a page that asks again; no more than can be right."""
    return {name: _text(name)[:24] for name in ("subject", "telephone")}


def sms_code() -> str:
    """Give the six digits; raise `InvalidError` for anything else."""
    code: str = _read(_text("code"), Code, "code")
    return code


def attorney(now: int) -> Attorney:
    """Give the power of attorney that an agent hands in; raise `InvalidError`, `DocumentError`."""
    reference: str = _read(_text("attorney_reference"), Line, "attorney_reference")
    try:
        last = date.fromisoformat(_text("attorney_until"))
    except ValueError as error:
        raise _wrong("attorney_until") from error
    until = int(datetime(last.year, last.month, last.day, tzinfo=UTC).timestamp() * 1000) + DAY
    if until > now + 3650 * DAY:
        raise _wrong("attorney_until")
    file = flask.request.files.get("attorney_file")
    document = b""
    if file is not None:
        document = file.stream.read(MAX_DOCUMENT + 1)
        file.close()
    _require_document(document)
    return Attorney(PowerOfAttorney(reference, until, hashlib.sha256(document).digest()), document)


def _require_document(document: bytes) -> None:
    """Return if it is a sound PDF, PNG or JPEG that does nothing by itself; raise `DocumentError` if not."""
    try:
        kind = kinds.recognise(document)
    except InvalidError as error:
        raise _no_document() from error
    if len(document) > MAX_DOCUMENT or kind not in _KINDS:
        raise _no_document()


def _no_document() -> DocumentError:
    return DocumentError(
        "the document is no sound PDF, PNG or JPEG of 2 MB at most",
        "hand in another",
        fields={"attorney_file": "Neither PDF, PNG nor JPEG, damaged, with a script in it, or too long."},
    )


def matter() -> DisputeMatter:
    """Give to what somebody objects; raise `InvalidError`."""
    try:
        return DisputeMatter(_text("matter"))
    except ValueError as error:
        raise _wrong("matter") from error


def words() -> str:
    """Give what somebody wrote; raise `InvalidError` for nothing, too much, and characters that nobody sees."""
    found: str = _read(_text("words").replace("\r\n", "\n"), Prose, "words")
    return found


def _text(name: str) -> str:
    return flask.request.form.get(name, "").strip()


def _read(value: str, kind: object, name: str) -> str:
    try:
        found: str = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _wrong(name) from error
    return found


def _wrong(name: str) -> InvalidError:
    return InvalidError(f"the {name} is not as it must be", "correct it", fields={name: "Not as it must be."})
