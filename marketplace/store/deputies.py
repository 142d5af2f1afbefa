"""Who acts for whom."""

from sqlalchemy import Connection, delete, insert, or_, select

from marketplace.flow.deputy import Deputation
from marketplace.store.office_tables import deputies


def add(connection: Connection, made: Deputation) -> None:
    """Store a deputation."""
    connection.execute(insert(deputies), vars(made))


def load(connection: Connection, name: str) -> Deputation | None:
    """Give the deputation with this id, if there is one."""
    row = connection.execute(select(deputies).where(deputies.c.id == name)).mappings().one_or_none()
    return None if row is None else Deputation(**row)


def remove(connection: Connection, name: str) -> None:
    """End a deputation."""
    connection.execute(delete(deputies).where(deputies.c.id == name))


def of(connection: Connection, organisation: str, member: str | None = None) -> list[Deputation]:
    """Give an organisation's deputations, or those in which this member is either side, by their start."""
    columns = deputies.c
    found = select(deputies).where(columns.organisation == organisation)
    if member is not None:
        found = found.where(or_(columns.member == member, columns.deputy == member))
    rows = connection.execute(found.order_by(columns.not_before, columns.id)).mappings()
    return [Deputation(**row) for row in rows]
