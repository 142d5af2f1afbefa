"""What all protocols share: refusals, pending work, the transport that carries bytes between parties, progress."""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Protocol

from msgspec import Meta

from compute.canonical import HOUR, FormatError, M, Message, Milliseconds, Name, decode, encode

MAX_REASON = 1000
"""Characters of a refusal's reason; what quotes a message is cut."""

Progress = Callable[[str, int, int], None]
"""Hears of a step's name, the units done and the units in all."""

CANCELLED, UNAVAILABLE, FAULT = 96, 97, 98
"""Beyond the numbers of checks: the work was cancelled, the marketplace is out of reach, the node failed."""

STATEMENT_AGE = HOUR
"""How far from now a statement that changes something may be dated: it is neither old nor kept for later."""


def no_progress(_step: str, _done: int, _total: int) -> None:
    """Ignore progress."""


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
    subjects: tuple[Annotated[str, Meta(max_length=18)], ...] = ()
    """Those of the asker's own subjects that the refusal is about; for the asker alone, in no log."""


class Accepted(Message, frozen=True):
    """The reply to what needs no other: the message was taken in, first at this time."""

    party: Name
    at: Milliseconds


Ticket = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
"""The name of long work at the party that does it."""


class Pending(Message, frozen=True):
    """The reply to a message whose answer takes long: how far the work is."""

    party: Name
    ticket: Ticket
    state: str
    step: str | None
    done: int
    total: int
    milliseconds_left: int | None
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


def ask(
    transport: Transport,
    recipient: str,
    message: Message,
    expected: type[M],
    progress: Progress = no_progress,
    patience: float = 0,
) -> M:
    """Send a message and give the reply of type ``expected``; raise :class:`RefusedByPeerError` on a refusal.

    Waits for long work to end, and tells ``progress`` of it. Sends the message again for ``patience`` seconds
    while the other party says that the marketplace is out of its reach: that passes, and a message sent twice is
    taken once.
    """
    deadline = time.monotonic() + patience
    while True:
        reply = _wait(transport, recipient, _send(transport, recipient, message, expected), expected, progress)
        if not isinstance(reply, Refused):
            return reply
        if reply.check != UNAVAILABLE or time.monotonic() >= deadline:
            raise RefusedByPeerError(recipient, reply)
        time.sleep(_PAUSE)


_PAUSE = 1.0
"""Seconds before a message is sent again."""
_BREATH = 0.05
"""Seconds between two questions for long work; the other party holds each until there is news."""


def _wait(
    transport: Transport, recipient: str, reply: M | Refused | Pending, expected: type[M], progress: Progress
) -> M | Refused:
    while isinstance(reply, Pending):
        ticket = reply.ticket
        try:
            progress(f"{recipient}: {reply.step or reply.state}", reply.done, reply.total)
            time.sleep(_BREATH)
        except BaseException as stop:
            try:
                _send(transport, recipient, Cancel(ticket=ticket), Accepted)
            except Exception as error:  # noqa: BLE001 -- why we stop counts, whatever became of the farewell
                stop.add_note(f"{recipient} was not told to stop: {type(error).__name__}")
            raise
        reply = _send(transport, recipient, Collect(ticket=ticket), expected)
    return reply


def _send(transport: Transport, recipient: str, message: Message, expected: type[M]) -> M | Refused | Pending:
    try:
        return decode(transport.exchange(recipient, encode(message)), expected | Refused | Pending)  # type: ignore[arg-type, no-any-return] # a union of message types
    except FormatError as error:
        raise AnswerError(f"the reply of {recipient} is malformed: {error}") from error
