"""How the answer to a job opens, or never does; the same for every protocol whose jobs are uses.

::

    bank ◀────────────── Signed[Answer] ────── provider       under a one-time key
    bank ─ Acknowledge + event in the log ────▶ provider      the same for every answer that is of the right size
    bank ◀────────────────── AnswerKey ─────── provider
    bank ─ Abandon (signed tombstone) ────────▶ provider      instead: the answer's key is never given out
    bank ◀────────────────── Abandoned ─────── provider

The bank cannot deny an answer that it read, the provider cannot deny one that it gave (PROTOCOLS.md §7).
"""

from typing import Annotated

from msgspec import Meta

from compute.canonical import Bytes32, Message, Milliseconds, Name
from compute.signing import Signed

MAX_ENTRY = 65_535
MAX_RECEIPT = 2**17
"""Bytes of an entry of the log and of its receipt."""


class Answer(Message, frozen=True):
    """What a provider answers to a job, under a one-time key: closed until the bank has logged that it came."""

    provider: Name
    bank: Name
    job: Bytes32
    content: bytes
    """`compute.protocols.closed_answer.sealed_answer`."""
    key_digest: Bytes32
    """Commits to the key."""
    answered_at: Milliseconds


class Acknowledgement(Message, frozen=True):
    """The bank received an answer. Whether it opens and decrypts well stays at the bank."""

    bank: Name
    job: Bytes32
    answer: Bytes32


class Acknowledge(Message, frozen=True):
    """Bank to provider: the receipt for an answer, and the proof that it is in the log."""

    acknowledgement: Signed[Acknowledgement]
    entry: Annotated[bytes, Meta(max_length=MAX_ENTRY)]
    """The bank's event that it received the answer, as the log has it."""
    receipt: Annotated[bytes, Meta(max_length=MAX_RECEIPT)]
    """`audit.receipt`: the event is in the log."""


class AnswerKey(Message, frozen=True):
    """Provider to bank: the key of an answer whose receipt was taken in, first at this time."""

    hidden = frozenset({"key"})

    provider: Name
    job: Bytes32
    key: Bytes32
    at: Milliseconds


class ReleasedAnswer(Message, frozen=True):
    """An answer with its key, as the bank keeps it."""

    hidden = frozenset({"key"})

    answer: Signed[Answer]
    key: Bytes32


class Tombstone(Message, frozen=True):
    """The bank gives a job up: it will never have the key of its answer here, and so made no use of it."""

    bank: Name
    provider: Name
    job: Bytes32


class Abandon(Message, frozen=True):
    """Bank to provider: bury this job and count none of its uses."""

    tombstone: Signed[Tombstone]


class Abandoned(Message, frozen=True):
    """Provider to bank: the job is buried, first at this time."""

    provider: Name
    job: Bytes32
    at: Milliseconds
