"""Applications, what is decided about them, and the dry run that says what would fail."""

from typing import Annotated

from msgspec import Meta

from compute.canonical import Hex32, Line, Message, Milliseconds, Name
from compute.clauses import Clause
from compute.terms import MAX_USES, DraftTerms, Grant, Terms

Reference = Line


class ApplicationRequest(Message, frozen=True):
    """The terms that a consumer asks for, under its own reference."""

    reference: Reference
    terms: Terms


class PrecheckRequest(Message, frozen=True, tag="application_request"):
    """An application that is only tried: its terms may break any clause, and need no agreement's digest yet."""

    reference: Reference
    terms: DraftTerms


class FailedClause(Message, frozen=True):
    """A clause that would fail, where it stands, and why, in both languages."""

    clause: Clause
    field: str
    """The path of the member in the terms, such as `grants.0.fields`."""
    zh: str
    en: str


class Precheck(Message, frozen=True):
    """What would become of an application: every clause that fails, and who would decide."""

    passes: bool
    failed: tuple[FailedClause, ...]
    deciders: tuple[Name, ...]
    """Whose approval it needs: the providers', and the operator's where the grade asks."""
    agreement: Hex32
    """The digest of the agreement that follows from these terms."""


class CounterOffer(Message, frozen=True):
    """What a provider would agree to instead: its own grant, the count and the term."""

    grant: Grant
    max_uses: Annotated[int, Meta(ge=1, le=MAX_USES)]
    not_before: Milliseconds
    not_after: Milliseconds


class OpenOffer(Message, frozen=True):
    """A counter-offer that waits for the consumer, and the terms that would follow if it accepts."""

    offer: CounterOffer
    terms: Terms


class ApplicationRecord(Message, frozen=True):
    """An application: the terms asked for, its state, and the state of each part."""

    terms: Terms
    state: str
    parts: dict[Name, str]
    """Of each provider; of the operator, if the grade asks for its approval."""
    offers: dict[Name, OpenOffer]
    superseded: FailedClause | None = None
    """Why no contract can come of it any more: its consumer withdraws it and applies anew."""


class Decision(Message, frozen=True):
    """What a party decides about: the terms as it read them."""

    terms: Hex32
    """SHA-256 of the canonical terms. Others under the same contract are not meant."""


class Applications(Message, frozen=True):
    """A page of the applications that the asker made or has a part in, by contract."""

    items: tuple[ApplicationRecord, ...]
    next: str | None


class Moved(Message, frozen=True):
    """A move of the flow as the parties see it: who did what when, and why."""

    noun: str
    move: str
    state: str
    """The state that it led to."""
    actor: Name
    part: Name | None
    reason: str | None
    note: str | None
    at: Milliseconds


class History(Message, frozen=True):
    """All moves of an application and of the contract that became of it, the oldest first."""

    moves: tuple[Moved, ...]


class RenewalRequest(Message, frozen=True):
    """What a contract's successor is to have of its own; all else is as before."""

    reference: Line
    max_uses: Annotated[int, Meta(ge=1, le=MAX_USES)]
    not_before: Milliseconds
    not_after: Milliseconds
