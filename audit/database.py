"""The SQLite file under a log: a commit that has returned survives a crash and a power cut.

What is deleted is overwritten with zeros: in the file once the write-ahead log is folded back into it, and in the
write-ahead log, which still has it until then, by `truncate_wal`.
"""

import sqlite3
import time
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

from audit.errors import LogError

BUSY_TIMEOUT = 30.0  # seconds that a writer waits for another process's transaction


def open_engine(url_or_path: str | Path) -> Engine:
    """An engine for the SQLite file at this path or `sqlite:///` URL; the file is made at first use.

    Every transaction of the engine is BEGIN IMMEDIATE: it takes the write lock at its start, so that what it
    reads is still true when it writes, in whichever process. Transactions of `reader(engine)` take none.
    Dispose of the engine when done, and do not carry it across a fork. Raises LogError for other databases.
    """
    text = str(url_or_path)
    url = make_url(text) if "://" in text else URL.create("sqlite", database=text)
    if url.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise LogError(f"a log lives in SQLite, not in {url.drivername}")
    # No isolation level: the driver must not begin a transaction by itself, as it otherwise does before some
    # statements and not before others.
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT, "isolation_level": None})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def reader(engine: Engine) -> Engine:
    """The same engine for transactions that only read: each sees one snapshot and blocks no writer."""
    return engine.execution_options(sqlite_begin="DEFERRED")


def truncate_wal(engine: Engine) -> bool:
    """Fold the write-ahead log back into the file and empty it; give whether that could be done at once.

    It cannot while another connection reads or writes: nobody is waited for, so do it again later.
    """
    pooled = engine.raw_connection()  # without a transaction, in which SQLite could not
    try:
        cursor = pooled.cursor()
        try:
            cursor.execute("PRAGMA busy_timeout = 0")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
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
    mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {mode}")
