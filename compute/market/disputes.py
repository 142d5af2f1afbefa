"""Disputes: what subjects object to, and what organisations answer."""

from typing import ClassVar

from compute.canonical import Bytes32, Date, Message, Milliseconds, Name, Prose
from compute.records import DisputeMatter, ReceiptCode


class DisputeWords(Message, frozen=True):
    """What somebody wrote in a dispute."""

    hidden: ClassVar = frozenset({"text"})
    author: Name | None
    """An organisation; None is the subject."""
    at: Milliseconds
    text: str


class DisputeRecord(Message, frozen=True):
    """A dispute. Its subject is named by the commitment to it, which who has the contract's salts finds again."""

    hidden: ClassVar = frozenset({"words"})
    number: ReceiptCode
    contract: Name
    respondent: Name
    matter: DisputeMatter
    commitment: Bytes32
    at: Milliseconds
    due: Milliseconds
    """Until when an answer is due; once there is one, when silence closes the dispute."""
    state: str
    snapshot_date: Date | None
    """Of the data as they were corrected."""
    words: tuple[DisputeWords, ...]


class Disputes(Message, frozen=True):
    """A page of disputes, the oldest first, without what was written."""

    items: tuple[DisputeRecord, ...]
    next: str | None


class DisputeAnswer(Message, frozen=True):
    """An organisation's answer to a subject."""

    hidden: ClassVar = frozenset({"text"})
    text: Prose


class DisputeCorrection(Message, frozen=True):
    """A provider's answer that data were corrected at the source."""

    hidden: ClassVar = frozenset({"text"})
    text: Prose
    snapshot_date: Date
    """Of the table that has the correction."""
