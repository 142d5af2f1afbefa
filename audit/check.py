"""Reads a whole log again, in its database, and recomputes it: `veilmart audit fsck`.

The numbers stand again at the lines that do it:

 1. the entries are numbered 0, 1, 2, … without a gap, as many as the head says;
 2. every entry's bytes are the canonical form of an entry, filed under its own id and contract;
 3. every entry keeps to the rules of `audit.replay`, and is signed by its node;
 4. every tile, complete or not, holds the hashes that follow from the entries, and there is no other;
 5. every node's last counter is the one stored, and there is no other;
 6. the head's edge and its checkpoint are those of the tree, and the log has signed it; the checkpoints that were
    shown to witnesses are of this tree too;
 7. the database agrees with itself (SQLite's integrity check: indices, pages, types), and holds no trigger, which
    could drop or change what is appended.

What this cannot find is a log that was rewritten or cut off as a whole, with the log's own key: it is compared
with a checkpoint that a witness or somebody else outside has kept.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.exc import DBAPIError

from audit import checkpoint, note, tables
from audit.batch import split
from audit.checkpoint import Checkpoint
from audit.entry import Entry, parse, verify_signature
from audit.errors import DamageError, FormatError, ProofError, SignatureError, TamperingError
from audit.merkle import Frontier, leaf_hash, root
from audit.note import VerifierKey
from audit.policy import Operator
from audit.replay import Replay
from audit.tile import FULL_WIDTH, HEIGHT, Tile, TileNodes, split_hashes


def check(
    connection: Connection,
    log: VerifierKey,
    party: str,
    operator: Operator | None = None,
    progress: Callable[[int], None] = lambda _entries: None,
) -> Checkpoint:
    """The log's checkpoint, everything under which was recomputed, in one pass and little memory.

    `log` is the log's key, `party` who runs it, `operator` who admits parties, if that is known; `progress` gets
    the number of entries that are done. Raises DamageError naming the first bad index and what is wrong there. The
    connection's transaction is the snapshot that is checked.
    """
    frontier = Frontier()
    try:
        _check_entries(connection, frontier, Replay(party, log.public_key, operator), progress)
        made = _check_heads(connection, frontier, log)
        _check_database(connection)
    except DBAPIError as error:
        raise DamageError(
            f"entry {frontier.size} or one next to it: cannot be read: {error.orig}", frontier.size
        ) from error
    return made


def _check_entries(
    connection: Connection, frontier: Frontier, replay: Replay, progress: Callable[[int], None]
) -> None:
    expected = _Tiles(connection)
    for index, entry_id, contract, data in _stream(connection, _ENTRIES):
        if index < frontier.size:
            raise DamageError(f"entry {index}: surplus", index)  # 1
        if index > frontier.size:
            raise DamageError(f"entry {frontier.size}: missing", frontier.size)  # 1
        entry = _read(index, data)
        if (entry.id, entry.contract) != (entry_id, contract):
            raise DamageError(f"entry {index}: filed under the id or contract of another entry", index)  # 2
        try:
            verify_signature(entry, replay.take(index, entry))  # 3
        except TamperingError as error:
            raise DamageError(str(error), index) from error
        except SignatureError as error:
            raise DamageError(f"entry {index}: {error}", index) from error
        for level, position, node in frontier.append(leaf_hash(data)):
            if level % HEIGHT == 0:
                expected.take(level // HEIGHT, position, node)  # 4
        progress(frontier.size)
    size = connection.scalars(select(tables.head.c.size)).one()
    if size != frontier.size:
        first = min(size, frontier.size)
        raise DamageError(f"entry {first}: missing or surplus; the head says {size}", first)  # 1
    expected.end()  # 4
    _check_counters(connection, replay)  # 5


def _check_counters(connection: Connection, replay: Replay) -> None:
    rows = connection.execute(select(tables.streams))
    stored = {(node, contract or None): counter for node, contract, counter in rows}
    if wrong := sorted(f"{node} {contract}" for (node, contract), _ in stored.items() ^ replay.counters.items()):
        raise DamageError(f"the last counter of {wrong[0]} is not stored as it is")


def _read(index: int, data: bytes) -> Entry:
    try:
        return parse(data)
    except FormatError as error:
        raise DamageError(f"entry {index}: {error}", index) from error  # 2


class _Tiles:
    """The stored tiles, compared with the hashes that entries give in the order in which they give them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open: dict[int, tuple[int, bytearray]] = {}
        self._count = 0

    def take(self, level: int, position: int, node: bytes) -> None:
        """Take the next hash of a level; compare its tile once that is full."""
        index, offset = divmod(position, FULL_WIDTH)
        if offset == 0:
            self._open[level] = index, bytearray()
        self._open[level][1].extend(node)
        if offset == FULL_WIDTH - 1:
            self._compare(level)

    def end(self) -> None:
        """Compare the last tile of each level, and see that there are no others."""
        for level in sorted(self._open):
            self._compare(level)
        tiles = tables.tiles.c
        for count, (level, index) in enumerate(self._connection.execute(select(tiles.level, tiles["index"])), 1):
            if count > self._count:
                raise DamageError(
                    f"there are more tiles than the entries fill, tile ({level}, {index}) among them"
                )

    def _compare(self, level: int) -> None:
        index, hashes = self._open.pop(level)
        self._count += 1
        tiles = tables.tiles.c
        stored = self._connection.scalar(select(tiles.hashes).where(tiles.level == level, tiles["index"] == index))
        if stored == bytes(hashes):
            return
        first = index * FULL_WIDTH << (HEIGHT * level)
        path = Tile(level, index, len(hashes) // 32).path
        problem = "missing" if stored is None else "not the hashes of what it covers"
        raise DamageError(f"{path}, from entry {first} on: {problem}", first)


def _check_heads(connection: Connection, frontier: Frontier, log: VerifierKey) -> Checkpoint:
    head = connection.execute(select(tables.head)).one()
    made = _signed(head.checkpoint, log, "the head")
    if split(head.edge) != frontier.edge or (made.size, made.root) != (frontier.size, frontier.root()):  # 6
        raise DamageError("the head is not that of the tree over the entries", frontier.size)
    for stage, size, stored in connection.execute(select(tables.cosigned)):
        shown = _signed(stored, log, f"the {stage} checkpoint")
        if (shown.size, shown.root) != (size, _root(connection, frontier.size, shown.size)):  # 6
            raise DamageError(f"the {stage} checkpoint is not of this log", min(shown.size, frontier.size))
    return made


def _root(connection: Connection, present: int, size: int) -> bytes | None:
    tiles = tables.tiles.c

    def read(tile: Tile) -> list[bytes]:
        stored = connection.scalar(
            select(tiles.hashes).where(tiles.level == tile.level, tiles["index"] == tile.index)
        )
        return split_hashes((stored or b"")[: tile.width * 32], tile.width)

    return root(size, TileNodes(read, size)) if size <= present else None


def _signed(stored: bytes, log: VerifierKey, name: str) -> Checkpoint:
    try:
        made = checkpoint.parse(stored)
        is_signed = made.origin == log.name and bool(note.verify(made.note, [log]))
    except (FormatError, SignatureError, ProofError) as error:
        raise DamageError(f"{name} cannot be read: {error}") from error
    if not is_signed:
        raise DamageError(f"{name} is not signed by {log.name}")
    return made


def _check_database(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        report = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        if report != ["ok"]:  # 7
            raise DamageError(f"the database file is damaged: {report[0]}")
        triggers = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"
    else:
        triggers = "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"
    if connection.exec_driver_sql(triggers).scalar_one():  # 7
        raise DamageError("the database holds a trigger, which nobody may put there")


_ENTRIES = select(
    tables.entries.c["index"], tables.entries.c.id, tables.entries.c.contract, tables.entries.c.data
).order_by(tables.entries.c["index"])


def _stream(connection: Connection, rows: Select[Any]) -> Iterator[Any]:
    # Row by row from SQLite; PostgreSQL hands them out in portions, so memory stays small.
    return iter(connection.execute(rows.execution_options(yield_per=1000)))
