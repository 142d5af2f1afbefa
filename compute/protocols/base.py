"""What all protocols share: refusals, pending work, the transport that carries bytes between parties, progress."""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol

from msgspec import Meta

from compute.canonical import HOUR, FormatError, M, Message, Milliseconds, Name, decode, encode
from connectors.uscc import RULE, SHAPE

MAX_REASON = 1000
"""Characters of a refusal's reason; what quotes a message is cut."""

Progress = Callable[[str, int, int], None]
"""Hears of a step's name, the units done and the units in all."""

BUSY, CANCELLED, UNAVAILABLE, FAULT = 95, 96, 97, 98
"""Beyond the numbers of checks: too much work of this party is open, it was cancelled, the marketplace is out of
reach, the node failed."""

STATEMENT_AGE = HOUR
"""How far from now a statement that changes something may be dated: it is neither old nor kept for later."""


def no_progress(_step: str, _done: int, _total: int) -> None:
    """Ignore progress."""


Subject = Annotated[str, Meta(pattern=rf"\A{SHAPE}\Z", description=f"a unified social credit code: {RULE}")]
"""A unified social credit code in its canonical form; its check characters are looked at later."""


class ProtocolError(Exception):
    """The root of this tree."""


class RefusalError(ProtocolError):
    """A party declines a message: which numbered check failed, why, and what the other side can do next."""

    def __init__(self, check: int, reason: str, remedy: str, subjects: Sequence[str] = ()) -> None:
        super().__init__(f"check {check}: {reason}; {remedy}")
        self.check, self.reason, self.remedy = check, reason[:MAX_REASON], remedy
        self.subjects = tuple(subjects)


class RefusedByPeerError(ProtocolError):
    """The other party declined what was sent to it."""

    def __init__(self, party: str, refused: "Refused") -> None:
        super().__init__(f"{party} refused at check {refused.check}: {refused.reason}; {refused.remedy}")
        self.party, self.refused = party, refused


class AnswerError(ProtocolError):
    """A reply is not what the protocol allows; nothing is concluded from it."""


class Refused(Message, frozen=True):
    """The reply that carries a :class:`RefusalError`; it holds no value of anybody's data."""

    party: Name
    check: Annotated[int, Meta(ge=0, le=99)]
    reason: Annotated[str, Meta(max_length=MAX_REASON)]
    remedy: Annotated[str, Meta(max_length=MAX_REASON)]
    subjects: tuple[Subject, ...] = ()
    """Those of the asker's own subjects that the refusal is about; for the asker alone, in no log."""


class Accepted(Message, frozen=True):
    """The reply to what needs no other: the message was taken in, first at this time."""

    party: Name
    at: Milliseconds


Steps = Annotated[int, Meta(ge=0, le=10**9)]
"""Units of work, done or in all."""
Ticket = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
"""The name of long work at the party that does it."""


class Pending(Message, frozen=True):
    """The reply to a message whose answer takes long: how far the work is."""

    party: Name
    ticket: Ticket
    state: Annotated[str, Meta(max_length=20)]
    step: Annotated[str, Meta(max_length=100)] | None
    done: Steps
    total: Steps
    milliseconds_left: Milliseconds | None
    """Until this step is over, once its pace is known."""


class Collect(Message, frozen=True):
    """Asks for what came of long work; the reply is its answer, a refusal, or Pending after a while."""

    ticket: Ticket


class Cancel(Message, frozen=True):
    """Asks to stop long work; the reply is Accepted, whether it has stopped already or will."""

    ticket: Ticket


class Transport(Protocol):
    """Carries one message to a party and brings its reply; in memory, over HTTPS, or through a relay."""

    def exchange(self, recipient: str, data: bytes) -> bytes:
        """Give the reply's bytes."""
        ...


def ask(transport: Transport, recipient: str, message: Message, expected: type[M], patience: float = 0) -> M:
    """Send a message and give the reply of type ``expected``; raise :class:`RefusedByPeerError` on a refusal.

    Sends the message again for ``patience`` seconds while the other party says that the marketplace is out of its
    reach: that passes, and a message sent twice is taken once.
    """

    def attempt() -> M | Refused:
        reply: M | Refused = _send(transport, recipient, message, expected | Refused)
        return reply

    return _patiently(recipient, patience, attempt)


def ask_long(
    transport: Transport,
    recipient: str,
    message: Message,
    expected: type[M],
    progress: Progress = no_progress,
    patience: float = 0,
) -> M:
    """As :func:`ask`, for a message whose answer may take long; ``progress`` hears how far the work is.

    Raises :class:`AnswerError` once the other party has told the same state of the work for STALL seconds.
    """

    def attempt() -> M | Refused:
        reply: M | Refused | Pending = _send(transport, recipient, message, expected | Refused | Pending)
        return _wait(transport, recipient, reply, expected, progress)

    return _patiently(recipient, patience, attempt)


STALL = 3600.0
"""Seconds after which work that does not move is given up."""
_PAUSE = 1.0
"""Seconds before a message is sent again."""
_BREATH = 0.1
"""Seconds between two questions for long work; the other party holds each until there is news, if it can."""


def _patiently(recipient: str, patience: float, attempt: Callable[[], M | Refused]) -> M:
    deadline = time.monotonic() + patience
    while True:
        reply = attempt()
        if not isinstance(reply, Refused):
            return reply
        if reply.check != UNAVAILABLE or time.monotonic() >= deadline:
            raise RefusedByPeerError(recipient, reply)
        time.sleep(_PAUSE)


def _wait(
    transport: Transport, recipient: str, reply: M | Refused | Pending, expected: type[M], progress: Progress
) -> M | Refused:
    told, since = None, time.monotonic()
    while isinstance(reply, Pending):
        ticket, now = reply.ticket, (reply.state, reply.step, reply.done)
        if now != told:
            told, since = now, time.monotonic()
        elif time.monotonic() - since > STALL:
            raise AnswerError(f"the work at {recipient} has not moved for {STALL:.0f} s; ask its operator")
        try:
            progress(f"{recipient}: {reply.step or reply.state}", min(reply.done, reply.total), reply.total)
            time.sleep(_BREATH)
        except BaseException as stop:
            try:
                _send(transport, recipient, Cancel(ticket=ticket), Accepted | Refused)
            except Exception as error:  # noqa: BLE001 -- why we stop counts, whatever became of the farewell
                stop.add_note(f"{recipient} was not told to stop: {type(error).__name__}")
            raise
        reply = _send(transport, recipient, Collect(ticket=ticket), expected | Refused | Pending)
    return reply


def _send(transport: Transport, recipient: str, message: Message, expected: Any) -> Any:  # noqa: ANN401 -- a union of message types, and one of it
    try:
        return decode(transport.exchange(recipient, encode(message)), expected)
    except FormatError as error:
        raise AnswerError(f"the reply of {recipient} is malformed: {error}") from error
