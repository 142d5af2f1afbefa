"""A node's front desk for one message: decode, run the role, record what happened, and only then reply."""

import logging
import traceback
from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Any, Protocol

from audit.entry import Event
from compute.canonical import FormatError, Message, decode, encode
from compute.node import events
from compute.node.events import Facts, NoFacts
from compute.node.release import Release
from compute.protocols.base import FAULT, UNAVAILABLE, RefusalError, Refused
from compute.protocols.closed_answer.messages import Answer
from compute.signing import Signed
from compute.web.errors import PeerUnreachableError

logger = logging.getLogger(__name__)

Handlers = Mapping[type[Message], Callable[[Any], Message]]
"""Type of message → the role's method for it."""


class Journal(Protocol):
    """Where events go."""

    def append(self, *events: Event) -> None:
        """Record the events in the audit log, durably and in this order, or raise."""
        ...

    def note(self, event: Event) -> None:
        """Record the event durably here, and in the audit log as soon as it can be reached."""
        ...


class Dispatcher:
    """Routes messages to one party's role. No audit, no answer: the event is durable before the reply leaves.

    With a `release` an answer leaves only by its rule: so in a server. A worker's replies do not leave the node.
    """

    def __init__(
        self,
        party: str,
        handlers: Handlers,
        journal: Journal,
        clock: Callable[[], int],
        facts: Facts | None = None,
        release: Release | None = None,
    ) -> None:
        self.party, self.journal, self.clock, self.facts = party, journal, clock, facts or NoFacts()
        self._release = release
        self.handlers = handlers
        self._expected: Any = reduce(or_, handlers)

    def handle(self, data: bytes) -> Message:
        """Give the reply; a refusal is a reply, and an event, like any other."""
        try:
            message: Message = decode(data, self._expected)
        except FormatError as error:
            return self.refuse(None, RefusalError(0, str(error), "send a message that this party takes"))
        return self.run(message, self.answer)

    def handle_bytes(self, data: bytes) -> bytes:
        """Give the reply's bytes: for transports that carry bytes, and for a worker's handler."""
        return encode(self.handle(data))

    def run(self, message: Message, answer: Callable[[Any], Message]) -> Message:
        """Give what `answer` makes of the message, or the refusal, recorded, that it ends in."""
        try:
            return answer(message)
        except RefusalError as error:
            return self.refuse(message, error)
        except PeerUnreachableError as error:
            logger.warning("%s: %s", type(message).__name__, error)
            remedy = "send it again: nothing was released, and what was done is not done twice"
            return self.refuse(message, RefusalError(UNAVAILABLE, "the marketplace does not answer", remedy))
        except Exception as error:  # noqa: BLE001 -- whatever else went wrong is told, recorded and refused
            # The error's own text may hold a row, so the local log gets its class and its place only.
            place = "".join(traceback.format_tb(error.__traceback__))
            logger.error(  # noqa: TRY400 -- logging.exception would print the error's text
                "%s failed with %s at\n%s", type(message).__name__, type(error).__name__, place
            )
            return self.refuse(message, RefusalError(FAULT, "this node failed", "retry, then call its operator"))

    def refuse(self, message: Message | None, error: RefusalError) -> Refused:
        """Record a refusal and give it."""
        self.journal.note(events.refused(self.party, message, error, self.clock()))
        return Refused(
            party=self.party,
            check=error.check,
            reason=error.reason,
            remedy=error.remedy,
            subjects=error.subjects,
        )

    def answer(self, message: Message, *before: Event) -> Message:
        """Give the role's reply, once its event and those `before` it are durable; raise what it raises."""
        reply = self.handlers[type(message)](message)
        event = events.accepted(self.party, message, reply, self.clock(), self.facts)
        self.journal.append(*before, *([] if event is None else [event]))
        return self.released(reply)

    def released(self, reply: Message) -> Message:
        """Give the reply if it may leave the node now; raise RefusalError if it is an answer that may not."""
        if self._release is not None and isinstance(reply, Signed) and isinstance(reply.statement, Answer):
            self._release.require(events.answer_id(self.party, reply.statement.job))
        return reply
