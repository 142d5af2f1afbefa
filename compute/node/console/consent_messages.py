"""What staff ask of their node about requests for consent and disputes."""

from typing import Annotated

from msgspec import Meta

from compute.canonical import Date, Line, Message, Milliseconds, Name, Prose
from compute.market.consent_requests import Hours
from compute.market.disputes import DisputeWords
from compute.protocols.base import Subject
from compute.records import DisputeMatter, ReceiptCode, SubjectType


class ConsentAsking(Message, frozen=True):
    """One subject to ask under a contract in force."""

    hidden = frozenset({"subject"})

    reference: Name
    subject: Subject
    subject_type: SubjectType
    expires: Milliseconds
    hours: Hours
    contact: Line


class ConsentAsked(Message, frozen=True):
    """A request as the bank keeps it."""

    hidden = frozenset({"subject"})

    request: Name
    reference: Name
    subject: Subject
    subject_type: SubjectType
    at: Milliseconds
    until: Milliseconds
    state: str
    """open, refused, cancelled, expired; granted, and registered once providers can count on it; else its end."""
    receipt: ReceiptCode | None


class ConsentsAsked(Message, frozen=True):
    """The requests under a contract, the oldest first."""

    requests: tuple[ConsentAsked, ...]


class SubjectDispute(Message, frozen=True):
    """A dispute that this organisation has to answer, and whose it is, if the node still knows."""

    hidden = frozenset({"subject", "words"})

    number: ReceiptCode
    contract: Name
    matter: DisputeMatter
    subject: Subject | None
    at: Milliseconds
    due: Milliseconds
    state: str
    snapshot_date: Date | None
    words: tuple[DisputeWords, ...]


class SubjectDisputes(Message, frozen=True):
    """All disputes to answer, the oldest first, without what was written."""

    disputes: tuple[SubjectDispute, ...]


class DisputeReply(Message, frozen=True):
    """An answer; with the day of the corrected table, from a provider, a correction."""

    text: Prose
    snapshot_date: Annotated[Date | None, Meta(description="of the table that has the correction")] = None
