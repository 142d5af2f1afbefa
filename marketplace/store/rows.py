"""The two writes that several callers may race for; of all of them exactly one wins."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, update

from audit.database import insert
from marketplace.errors import ConflictError


def insert_once(
    connection: Connection,
    table: Table,
    row: Mapping[str, object],
    taken: str,
    remedy: str = "fetch what is there, or choose another name",
) -> None:
    """Insert the row; raise `ConflictError` saying `taken` and the remedy if there is one with its key."""
    write = insert(connection, table).values(row).on_conflict_do_nothing()
    # Of an INSERT SQLAlchemy keeps no count by itself, and psycopg's is gone with its cursor.
    if connection.execute(write, execution_options={"preserve_rowcount": True}).rowcount != 1:
        raise ConflictError(taken, remedy)


def move(connection: Connection, table: Table, key: Mapping[str, Any], old: str, new: str) -> None:
    """Set a state that is still `old` to `new`; raise `ConflictError` if it is not any more.

    The rules judged `old`. The write lock keeps it true in SQLite; the guard says so where it is needed.
    """
    is_row = and_(*(table.c[name] == value for name, value in key.items()))
    moved = connection.execute(update(table).where(is_row, table.c.state == old).values(state=new))
    if moved.rowcount != 1:
        raise ConflictError(f"{' '.join(map(str, key.values()))} is not {old} any more", "look again, then decide")
