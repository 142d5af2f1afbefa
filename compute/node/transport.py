"""Transports: how a message reaches another party."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.canonical import encode
from compute.node.directory import Directory
from compute.protocols.base import AnswerError, ProtocolError, Refused
from compute.web.client import PeerClient
from compute.web.errors import PeerProblemError, PeerUnreachableError

MESSAGES = "/messages"
"""Where a node takes messages."""
_PAUSE = 0.5
"""Seconds between two attempts."""

Handler = Callable[[bytes], bytes]


class UnknownPartyError(ProtocolError):
    """No enrolled party of this name has a node."""


@dataclass
class MemoryTransport:
    """Parties in one process, each reached only through the bytes that its handler takes and gives."""

    handlers: dict[str, Handler] = field(default_factory=dict)

    def exchange(self, recipient: str, data: bytes) -> bytes:
        """Give the reply of the party's handler."""
        return self.handlers[recipient](data)


class PeerTransport:
    """Messages over HTTPS, signed both ways; a context manager, for any number of threads.

    A message is idempotent, so one that got no answer is sent again for `patience` seconds. ``sent`` and
    ``received`` count the bytes of messages to and from each party.
    """

    def __init__(
        self, party: str, key: Ed25519PrivateKey, authority: Path, directory: Directory, patience: float = 0
    ) -> None:
        self._party, self._key, self._authority = party, key, authority
        self._directory, self._patience = directory, patience
        self._peers: dict[str, PeerClient] = {}
        self._stack, self._lock = ExitStack(), Lock()
        self.sent: dict[str, int] = {}
        self.received: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def count_anew(self) -> None:
        """Count the bytes from nothing."""
        with self._lock:
            self.sent, self.received = {}, {}

    def exchange(self, recipient: str, data: bytes) -> bytes:
        """Give the reply's bytes; a refusal comes as the bytes of :class:`Refused`.

        Raises PeerUnreachableError, PeerProblemError for a request that did not get as far as the role, and
        UnknownPartyError.
        """
        deadline = time.monotonic() + self._patience
        while True:
            try:
                reply = self._attempt(recipient, data)
            except (PeerUnreachableError, PeerProblemError) as error:
                passing = isinstance(error, PeerUnreachableError) or error.status == HTTPStatus.SERVICE_UNAVAILABLE
                if not passing or time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE)
            else:
                with self._lock:
                    self.sent[recipient] = self.sent.get(recipient, 0) + len(data)
                    self.received[recipient] = self.received.get(recipient, 0) + len(reply)
                return reply

    def _attempt(self, recipient: str, data: bytes) -> bytes:
        try:
            return self._peer(recipient).request(
                "POST", MESSAGES, expected=bytes, content=data, content_type="application/json"
            )
        except PeerProblemError as error:
            if "check" not in error.problem:
                raise
            return encode(_refused(recipient, error))

    def _peer(self, name: str) -> PeerClient:
        with self._lock:
            if name not in self._peers:
                if name not in self._directory:
                    raise UnknownPartyError(f"{name} is not enrolled at the marketplace; name another party")
                record = self._directory.record(name)
                if record.base_url is None:
                    raise UnknownPartyError(f"{name} runs no node; name a party that does")
                peer = PeerClient(
                    record.base_url,
                    self._party,
                    self._key,
                    name,
                    {name: record.public_key},
                    verify=self._authority,
                )
                self._peers[name] = self._stack.enter_context(peer)
            return self._peers[name]


def _refused(party: str, error: PeerProblemError) -> Refused:
    """Give the role's refusal that a problem document carries."""
    members = {"type": "refused", "party": party, "reason": error.detail, "remedy": error.remedy}
    try:
        return msgspec.convert(
            members | {"check": error.problem["check"], "subjects": error.problem.get("subjects", ())}, Refused
        )
    except msgspec.ValidationError as malformed:
        raise AnswerError(f"{party} refused in a form that was not agreed: {malformed}") from error
