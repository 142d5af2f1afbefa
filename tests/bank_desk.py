"""A bank's desk without network or marketplace: the real stores over a file, and providers that a test plays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from compute.at_rest import AtRest
from compute.canonical import Message, decode, encode
from compute.node.bank.desk import BankDesk
from compute.node.jobs.context import JobContext
from compute.node.jobs.job import Progress
from compute.paillier.private import PrivateKey
from compute.protocols.base import RefusalError, Refused

BANK = "bank"
IDENTITY = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
Play = Callable[[Message], Message]


@dataclass
class Notes:
    """A job's link that keeps everything, and says when to stop."""

    stop: bool = False
    reports: list[Progress] = field(default_factory=list)
    saved: dict[str, bytes] = field(default_factory=dict)

    def stopping(self) -> bool:
        return self.stop

    def report(self, progress: Progress) -> None:
        self.reports.append(progress)

    def save(self, key: str, value: bytes) -> None:
        self.saved[key] = value


@dataclass
class Providers:
    """A transport to providers, each a function of its messages; what it raises beside refusals is the way's."""

    plays: Mapping[str, Play]
    messages: Any
    """The union of what they take."""
    heard: list[tuple[str, Message]] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=dict)

    def exchange(self, recipient: str, data: bytes) -> bytes:
        message: Message = decode(data, self.messages)
        self.heard.append((recipient, message))
        try:
            return encode(self.plays[recipient](message))
        except RefusalError as error:
            refused = Refused(party=recipient, check=error.check, reason=error.reason, remedy=error.remedy)
            return encode(refused)


@dataclass
class Journal:
    """Takes events and finds them again."""

    events: list[Any] = field(default_factory=list)

    def append(self, *events: Any) -> None:
        self.events += events

    def require_recorded(self, event_id: str) -> tuple[int, bytes]:
        place = next(at for at, event in enumerate(self.events) if event.id == event_id)
        return place, b"entry"


def desk_over(engine: Engine, key: PrivateKey, transport: Providers) -> BankDesk:
    """The desk of one run."""
    site: Any = SimpleNamespace(
        settings=SimpleNamespace(name=BANK, patience=0),
        key=IDENTITY,
        engine=engine,
        at_rest=AtRest.of(IDENTITY),
        directory={},
        journal=Journal(),
        log=SimpleNamespace(receipt=lambda _: SimpleNamespace(encode=lambda: b"receipt")),
    )
    played: Any = transport
    return BankDesk(site, key, played)


def context_of(parameters: Message, notes: Notes | None = None) -> JobContext:
    """A job with these parameters; a resumed one finds what the notes have."""
    notes = notes or Notes()
    return JobContext(encode(parameters), notes.saved, notes)
