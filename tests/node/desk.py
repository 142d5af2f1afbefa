"""A reviewer's handler for a worker's process: all it has is its file, its key and whom it knows."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from world import LENIENT, Clock, LogJournal, open_log

from audit.database import open_engine
from compute.at_rest import AtRest
from compute.node.dispatch import Dispatcher
from compute.node.epochs import EpochStore
from compute.node.jobs.context import JobContext
from compute.node.reviewer.cases import CaseStore
from compute.node.reviewer.desk import handlers
from compute.protocols.base import Progress, no_progress
from compute.protocols.risk_score.office import Office
from compute.protocols.risk_score.reviewer import Reviewer
from compute.signing import Pin


@dataclass(frozen=True)
class Desk:
    folder: Path
    identity: bytes
    pins: dict[str, Pin]

    def play(self, progress: Progress = no_progress) -> tuple[Reviewer, Dispatcher]:
        """The role over the files, opened anew."""
        engine, clock = open_engine(self.folder / "reviewer.sqlite"), Clock()
        office, key = (
            Office("reviewer", self.pins, b"\1" * 32, LENIENT),
            Ed25519PrivateKey.from_private_bytes(self.identity),
        )
        at_rest = AtRest.of(key)
        epochs, cases = EpochStore(engine, at_rest, clock), CaseStore(engine, at_rest)
        role = Reviewer(office, key, epochs, cases, clock, progress)
        journal = LogJournal(open_log(open_engine(self.folder / "audit.sqlite"), clock), key)
        return role, Dispatcher("reviewer", handlers(role), journal, clock)

    def __call__(self, context: JobContext) -> bytes:
        _, dispatcher = self.play(context.progress)
        return dispatcher.handle_bytes(context.parameters)
