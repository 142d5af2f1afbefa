"""A node's front door: decode a message, run the role, record what happened, and only then reply."""

import logging
import traceback
from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Any

from audit.log import Log
from compute.canonical import FormatError, Message, decode, encode
from compute.node import events
from compute.protocols.base import RefusalError, Refused

logger = logging.getLogger(__name__)

FAULT = 98
"""The number that stands for a failure of the node itself."""

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
        except Exception as error:  # noqa: BLE001 -- whatever else went wrong is told, recorded and refused
            # The error's own text may hold a row, so the local log gets its class and its place only.
            place = "".join(traceback.format_tb(error.__traceback__))
            logger.error(  # noqa: TRY400 -- logging.exception would print the error's text
                "%s failed with %s at\n%s", type(message).__name__, type(error).__name__, place
            )
            return self._refuse(message, RefusalError(FAULT, "this node failed", "retry, then call its operator"))
        event = events.accepted(self._party, message, reply, self._clock())
        if event is not None:
            self._log.append(event)
        return encode(reply)

    def _refuse(self, message: Message | None, error: RefusalError) -> bytes:
        self._log.append(events.refused(self._party, message, error, self._clock()))
        return encode(Refused(party=self._party, check=error.check, reason=error.reason, remedy=error.remedy))
