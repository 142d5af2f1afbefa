"""A log and the nodes that report to it, all with real keys: what the tests of `audit` work with."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Checkpoint
from audit.database import open_engine
from audit.entry import Entry, EntryKind, Event, new_id, sign
from audit.log import Log
from audit.note import VerifierKey
from audit.storage.batch import Signer
from audit.storage.check import check

ORIGIN, PARTY = "market.example/log", "market"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
VKEY = VerifierKey.of(ORIGIN, KEY)
NOW = 1_790_000_000_000


@dataclass
class Clock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now


@dataclass
class Node:
    """A party's node: it numbers its events and signs them."""

    name: str
    counters: Counter[str | None] = field(default_factory=Counter)

    @property
    def key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.name.encode().ljust(32, b"\x01"))

    def entry(self, contract: str | None = None, **detail: str | int) -> Entry:
        """The node's next event about the contract."""
        self.counters[contract] += 1
        number = self.counters[contract]
        return sign(self.event(f"{contract} {number}", contract, **detail), number, self.key)

    def event(self, fact: str, contract: str | None = None, **detail: str | int) -> Event:
        return Event(
            id=new_id(self.name, fact.encode()),
            kind=EntryKind.QUERY_RECEIVED,
            time=NOW,
            node=self.name,
            contract=contract,
            detail=detail,
        )

    def entries(self, count: int, contract: str | None = None) -> list[Entry]:
        return [self.entry(contract) for _ in range(count)]

    @property
    def enrolment(self) -> Event:
        """What the log's party records of the node before it takes events of it."""
        return Event(
            id=new_id(PARTY, self.name.encode()),
            kind=EntryKind.PARTY_ENROLLED,
            time=NOW,
            node=PARTY,
            counterparty=self.name,
            detail={"public_key": b64encode(self.key.public_key().public_bytes_raw()).decode()},
        )


def enrol(log: Log, *nodes: Node) -> None:
    for node in nodes:
        log.grouped(lambda batch, event=node.enrolment: batch.report(event))


def signer(clock: Clock | None = None, *, origin: str = ORIGIN, key: Ed25519PrivateKey = KEY) -> Signer:
    return Signer(origin, PARTY, key, clock or Clock())


@contextmanager
def opened(where: str | Path, clock: Clock | None = None) -> Iterator[Log]:
    """The log in this database, as a process of its own would open it."""
    engine = open_engine(where)
    try:
        yield Log(engine, signer(clock))
    finally:
        engine.dispose()


def fsck(log: Log, *witnesses: VerifierKey) -> Checkpoint:
    with log.snapshot() as connection:
        return check(connection, VKEY, PARTY, witnesses=witnesses)
