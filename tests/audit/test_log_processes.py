"""Several processes on one log, killed or out of disk: what was acknowledged is there, under its index."""

import multiprocessing
import os
import resource
import signal
import sqlite3
import threading
from contextlib import closing
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from log_world import Node, enrol, fsck, opened

from audit.database import open_engine
from audit.entry import encode
from audit.errors import LogError

pytestmark = pytest.mark.long

# The children share nothing with this process but the database: they open it themselves.
PROCESSES = multiprocessing.get_context("fork")


def append_until_stopped(url: str, acknowledge: Connection, name: str, count: int) -> None:
    """A child process: append `count` events one by one, and tell the index of each."""
    node = Node(name)
    with opened(url) as log:
        for number in range(count):
            acknowledge.send((number, log.append(node.entry())))


def start(url: str, name: str, count: int) -> tuple[BaseProcess, Connection]:
    ours, theirs = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=append_until_stopped, args=(url, theirs, name, count))
    child.start()
    theirs.close()
    return child, ours


def acknowledged(pipe: Connection) -> dict[int, int]:
    """Index by number, of all acknowledgements until the other side is gone."""
    indices: dict[int, int] = {}
    while True:
        try:
            number, index = pipe.recv()
        except (EOFError, ConnectionResetError):
            return indices
        indices[number] = index


@pytest.fixture
def names(url: str) -> list[str]:
    """Of nodes that a log in the database takes events of, which no process has open."""
    made = [f"node-{number}" for number in range(8)]
    with opened(url) as log:
        enrol(log, *map(Node, made))
    return made


def test_entries_survive_reopening(url: str, names: list[str]) -> None:
    entries = Node(names[0]).entries(9)
    for number, entry in enumerate(entries):
        with opened(url) as log:
            assert log.append(entry) == 8 + number
    with opened(url) as log:
        assert list(log.entries(8)) == entries
        assert fsck(log).size == 17


def test_two_processes_append_at_once(url: str, names: list[str]) -> None:
    each = 120
    started = [start(url, name, each) for name in names[:2]]
    indices = [acknowledged(pipe) for _, pipe in started]
    for child, pipe in started:
        child.join()
        assert child.exitcode == 0
        pipe.close()
    assert sorted([*indices[0].values(), *indices[1].values()]) == list(range(8, 8 + 2 * each))
    with opened(url) as log:
        assert fsck(log).size == 8 + 2 * each  # the counters too
        for name, of_one in zip(names, indices, strict=False):
            entries = Node(name).entries(each)
            assert [log.entry(of_one[number]) for number in range(each)] == entries


def test_a_killed_process_loses_nothing_it_acknowledged(url: str, names: list[str]) -> None:
    for name, kept in zip(names, (1, 2, 3, 5, 8, 13, 21, 34), strict=True):
        child, pipe = start(url, name, 1_000_000)
        indices = dict(pipe.recv() for _ in range(kept))
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        indices |= acknowledged(pipe)
        pipe.close()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        with opened(url) as log:
            size = fsck(log).size
            # One more event may have become durable that nobody was told of.
            assert max(indices.values()) + 1 <= size <= max(indices.values()) + 2
            node = Node(name)
            for index in indices.values():
                entry = node.entry()
                assert log.entry(index) == entry
                assert log.append(entry) == index


# --- SQLite: its file -----------------------------------------------------------------------------------------


def append_on_a_full_disk(path: Path, acknowledge: Connection) -> None:
    """A child process whose files may not grow past 300 kB: SQLite's write fails in the middle of an append."""
    node = Node("node")
    with opened(path) as log:
        enrol(log, node)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        for number in range(1000):
            try:
                acknowledge.send((number, log.append(node.entry())))
            except LogError as error:
                acknowledge.send((-1, f"{error} {log.has_stopped}"))
                break
        try:
            log.append(Node("node").entry())
        except LogError as error:
            acknowledge.send((-2, str(error)))


def test_a_failed_write_stops_the_log_and_loses_nothing(path: Path) -> None:
    ours, theirs = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=append_on_a_full_disk, args=(path, theirs))
    child.start()
    theirs.close()
    told: dict[int, object] = dict(acknowledged(ours))
    ours.close()
    child.join()
    assert str(told.pop(-1)).endswith("cannot be written: disk I/O error True")
    assert "stopped after a failed write" in str(told.pop(-2))
    assert 5 < len(told) < 1000
    with opened(path) as log:
        assert fsck(log).size == 1 + len(told)
        assert [encode(entry) for entry in log.entries(1)] == [
            encode(entry) for entry in Node("node").entries(len(told))
        ]


def test_a_file_that_another_process_is_just_making_is_waited_for(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")  # not yet in write-ahead mode: SQLite would refuse the switch at once
        release = threading.Timer(0.1, other.rollback)
        release.start()
        with opened(path) as log:
            enrol(log, Node("tax"))
        release.join()


def test_every_connection_writes_through(path: Path) -> None:
    engine = open_engine(f"sqlite:///{path}")
    with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            pragmas = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
            assert pragmas == ["wal", 2, 1, 30_000]
            connection.rollback()
    engine.dispose()


def test_the_write_ahead_log_is_folded_back_and_stays_small(path: Path) -> None:
    wal, node = path.with_name("log.db-wal"), Node("tax")
    with opened(path) as log:
        enrol(log, node)
        for _ in range(40):
            log.append_many(node.entries(250))
        assert wal.stat().st_size < 30 * 2**20
        assert path.stat().st_size > 3 * 2**20
        with closing(sqlite3.connect(path)) as other:
            busy, pages, folded = other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        assert (busy, pages) == (0, folded)
        assert fsck(log).size == 10_001


def test_a_reader_who_stops_half_way_holds_nothing(path: Path) -> None:
    node = Node("tax")
    with opened(path) as log:
        enrol(log, node)
        log.append_many(node.entries(300))
        reading = log.entries()
        next(reading)
        log.append(node.entry())
        # Whoever still held a snapshot would keep the write-ahead log from being folded back.
        with closing(sqlite3.connect(path)) as connection:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert busy == 0
        assert len(list(reading)) == 300


# --- what is no log -------------------------------------------------------------------------------------------


def refused(url: str | Path, problem: str) -> None:
    with pytest.raises(LogError, match=problem), opened(url):
        pass


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_memory_is_not_durable(url: str) -> None:
    refused(url, "no write-ahead log")


def test_another_database_is_refused() -> None:
    with pytest.raises(LogError, match="in SQLite or PostgreSQL, not in mysql"):
        open_engine("mysql://localhost/log")


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"certainly no database" * 100)
    refused(path, "not a database")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere" / "log.db", "unable to open")
