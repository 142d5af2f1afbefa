"""The receipts of a node's events: that they are in the log, as it was shown here, for whoever asks later."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Engine,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader

_METADATA = MetaData()
_RECEIPTS = Table(
    "receipts",
    _METADATA,
    Column("id", Text, primary_key=True),  # of the event
    Column("receipt", LargeBinary, nullable=False),  # audit.receipt
    Column("has_quorum", Boolean, nullable=False),
    Column("released", BigInteger),  # when the answer left without one: UTC, seconds since 1970-01-01
)
# Of all uses that there ever were, few have no quorum yet.
Index("receipts_without_quorum", _RECEIPTS.c.released, sqlite_where=_RECEIPTS.c.has_quorum.is_(False))


@dataclass(frozen=True)
class Kept:
    """A receipt as it was verified here."""

    receipt: bytes
    has_quorum: bool


class ReceiptStore:
    """The table over an engine of ``audit.database``."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reader = engine, reader(engine)
        _METADATA.create_all(engine)

    def find(self, event_id: str) -> Kept | None:
        """Give the receipt of an event."""
        with self._reader.begin() as connection:
            row = connection.execute(select(_RECEIPTS).where(_RECEIPTS.c.id == event_id)).one_or_none()
        return None if row is None else Kept(row.receipt, row.has_quorum)

    def put(self, event_id: str, kept: Kept) -> None:
        """Keep a receipt in the place of an earlier one, unless that has a quorum."""
        row = {"receipt": kept.receipt, "has_quorum": kept.has_quorum}
        write = insert(_RECEIPTS).values(id=event_id, **row)
        with self._engine.begin() as connection:
            connection.execute(
                write.on_conflict_do_update(
                    index_elements=["id"], set_=row, where=_RECEIPTS.c.has_quorum.is_(False)
                )
            )

    def release(self, event_id: str, now: int) -> None:
        """Note, durably, that the answer leaves now (in seconds), if it is the first time and under no quorum."""
        found = _RECEIPTS.c
        first = found.id == event_id, found.has_quorum.is_(False), found.released.is_(None)
        with self._engine.begin() as connection:
            connection.execute(update(_RECEIPTS).where(*first).values(released=now))

    def is_owed(self, before: int) -> bool:
        """Whether an answer that left before this time (in seconds) still has a receipt under no quorum."""
        found = _RECEIPTS.c
        query = select(found.id).where(found.has_quorum.is_(False), found.released < before).limit(1)
        with self._reader.begin() as connection:
            return connection.execute(query).first() is not None

    def without_quorum(self, limit: int) -> list[str]:
        """Give the events, `limit` at most, whose receipts stand under no quorum yet.

        First those whose answers left, the longest ago before others.
        """
        order = _RECEIPTS.c.released.asc().nulls_last()
        query = select(_RECEIPTS.c.id).where(_RECEIPTS.c.has_quorum.is_(False)).order_by(order).limit(limit)
        with self._reader.begin() as connection:
            return list(connection.scalars(query))
