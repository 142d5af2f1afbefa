"""The database under a log, SQLite or PostgreSQL: a commit that has returned survives a crash and a power cut.

Writers come one after the other, in whichever process: in SQLite by the file's write lock, in PostgreSQL by an
advisory lock. In SQLite what is deleted is overwritten with zeros: in the file once the write-ahead log is folded
back into it, and in the write-ahead log, which still has it until then, by `truncate_wal`.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

from audit.errors import LogError

BUSY_TIMEOUT = 30.0  # seconds that a writer waits for another process's transaction
FOLDED_AFTER = 2000  # rows written, some 10 MiB of SQLite's write-ahead log
_READS = "veilmart_only_reads"  # the option of a connection that takes no lock
_ASIDE = "veilmart_aside"  # the option of one that writes what may be lost
_FSYNC = "SHOW fsync"
_DURABLE = "SELECT set_config('lock_timeout', '{}', true), set_config('synchronous_commit', 'on', true)"
_WRITERS = 0x7665696C6D617274  # "veilmart": the advisory lock, one for each PostgreSQL database


def open_engine(url_or_path: str | Path) -> Engine:
    """An engine for the SQLite file at this path or `sqlite:///` URL, made at first use, or a `postgresql://` URL.

    Every transaction of the engine takes the write lock at its start, so that what it reads is still true when it
    writes, in whichever process. Transactions of `reader(engine)` take none. Dispose of the engine when done, and
    do not carry it across a fork. Raises LogError for other databases.
    """
    text = str(url_or_path)
    url = make_url(text) if "://" in text else URL.create("sqlite", database=text)
    match url.get_backend_name():
        case "sqlite":
            return _open_sqlite(url)
        case "postgresql":
            return _open_postgresql(url)
    raise LogError(f"a log lives in SQLite or PostgreSQL, not in {url.drivername}")


def _open_sqlite(url: URL) -> Engine:
    # No isolation level: the driver must not begin a transaction by itself, as it otherwise does before some
    # statements and not before others.
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT, "isolation_level": None})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _open_postgresql(url: URL) -> Engine:
    # Not what the server's default may be: a writer sees what was written before its turn came.
    level = "READ COMMITTED"
    engine = create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, isolation_level=level)
    event.listen(engine, "connect", _require_fsync)
    event.listen(engine, "begin", _lock)
    return engine


def reader(engine: Engine) -> Engine:
    """The same engine for transactions that only read: each sees one snapshot and blocks no writer."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(**{_READS: True})
    return engine.execution_options(**{_READS: True}, isolation_level="REPEATABLE READ", postgresql_readonly=True)


def aside(engine: Engine) -> Engine:
    """The same engine for what may be lost: in PostgreSQL it waits for no other writer and for no disk."""
    return engine.execution_options(**{_ASIDE: True})


def insert(connection: Connection, table: Table) -> Any:  # noqa: ANN401 -- two dialects' classes, alike
    """An INSERT into the table that has `on_conflict_do_nothing` and `on_conflict_do_update`.

    Both databases write it alike; SQLAlchemy has it in each of its dialects.
    """
    return _insert(connection.dialect.name, table)


def put(connection: Connection, table: Table) -> Any:  # noqa: ANN401 -- as above
    """An INSERT into the table in place of the row with the same key, if there is one."""
    return _put(connection.dialect.name, table)


def _insert(dialect: str, table: Table) -> Any:  # noqa: ANN401 -- as above
    return (sqlite_insert if dialect == "sqlite" else postgresql_insert)(table)


@cache  # making a statement takes longer than SQLite needs to run it
def _put(dialect: str, table: Table) -> Any:  # noqa: ANN401 -- as above
    write = _insert(dialect, table)
    others = {column.name: write.excluded[column.name] for column in table.columns if not column.primary_key}
    return write.on_conflict_do_update(index_elements=list(table.primary_key), set_=others)


def truncate_wal(engine: Engine) -> bool:
    """Fold the write-ahead log back into the file and empty it; give whether that could be done at once.

    It cannot while another connection reads or writes: nobody is waited for, so do it again later. PostgreSQL
    looks after its own.
    """
    return engine.dialect.name != "sqlite" or _fold(engine, "TRUNCATE")


class Fold:
    """Folds SQLite's write-ahead log back into the file from time to time, in SQLite's place.

    SQLite would do that too, and not say that an fsync failed there: it would go on and try again. One for each
    engine; PostgreSQL looks after its own.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._is_sqlite = engine, engine.dialect.name == "sqlite"
        self._rows = 0

    @contextmanager
    def counting(self, connection: Connection) -> Iterator[None]:
        """Count the rows that a transaction writes."""
        if not self._is_sqlite:
            yield
            return
        driver = connection.connection.driver_connection
        if driver is None:
            raise LogError("the connection is closed")
        if connection.info.setdefault("folds itself", True):
            driver.execute("PRAGMA wal_autocheckpoint = 0")
            connection.info["folds itself"] = False
        before = driver.total_changes
        yield
        self._rows += driver.total_changes - before

    def fold_if_due(self) -> None:
        """Fold if enough was written since the last time; raises sqlite3.Error if the disk fails."""
        if self._rows >= FOLDED_AFTER:
            self._rows = 0
            _fold(self._engine, "PASSIVE")


def _fold(engine: Engine, mode: str) -> bool:
    pooled = engine.raw_connection()  # without a transaction, in which SQLite could not
    try:
        cursor = pooled.cursor()
        try:
            cursor.execute("PRAGMA busy_timeout = 0")
            cursor.execute(f"PRAGMA wal_checkpoint({mode})")
            (busy, _, _) = cursor.fetchall()[0]
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
            cursor.close()
    finally:
        pooled.close()  # back into the pool
    return not busy


def _configure(connection: DBAPIConnection, _record: object) -> None:
    try:
        cursor = connection.cursor()
        _keep_write_ahead_log(cursor)
        cursor.execute("PRAGMA synchronous = FULL")  # fsync of the write-ahead log in every commit
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten, not only forgotten
        cursor.close()
    except BaseException:
        connection.close()  # the pool has not taken it over yet
        raise


def _keep_write_ahead_log(cursor: DBAPICursor) -> None:
    """Switch the file to write-ahead logging, which it then stays in.

    SQLite does not wait for the lock that the switch needs, so processes that make a file together would fail:
    wait here as SQLite would.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    mode = cursor.fetchall()[0][0]
    if mode != "wal":
        raise LogError(f"this SQLite database keeps no write-ahead log (its journal mode is {mode})")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN DEFERRED" if _only_reads(connection) else "BEGIN IMMEDIATE")


def _require_fsync(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(_FSYNC)
    answer = cursor.fetchone()
    connection.rollback()
    if answer != ("on",):
        connection.close()
        raise LogError("this PostgreSQL server forgets commits in a power cut: set its fsync to on")


def _lock(connection: Connection) -> None:
    if connection.get_execution_options().get(_ASIDE):
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
    elif not _only_reads(connection):
        # Whatever the server's defaults are; in one round trip.
        connection.exec_driver_sql(_DURABLE.format(int(BUSY_TIMEOUT * 1000)))
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def _only_reads(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get(_READS))
