"""Reads a whole log again and recomputes it.

The numbers stand again at the lines that do it:

 1. the entries are numbered 0, 1, 2, … without a gap;
 2. every entry's bytes give the leaf hash stored for it;
 3. every entry's bytes are the canonical form of an entry, filed under its own id;
 4. every complete subtree is stored, with the hash that follows from the entries;
 5. nothing else is stored;
 6. the database file agrees with itself (SQLite's integrity check: indices, pages, types);
 7. the file holds no trigger, which could drop or change what is appended.

What this cannot find is a log that was rewritten or cut off as a whole, nodes included: it is compared with
a root that somebody outside has kept.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Executable, select
from sqlalchemy.exc import DBAPIError

from audit import tables
from audit.entry import parse
from audit.errors import DamageError, FormatError
from audit.merkle import SIZE_LIMIT, Frontier, leaf_hash


def check(connection: Connection) -> tuple[int, bytes]:
    """The size and root of the log, recomputed in one pass over all entries and nodes, in O(log n) memory.

    Raises DamageError naming the first bad index and what is wrong there. The connection's transaction is the
    snapshot that is checked.
    """
    frontier = Frontier()
    try:
        _check_tree(connection, frontier)
        report = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    except DBAPIError as error:
        raise DamageError(f"entry {frontier.size} or one next to it: cannot be read: {error.orig}") from error
    if report != ["ok"]:  # 6
        raise DamageError(f"the database file is damaged: {report[0]}")
    if connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'").scalar_one():  # 7
        raise DamageError("the database file holds a trigger, which nobody may put there")
    return frontier.size, frontier.root()


def _check_tree(connection: Connection, frontier: Frontier) -> None:
    stored = _StoredNodes(connection)
    for index, entry_id, data in _stream(connection, _ENTRIES):
        if index < frontier.size:
            raise DamageError(f"entry {index}: surplus")  # 5
        if index > frontier.size:
            raise DamageError(f"entry {frontier.size}: missing")  # 1
        (leaf, *parents) = frontier.append(leaf_hash(data))
        stored.expect(*leaf)  # 2
        _check_entry(index, entry_id, data)
        for parent in parents:
            stored.expect(*parent)  # 4
    stored.expect_end(frontier.size)


def _check_entry(index: int, entry_id: str, data: bytes) -> None:
    try:
        entry = parse(data)
    except FormatError as error:
        raise DamageError(f"entry {index}: {error}") from error  # 3
    if entry.id != entry_id:
        raise DamageError(f"entry {index}: filed under the id of another entry")  # 3


_LEVELS = range(SIZE_LIMIT.bit_length())


class _StoredNodes:
    """The stored nodes of each level, read in the order in which entries close them."""

    def __init__(self, connection: Connection) -> None:
        levels = connection.scalars(select(tables.nodes.c.level).distinct().order_by(tables.nodes.c.level))
        self._levels = {level: _stream(connection, _nodes_of(level)) for level in levels.all()}
        for level in self._levels:
            if level not in _LEVELS:
                raise DamageError(f"node of level {level}: surplus")  # 5

    def expect(self, level: int, index: int, computed: bytes) -> None:
        """Read the next node of the level, which must be this one."""
        found, stored = next(self._levels.get(level, iter(())), (None, None))
        if found is not None and found < index:
            raise DamageError(f"{_name(level, found)}: surplus")  # 5
        if found != index:
            raise DamageError(f"{_name(level, index)}: missing")
        if stored != computed:
            raise DamageError(f"{_name(level, index)}: not the hash of what it covers")

    def expect_end(self, size: int) -> None:
        """Check that no level has another node after `size` entries."""
        for level, rows in self._levels.items():
            for found, _ in rows:
                if level == 0 and found >= size:
                    raise DamageError(f"entry {size}: missing, but entry {found} has a leaf hash")  # 1
                raise DamageError(f"{_name(level, found)}: surplus")  # 5


_ENTRIES = select(tables.entries.c["index"], tables.entries.c.id, tables.entries.c.data).order_by(
    tables.entries.c["index"]
)


def _nodes_of(level: int) -> Executable:
    nodes = tables.nodes.c
    return select(nodes["index"], nodes.hash).where(nodes.level == level).order_by(nodes["index"])


def _stream(connection: Connection, rows: Executable) -> Iterator[Any]:
    return iter(connection.execute(rows))  # SQLite hands out row by row, so memory stays small


def _name(level: int, index: int) -> str:
    if level == 0:
        return f"the leaf hash of entry {index}"
    first, last = index << level, ((index + 1) << level) - 1
    return f"node ({level}, {index}) over entries {first} to {last}"
