"""From the log's latest checkpoint to one that has a quorum of witnesses.

    head ── propose ──▶ candidate ── add_cosignatures, until the policy's quorum ──▶ published

The candidate is what witnesses are shown. It stands until all of them have cosigned it, or have had their time:
the slow ones would otherwise be shown a new one each time they come. Both keep gathering cosignatures: late ones,
and fresh ones of a log that does not grow.

The numbers stand again at the lines that check it:

 1. a database that does not reach the watermark is not opened: `audit.storage.watermark`;
 2. what is handed in is a checkpoint that the log has signed, and no line that names a witness is false;
 3. it is of this tree: if not, somebody holds the log's signature on another one, and the log signs no more;
 4. each witness of the policy counts once, with its newest cosignature that is not of the future.
"""

import time
from collections.abc import Callable, Mapping

from sqlalchemy import Connection, select

from audit import checkpoint as checkpoints
from audit.checkpoint import Checkpoint
from audit.database import insert
from audit.errors import LogError, ProofError
from audit.log import Log
from audit.policy import Policy, Standing
from audit.storage import tables
from audit.storage.watermark import Watermark

STAND = 5.0
"""Seconds that a witness has to cosign a candidate before the next may take its place."""
CANDIDATE, PUBLISHED = "candidate", "published"


class Publication:
    """What of a log is shown, under a policy; for any number of threads, and for those processes that hand in.

    `clock` gives UTC in milliseconds since 1970-01-01. Every method raises LogError if the log is halted, or its
    database fails; so does making one over a database that does not reach the watermark.
    """

    def __init__(self, log: Log, policy: Policy, watermark: Watermark, clock: Callable[[], int]) -> None:
        self.log, self.policy = log, policy
        self._watermark, self._clock = watermark, clock
        self._shown, self._since = -1, 0.0  # the candidate's size, and when it was first seen here
        watermark.check(log)  # 1

    def propose(self, least: int = 0) -> Checkpoint:
        """The checkpoint for the witnesses; a larger one than before if the log has grown and they had their time.

        If the candidate is smaller than `least`, it is not waited for. One process of the marketplace proposes.
        """
        with self.log.snapshot() as connection:
            head, candidate = _head(connection), _stage(connection, CANDIDATE)
        if candidate is not None and (head.size <= candidate.size or not self._has_stood(candidate, least)):
            return candidate
        with self.log.transaction() as batch:
            head = _head(batch.connection)
            self._watermark.raise_to(head)  # first: what is shown is never forgotten
            _keep(batch.connection, CANDIDATE, head)
        self._shown, self._since = head.size, time.monotonic()
        return head

    def add_cosignatures(self, shown: Checkpoint) -> None:
        """Take the cosignatures on a checkpoint that was the candidate; publish it once it has a quorum.

        Raises SignatureError if the log has not signed it, or a line on it is false.
        """
        self.policy.judge(shown, self._now)  # 2
        with self.log.snapshot() as connection:
            stages = {stage: _stage(connection, stage) for stage in (CANDIDATE, PUBLISHED)}
        of_it = {
            stage: kept for stage, kept in stages.items() if kept is not None and kept.note.text == shown.note.text
        }
        if not of_it:
            self._require_own(shown)  # 3
            return  # of earlier ones nobody reads the cosignatures any more
        if not self._is_due(of_it, shown):
            return
        with self.log.transaction() as batch:
            for stage in (CANDIDATE, PUBLISHED):
                kept = _stage(batch.connection, stage)
                if kept is not None and kept.note.text == shown.note.text:
                    fuller = self.policy.joined(kept, shown, self._now)  # 4
                    _keep(batch.connection, stage, fuller)
                    if stage == CANDIDATE and self.policy.judge(fuller, self._now).has_quorum:
                        _keep(batch.connection, PUBLISHED, fuller)

    def standing(self, candidate: Checkpoint) -> Standing:
        """Which witnesses stand behind a candidate, and which are missing."""
        return self.policy.judge(candidate, self._now)

    def halt(self, reason: str) -> LogError:
        """Sign nothing any more, and give the error that says so."""
        self.log.halt(reason)
        return LogError(f"the log is halted: {reason}")

    @property
    def _now(self) -> int:
        return self._clock() // 1000

    def _is_due(self, of_it: Mapping[str, Checkpoint], shown: Checkpoint) -> bool:
        """Whether anything would be stored anew: everybody may hand in, and a write makes all others wait."""
        if any(self.policy.joined(kept, shown, self._now) != kept for kept in of_it.values()):
            return True
        return PUBLISHED not in of_it and self.policy.judge(of_it[CANDIDATE], self._now).has_quorum

    def _has_stood(self, candidate: Checkpoint, least: int) -> bool:
        if candidate.size < least:
            return True
        if candidate.size != self._shown:  # another process, or this one before it was started again, showed it
            self._shown, self._since = candidate.size, time.monotonic()
        return not self.standing(candidate).missing or time.monotonic() - self._since >= STAND

    def _require_own(self, shown: Checkpoint) -> None:
        try:
            is_own = self.log.root(shown.size) == shown.root
        except ProofError:
            is_own = False
        if not is_own:
            raise self.halt(
                f"somebody holds a checkpoint of it over {shown.size} entries, of another tree than this database "
                "has: restored from a backup?"
            )


def _head(connection: Connection) -> Checkpoint:
    return checkpoints.parse(connection.scalars(select(tables.head.c.checkpoint)).one())


def _stage(connection: Connection, stage: str) -> Checkpoint | None:
    found = select(tables.cosigned.c.checkpoint).where(tables.cosigned.c.stage == stage)
    stored: bytes | None = connection.scalar(found)
    return None if stored is None else checkpoints.parse(stored)


def _keep(connection: Connection, stage: str, checkpoint: Checkpoint) -> None:
    values = {"size": checkpoint.size, "checkpoint": checkpoint.encode()}
    write = insert(connection, tables.cosigned).values(stage=stage, **values)
    connection.execute(write.on_conflict_do_update(index_elements=["stage"], set_=values))
