"""A node's front door: decode a message, run the role, record what happened, and only then reply."""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Any

from audit.log import Log
from compute.canonical import FormatError, Message, decode, encode
from compute.node import events
from compute.protocols.base import RefusalError, Refused

Handlers = Mapping[type[Message], Callable[[Any], Message]]
"""Type of message → the role's method for it."""


class Dispatcher:
    """Routes messages to one party's role. No audit, no answer: the event is durable before the reply leaves."""

    def __init__(self, party: str, handlers: Handlers, log: Log, clock: Callable[[], int]) -> None:
        self._party, self._handlers, self._log, self._clock = party, handlers, log, clock
        self._expected: Any = reduce(or_, handlers)

    def handle(self, data: bytes) -> bytes:
        """Give the reply's bytes; a refusal is a reply, and an event, like any other."""
        message: Message | None = None
        try:
            message = decode(data, self._expected)
            reply = self._handlers[type(message)](message)
        except FormatError as error:
            return self._refuse(message, RefusalError(0, str(error), "send a message that this party takes"))
        except RefusalError as error:
            return self._refuse(message, error)
        event = events.accepted(self._party, message, reply, self._clock())
        if event is not None:
            self._log.append(event)
        return encode(reply)

    def _refuse(self, message: Message | None, error: RefusalError) -> bytes:
        self._log.append(events.refused(self._party, message, error, self._clock()))
        return encode(Refused(party=self._party, check=error.check, reason=error.reason, remedy=error.remedy))
