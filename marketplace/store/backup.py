"""Writes all that a marketplace's database holds into a file, while it serves: one moment of it, in one snapshot.

The same file comes from SQLite and from PostgreSQL and goes into either: rows, and no database's own format, so
no program of the database's is needed. Keep it as the database is kept: it holds what that does, secrets too.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from sqlalchemy import Connection, MetaData, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from audit.database import open_engine, reader
from audit.storage.tables import head
from audit.storage.tables import metadata as log_metadata
from marketplace.errors import BackupError
from marketplace.store import revision, schema
from marketplace.store.backup_file import Header, TableHeader, Writer

ROWS_AT_ONCE = 500

Progress = Callable[[int, int], None]
"""Told how many rows are done, and of how many."""


class Written(NamedTuple):
    """What a backup is of, and the SHA-256 of what it holds, in hex."""

    header: Header
    digest: str


def write(
    store: Path | str, origin: str, path: Path, now: int, progress: Progress = lambda _done, _total: None
) -> Written:
    """Write a new file at this path, durably, this user's alone; `origin` is the log's name, `now` in ms, UTC.

    Raises `BackupError` for a file that is there, one that cannot be written, and a database that holds no
    marketplace or fails.
    """
    if isinstance(store, Path) and not store.is_file():
        raise BackupError(f"{store}: no such file; name the marketplace's database")
    engine = open_engine(store)
    try:
        with reader(engine).begin() as connection, _new_file(path) as file:
            return _write(connection, origin, file, now, progress)
    except SQLAlchemyError as error:
        raise BackupError(f"the database cannot be read: {getattr(error, 'orig', None) or error}") from error
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror or error}; name a new file, where there is room") from error
    finally:
        engine.dispose()


def _write(connection: Connection, origin: str, file: IO[bytes], now: int, progress: Progress) -> Written:
    found = revision.present(connection)
    if found is None:
        raise BackupError("the database holds no marketplace; name the one that the marketplace serves from")
    tables = held(connection, found)
    counts = [connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]
    told = tuple(
        TableHeader(str(table.name), tuple(map(str, table.columns.keys())), rows)
        for table, rows in zip(tables, counts, strict=True)
    )
    header = Header(found, origin, connection.scalar(select(head.c.size)) or 0, now, told)
    writer, done, total = Writer(file, header), 0, sum(counts)
    for number, table in enumerate(tables):
        rows = select(table).order_by(*table.primary_key).execution_options(yield_per=ROWS_AT_ONCE)
        for some in connection.execute(rows).partitions():
            writer.add(number, [tuple(row) for row in some])
            done += len(some)
            progress(done, total)
    return Written(header, writer.end())


def held(connection: Connection, found: str) -> list[Table]:
    """Give the tables of the log and of the marketplace as the database has them, each before what refers to it.

    `found` is their revision. Other tables in the same database are left alone.
    """
    ours = {*log_metadata.tables, *schema.metadata.tables}
    there = MetaData()
    there.reflect(connection, resolve_fks=False)
    names = ours if found == revision.HEAD else {*there.tables} - {revision.versions.name}
    return [table for table in there.sorted_tables if table.name in names]


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file that is at the path once it is whole and durable; there must be none."""
    part = path.with_name(f"{path.name}.part")
    if path.exists():
        raise FileExistsError(None, "there is such a file already")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 -- a mode
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.link(part, path)  # not in the place of a file that has come meanwhile
        finally:
            part.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
