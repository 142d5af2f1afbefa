"""Auditors' cases, and the reads under each with the salts of their seals."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from audit.tracing.seals import Read
from marketplace.flow.case import AuditCase
from marketplace.flow.states import CaseState
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row
from marketplace.store.tables import case_reads, cases

_CASE = select(cases)


def add(connection: Connection, case: AuditCase) -> None:
    """Store a new case; raise `ConflictError` if its number is taken."""
    row = {
        "id": case.id,
        "number": case.number,
        "salt": case.salt,
        "opener": case.opener,
        "state": case.state,
        "until": case.until,
    }
    insert_once(connection, cases, row, f"there is a case {case.number:.80} already")


def load(connection: Connection, name: str) -> AuditCase | None:
    """Give the case with this digest, if there is one."""
    row = connection.execute(_CASE.where(cases.c.id == name)).mappings().one_or_none()
    return None if row is None else _case(row)


def all_of(connection: Connection) -> list[AuditCase]:
    """Give all cases, by number."""
    return [_case(row) for row in connection.execute(_CASE.order_by(cases.c.number)).mappings()]


def due(connection: Connection, now: int) -> list[str]:
    """Give the digests of those whose time is over at `now` and which are not closed."""
    columns = cases.c
    open_ones = select(columns.id).where(columns.state != CaseState.CLOSED, columns.until <= now)
    return list(connection.scalars(open_ones.order_by(columns.until, columns.id)))


def move(connection: Connection, old: AuditCase, new: AuditCase) -> None:
    """Store the case's new state; raise `ConflictError` if the old one does not hold any more."""
    move_row(connection, cases, {"id": old.id}, old.state, new.state)
    if new.approver != old.approver:
        connection.execute(update(cases).where(cases.c.id == old.id).values(approver=new.approver))


def add_read(connection: Connection, index: int, read: Read, salt: bytes) -> None:
    """Store what was read, and what opens the seal of the entry at this index."""
    connection.execute(insert(case_reads), {"index": index, "salt": salt, **vars(read)})


def reads(connection: Connection, case: str) -> list[tuple[int, Read, bytes]]:
    """Give the reads under a case: the index of the sealed entry, what was read, and the salt."""
    columns = case_reads.c
    found = connection.execute(select(case_reads).where(columns.case == case).order_by(columns["index"]))
    return [
        (row["index"], Read(row["case"], row["contract"], row["reader"], row["what"]), row["salt"])
        for row in found.mappings()
    ]


def count_reads(connection: Connection, case: str) -> int:
    """Give how many reads there were under a case."""
    counted: int = connection.scalars(select(func.count()).where(case_reads.c.case == case)).one()
    return counted


def _case(row: Mapping[Any, Any]) -> AuditCase:
    members = {name: row[name] for name in ("number", "salt", "opener", "until", "approver")}
    return AuditCase(**members, state=CaseState(row["state"]))
