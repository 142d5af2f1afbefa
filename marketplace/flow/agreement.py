"""The entry agreement 入驻协议: versioned texts in two languages, accepted with version and hash."""

import hashlib
from dataclasses import dataclass

import rfc8785

from compute.canonical import DAY
from marketplace.errors import ConflictError, ForbiddenError, InvalidError


@dataclass(frozen=True)
class Agreement:
    """One version; versions count from 1."""

    version: int
    text_zh: str
    text_en: str
    published: int
    """UTC, milliseconds since 1970-01-01."""
    due: int
    """When who takes part must have accepted it; who enters accepts it before."""

    @property
    def digest(self) -> str:
        """SHA-256 of version and both texts as canonical JSON (RFC 8785), in hex."""
        said: dict[str, int | str] = {"version": self.version, "text_zh": self.text_zh, "text_en": self.text_en}
        return hashlib.sha256(rfc8785.dumps(said)).hexdigest()


@dataclass(frozen=True)
class Acceptance:
    """An organisation's acceptance of one version."""

    organisation: str
    version: int
    digest: str
    signatory: str
    """Who signed for it, by name and office; kept here and never in the log."""
    member: str | None
    at: int


def publish(newest: Agreement | None, text_zh: str, text_en: str, grace_days: int, now: int) -> Agreement:
    """Give the next version; raise `ConflictError` if it says what the newest says."""
    if newest is not None and (newest.text_zh, newest.text_en) == (text_zh, text_en):
        raise ConflictError(f"version {newest.version} has this very text", "publish what has changed")
    version = 1 if newest is None else newest.version + 1
    return Agreement(version, text_zh, text_en, now, now + grace_days * DAY)


def accept(
    newest: Agreement | None,
    organisation: str,
    version: int,
    digest: str,
    signatory: str,
    member: str | None,
    now: int,
) -> Acceptance:
    """Give the acceptance of the newest version.

    Raises `ConflictError` for another version or a hash that is not of its text: something else was read.
    """
    if newest is None:
        raise ConflictError("no entry agreement is published", "wait for the operator")
    if version != newest.version:
        raise ConflictError(f"version {version} is not the newest, {newest.version}", "read and accept that one")
    if digest != newest.digest:
        raise ConflictError(f"the hash is not that of version {version}", "read the text again, and accept that")
    return Acceptance(organisation, version, digest, signatory, member, now)


def require_in_time(newest: int | None, due: int | None, accepted: int | None, now: int) -> None:
    """Return if who takes part has accepted the newest version, or is still given time; else `ForbiddenError`."""
    if newest is not None and due is not None and now >= due and (accepted or 0) < newest:
        raise ForbiddenError(
            f"version {newest} of the entry agreement is in force and not accepted",
            "have an administrator read and accept it",
        )


def require_accepted(newest: Agreement | None, accepted: int | None, name: str) -> None:
    """Return if an applicant has accepted the newest version; raise `InvalidError` if not, or if there is none."""
    if newest is None:
        raise InvalidError("no entry agreement is published", "publish one first")
    if accepted != newest.version:
        raise InvalidError(
            f"{name} has not accepted version {newest.version} of the entry agreement",
            "return the application, for it to be accepted",
        )
