"""Refusals of an hour, by whom they are of."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from audit.database import insert
from marketplace.store.refusal_tables import refusals

_COLUMNS = refusals.c


@dataclass(frozen=True)
class Refusal:
    """One refusal: whom it is of, what of, and why."""

    source: str
    """Who is bounded by itself: a person, a program, a subject, under a name that nobody reads."""
    party: str | None
    """The organisation that the log names; None where it names nobody."""
    command: str
    reason: str
    hour: int
    """The beginning of its hour: UTC, milliseconds since 1970-01-01."""


@dataclass(frozen=True)
class Counted:
    """What the log has not told one by one, of one command of a party in an hour."""

    party: str | None
    hour: int
    command: str
    reasons: dict[str, int]


def recorded(connection: Connection, refusal: Refusal) -> tuple[int, int]:
    """Give how many refusals of its hour are recorded one by one: of its source, and of its party."""
    return (
        _sum(connection, refusal.hour, _COLUMNS.source == refusal.source),
        _sum(connection, refusal.hour, _COLUMNS.party == (refusal.party or "")),
    )


def add(connection: Connection, refusal: Refusal, *, is_recorded: bool) -> None:
    """Note one more, which is recorded by itself or counted."""
    key = {
        "source": refusal.source,
        "hour": refusal.hour,
        "command": refusal.command,
        "reason": refusal.reason,
    }
    fresh = insert(connection, refusals).values(**key, party=refusal.party or "", recorded=0, counted=0)
    connection.execute(fresh.on_conflict_do_nothing())
    column = _COLUMNS.recorded if is_recorded else _COLUMNS.counted
    this = (_COLUMNS[name] == value for name, value in key.items())
    connection.execute(update(refusals).where(*this).values({column: column + 1}))


def take_counted(connection: Connection, before: int) -> Iterator[Counted]:
    """Give what was only counted in the hours that began before this one, and keep nothing of them."""
    total = func.sum(_COLUMNS.counted)
    query = (
        select(_COLUMNS.party, _COLUMNS.hour, _COLUMNS.command, _COLUMNS.reason, total.label("total"))
        .where(_COLUMNS.hour < before, _COLUMNS.counted > 0)
        .group_by(_COLUMNS.party, _COLUMNS.hour, _COLUMNS.command, _COLUMNS.reason)
        .order_by(_COLUMNS.hour, _COLUMNS.party, _COLUMNS.command, _COLUMNS.reason)
    )
    found: dict[tuple[str, int, str], dict[str, int]] = {}
    for row in connection.execute(query):
        found.setdefault((row.party, row.hour, row.command), {})[row.reason] = int(row.total)
    connection.execute(delete(refusals).where(_COLUMNS.hour < before))
    for (party, hour, command), reasons in found.items():
        yield Counted(party or None, hour, command, reasons)


def _sum(connection: Connection, hour: int, whose: ColumnElement[bool]) -> int:
    query = select(func.sum(_COLUMNS.recorded)).where(_COLUMNS.hour == hour, whose)
    return int(connection.scalar(query) or 0)
