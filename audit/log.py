"""The append-only log in one SQLite file, shared by any number of threads and processes.

    append:  encode → BEGIN IMMEDIATE → id known? its index : next index, with the nodes it closes → COMMIT

The write lock makes one sequence of all writers; the commit's fsync makes it last. Each read sees one
snapshot and waits for nobody.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from audit import check, merkle, tables
from audit.database import reader
from audit.entry import Entry, encode, parse
from audit.errors import DamageError, FormatError, LogError, ProofError

_IDS_PER_QUERY = 1000  # below SQLite's limit of 32,766 parameters
_ENTRIES_PER_READ = 256  # at most 16 MiB in memory, as in an entry bundle of C2SP tlog-tiles

_entries, _nodes = tables.entries.c, tables.nodes.c
_COUNTS = select(
    select(func.coalesce(func.max(_entries["index"]) + 1, 0)).scalar_subquery(),
    select(func.coalesce(func.max(_nodes["index"]) + 1, 0)).where(_nodes.level == 0).scalar_subquery(),
)
_NODE = select(_nodes.hash).where(_nodes.level == bindparam("level"), _nodes["index"] == bindparam("index"))
_RANGE = (
    select(_entries["index"], _entries.data)
    .where(_entries["index"] >= bindparam("start"), _entries["index"] < bindparam("stop"))
    .order_by(_entries["index"])
)
_KNOWN = select(_entries.id, _entries["index"], _entries.data).where(
    _entries.id.in_(bindparam("ids", expanding=True))
)


class Log:
    """A log over an engine of `audit.database.open_engine`; makes its tables if the file has none.

    Every method raises LogError if the database fails, and DamageError, which is one, if it is seen to be damaged;
    only `check` looks for damage.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = reader(engine)
        self._failure: str | None = None
        with self.transaction() as connection:
            tables.metadata.create_all(connection)

    # --- writing --------------------------------------------------------------------------------------------

    def append(self, entry: Entry) -> int:
        """Append an event and return its index, once it is durable; see `append_many`."""
        return self.append_many([entry])[0]

    def append_many(self, entries: Iterable[Entry]) -> list[int]:
        """Append events in one transaction and return their indices, once all of them are durable.

        An entry that is in the log already keeps its index, so a caller who does not know whether an append
        succeeded repeats it. Raises LogError, and appends none, if an id is taken by another event or the
        database fails. After a failed write or fsync this object appends nothing more: what the kernel kept
        of the failed write is unknown, so the process has to end and the file has to be checked.
        """
        records = [(entry.id, encode(entry)) for entry in entries]
        with self.transaction() as connection:
            return _append(connection, records)

    def append_within(self, connection: Connection, entry: Entry) -> int:
        """Append an event in a `transaction` of this log and return its index: durable if that commits.

        Raises LogError if the id is taken by another event.
        """
        (index,) = _append(connection, [(entry.id, encode(entry))])
        return index

    # --- reading --------------------------------------------------------------------------------------------

    def size(self) -> int:
        """The number of entries."""
        with self.snapshot() as connection:
            return _size(connection)

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` entries, or over all. Raises ProofError if there are fewer."""
        with self.snapshot() as connection:
            size = _size(connection) if size is None else _reached(connection, size)
            return merkle.root(size, _stored(connection))

    def entry(self, index: int) -> Entry:
        """The entry at an index. Raises IndexError if there is none."""
        (entry,) = self.entries(index, index + 1)
        return entry

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """The entries from `start` up to, not including, `stop` (or the present size), read as they are used.

        Raises IndexError unless 0 ≤ start ≤ stop ≤ size.
        """
        size = self.size()
        stop = size if stop is None else stop
        if not 0 <= start <= stop <= size:
            raise IndexError(f"the log has {size} entries, and no range {start} to {stop}")
        return self._read(start, stop)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """The hashes from leaf `index` to the root at `size`, for `merkle.verify_inclusion`.

        Raises ProofError if the log has not reached that size, or no such leaf lies below it.
        """
        with self.snapshot() as connection:
            return merkle.inclusion_proof(index, _reached(connection, size), _stored(connection))

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """The hashes that show size `old` to be a prefix of `new`, for `merkle.verify_consistency`.

        Raises ProofError unless 0 ≤ old ≤ new ≤ size.
        """
        with self.snapshot() as connection:
            return merkle.consistency_proof(old, _reached(connection, new), _stored(connection))

    def check(self) -> tuple[int, bytes]:
        """Read everything again, see `audit.check`, and return the size and the recomputed root.

        Raises DamageError naming the first bad index and what is wrong there.
        """
        with self.snapshot() as connection:
            return check.check(connection)

    # --- state ----------------------------------------------------------------------------------------------

    @property
    def has_stopped(self) -> bool:
        """Whether a failed write has stopped this object: its process has to end."""
        return self._failure is not None

    # --- transactions ---------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """The write transaction, for callers whose own tables in this file change with the log or not at all.

        Commits at the end of the block, durably; rolls back if the block raises. Of SQLAlchemy's errors it makes
        LogError; after a failed write or fsync it opens no more, as in `append_many`.
        """
        if self._failure:
            raise LogError(f"the log stopped after a failed write: {self._failure}")
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            cause = _cause(error)
            if getattr(cause, "sqlite_errorname", "").startswith("SQLITE_IOERR"):
                self._failure = str(cause)
            raise LogError(f"the log cannot be written: {cause}") from error

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction that only reads: it sees one moment of the file and blocks no writer."""
        try:
            with self._reader.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise LogError(f"the log cannot be read: {_cause(error)}") from error

    def _read(self, start: int, stop: int) -> Iterator[Entry]:
        # A transaction per piece: a caller who stops half way leaves no snapshot open, which would keep the
        # write-ahead log from being folded back. What is appended never changes, so the pieces fit together.
        for first in range(start, stop, _ENTRIES_PER_READ):
            piece = range(first, min(first + _ENTRIES_PER_READ, stop))
            with self.snapshot() as connection:
                rows = connection.execute(_RANGE, {"start": piece.start, "stop": piece.stop}).all()
            found = dict(rows)
            for index in piece:
                if index not in found:
                    raise DamageError(f"entry {index}: missing")
                yield parse_stored(index, found[index])


def parse_stored(index: int, data: bytes) -> Entry:
    """The entry of these bytes, read from the log at this index. Raises DamageError if they are none."""
    try:
        return parse(data)
    except FormatError as error:
        raise DamageError(f"entry {index}: {error}") from error


def _cause(error: SQLAlchemyError) -> BaseException:
    """SQLite's own error where there is one: SQLAlchemy's message would carry the statement and its data."""
    return getattr(error, "orig", None) or error


def _append(connection: Connection, records: Sequence[tuple[str, bytes]]) -> list[int]:
    known = _known(connection, [entry_id for entry_id, _ in records])
    size = _size(connection)
    stored = _stored(connection)
    new_nodes: dict[tuple[int, int], bytes] = {}
    new_entries: list[dict[str, Any]] = []
    indices = []

    def nodes(level: int, index: int) -> bytes:
        return new_nodes.get((level, index)) or stored(level, index)

    for entry_id, data in records:
        if entry_id not in known:
            index = size + len(new_entries)
            new_entries.append({"index": index, "id": entry_id, "data": data})
            for level, position, subtree in merkle.closed_by(index, merkle.leaf_hash(data), nodes):
                new_nodes[level, position] = subtree
            known[entry_id] = index, data
        index, recorded = known[entry_id]
        if recorded != data:
            raise LogError(f"the id {entry_id} is taken by another event, entry {index}")
        indices.append(index)
    if new_entries:
        connection.execute(insert(tables.entries), new_entries)
        connection.execute(
            insert(tables.nodes),
            [{"level": level, "index": index, "hash": subtree} for (level, index), subtree in new_nodes.items()],
        )
        if _size(connection) != size + len(new_entries):
            # A trigger in the file can swallow an insert; nothing may be acknowledged that is not there.
            raise LogError("the entries were not stored; the file was tampered with: check it")
    return indices


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
    """Index and bytes of those entries that are in the log already, by id."""
    known = {}
    for first in range(0, len(ids), _IDS_PER_QUERY):
        for entry_id, index, data in connection.execute(_KNOWN, {"ids": ids[first : first + _IDS_PER_QUERY]}):
            known[entry_id] = index, data
    return known


def _size(connection: Connection) -> int:
    entries: int
    leaves: int
    entries, leaves = connection.execute(_COUNTS).one()
    if entries != leaves:
        raise DamageError(f"the log ends with entry {entries - 1} but with the leaf hash of entry {leaves - 1}")
    return entries


def _reached(connection: Connection, size: int) -> int:
    """`size` itself, if the log has reached it; merkle judges the rest of its value."""
    present = _size(connection)
    if size > present:
        raise ProofError(f"the log has {present} entries, not yet {size}")
    return size


def _stored(connection: Connection) -> merkle.Nodes:
    """Reads the stored nodes."""

    def node(level: int, index: int) -> bytes:
        subtree: bytes | None = connection.scalar(_NODE, {"level": level, "index": index})
        if subtree is None:
            raise DamageError(f"node ({level}, {index}) is missing")
        return subtree

    return node
