"""The log in this process, with the methods of its client: what a node asks it, and ways to fail or lie."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cosigned import LOG, LOG_KEY, NOW, ORIGIN, cosigned, policy
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from audit.checkpoint import Checkpoint
from audit.database import open_engine
from audit.entry import Entry, EntryKind, Event, new_id, sign
from audit.errors import LogError
from audit.log import Log
from audit.receipt import Receipt
from audit.storage.batch import Signer
from audit.storage.publication import Publication
from audit.storage.watermark import Watermark
from audit.tile import Tile, split_hashes
from compute.web.errors import PeerProblemError, PeerUnreachableError

PROVIDER = Ed25519PrivateKey.from_private_bytes(b"p" * 32)
PERMIT, CONTRACT = "permit-1", "contract-1"


@dataclass
class Clock:
    """In seconds, of everybody."""

    seconds: int = NOW

    def __call__(self) -> int:
        return self.seconds * 1000


class LocalLog:
    """A log in a folder; while it is `down` nobody reaches it."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        folder.mkdir(exist_ok=True)
        self.clock, self.down = clock, False
        self.engine: Engine = open_engine(folder / "log.db")
        self.log = Log(self.engine, Signer(ORIGIN, "market", LOG, clock))
        self.publication = Publication(self.log, policy(), Watermark(folder / "watermark", LOG_KEY), clock)
        self.shown: Checkpoint | None = None
        """What it shows instead of its candidate and its published checkpoint."""

    # --- what a client asks ---------------------------------------------------------------------------------

    def append(self, entries: Sequence[Entry]) -> Sequence[int]:
        self._reach()
        return self.log.append_many(entries)

    def published(self) -> Checkpoint:
        self._reach()
        return self.shown or self.log.published()

    def candidate(self) -> Checkpoint:
        self._reach()
        return self.shown or self.log.candidate()

    def add_cosignatures(self, checkpoint: Checkpoint) -> None:
        self._reach()
        try:
            self.publication.add_cosignatures(checkpoint)
        except LogError as error:
            raise PeerProblemError("the log", 500, {"detail": str(error)}) from error

    def receipt(self, index: int) -> Receipt:
        self._reach()
        published = self.log.published()
        return self.log.receipt(index, published if index < published.size else None)

    def tile(self, tile: Tile) -> list[bytes]:
        self._reach()
        try:
            return split_hashes(self.log.tile(tile), tile.width)
        except IndexError as error:
            raise PeerProblemError("the log", 404, {"detail": "no such tile"}) from error

    def _reach(self) -> None:
        if self.down:
            raise PeerUnreachableError("no log")

    # --- what happens ---------------------------------------------------------------------------------------

    def grow(self, count: int = 1, node: str = "tax") -> None:
        """Have a node report something."""
        size = sum(entry.node == node for entry in self.log.entries())
        for number in range(size + 1, size + count + 1):
            event = Event(id=new_id(node), kind=EntryKind.KEY_ENROLLED, time=self.clock(), node=node)
            self.log.append(sign(event, number, PROVIDER))

    def publish(self, *parties: str) -> Checkpoint:
        """Have these parties cosign what there is, now."""
        candidate = self.publication.propose(least=self.log.size())
        self.publication.add_cosignatures(cosigned(candidate, **dict.fromkeys(parties, self.clock.seconds)))
        return candidate


def answer_sent(number: int) -> Event:
    """The event of an answer."""
    job = f"{number:064x}"
    detail = {"answer": b64encode(bytes(3)).decode()}
    return Event(
        id=new_id("provider", job.encode()),
        kind=EntryKind.ANSWER_SENT,
        time=NOW * 1000,
        node="provider",
        contract=CONTRACT,
        permit_id=PERMIT,
        job=job,
        detail=detail,
    )
