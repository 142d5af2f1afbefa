"""Organisations: they apply to take part, accept the entry agreement, and are admitted by the operator."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from compute.canonical import Hex32, Line, Message, Milliseconds, Name, Prose
from compute.records import PartyKind

_CODE = "a unified social credit code, 18 letters and digits"
Code = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z-]{18}\Z", description=_CODE)]
# Without =? nothing takes a part of it for an encoded word (RFC 2047), and so for another address.
_EMAIL = r"\A(?!.*=\?)[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,4}\Z"
Email = Annotated[str, Meta(max_length=254, pattern=_EMAIL, description="an e-mail address in ASCII")]
_PHONE = r"\A\+?[0-9][0-9 ()-]{4,30}[0-9]\Z"
Phone = Annotated[str, Meta(pattern=_PHONE, description="a telephone number: digits, spaces, hyphens, brackets")]
ReviewReason = Literal["incomplete", "code_mismatch", "not_eligible", "duplicate", "other"]
"""Why an application is returned or rejected."""
SuspensionReason = Literal["breach", "security_incident", "own_request", "authority_order", "agreement_lapsed"]
"""Why an organisation is stopped."""
MAX_AGREEMENT = 100_000
"""Characters of an entry agreement in one language."""
_MARKS = r"\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_TEXT = rf"\A[^\x00-\x08\x0b-\x1f\x7f-\x9f{_MARKS}]{{1,{MAX_AGREEMENT}}}\Z"
AgreementText = Annotated[str, Meta(pattern=_TEXT, description=f"text of up to {MAX_AGREEMENT} characters")]
Version = Annotated[int, Meta(ge=1, le=10_000)]
GraceDays = Annotated[int, Meta(ge=0, le=90)]


class Desk(Message, frozen=True):
    """Where an organisation is reached: an office, never a person."""

    title: Line
    email: Email
    phone: Phone


class OrganisationProfile(Message, frozen=True):
    """What an organisation says of itself."""

    title_zh: Line
    title_en: Line
    code: Code
    """Unified social credit code 统一社会信用代码."""
    kind: PartyKind
    desk: Desk
    address: Line


class OrganisationApplication(Message, frozen=True):
    """An application to take part under a name, that of the party later on."""

    name: Name
    profile: OrganisationProfile


class ApplicationReceipt(Message, frozen=True):
    """What an applicant gets: the one token by which the application is followed and corrected, shown once.

    Of an application that the operator enters, `token` is the first half; the second comes as a `HandedOver`.
    """

    hidden: ClassVar = frozenset({"token"})

    name: Name
    token: str
    state: str


class HandedOver(Message, frozen=True):
    """The second half of an entered application's token: written behind the first, it is whole."""

    hidden: ClassVar = frozenset({"half"})

    name: Name
    half: str


class OrganisationRecord(Message, frozen=True):
    """An organisation as those see it who may: reason and opinion are for itself and the operator."""

    name: Name
    profile: OrganisationProfile
    state: str
    reason: str | None
    opinion: Prose | None
    accepted: int | None
    """The newest version of the entry agreement that it has accepted."""
    since: Milliseconds
    """When its state began."""
    is_enrolled: bool
    """Whether a node's key of it is; without one its people do what rests on no key."""
    revision: str


class Organisations(Message, frozen=True):
    """A page of organisations, by name."""

    items: tuple[OrganisationRecord, ...]
    next: str | None


class ContactChange(Message, frozen=True):
    """Where an organisation is reached from now on."""

    desk: Desk
    address: Line


class Review(Message, frozen=True):
    """Why an application is returned or rejected."""

    reason: ReviewReason
    opinion: Prose


class Suspension(Message, frozen=True):
    """Why an organisation is stopped."""

    reason: SuspensionReason
    opinion: Prose | None = None


class Reinstatement(Message, frozen=True):
    """Why a suspension ends."""

    opinion: Prose | None = None


class FirstAdministrator(Message, frozen=True):
    """Who of an admitted organisation gets the first account."""

    login: Name
    name: Line


# --- the entry agreement 入驻协议 ------------------------------------------------------------------------------


class AgreementDraft(Message, frozen=True):
    """A new version of the entry agreement, in both languages; the Chinese one is the one that counts."""

    text_zh: AgreementText
    text_en: AgreementText
    grace_days: GraceDays
    """Within which organisations that take part already accept it."""


class Agreement(Message, frozen=True):
    """A version of the entry agreement as published."""

    version: Version
    text_zh: AgreementText
    text_en: AgreementText
    digest: Hex32
    """SHA-256 of version and both texts in canonical form: `agreement_digest`."""
    published: Milliseconds
    due: Milliseconds
    """When who takes part must have accepted it."""


class Acceptance(Message, frozen=True):
    """An organisation's word that it has accepted a version; `signatory` signs for it, by name and office."""

    version: Version
    digest: Hex32
    signatory: Line


class AcceptanceRecord(Message, frozen=True):
    """An acceptance as it is kept."""

    organisation: Name
    version: Version
    digest: Hex32
    signatory: Line
    member: str | None
    at: Milliseconds


class Acceptances(Message, frozen=True):
    """A page of acceptances of a version, by organisation."""

    items: tuple[AcceptanceRecord, ...]
    next: str | None
