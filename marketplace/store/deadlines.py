"""Deadlines by what they are of and who holds them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, and_, delete, select

from audit.database import put as write
from marketplace.flow.deadline import Deadline, Level
from marketplace.store.deadline_tables import deadlines


def put(connection: Connection, deadline: Deadline) -> None:
    """Store a deadline, in place of the one that its holder had there."""
    connection.execute(write(connection, deadlines).values({**vars(deadline), "level": int(deadline.level)}))


def remove(connection: Connection, noun: str, name: str, holder: str | None) -> int:
    """Remove the holder's deadline, or everybody's, and give how many there were."""
    columns = deadlines.c
    found = and_(columns.noun == noun, columns.name == name)
    if holder is not None:
        found = and_(found, columns.holder == holder)
    return connection.execute(delete(deadlines).where(found)).rowcount


def due(connection: Connection, now: int) -> list[Deadline]:
    """Give those that have to be escalated at `now`, the longest due first."""
    columns = deadlines.c
    overdue = select(deadlines).where(columns.level < Level.SUPERIOR_TOLD, columns.due <= now)
    rows = connection.execute(overdue.order_by(columns.due, columns.noun, columns.name, columns.holder))
    return [_deadline(row) for row in rows.mappings()]


def of(connection: Connection, noun: str, name: str) -> list[Deadline]:
    """Give the deadlines of one thing, by holder."""
    columns = deadlines.c
    found = select(deadlines).where(columns.noun == noun, columns.name == name).order_by(columns.holder)
    return [_deadline(row) for row in connection.execute(found).mappings()]


def held_by(connection: Connection, holder: str) -> list[Deadline]:
    """Give what an organisation has to do, the first due first."""
    columns = deadlines.c
    found = select(deadlines).where(columns.holder == holder).order_by(columns.due, columns.noun, columns.name)
    return [_deadline(row) for row in connection.execute(found).mappings()]


def _deadline(row: Mapping[Any, Any]) -> Deadline:
    return Deadline(**{**row, "level": Level(row["level"])})
