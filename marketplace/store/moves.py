"""Every move of the flow with its reason, and what lapses unless it is moved."""

from sqlalchemy import Connection, delete, insert, select

from audit.database import put
from compute.market.applications import Moved
from marketplace.store.flow_tables import lapses, moves


def add(connection: Connection, name: str, moved: Moved, member: str | None) -> None:
    """Store a move about a contract, or the application for it."""
    row = {column: getattr(moved, column) for column in moved.__struct_fields__}
    connection.execute(insert(moves), {**row, "name": name, "member": member})


def of(connection: Connection, name: str) -> list[Moved]:
    """Give all moves about a contract and its application, the oldest first, without the members who made them."""
    columns = [moves.c[member] for member in Moved.__struct_fields__]
    found = select(*columns).where(moves.c.name == name).order_by(moves.c.id)
    return [Moved(**row) for row in connection.execute(found).mappings()]


def lapse_at(connection: Connection, noun: str, name: str, at: int | None) -> None:
    """Have it lapse at this time, and no other; never, for None."""
    if at is None:
        connection.execute(delete(lapses).where(lapses.c.noun == noun, lapses.c.name == name))
    else:
        connection.execute(put(connection, lapses).values(noun=noun, name=name, at=at))


def due(connection: Connection, now: int) -> list[str]:
    """Give the names of whatever has lapsed by now."""
    return list(connection.scalars(select(lapses.c.name).where(lapses.c.at <= now)))


def lapsed(connection: Connection, noun: str, now: int) -> list[str]:
    """Give the names of what has lapsed by now, the earliest first."""
    due = (
        select(lapses.c.name).where(lapses.c.noun == noun, lapses.c.at <= now).order_by(lapses.c.at, lapses.c.name)
    )
    return list(connection.scalars(due))
