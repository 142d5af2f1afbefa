"""The jobs as their owners see them: submit, look, wait, cancel, fetch the result."""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, Row, Select, func, select, tuple_, update
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from compute.at_rest import AtRest
from compute.node.jobs import tables
from compute.node.jobs.errors import UnknownJobError, UnknownKindError, WrongStateError
from compute.node.jobs.estimate import RUNS, Cost, Estimate, Run, estimate
from compute.node.jobs.job import Failure, Job, Progress
from compute.node.jobs.states import ENDED, Move, State, advance

_LOOK, _LONGEST_LOOK = 0.002, 0.02
"""Seconds between two looks whether the file has changed, of one who waits: at first, and after a while."""

_jobs, _runs = tables.jobs.c, tables.runs.c
_VIEW = select(*(column for column in _jobs if column.name not in {"parameters", "result"}))


class JobStore:
    """The jobs in one database, over an engine of `audit.database.open_engine`; makes its tables if need be.

    `at_rest` seals what they are about; methods that need it raise `AtRestError` for what was altered.
    `kinds` closes the vocabulary: each kind with the cost expected before anything was measured. `clock` gives UTC
    in milliseconds; it dates jobs for their readers and decides nothing.
    """

    def __init__(
        self, engine: Engine, at_rest: AtRest, kinds: Mapping[str, Cost], clock: Callable[[], int]
    ) -> None:
        self.engine, self.at_rest, self.kinds, self.clock = engine, at_rest, kinds, clock
        self._reader = reader(engine)
        tables.metadata.create_all(engine)

    def submit(self, owner: str, kind: str, parameters: bytes, key: str, size: int) -> Job:
        """Store a job, durably, and give it; the same request again gives the same job, whatever became of it.

        The same is: one owner, kind, idempotency key, and the same canonical parameters. `size` is in the
        units of the kind. Raises UnknownKindError, and ValueError for a negative size.
        """
        estimated = self.estimate(kind, size).seconds
        job, digest = secrets.token_hex(16), fingerprint(self.at_rest, parameters)
        same = {"owner": owner, "kind": kind, "key": key, "digest": digest}
        row = same | {
            "id": job,
            "parameters": self.at_rest.seal(parameters, *tables.place("parameters", job)),
            "size": size,
            "estimate": estimated,
            "state": State.QUEUED,
            "created_at": self.clock(),
        }
        with self.engine.begin() as connection:
            connection.execute(insert(tables.jobs).values(row).on_conflict_do_nothing())
            return self._job(connection.execute(_VIEW.filter_by(**same)).one())

    def attempts(self, owner: str, kind: str, parameters: bytes) -> list[Job]:
        """Give the jobs of an owner with these very parameters, under whatever keys, the latest first."""
        same = {"owner": owner, "kind": kind, "digest": fingerprint(self.at_rest, parameters)}
        latest = _VIEW.filter_by(**same).order_by(_jobs.created_at.desc(), _jobs.key.desc())
        with self._reader.begin() as connection:
            return [self._job(row) for row in connection.execute(latest)]

    def latest(self, limit: int, before: str | None = None) -> list[Job]:
        """Give jobs of all owners, the newest first; `before` is the last job of the page before.

        Raises UnknownJobError for that.
        """
        query = _VIEW.order_by(_jobs.created_at.desc(), _jobs.id.desc()).limit(limit)
        if before is not None:
            last = self.get(before)
            query = query.where(tuple_(_jobs.created_at, _jobs.id) < (last.created_at, last.id))
        with self._reader.begin() as connection:
            return [self._job(row) for row in connection.execute(query)]

    def unfinished(self, owner: str) -> int:
        """Give how many of an owner's jobs have not ended."""
        query = select(func.count()).where(_jobs.owner == owner, _jobs.state.not_in(ENDED))
        with self._reader.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def waiting(self) -> list[tuple[Job, bytes]]:
        """Give every job that has not ended, with its parameters, the oldest first."""
        query: Select[Any] = select(*_VIEW.selected_columns, _jobs.parameters).where(_jobs.state.not_in(ENDED))
        with self._reader.begin() as connection:
            rows = connection.execute(query.order_by(_jobs.created_at, _jobs.id)).all()
        return [
            (self._job(row), self.at_rest.open(row.parameters, *tables.place("parameters", row.id)))
            for row in rows
        ]

    def is_unfinished(self, digest: bytes) -> bool:
        """Say whether a job with parameters of this fingerprint has not ended."""
        query = select(_jobs.id).where(_jobs.digest == digest, _jobs.state.not_in(ENDED)).limit(1)
        with self._reader.begin() as connection:
            return connection.execute(query).first() is not None

    def get(self, job: str) -> Job:
        """Give the job of this id; raise UnknownJobError if there is none."""
        with self._reader.begin() as connection:
            row = connection.execute(_VIEW.where(_jobs.id == job)).one_or_none()
        if row is None:
            raise UnknownJobError(f"there is no job {job}; check the id")
        return self._job(row)

    def wait(self, job: str, timeout: float) -> Job:
        """Give the job as soon as it has ended, or as it is after `timeout` seconds. Raises UnknownJobError."""
        deadline, pause = time.monotonic() + timeout, _LOOK
        with self.changes() as changes:
            seen = None
            while True:
                now, left = changes(), deadline - time.monotonic()
                if now != seen or left <= 0:
                    seen, found = now, self.get(job)
                    if found.state in ENDED or left <= 0:
                        return found
                time.sleep(min(pause, left))
                pause = min(pause * 1.02, _LONGEST_LOOK)

    def result(self, job: str) -> bytes:
        """Give the result of a job that is done; raise WrongStateError if it is not, or UnknownJobError."""
        with self._reader.begin() as connection:
            sealed: bytes | None = connection.scalar(select(_jobs.result).where(_jobs.id == job))
        if sealed is None:
            state = self.get(job).state
            remedy = "look at the job, which says what to do" if state in ENDED else "wait until it is done"
            raise WrongStateError(f"job {job} is {state} and has no result; {remedy}")
        return self.at_rest.open(sealed, *tables.place("result", job))

    def cancel(self, job: str) -> Job:
        """End a job that waits, or ask the worker of one that runs to stop; give the job as it then is.

        Raises UnknownJobError, and WrongStateError if the job is done or has failed.
        """
        with self.engine.begin() as connection:
            state = connection.scalar(select(_jobs.state).where(_jobs.id == job))
            if state is not None:
                following = advance(job, State(state), Move.CANCEL)
                values: dict[str, Any] = {"state": following}
                if following in ENDED and following != state:
                    values |= {"finished_at": self.clock(), "parameters": b""}
                    # It may have run and been put back.
                    connection.execute(tables.checkpoints.delete().where(tables.checkpoints.c.job == job))
                connection.execute(update(tables.jobs).where(_jobs.id == job).values(values))
        return self.get(job)

    def estimate(self, kind: str, size: int) -> Estimate:
        """Give how long a job of this kind and size will run. Raises UnknownKindError, and ValueError."""
        self._check(kind, size)
        last = (
            select(_runs.size, _runs.seconds).where(_runs.kind == kind).order_by(_runs.number.desc()).limit(RUNS)
        )
        with self._reader.begin() as connection:
            return estimate(self.kinds[kind], [Run(*row) for row in connection.execute(last)], size)

    @contextmanager
    def changes(self) -> Iterator[Callable[[], int]]:
        """Give what tells a number that changes with each commit to the file: a look takes some microseconds.

        So whoever waits looks often, and needs no other way between the processes (SQLite: PRAGMA data_version).
        """
        pooled = self.engine.raw_connection()  # without a transaction, in which the number would stand still
        try:
            cursor = pooled.cursor()

            def version() -> int:
                cursor.execute("PRAGMA data_version")
                ((number,),) = cursor.fetchall()
                return int(number)

            yield version
            cursor.close()
        finally:
            pooled.close()  # back into the pool

    def _check(self, kind: str, size: int) -> None:
        if kind not in self.kinds:
            raise UnknownKindError(
                f"no handler serves jobs of kind {kind}; known: {', '.join(sorted(self.kinds))}"
            )
        if size < 0:
            raise ValueError(f"a job of {size} units; give the number of units, from 0")

    def _job(self, row: Row[*tuple[Any, ...]]) -> Job:
        return Job(
            id=row.id,
            owner=row.owner,
            kind=row.kind,
            key=row.key,
            digest=row.digest,
            size=row.size,
            estimated=row.estimate,
            state=State(row.state),
            attempts=row.attempts,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
            progress=None if row.step is None else Progress(row.step, row.done, row.total, row.pace),
            failure=None if row.error is None else self._failure(row),
        )

    def _failure(self, row: Row[Any]) -> Failure:
        subjects = json.loads(self.at_rest.open(row.subjects, *tables.place("subjects", row.id)))
        return Failure(row.error, row.reason, row.remedy, tuple(subjects))


def fingerprint(at_rest: AtRest, parameters: bytes) -> bytes:
    """Give what tells a job's parameters from others: a plain digest would confirm a guess at few subjects."""
    return at_rest.fingerprint(parameters, tables.jobs.name, "parameters")
