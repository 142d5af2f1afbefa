"""Which entries of the log are about which contract: an index beside the log, written with each entry."""

from collections.abc import Iterable

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from audit import tables
from audit.entry import Entry
from audit.log import parse_stored
from marketplace.store.tables import mentions


def add(connection: Connection, contracts: Iterable[str], index: int, job: str | None) -> None:
    """Note that an entry is about these contracts; noting it again changes nothing."""
    rows = [{"contract": contract, "index": index, "job": job} for contract in contracts]
    if rows:
        connection.execute(insert(mentions).on_conflict_do_nothing(), rows)


def contract_of(connection: Connection, job: str) -> str | None:
    """Give the contract that the first entry about the job was about."""
    first = select(mentions.c.contract).where(mentions.c.job == job).order_by(mentions.c["index"]).limit(1)
    contract: str | None = connection.scalar(first)
    return contract


def entries_of(
    connection: Connection, contract: str, after: int = -1, limit: int | None = None
) -> list[tuple[int, Entry]]:
    """Give the entries about the contract behind an index, `limit` at most, in the order of the log."""
    entries = tables.entries.c
    found = connection.execute(
        select(entries["index"], entries.data)
        .join(mentions, mentions.c["index"] == entries["index"])
        .where(mentions.c.contract == contract, mentions.c["index"] > after)
        .order_by(mentions.c["index"])
        .limit(limit)
    )
    return [(index, parse_stored(index, data)) for index, data in found]


def recorded(connection: Connection, entry_id: str) -> bytes | None:
    """Give the bytes of the entry with this id, if the log has one."""
    data: bytes | None = connection.scalar(select(tables.entries.c.data).where(tables.entries.c.id == entry_id))
    return data
