"""Nodes that report signed events to a real marketplace over HTTPS, each over one connection that it keeps.

For the hammer and for `make bench`. Nothing is repeated by itself: whoever writes decides what to do when a
connection breaks. Of `compute.log_client` it has only the form of the messages, so that many fit beside a server.
"""

import hashlib
import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path

from market import BANK, KEYS, TAX

from audit.entry import EntryKind, Event, encode, new_id, sign
from audit.tile import bundle_encode
from compute.permit import permit_name

TIMEOUT = 30.0  # seconds


@dataclass
class Writer:
    """The bank's node as far as one contract goes: what it reports of it is numbered from 1."""

    contract: str
    time: int
    """UTC, milliseconds since 1970-01-01: of all its events."""
    counter: int = 0

    def entry(self) -> bytes:
        """The next event, as a bank reports each query that it sends: signed, in the log's form."""
        self.counter += 1
        job = hashlib.sha256(f"{self.contract} {self.counter}".encode())
        event = Event(
            id=new_id(BANK, job.digest()),
            kind=EntryKind.QUERY_SENT,
            time=self.time,
            node=BANK,
            contract=self.contract,
            counterparty=TAX,
            permit_id=permit_name(self.contract, TAX),
            job=job.hexdigest(),
            detail={"approval": "ab" * 32, "rows": 1},
        )
        return encode(sign(event, self.counter, KEYS[BANK]))

    def bundles(self, requests: int, events: int) -> list[bytes]:
        """The bodies of so many requests with so many events each."""
        return [bundle_encode([self.entry() for _ in range(events)]) for _ in range(requests)]


class Line:
    """A connection to the marketplace on a port of this machine; `authority` is that of TLS, PEM."""

    def __init__(self, port: int, authority: Path) -> None:
        context = ssl.create_default_context(cafile=authority)
        self._line = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=TIMEOUT)

    def append(self, bundle: bytes) -> list[int]:
        """Append a bundle and give its indices; raises OSError or HTTPException where no answer came."""
        headers = {"Content-Type": "application/octet-stream"}
        status, answer = self.request("POST", "/log/entries", bundle, headers)
        if status != http.client.CREATED:
            raise RefusedError(status, answer)
        indices: list[int] = json.loads(answer)["indices"]
        return indices

    def get(self, path: str) -> bytes:
        """What the log has under a path."""
        status, answer = self.request("GET", f"/log/{path}")
        if status != http.client.OK:
            raise RefusedError(status, answer)
        return answer

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        self._line.request(method, path, body, headers or {})
        response = self._line.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        self._line.close()


class RefusedError(Exception):
    """The marketplace answered, and not as asked."""

    def __init__(self, status: int, answer: bytes) -> None:
        super().__init__(f"{status}: {answer.decode(errors='replace'):.500}")
        self.status = status
