"""The append-only log in a database, SQLite or PostgreSQL, shared by any number of threads and processes.

    append:  encode → write lock → id known? its index : next index, its counter the next of its node
             → entries, tiles, signed checkpoint → COMMIT

The database's write lock makes one sequence of all writers; the commit's fsync makes it last, checkpoint included.
Each read sees one snapshot and waits for nobody.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection, Engine, bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from audit import checkpoint, database, merkle
from audit.checkpoint import Checkpoint
from audit.database import reader
from audit.entry import Entry, parse
from audit.errors import DamageError, FormatError, LogError, ProofError, SignatureError
from audit.note import VerifierKey
from audit.receipt import Receipt
from audit.storage import head as heads
from audit.storage import tables
from audit.storage.batch import Batch, Signer
from audit.storage.group import Group
from audit.storage.head import Head
from audit.tile import Tile, TileNodes, split_hashes

T = TypeVar("T")

_ENTRIES_PER_READ = 256  # an entry bundle of C2SP tlog-tiles, at most 16 MiB in memory

_FAILURES = (
    SQLAlchemyError,
    UnicodeDecodeError,
)  # the latter where a damaged SQLite file's name for a thing is none
_entries, _tiles = tables.entries.c, tables.tiles.c
_RANGE = (
    select(_entries["index"], _entries.data)
    .where(_entries["index"] >= bindparam("start"), _entries["index"] < bindparam("stop"))
    .order_by(_entries["index"])
)
_CHECKPOINT, _SIZE = select(tables.head.c.checkpoint), select(tables.head.c.size)
_TILE = select(_tiles.hashes).where(_tiles.level == bindparam("level"), _tiles["index"] == bindparam("index"))


class Log:
    """A log over an engine of `audit.database.open_engine`; makes its tables if the database has none.

    Making one over the log of another origin or key raises LogError: of two writers one loses, and says so.
    Every method raises LogError if the database fails, and DamageError, which is one, if it is seen to be damaged;
    only `audit.storage.check` looks for damage.
    """

    def __init__(self, engine: Engine, signer: Signer) -> None:
        self._engine, self._reader, self._signer = engine, reader(engine), signer
        self._aside = database.aside(engine)
        self._failure: str | None = None
        self._group, self._fold = Group(self.transaction), database.Fold(engine)
        with self._writing(engine) as connection:
            tables.metadata.create_all(connection)
            connection.execute(database.insert(connection, tables.head).on_conflict_do_nothing(), self._empty())
            self._require_own(heads.load(connection))

    # --- writing --------------------------------------------------------------------------------------------

    def append(self, entry: Entry) -> int:
        """Append an entry and return its index, once it is durable; see `append_many`."""
        return self.append_many([entry])[0]

    def append_many(self, entries: Iterable[Entry]) -> list[int]:
        """Append entries, all or none, and return their indices, once all of them are durable.

        An entry that is in the log already keeps its index, so a caller who does not know whether an append
        succeeded repeats it. Callers who come together share one transaction. Raises IdTakenError and
        CounterError, as `audit.storage.batch.Batch.add` does, and LogError if the database fails. After a failed
        write or fsync this object appends nothing more: what the kernel kept of the failed write is unknown, so
        the process has to end and the database has to be checked.
        """
        wanted = list(entries)

        def add(batch: Batch) -> list[int]:
            batch.look_up(wanted)
            return [batch.add(entry) for entry in wanted]

        return self.grouped(add)

    def grouped(self, work: Callable[[Batch], T]) -> T:
        """Run `work` in a transaction shared with those who come at the same time: see `Group.run`."""
        return self._group.run(work)

    @contextmanager
    def transaction(self) -> Iterator[Batch]:
        """A write transaction, for callers whose own tables in this database change with the log or not at all.

        Commits at the end of the block, durably; rolls back if the block raises. Of SQLAlchemy's errors it makes
        LogError; after a failed write or fsync it opens no more, as in `append_many`.
        """
        with self._writing(self._engine) as connection:
            batch = Batch(connection, self._signer)
            yield batch
            batch.seal()

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """A write transaction beside the log, for rows that nobody else writes and that a power cut may take back.

        In PostgreSQL it waits for no other writer. Errors are those of `transaction`.
        """
        with self._writing(self._aside) as connection:
            yield connection

    def halt(self, reason: str) -> None:
        """Sign nothing any more, in whichever process: the log would contradict what others have seen of it."""
        with self._writing(self._engine) as connection:
            head = heads.load(connection)
            if head.halted is None:
                connection.execute(update(tables.head).values(replace(head, halted=reason).row))

    # --- reading --------------------------------------------------------------------------------------------

    def size(self) -> int:
        """The number of entries."""
        with self.snapshot() as connection:
            return size_of(connection)

    def checkpoint(self) -> Checkpoint:
        """The checkpoint over all entries, as the log signed it with the last of them."""
        with self.snapshot() as connection:
            return checkpoint.parse(connection.scalars(_CHECKPOINT).one())

    def candidate(self) -> Checkpoint:
        """The checkpoint shown to witnesses, with the cosignatures so far; the latest before there is one."""
        return self._cosigned("candidate") or self.checkpoint()

    def published(self) -> Checkpoint:
        """The newest checkpoint that has a quorum of witnesses; the latest before there is one."""
        return self._cosigned("published") or self.checkpoint()

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` entries, or over all. Raises ProofError if there are fewer."""
        with self.snapshot() as connection:
            return root_of(connection, size_of(connection) if size is None else size)

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
        return (parse_stored(index, data) for index, data in self._read(start, stop))

    def entries_of(self, contract: str, after: int = -1, limit: int | None = None) -> list[tuple[int, Entry]]:
        """The entries about a contract behind an index, `limit` at most, in the order of the log."""
        found = select(_entries["index"], _entries.data).where(
            _entries.contract == contract, _entries["index"] > after
        )
        with self.snapshot() as connection:
            rows = connection.execute(found.order_by(_entries["index"]).limit(limit)).all()
        return [(index, parse_stored(index, data)) for index, data in rows]

    def bundle(self, start: int, stop: int) -> list[bytes]:
        """The bytes of the entries from `start` up to, not including, `stop`. Raises IndexError for fewer."""
        if not 0 <= start <= stop <= self.size():
            raise IndexError(f"the log has no entries {start} to {stop - 1}")
        return [data for _, data in self._read(start, stop)]

    def tile(self, tile: Tile) -> bytes:
        """The hashes of a tile, 32 bytes each. Raises IndexError if the log has not so many."""
        with self.snapshot() as connection:
            return _tile(connection, tile)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """The hashes from leaf `index` to the root at `size`, for `merkle.verify_inclusion`.

        Raises ProofError if the log has not reached that size, or no such leaf lies below it.
        """
        with self.snapshot() as connection:
            return merkle.inclusion_proof(index, size, _nodes(connection, _reached(connection, size)))

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """The hashes that show size `old` to be a prefix of `new`, for `merkle.verify_consistency`.

        Raises ProofError unless 0 ≤ old ≤ new ≤ size.
        """
        with self.snapshot() as connection:
            return merkle.consistency_proof(old, new, _nodes(connection, _reached(connection, new)))

    def receipt(self, index: int, under: Checkpoint | None = None) -> Receipt:
        """The receipt of an entry under a checkpoint of this log, or under its latest one.

        Raises ProofError if the checkpoint does not cover the entry.
        """
        checkpoint = under or self.checkpoint()
        return Receipt(index, tuple(self.inclusion_proof(index, checkpoint.size)), checkpoint)

    # --- state ----------------------------------------------------------------------------------------------

    @property
    def has_stopped(self) -> bool:
        """Whether a failed write has stopped this object: its process has to end."""
        return self._failure is not None

    # --- transactions ---------------------------------------------------------------------------------------

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction that only reads: it sees one moment of the database and blocks no writer."""
        try:
            with self._reader.begin() as connection:
                yield connection
        except _FAILURES as error:
            raise LogError(f"the log cannot be read: {_cause(error)}") from error

    @contextmanager
    def _writing(self, engine: Engine) -> Iterator[Connection]:
        if self._failure:
            raise LogError(f"the log stopped after a failed write: {self._failure}")
        try:
            with engine.begin() as connection, self._fold.counting(connection):
                yield connection
        except _FAILURES as error:
            cause = _cause(error)
            self._note(cause)
            raise LogError(f"the log cannot be written: {cause}") from error
        try:
            self._fold.fold_if_due()
        except sqlite3.Error as error:  # the transaction is durable; nothing more may be written behind it
            self._note(error)

    def _note(self, cause: BaseException) -> None:
        if getattr(cause, "sqlite_errorname", "").startswith("SQLITE_IOERR"):
            self._failure = str(cause)

    def _cosigned(self, stage: str) -> Checkpoint | None:
        with self.snapshot() as connection:
            found = select(tables.cosigned.c.checkpoint).where(tables.cosigned.c.stage == stage)
            stored: bytes | None = connection.scalar(found)
        return None if stored is None else checkpoint.parse(stored)

    def _empty(self) -> dict[str, object]:
        signed = checkpoint.signed(self._signer.origin, 0, merkle.EMPTY_ROOT, self._signer.key)
        return {"id": 0, **Head(0, b"", signed, self._signer.clock()).row}

    def _require_own(self, head: Head) -> None:
        own = VerifierKey.of(self._signer.origin, self._signer.key)
        try:
            checkpoint.parse_signed(head.checkpoint, own)
        except (FormatError, SignatureError) as error:
            raise LogError(f"the database holds the log of another: {error}; give this one its own") from error

    def _read(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        # A transaction per piece: a caller who stops half way leaves no snapshot open, which would keep the
        # write-ahead log from being folded back. What is appended never changes, so the pieces fit together.
        for first in range(start, stop, _ENTRIES_PER_READ):
            piece = range(first, min(first + _ENTRIES_PER_READ, stop))
            with self.snapshot() as connection:
                rows = connection.execute(_RANGE, {"start": piece.start, "stop": piece.stop}).all()
            found = dict(rows)
            for index in piece:
                if index not in found:
                    raise DamageError(f"entry {index}: missing", index)
                yield index, found[index]


def parse_stored(index: int, data: bytes) -> Entry:
    """The entry of these bytes, read from the log at this index. Raises DamageError if they are none."""
    try:
        return parse(data)
    except FormatError as error:
        raise DamageError(f"entry {index}: {error}", index) from error


def size_of(connection: Connection) -> int:
    """The number of entries that the log has in this transaction."""
    size: int = connection.scalars(_SIZE).one()
    return size


def root_of(connection: Connection, size: int) -> bytes:
    """The root over the first `size` entries in this transaction. Raises ProofError if there are fewer."""
    return merkle.root(_reached(connection, size), _nodes(connection, size))


def _cause(error: Exception) -> Exception:
    """The database's own error where there is one: SQLAlchemy's message would carry the statement and its data."""
    return getattr(error, "orig", None) or error


def _reached(connection: Connection, size: int) -> int:
    """`size` itself, if the log has reached it."""
    present = size_of(connection)
    if type(size) is not int or size < 0:  # bool is an int, and no size
        raise ProofError(f"{size} is no size of a log")
    if size > present:
        raise ProofError(f"the log has {present} entries, not yet {size}")
    return size


def _tile(connection: Connection, tile: Tile) -> bytes:
    stored: bytes | None = connection.scalar(_TILE, {"level": tile.level, "index": tile.index})
    asked = tile.width * merkle.HASH_SIZE
    if stored is None or len(stored) < asked:
        raise IndexError(f"the log has no {tile.path}")
    return stored[:asked]


def _nodes(connection: Connection, size: int) -> merkle.Nodes:
    """Reads the complete subtrees of the first `size` entries from their tiles."""

    def read(tile: Tile) -> Sequence[bytes]:
        try:
            return split_hashes(_tile(connection, tile), tile.width)
        except IndexError as error:
            raise DamageError(f"{tile.path}: missing", tile.index) from error

    return TileNodes(read, size)
