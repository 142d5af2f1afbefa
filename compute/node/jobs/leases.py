"""A worker's hold on a job: at most one worker holds it, and what any other writes is refused.

Two things keep that. *The lease*: its holder counts `beats` up; a worker that sees the count stand still for the
lease's length, on its own monotonic clock, puts the job back. No two clocks are compared: wall clocks may differ
or jump, and only the *rates* of monotonic clocks must agree. Should even that fail, *the fence* holds: each taking
counts `fence` up, and a write under an older fence raises `LeaseLostError` in the transaction that would make it.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from audit.database import reader
from compute.node.jobs import tables
from compute.node.jobs.errors import LeaseLostError
from compute.node.jobs.estimate import RUNS, Run
from compute.node.jobs.job import Failure, Progress
from compute.node.jobs.states import ENDED, HELD, Move, State, advance
from compute.node.jobs.store import JobStore

_jobs, _runs, _checkpoints = tables.jobs.c, tables.runs.c, tables.checkpoints.c
_HELD = select(_jobs.id, _jobs.fence, _jobs.beats).where(_jobs.state.in_(HELD))
_NEXT = select(_jobs.id).where(_jobs.state == State.QUEUED).order_by(_jobs.created_at, _jobs.id).limit(1)


@dataclass(frozen=True)
class Lease:
    """One taking of a job by one worker, under its fence."""

    job: str
    fence: int
    kind: str
    parameters: bytes = field(repr=False)


class Leases:
    """The leases of one worker. Its methods that take a lease raise LeaseLostError if it was lost.

    `seconds` is the length of a lease, the same in all workers of a database; a job whose worker broke off
    `attempts` times fails.
    """

    def __init__(self, store: JobStore, seconds: float, attempts: int = 3) -> None:
        self.seconds, self._attempts = seconds, attempts
        self._store, self._reader, self._at_rest = store, reader(store.engine), store.at_rest
        self._seen: dict[tuple[str, int, int], float] = {}

    # --- taking ---------------------------------------------------------------------------------------------

    def take(self) -> Lease | None:
        """Put back jobs whose workers are gone, then take the one that has waited longest; None if none waits.

        To be called again and again: a worker is gone when its count stood still between two calls.
        """
        with self._reader.begin() as connection:  # a worker that finds nothing to do blocks no writer
            held = [(row.id, row.fence, row.beats) for row in connection.execute(_HELD)]
            waiting = connection.scalar(_NEXT) is not None
        now = time.monotonic()
        self._seen = {count: self._seen.get(count, now) for count in held}
        gone = [count for count, since in self._seen.items() if now - since >= self.seconds]
        if not waiting and not gone:
            return None
        with self._store.engine.begin() as connection:
            for job, fence, beats in gone:
                row = connection.execute(_of(job, fence).where(_jobs.beats == beats)).one_or_none()
                if row is not None:  # else it beat, or another worker was first
                    self._put_back(connection, row)
            return self._take_next(connection)

    def _take_next(self, connection: Connection) -> Lease | None:
        job = connection.scalar(_NEXT)
        if job is None:
            return None
        taken = update(tables.jobs).where(_jobs.id == job, _jobs.state == State.QUEUED)
        values = {
            "state": advance(job, State.QUEUED, Move.TAKE),
            "fence": _jobs.fence + 1,
            "attempts": _jobs.attempts + 1,
            "started_at": func.coalesce(_jobs.started_at, self._store.clock()),
        }
        row = connection.execute(taken.values(values).returning(_jobs.fence, _jobs.kind, _jobs.parameters)).one()
        parameters = self._at_rest.open(row.parameters, *tables.place("parameters", job))
        return Lease(job, row.fence, row.kind, parameters)

    # --- holding --------------------------------------------------------------------------------------------

    def beat(self, lease: Lease) -> State:
        """Renew the lease, and give the job's state: cancelling means that its owner wants it stopped."""
        with self._held(lease) as (connection, row):
            _write(connection, row, {"beats": row.beats + 1})
            return State(row.state)

    def report(self, lease: Lease, progress: Progress) -> None:
        """Store the progress, unless it lies behind what is told already of this step.

        A resumed job goes again over what the last run reported and did not keep: its readers see it not go back.
        """
        values = {"step": progress.step, "done": progress.done, "total": progress.total, "pace": progress.pace}
        with self._held(lease) as (connection, row):
            if row.step != progress.step or row.done <= progress.done:
                _write(connection, row, values)

    def save(self, lease: Lease, key: str, value: bytes) -> None:
        """Keep a partial result, durably; a later one of the same key replaces it."""
        sealed = self._at_rest.seal(value, *_place(lease.job, key))
        row = {"job": lease.job, "key": key, "value": sealed}
        with self._held(lease) as (connection, _):
            kept = upsert(tables.checkpoints).values(row)
            connection.execute(kept.on_conflict_do_update(set_={"value": sealed}))

    def checkpoints(self, lease: Lease) -> dict[str, bytes]:
        """Give the partial results that earlier runs kept, by key, in no order."""
        saved = select(_checkpoints.key, _checkpoints.value).where(_checkpoints.job == lease.job)
        with self._held(lease) as (connection, _):
            rows = connection.execute(saved).all()
        return {row.key: self._at_rest.open(row.value, *_place(lease.job, row.key)) for row in rows}

    # --- letting go -----------------------------------------------------------------------------------------

    def finish(self, lease: Lease, result: bytes, seconds: float) -> None:
        """End the job with its result; `seconds` is how long this run took, for later estimates."""
        sealed = self._at_rest.seal(result, *tables.place("result", lease.job))
        with self._held(lease) as (connection, row):
            self._move(connection, row, Move.FINISH, {"result": sealed})
            if row.fence == 1:  # a resumed run did only some of the units
                _remember(connection, row.kind, Run(row.size, seconds))

    def fail(self, lease: Lease, failure: Failure) -> None:
        """End the job with a failure."""
        with self._held(lease) as (connection, row):
            self._fail(connection, row, failure)

    def release(self, lease: Lease) -> None:
        """Let go in order: the job waits again, and this attempt does not count; one to be cancelled ends."""
        with self._held(lease) as (connection, row):
            self._move(connection, row, Move.RELEASE, {"attempts": row.attempts - 1})

    def abandon(self, lease: Lease) -> None:
        """Let go of a job whose run broke off: it waits again, or fails after its last attempt."""
        with self._held(lease) as (connection, row):
            self._put_back(connection, row)

    def _put_back(self, connection: Connection, row: Row[Any]) -> None:
        if row.state == State.RUNNING and row.attempts >= self._attempts:
            reason = f"the process that ran it died, {row.attempts} times"
            remedy = "its operator finds the cause in the worker's log"
            self._fail(connection, row, Failure("Died", reason, remedy))
        else:
            self._move(connection, row, Move.RELEASE, {})

    def _fail(self, connection: Connection, row: Row[Any], failure: Failure) -> None:
        subjects = json.dumps(failure.subjects).encode()
        values = {
            "error": failure.error,
            "reason": failure.reason,
            "remedy": failure.remedy,
            "subjects": self._at_rest.seal(subjects, *tables.place("subjects", row.id)),
        }
        self._move(connection, row, Move.FAIL, values)

    def _move(self, connection: Connection, row: Row[Any], move: Move, values: dict[str, Any]) -> None:
        state = advance(row.id, State(row.state), move)
        if state in ENDED:
            values = values | {"finished_at": self._store.clock(), "parameters": b""}  # whom it was about
            connection.execute(delete(tables.checkpoints).where(_checkpoints.job == row.id))
        _write(connection, row, values | {"state": state})

    @contextmanager
    def _held(self, lease: Lease) -> Iterator[tuple[Connection, Row[Any]]]:
        """A write transaction with the job's row, in which the lease stands."""
        with self._store.engine.begin() as connection:
            row = connection.execute(_of(lease.job, lease.fence)).one_or_none()
            if row is None:
                raise LeaseLostError(f"job {lease.job} is no longer held under fence {lease.fence}; stop")
            yield connection, row


