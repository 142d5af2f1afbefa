"""A reviewer's cases: what stays of each in clear, and the file of an undecided one sealed, until it is decided.

A change that decides a case erases its file in the same transaction: SQLite overwrites the row (`audit.database`),
and the write-ahead log is emptied at once or soon after.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader, truncate_wal
from compute.at_rest import AtRest
from compute.canonical import decode, encode
from compute.node.wiping import wipe
from compute.protocols.risk_score.case import Case
from compute.protocols.risk_score.case_states import UNDECIDED, ModelCaseState, UnknownCaseError
from compute.protocols.risk_score.opened import CaseFile
from compute.signing import digest

_METADATA = MetaData()
_CASES = Table(
    "model_cases",
    _METADATA,
    Column("number", Integer, primary_key=True),  # in the order in which they were opened
    Column("id", Text, nullable=False, unique=True),
    Column("submission", LargeBinary(32), nullable=False, unique=True),
    Column("bank", Text, nullable=False, index=True),
    Column("model", Text, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("approval", LargeBinary(32), unique=True),  # its digest, once there is one
    Column("rests_on", LargeBinary(32)),  # the approval that it rests on, if it was given by rule
    Column("due", BigInteger, index=True),  # when the clock moves it on: UTC, milliseconds
    Column("told", Boolean, nullable=False),  # whether its state stands in the audit log, or will
    Column("content", LargeBinary, nullable=False),
)
_FILES = Table(
    "model_case_files",
    _METADATA,
    Column("id", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
_CONCENTRATED = Table(
    "concentrated_submissions",
    _METADATA,
    Column("submission", LargeBinary(32), primary_key=True),
    Column("bank", Text, nullable=False, index=True),
    Column("at", BigInteger, nullable=False),  # UTC, milliseconds
)
_DELIVERIES = Table(
    "withdrawal_deliveries",
    _METADATA,
    Column("id", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("accepted_at", BigInteger),
)
_TOLD = frozenset({ModelCaseState.APPROVED, ModelCaseState.REFUSED, ModelCaseState.WITHDRAWN})
"""The states that are events."""


@dataclass(frozen=True)
class Delivery:
    """A withdrawal on its way to a provider, or when that took it (UTC, milliseconds)."""

    case: str
    provider: str
    accepted_at: int | None


class CaseStore:
    """The tables over an engine of ``audit.database``; files are sealed by `at_rest`."""

    def __init__(self, engine: Engine, at_rest: AtRest) -> None:
        self._engine, self._reader, self._at_rest = engine, reader(engine), at_rest
        _METADATA.create_all(engine)

    # --- cases ------------------------------------------------------------------------------------------------

    def find(self, submission: bytes) -> Case | None:
        """Give the case of the submission with this digest."""
        return self._one(_CONTENT.where(_CASES.c.submission == submission))

    def get(self, case: str) -> Case:
        """Give a case; raise :class:`UnknownCaseError` if there is none."""
        found = self._one(_CONTENT.where(_CASES.c.id == case))
        if found is None:
            raise _unknown(case)
        return found

    def latest(self, limit: int) -> list[Case]:
        """Give the latest cases, the newest first, and before them all that are undecided."""
        undecided = self._all(_CONTENT.where(_CASES.c.state.in_(UNDECIDED)))
        others = _CONTENT.where(_CASES.c.state.not_in(UNDECIDED))
        return undecided + self._all(others.limit(max(0, limit - len(undecided))))

    def versions(self, bank: str, model: str) -> list[Case]:
        """Give the cases of a bank's model, in whatever version, the newest first."""
        return self._all(_CONTENT.where(_CASES.c.bank == bank, _CASES.c.model == model))

    def live(self, bank: str) -> list[Case]:
        """Give a bank's cases that are undecided or approved, the newest first."""
        states = UNDECIDED | {ModelCaseState.APPROVED}
        return self._all(_CONTENT.where(_CASES.c.bank == bank, _CASES.c.state.in_(states)))

    def orphaned(self) -> list[Case]:
        """Give the approved cases that rest on an approval that was withdrawn."""
        base = _CASES.alias("base")
        withdrawn = select(base.c.approval).where(base.c.state == ModelCaseState.WITHDRAWN)
        approved = _CASES.c.state == ModelCaseState.APPROVED
        return self._all(_CONTENT.where(approved, _CASES.c.rests_on.in_(withdrawn)))

    def due(self, now: int) -> list[Case]:
        """Give the cases that the clock moves on."""
        return self._all(_CONTENT.where(_CASES.c.due <= now))

    def undecided(self, bank: str) -> int:
        """Give how many of a bank's cases wait."""
        query = select(func.count()).where(_CASES.c.bank == bank, _CASES.c.state.in_(UNDECIDED))
        with self._reader.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def concentrated(self, bank: str, since: int) -> int:
        """Give how many models of a bank rule 7 has refused since then (UTC, milliseconds)."""
        counted = select(func.count()).where(_CONCENTRATED.c.bank == bank, _CONCENTRATED.c.at >= since)
        with self._reader.begin() as connection:
            return int(connection.execute(counted).scalar_one())

    def note_concentrated(self, submission: bytes, bank: str, now: int) -> None:
        """Note that rule 7 refuses the submission with this digest, before its bank hears of it; once."""
        row = {"submission": submission, "bank": bank, "at": now}
        with self._engine.begin() as connection:
            connection.execute(insert(_CONCENTRATED).values(row).on_conflict_do_nothing())

    def open(self, submission: bytes, make: Callable[[Sequence[Case]], Case], file: CaseFile) -> Case:
        """Keep a new case, durably, and give it; or the one that the submission has already.

        ``make`` is given the bank's approved cases and gives the new one. The file is kept while it is undecided.
        """
        known = _CONTENT.where(_CASES.c.submission == submission)
        standing = _CONTENT.where(_CASES.c.bank == file.model.bank, _CASES.c.state == ModelCaseState.APPROVED)
        with self._engine.begin() as connection:
            stored = connection.scalar(known)
            if stored is not None:
                return decode(stored, Case)
            case = make([decode(each, Case) for each in connection.scalars(standing)])
            named = {"id": case.case, "submission": submission, "bank": case.bank, "model": case.model}
            connection.execute(insert(_CASES).values(named | _values(case)))
            if case.state in UNDECIDED:
                sealed = self._at_rest.seal(encode(file), *_place(case.case))
                connection.execute(insert(_FILES).values(id=case.case, sealed=sealed))
            return case

    def change(self, case: str, rule: Callable[[Case], Case]) -> Case:
        """Put what the rule makes of a case in its place, durably; raise what the rule raises, and change nothing.

        Once it is decided its file is erased; once it is withdrawn its providers are to be told.
        """
        query = _CONTENT.where(_CASES.c.id == case)
        with self._engine.begin() as connection:
            stored = connection.scalar(query)
            if stored is None:
                raise _unknown(case)
            before = decode(stored, Case)
            after = rule(before)
            if after == before:
                return after
            values = _values(after)
            if after.state is before.state or after.state not in _TOLD:
                del values["told"]
            connection.execute(update(_CASES).where(_CASES.c.id == case).values(values))
            decided = before.state in UNDECIDED and after.state not in UNDECIDED
            if decided:
                connection.execute(delete(_FILES).where(_FILES.c.id == case))
            if after.state is ModelCaseState.WITHDRAWN and before.state is not after.state:
                _begin_deliveries(connection, after)
        if decided:
            wipe(self._engine)
        return after

    def wipe_rest(self) -> bool:
        """Overwrite what earlier decisions could not, if nobody reads just now; give whether it did."""
        return truncate_wal(self._engine)

    def file(self, case: str) -> CaseFile | None:
        """Give the file of a case that is undecided."""
        with self._reader.begin() as connection:
            sealed = connection.scalar(select(_FILES.c.sealed).where(_FILES.c.id == case))
        return None if sealed is None else decode(self._at_rest.open(sealed, *_place(case)), CaseFile)

    # --- what others are told ---------------------------------------------------------------------------------

    def untold(self) -> list[Case]:
        """Give the cases whose state is an event that is not recorded yet, the oldest first."""
        return self._all(_CONTENT.where(_CASES.c.told.is_(False)))[::-1]

    def note_told(self, case: Case) -> None:
        """Note that this state of the case is recorded; nothing if it has changed meanwhile."""
        row = update(_CASES).where(_CASES.c.id == case.case, _CASES.c.state == case.state)
        with self._engine.begin() as connection:
            connection.execute(row.values(told=True))

    def deliveries(self, case: str | None = None) -> list[Delivery]:
        """Give those of a case's withdrawal; without one, those of every case that still have to be made."""
        only = _DELIVERIES.c.accepted_at.is_(None) if case is None else _DELIVERIES.c.id == case
        query = select(_DELIVERIES).where(only).order_by(_DELIVERIES.c.id, _DELIVERIES.c.provider)
        with self._reader.begin() as connection:
            return [Delivery(row.id, row.provider, row.accepted_at) for row in connection.execute(query)]

    def note_delivered(self, delivery: Delivery, at: int) -> None:
        """Note when the provider took it."""
        row = update(_DELIVERIES).where(
            _DELIVERIES.c.id == delivery.case, _DELIVERIES.c.provider == delivery.provider
        )
        with self._engine.begin() as connection:
            connection.execute(row.values(accepted_at=at))

    def _one(self, query: Select[bytes]) -> Case | None:
        with self._reader.begin() as connection:
            stored = connection.scalar(query)
        return None if stored is None else decode(stored, Case)

    def _all(self, query: Select[bytes]) -> list[Case]:
        with self._reader.begin() as connection:
            return [decode(stored, Case) for stored in connection.scalars(query)]


_CONTENT = select(_CASES.c.content).order_by(_CASES.c.number.desc())


def _values(case: Case) -> dict[str, object]:
    approval = None if case.approval is None else case.approval.statement
    return {
        "state": case.state,
        "approval": None if approval is None else digest(approval),
        "rests_on": None if approval is None else approval.rests_on,
        "due": case.due,
        "told": case.state not in _TOLD,
        "content": encode(case),
    }


def _place(case: str) -> tuple[str, str, str]:
    return _FILES.name, _FILES.c.sealed.name, case


def _unknown(case: str) -> UnknownCaseError:
    return UnknownCaseError(f"there is no case {case}; list the cases and name one of them")


def _begin_deliveries(connection: Connection, case: Case) -> None:
    rows = [{"id": case.case, "provider": part.provider, "accepted_at": None} for part in case.draft.tables]
    connection.execute(insert(_DELIVERIES).on_conflict_do_nothing(), rows)
