"""The uses of each contract at each provider, as the log tells them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from audit.database import insert, put
from marketplace.flow.metering import Observation, Standing, merged
from marketplace.store.keys import AT_ONCE, has_any
from marketplace.store.usage_tables import standings, usage

_columns = usage.c
Key = tuple[str, str, str]


def take(connection: Connection, observations: Sequence[Observation]) -> None:
    """Add what was observed to what is known."""
    if not observations:
        return
    keys = sorted({each.key for each in observations})
    known: list[Observation] = []
    for start in range(0, len(keys), AT_ONCE):
        known += _load(connection, keys[start : start + AT_ONCE])
    rows = [_row(each) for each in merged([*known, *observations]).values()]
    connection.execute(put(connection, usage), rows)


def stand(connection: Connection, standing: Standing) -> None:
    """Note that a contract came into force, or is over; a draft that ends was never in force."""
    if standing.begins:
        row = {"contract": standing.contract, "active_from": standing.at, "active_until": None}
        connection.execute(insert(connection, standings).values(row).on_conflict_do_nothing())
        return
    still = standings.c.contract == standing.contract, standings.c.active_until.is_(None)
    connection.execute(update(standings).where(*still).values(active_until=standing.at))


def in_force(connection: Connection, contract: str) -> tuple[int, int | None] | None:
    """Give since when and until when a contract is in force, None as the end while it is; None if it never was."""
    row = connection.execute(select(standings).where(standings.c.contract == contract)).one_or_none()
    return None if row is None else (row.active_from, row.active_until)


def counted(connection: Connection, contract: str, provider: str, start: int, end: int) -> int:
    """Give how many uses were answered from `start` to before `end` and not given back."""
    total: int = connection.scalars(
        select(func.coalesce(func.sum(_columns.uses), 0)).where(*_of(contract, provider, start, end))
    ).one()
    return int(total)


def unmatched(connection: Connection, contract: str, provider: str, end: int) -> int:
    """Give how many of the uses before `end` have no word of the consumer's that it asked."""
    lacking = case((_columns.is_asked == 0, _columns.uses), else_=0)
    total: int = connection.scalars(
        select(func.coalesce(func.sum(lacking), 0)).where(*_of(contract, provider, 0, end))
    ).one()
    return int(total)


def totals(connection: Connection) -> dict[Key, tuple[int | None, int | None, bool, bool]]:
    """Give everything that is known, by contract, provider and job: uses, when, asked, abandoned."""
    rows = connection.execute(select(usage))
    return {
        (row.contract, row.provider, row.job): (row.uses, row.at, bool(row.is_asked), bool(row.is_abandoned))
        for row in rows
    }


def all_standing(connection: Connection) -> dict[str, tuple[int, int | None]]:
    """Give since when and until when each contract is in force."""
    rows = connection.execute(select(standings))
    return {row.contract: (row.active_from, row.active_until) for row in rows}


def clear(connection: Connection) -> None:
    """Forget everything, for a count anew."""
    connection.execute(delete(usage))
    connection.execute(delete(standings))


def _of(contract: str, provider: str, start: int, end: int) -> tuple[ColumnElement[bool], ...]:
    return (
        _columns.contract == contract,
        _columns.provider == provider,
        and_(_columns.at >= start, _columns.at < end),
        _columns.is_abandoned == 0,
    )


def _load(connection: Connection, keys: Sequence[Key]) -> list[Observation]:
    wanted = has_any((_columns.contract, _columns.provider, _columns.job), keys)
    rows = connection.execute(select(usage).where(wanted))
    return [
        Observation(
            row.contract, row.provider, row.job, row.uses, row.at, bool(row.is_asked), bool(row.is_abandoned)
        )
        for row in rows
    ]


def _row(each: Observation) -> dict[str, Any]:
    return {**vars(each), "is_asked": int(each.is_asked), "is_abandoned": int(each.is_abandoned)}
