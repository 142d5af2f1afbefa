"""What all protocols share: refusals, the transport that carries bytes between parties, progress."""

from collections.abc import Callable
from typing import Annotated, Protocol

from msgspec import Meta

from compute.canonical import HOUR, FormatError, M, Message, Milliseconds, Name, decode, encode

MAX_REASON = 1000
"""Characters of a refusal's reason; what quotes a message is cut."""

Progress = Callable[[str, int, int], None]
"""Hears of a step's name, the units done and the units in all."""

STATEMENT_AGE = HOUR
"""How far from now a statement that changes something may be dated: it is neither old nor kept for later."""


def no_progress(_step: str, _done: int, _total: int) -> None:
    """Ignore progress."""


class ProtocolError(Exception):
    """The root of this tree."""


class RefusalError(ProtocolError):
    """A party declines a message: which numbered check failed, why, and what the other side can do next."""

    def __init__(self, check: int, reason: str, remedy: str) -> None:
        super().__init__(f"check {check}: {reason}; {remedy}")
        self.check, self.reason, self.remedy = check, reason[:MAX_REASON], remedy


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


class Accepted(Message, frozen=True):
    """The reply to what needs no other: the message was taken in, first at this time."""

    party: Name
    at: Milliseconds


class Transport(Protocol):
    """Carries one message to a party and brings its reply; in memory, over HTTPS, or through a relay."""

    def exchange(self, recipient: str, data: bytes) -> bytes:
        """Give the reply's bytes."""
        ...


def ask(transport: Transport, recipient: str, message: Message, expected: type[M]) -> M:
    """Send a message and give the reply of type ``expected``; raise :class:`RefusedByPeerError` on a refusal."""
    try:
        reply = decode(transport.exchange(recipient, encode(message)), expected | Refused)  # type: ignore[arg-type] # a union of message types
    except FormatError as error:
        raise AnswerError(f"the reply of {recipient} is malformed: {error}") from error
    if isinstance(reply, Refused):
        raise RefusedByPeerError(recipient, reply)
    return reply
