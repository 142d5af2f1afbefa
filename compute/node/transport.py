"""Transports: how a message reaches another party."""

from collections.abc import Callable
from dataclasses import dataclass, field

Handler = Callable[[bytes], bytes]


@dataclass
class MemoryTransport:
    """Parties in one process, each reached only through the bytes that its handler takes and gives.

    ``sent`` and ``received`` count the caller's bytes to and from each party.
    """

    handlers: dict[str, Handler] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=dict)

    def exchange(self, recipient: str, data: bytes) -> bytes:
        """Give the reply of the party's handler."""
        reply = self.handlers[recipient](data)
        self.sent[recipient] = self.sent.get(recipient, 0) + len(data)
        self.received[recipient] = self.received.get(recipient, 0) + len(reply)
        return reply
