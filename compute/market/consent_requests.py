"""Requests of a consumer to subjects for their consent, and batches whose subjects are told."""

from typing import Annotated

from msgspec import Meta

from compute.canonical import Bytes32, Line, Message, Milliseconds, Name
from compute.records import MAX_BATCH, ConsentBatch, ConsentReceipt, ConsentStanding, SubjectType
from compute.signing import Signed
from compute.subject_code import SubjectCode

Hours = Annotated[int, Meta(ge=1, le=72, description="1 to 72 hours")]


class ConsentRequestDraft(Message, frozen=True):
    """What a consumer asks one subject for, under a contract in force."""

    hidden = frozenset({"subject", "opening"})

    contract: Name
    reference: Name
    """The consumer's own name for it, once per contract."""
    subject: SubjectCode
    """It travels once, and is kept as a keyed tag."""
    opening: Bytes32
    """Of the subject's commitment: `compute.records.opening`."""
    subject_type: SubjectType
    expires: Milliseconds
    """When the consent would end."""
    hours: Hours
    """How long the link lasts."""
    contact: Line
    """Where the subject reaches the consumer about it: its name, and a telephone number or address."""


class ConsentRequestMade(Message, frozen=True):
    """A request that was made; nobody is told the link a second time."""

    hidden = frozenset({"link", "qr"})

    request: Name
    link: str
    """For the subject, by which it opens the page."""
    until: Milliseconds
    """When the link ends."""
    qr: str
    """The link as a QR code: SVG."""


class ConsentRequestRecord(Message, frozen=True):
    """A request, and what its subject decided."""

    request: Name
    contract: Name
    reference: Name
    state: str
    at: Milliseconds
    until: Milliseconds
    expires: Milliseconds
    receipt: Signed[ConsentReceipt] | None


class ConsentRequests(Message, frozen=True):
    """A page of requests, in the order in which they were last changed."""

    items: tuple[ConsentRequestRecord, ...]
    next: str | None


class OpenedSubject(Message, frozen=True):
    """A subject, and what opens the commitment to it."""

    hidden = frozenset({"subject", "opening"})

    subject: SubjectCode
    opening: Bytes32


class BatchRegistration(Message, frozen=True):
    """A batch of consents as its consumer signed it, and who its subjects are, so that they can be told.

    Subjects who granted a request themselves are left out.
    """

    batch: Signed[ConsentBatch]
    subject_type: SubjectType
    subjects: Annotated[tuple[OpenedSubject, ...], Meta(max_length=MAX_BATCH)]


class ReceiptStanding(Message, frozen=True):
    """A receipt as anybody finds it who knows its verification code, and whether the consent stands."""

    receipt: Signed[ConsentReceipt]
    standing: ConsentStanding
