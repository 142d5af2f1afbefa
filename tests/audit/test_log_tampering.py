"""What somebody with write access to the file can do to it, beside changing entries (test_log.py)."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.database import open_engine
from audit.entry import Entry, EntryKind
from audit.errors import LogError
from audit.log import Log


def entry(number: int) -> Entry:
    return Entry(id=f"{number:032x}", kind=EntryKind.REFUSED, time=number, node="tax")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite"


@pytest.fixture
def log(path: Path) -> Iterator[Log]:
    engine = open_engine(path)
    log = Log(engine)
    log.append_many(entry(number) for number in range(5))
    yield log
    engine.dispose()


def tamper(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(statement)
    connection.close()


@pytest.mark.parametrize("level", [-1, 64, 20_000, 2**62])
def test_a_node_of_an_impossible_level_is_named(log: Log, path: Path, level: int) -> None:
    tamper(path, f"INSERT INTO nodes VALUES ({level}, 0, x'00')")  # noqa: S608 -- the attack
    with pytest.raises(LogError, match=f"node of level {level}: surplus"):
        log.check()


def test_a_trigger_that_swallows_entries_is_found_at_once_and_by_the_check(log: Log, path: Path) -> None:
    for table in ("entries", "nodes"):
        tamper(
            path,
            f"CREATE TRIGGER swallow_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END",
        )
    with pytest.raises(LogError, match="the entries were not stored"):
        log.append(entry(9))
    assert log.size() == 5
    with pytest.raises(LogError, match="holds a trigger"):
        log.check()