def _place(job: str, key: str) -> tuple[str, ...]:
    return tables.checkpoints.name, "value", job, key


_CONTROL = ("id", "kind", "size", "state", "fence", "beats", "attempts", "step", "done")


def _of(job: str, fence: int) -> Select[Any]:
    columns = (_jobs[name] for name in _CONTROL)
    return select(*columns).where(_jobs.id == job, _jobs.fence == fence, _jobs.state.in_(HELD))


def _write(connection: Connection, row: Row[Any], values: dict[str, Any]) -> None:
    """Write by compare-and-set over what was read, so that the rule does not rest on SQLite's one writer."""
    guard = (_jobs.id == row.id, _jobs.fence == row.fence, _jobs.beats == row.beats, _jobs.state == row.state)
    if connection.execute(update(tables.jobs).where(*guard).values(values)).rowcount != 1:
        raise LeaseLostError(f"job {row.id} changed hands; stop")


def _remember(connection: Connection, kind: str, run: Run) -> None:
    connection.execute(insert(tables.runs).values(kind=kind, size=run.size, seconds=run.seconds))
    last = select(_runs.number).where(_runs.kind == kind).order_by(_runs.number.desc()).limit(RUNS)
    connection.execute(delete(tables.runs).where(_runs.kind == kind, _runs.number.not_in(last)))
