"""What is deleted is gone from the files, not only from the tables."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from audit.database import open_engine, reader, truncate_wal

SUBJECTS = secrets.token_bytes(64)
LONG = secrets.token_bytes(64) * 1000
"""More than a page, so that it lies in pages of its own, which deleting sets free."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    made = open_engine(path)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE jobs (id INTEGER PRIMARY KEY, subjects BLOB)"))
        connection.execute(text("INSERT INTO jobs VALUES (1, x'00'), (4, x'00')"))
    yield made
    made.dispose()


def run(engine: Engine, statement: str, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement), values)


def holds(path: Path, data: bytes) -> list[str]:
    """Which of the database's files hold these bytes."""
    return [
        suffix
        for suffix in ("", "-wal")
        if (file := path.with_name(path.name + suffix)).exists() and data in file.read_bytes()
    ]


@pytest.mark.parametrize("data", [SUBJECTS, LONG], ids=["in a page", "in pages of its own"])
@pytest.mark.parametrize(
    "end", ["DELETE FROM jobs WHERE id = 2", "UPDATE jobs SET subjects = NULL WHERE id = 2"], ids=["row", "value"]
)
def test_what_was_deleted_is_in_no_file(engine: Engine, path: Path, data: bytes, end: str) -> None:
    run(engine, "INSERT INTO jobs VALUES (2, :data), (3, x'00')", data=data)
    assert truncate_wal(engine)
    assert holds(path, data[:64]) == [""]
    run(engine, end)
    assert truncate_wal(engine)
    assert holds(path, data[:64]) == []


def test_what_is_only_forgotten_stays_in_the_file(engine: Engine, path: Path) -> None:
    """What a build of SQLite that does not overwrite by itself would do: the tests above see the difference."""
    run(engine, "INSERT INTO jobs VALUES (2, :data)", data=SUBJECTS)
    with closing(sqlite3.connect(path)) as careless, careless:
        careless.execute("PRAGMA secure_delete = OFF")
        careless.execute("DELETE FROM jobs WHERE id = 2")
    assert truncate_wal(engine)
    assert holds(path, SUBJECTS) == [""]


def test_every_connection_overwrites(engine: Engine) -> None:
    with engine.connect() as one, reader(engine).connect() as other:
        for connection in (one, other):
            assert connection.scalar(text("PRAGMA secure_delete")) == 1


def test_the_write_ahead_log_keeps_it_until_it_is_truncated(engine: Engine, path: Path) -> None:
    run(engine, "INSERT INTO jobs VALUES (2, :data)", data=SUBJECTS)
    run(engine, "DELETE FROM jobs WHERE id = 2")
    assert holds(path, SUBJECTS) == ["-wal"]
    assert truncate_wal(engine)
    assert path.with_name("jobs.db-wal").stat().st_size == 0
    assert holds(path, SUBJECTS) == []


def test_nobody_is_waited_for(engine: Engine, path: Path) -> None:
    run(engine, "INSERT INTO jobs VALUES (2, :data)", data=SUBJECTS)
    other = open_engine(path)
    with closing(reader(other).connect()) as connection, connection.begin():
        connection.scalar(text("SELECT count(*) FROM jobs"))
        run(engine, "DELETE FROM jobs WHERE id = 2")
        assert not truncate_wal(engine)
    with other.begin():
        assert not truncate_wal(engine)
    assert truncate_wal(engine)
    other.dispose()
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA busy_timeout")) == 30_000  # as before
