"""The log keeps what it acknowledged, through crashes and several writers, and finds any damage."""

import multiprocessing
import os
import resource
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from audit import merkle
from audit.database import open_engine
from audit.entry import Entry, EntryKind, encode
from audit.errors import LogError, ProofError
from audit.log import Log

# The children share nothing with this process but the file: they open it themselves.
PROCESSES = multiprocessing.get_context("fork")


def event(number: int, *, writer: int = 0, time: int = 1_790_000_000_000) -> Entry:
    return Entry(
        id=f"{writer:08x}{number:024x}",
        kind=EntryKind.JOB_RECEIVED,
        time=time,
        node=f"node-{writer}",
        detail={"counter": number},
    )


@contextmanager
def opened(path: Path) -> Iterator[Log]:
    engine = open_engine(path)
    try:
        yield Log(engine)
    finally:
        engine.dispose()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(path: Path) -> Iterator[Log]:
    with opened(path) as log:
        yield log


def execute(path: Path, script: str) -> None:
    """What somebody with the file in hand does to it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


# --- appending and reading ------------------------------------------------------------------------------------


def test_an_empty_log(log: Log) -> None:
    assert log.size() == 0
    assert log.root() == merkle.EMPTY_ROOT
    assert list(log.entries()) == []
    assert log.append_many([]) == []
    assert log.consistency_proof(0, 0) == []
    assert log.check() == (0, merkle.EMPTY_ROOT)
    with pytest.raises(IndexError):
        log.entry(0)


def test_entries_come_back_in_order_with_their_roots_and_proofs(log: Log) -> None:
    events = [event(number) for number in range(23)]
    leaves = [merkle.leaf_hash(encode(entry)) for entry in events]
    assert [log.append(entry) for entry in events[:5]] == [0, 1, 2, 3, 4]
    assert log.append_many(events[5:22]) == list(range(5, 22))
    assert log.append(events[22]) == 22
    assert log.size() == 23
    assert list(log.entries()) == events
    assert list(log.entries(3, 20)) == events[3:20]
    assert log.entry(7) == events[7]
    roots = [merkle.root_of(leaves[:size]) for size in range(24)]
    assert [log.root(size) for size in range(24)] == roots
    assert log.root() == roots[23]
    for size in range(1, 24):
        for index in range(size):
            proof = log.inclusion_proof(index, size)
            merkle.verify_inclusion(leaves[index], index, size, proof, roots[size])
        for old in range(size + 1):
            proof = log.consistency_proof(old, size)
            merkle.verify_consistency(old, size, roots[old], roots[size], proof)
    assert log.check() == (23, roots[23])


def test_long_reads_and_batches(log: Log) -> None:
    events = [event(number) for number in range(2500)]
    assert log.append_many(iter(events)) == list(range(2500))
    assert log.append_many([*events[1200:], event(2500)]) == list(range(1200, 2501))
    assert list(log.entries(0, 2500)) == events
    assert log.check()[0] == 2501


def test_a_reader_who_stops_half_way_holds_nothing(path: Path, log: Log) -> None:
    log.append_many([event(number) for number in range(300)])
    reading = log.entries()
    assert next(reading) == event(0)
    log.append(event(300))
    # Whoever still held a snapshot would keep the write-ahead log from being folded back.
    with closing(sqlite3.connect(path)) as connection:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
    assert len(list(reading)) == 299


def test_what_the_log_does_not_have(log: Log) -> None:
    log.append_many([event(0), event(1)])
    for index in (-1, 2):
        with pytest.raises(IndexError):
            log.entry(index)
    for start, stop in ((-1, 1), (0, 3), (2, 1), (3, None)):
        with pytest.raises(IndexError):
            log.entries(start, stop)
    for size in (-1, 3, True):
        with pytest.raises(ProofError):
            log.root(size)
    with pytest.raises(ProofError, match="has 2 entries, not yet 3"):
        log.inclusion_proof(0, 3)
    with pytest.raises(ProofError, match="has no leaf 2"):
        log.inclusion_proof(2, 2)
    with pytest.raises(ProofError, match="not yet 3"):
        log.consistency_proof(1, 3)
    with pytest.raises(ProofError, match="no prefix"):
        log.consistency_proof(2, 1)


def test_a_retry_gets_the_same_index(path: Path) -> None:
    with opened(path) as log:
        assert [log.append(event(number)) for number in (5, 6, 5)] == [0, 1, 0]
        assert log.append_many([event(6), event(7), event(7), event(5)]) == [1, 2, 2, 0]
    with opened(path) as log:
        assert log.append(event(7)) == 2
        assert log.size() == 3
        assert log.check()[0] == 3


def test_an_id_is_not_taken_twice(log: Log) -> None:
    log.append(event(5))
    with pytest.raises(LogError, match=f"{event(5).id} is taken by another event, entry 0"):
        log.append(event(5, time=1))
    with pytest.raises(LogError, match="entry 2"):
        log.append_many([event(6), event(7), event(7, time=1)])
    assert log.size() == 1
    assert log.append(event(7, time=1)) == 1


# --- durability -----------------------------------------------------------------------------------------------


def test_entries_survive_reopening(path: Path) -> None:
    for number in range(9):
        with opened(path) as log:
            assert log.append(event(number)) == number
    with opened(path) as log:
        leaves = [merkle.leaf_hash(encode(event(number))) for number in range(9)]
        assert log.check() == (9, merkle.root_of(leaves))


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


def test_a_failure_inside_append_leaves_nothing_half_done(path: Path, log: Log) -> None:
    log.append_many([event(0), event(1), event(2)])
    execute(path, "CREATE TRIGGER f BEFORE INSERT ON nodes WHEN NEW.level = 2 BEGIN SELECT RAISE(ABORT, 'f'); END")
    with pytest.raises(LogError, match="cannot be written: f"):
        log.append_many([event(3), event(4)])
    assert log.size() == 3
    execute(path, "DROP TRIGGER f")
    assert log.check()[0] == 3
    assert log.append(event(3)) == 3
    assert log.check()[0] == 4


def append_until_stopped(path: Path, acknowledge: Connection, writer: int, count: int) -> None:
    """A child process: append `count` events one by one, and tell the index of each."""
    with opened(path) as log:
        for number in range(count):
            acknowledge.send((number, log.append(event(number, writer=writer))))


def acknowledged(pipe: Connection) -> dict[int, int]:
    """Index by number, of all acknowledgements until the other side is gone."""
    indices: dict[int, int] = {}
    while True:
        try:
            number, index = pipe.recv()
        except (EOFError, ConnectionResetError):
            return indices
        indices[number] = index


def test_a_killed_process_loses_nothing_it_acknowledged(path: Path) -> None:
    for writer, kept in enumerate((1, 2, 3, 5, 8, 13, 21, 34, 55, 89)):
        ours, theirs = PROCESSES.Pipe(duplex=False)
        child = PROCESSES.Process(target=append_until_stopped, args=(path, theirs, writer, 1_000_000))
        child.start()
        theirs.close()
        indices = dict(ours.recv() for _ in range(kept))
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        indices |= acknowledged(ours)
        ours.close()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        child.close()
        with opened(path) as log:
            size, _ = log.check()
            # One more event may have become durable that nobody was told of.
            assert max(indices.values()) + 1 <= size <= max(indices.values()) + 2
            for number, index in indices.items():
                assert log.entry(index) == event(number, writer=writer)
                assert log.append(event(number, writer=writer)) == index


def test_two_processes_append_at_once(path: Path) -> None:
    each = 150
    pipes, children = [], []
    for writer in range(2):
        ours, theirs = PROCESSES.Pipe(duplex=False)
        child = PROCESSES.Process(target=append_until_stopped, args=(path, theirs, writer, each))
        child.start()
        theirs.close()
        pipes.append(ours)
        children.append(child)
    indices = [acknowledged(pipe) for pipe in pipes]
    for child, pipe in zip(children, pipes, strict=True):
        child.join()
        assert child.exitcode == 0
        child.close()
        pipe.close()
    assert sorted([*indices[0].values(), *indices[1].values()]) == list(range(2 * each))
    with opened(path) as log:
        assert log.check()[0] == 2 * each
        for writer in range(2):
            for number, index in indices[writer].items():
                assert log.entry(index) == event(number, writer=writer)


def test_a_file_that_another_process_is_just_making_is_waited_for(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")  # not yet in write-ahead mode: SQLite would refuse the switch at once
        release = threading.Timer(0.1, other.rollback)
        release.start()
        with opened(path) as log:
            assert log.append(event(0)) == 0
        release.join()


def test_threads_share_a_log(log: Log) -> None:
    indices: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: indices.extend(log.append(event(i, writer=n)) for i in range(20)))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(indices) == list(range(80))
    assert log.check()[0] == 80


def append_on_a_full_disk(path: Path, acknowledge: Connection) -> None:
    """A child process whose files may not grow past 100 kB: SQLite's write fails in the middle of an append."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    with opened(path) as log:
        for number in range(1000):
            try:
                acknowledge.send((number, log.append(event(number))))
            except LogError as error:
                acknowledge.send((-1, str(error)))
                break
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            log.append(event(0))
        except LogError as error:
            acknowledge.send((-2, str(error)))


def test_a_failed_write_stops_the_log_and_loses_nothing(path: Path) -> None:
    ours, theirs = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=append_on_a_full_disk, args=(path, theirs))
    child.start()
    theirs.close()
    indices: dict[int, object] = dict(acknowledged(ours))
    ours.close()
    child.join()
    child.close()
    assert "cannot be written: disk I/O error" in str(indices.pop(-1))
    assert "stopped after a failed write" in str(indices.pop(-2))
    assert 5 < len(indices) < 1000
    with opened(path) as log:
        assert log.check()[0] == len(indices)
        assert [log.entry(index) for index in range(len(indices))] == [event(number) for number in indices]
        assert log.append(event(999)) == len(indices)


# --- what is no log -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_memory_is_not_durable(url: str) -> None:
    engine = open_engine(url)
    with pytest.raises(LogError, match="no write-ahead log"):
        Log(engine)
    engine.dispose()


def test_another_database_is_refused() -> None:
    with pytest.raises(LogError, match="not in postgresql"):
        open_engine("postgresql://localhost/log")


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"certainly no database" * 100)
    engine = open_engine(path)
    with pytest.raises(LogError, match="not a database"):
        Log(engine)
    engine.dispose()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "nowhere" / "log.db")
    with pytest.raises(LogError, match="unable to open"):
        Log(engine)
    engine.dispose()


# --- damage ---------------------------------------------------------------------------------------------------

SWAP = """
    CREATE TEMP TABLE held AS SELECT * FROM entries WHERE "index" IN (2, 5);
    DELETE FROM entries WHERE "index" IN (2, 5);
    INSERT INTO entries SELECT 7 - "index", id, data FROM held;
"""
SWAP_LEAVES = """
    CREATE TEMP TABLE leaves AS SELECT * FROM nodes WHERE level = 0 AND "index" IN (2, 5);
    DELETE FROM nodes WHERE level = 0 AND "index" IN (2, 5);
    INSERT INTO nodes SELECT 0, 7 - "index", hash FROM leaves;
"""
FLIP = "CAST(x'ff' || substr(hash, 2) AS BLOB)"


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (
            "UPDATE entries SET data = CAST(replace(data, 'node-0', 'node-1') AS BLOB) WHERE \"index\" = 4",
            "entry 4: not the hash",
        ),
        ("UPDATE entries SET data = CAST(data || ' ' AS BLOB) WHERE \"index\" = 9", "entry 9: not the hash"),
        ("UPDATE entries SET id = '0' WHERE \"index\" = 3", "entry 3: filed under the id of another"),
        ('DELETE FROM entries WHERE "index" = 0', "entry 0: missing"),
        ('DELETE FROM entries WHERE "index" = 6', "entry 6: missing"),
        ('DELETE FROM entries WHERE "index" = 9', "entry 9: missing"),
        ('DELETE FROM entries WHERE "index" > 6', "entry 7: missing"),
        ("DELETE FROM entries", "entry 0: missing"),
        ("INSERT INTO entries VALUES (-1, 'x', x'00')", "entry -1: surplus"),
        ("INSERT INTO entries VALUES (10, 'x', x'00')", "leaf hash of entry 10: missing"),
        ("INSERT INTO entries VALUES (12, 'x', x'00')", "entry 10: missing"),
        (SWAP, "entry 2: not the hash"),
        (SWAP + SWAP_LEAVES, r"node \(1, 1\) over entries 2 to 3: not the hash"),
        ('UPDATE nodes SET hash = {} WHERE level = 0 AND "index" = 7', "leaf hash of entry 7: not the hash"),
        ('UPDATE nodes SET hash = {} WHERE level = 1 AND "index" = 3', r"node \(1, 3\) over entries 6 to 7: not"),
        ('UPDATE nodes SET hash = {} WHERE level = 3 AND "index" = 0', r"node \(3, 0\) over entries 0 to 7: not"),
        ("UPDATE nodes SET hash = x'' WHERE level = 0 AND \"index\" = 0", "leaf hash of entry 0: not the hash"),
        ('DELETE FROM nodes WHERE level = 0 AND "index" = 5', "leaf hash of entry 5: missing"),
        ('DELETE FROM nodes WHERE level = 2 AND "index" = 1', r"node \(2, 1\) over entries 4 to 7: missing"),
        ("DELETE FROM nodes WHERE level = 3", r"node \(3, 0\) over entries 0 to 7: missing"),
        ("DELETE FROM nodes", "leaf hash of entry 0: missing"),
        ("INSERT INTO nodes VALUES (0, -1, x'00')", "leaf hash of entry -1: surplus"),
        ("INSERT INTO nodes VALUES (2, 2, x'00')", r"node \(2, 2\) over entries 8 to 11: surplus"),
        ("INSERT INTO nodes VALUES (4, 0, x'00')", r"node \(4, 0\) over entries 0 to 15: surplus"),
    ],
)
def test_damage_is_found_with_its_place(path: Path, log: Log, damage: str, found: str) -> None:
    log.append_many([event(number) for number in range(10)])
    log.check()
    execute(path, damage.replace("{}", FLIP))
    with pytest.raises(LogError, match=found):
        log.check()


def test_every_bit_flip_in_entries_and_nodes_is_found(path: Path, log: Log) -> None:
    log.append_many([event(number) for number in range(6)])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table, column, key in (("entries", "data", "rowid"), ("nodes", "hash", 'level * 100 + "index"')):
            for place, good in connection.execute(f"SELECT {key}, {column} FROM {table}").fetchall():  # noqa: S608 - constants
                for at in range(0, len(good), 7):
                    bad = good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :]
                    for value in (bad, good):
                        update = f"UPDATE {table} SET {column} = ? WHERE {key} = ?"  # noqa: S608 - constants
                        connection.execute(update, (value, place))
                        if value is bad:
                            name = f"entry {place}:" if place < 100 else rf"node \({place // 100}, {place % 100}\)"
                            with pytest.raises(LogError, match=name):
                                log.check()
    assert log.check()[0] == 6


def test_an_entry_that_is_none_is_found(path: Path, log: Log) -> None:
    log.append(event(0))
    forged = merkle.leaf_hash(b"{}").hex()
    execute(path, f"UPDATE entries SET data = x'7b7d'; UPDATE nodes SET hash = x'{forged}'")  # noqa: S608 - hex
    with pytest.raises(LogError, match="entry 0: counterparty: missing"):
        log.check()
    with pytest.raises(LogError, match="entry 0: counterparty: missing"):
        log.entry(0)


def test_a_damaged_page_is_found(path: Path, log: Log) -> None:
    log.append_many([event(number) for number in range(400)])
    execute(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    at = data.index(encode(event(300)))
    page = at - at % 4096
    data[page : page + 100] = bytes(100)
    path.write_bytes(data)
    with (
        opened(path) as reopened,
        pytest.raises(LogError, match=r"entry (29\d|300) or one next to it: cannot be read"),
    ):
        reopened.check()


def test_an_index_that_disagrees_with_its_table_is_found(path: Path, log: Log) -> None:
    log.append_many([event(number) for number in range(3)])
    execute(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    data = path.read_bytes()
    # The id stands in the entry's bytes, in the row and, last in the file, in the index that retries use.
    at = data.rindex(event(1).id.encode())
    path.write_bytes(data[:at] + b"f" + data[at + 1 :])
    with opened(path) as reopened, pytest.raises(LogError, match="the database file is damaged"):
        reopened.check()


def test_a_damaged_end_is_not_appended_to(path: Path, log: Log) -> None:
    log.append_many([event(number) for number in range(4)])
    execute(path, 'DELETE FROM entries WHERE "index" = 3')
    for use in (log.size, log.root, lambda: log.append(event(9))):
        with pytest.raises(LogError, match="ends with entry 2 but with the leaf hash of entry 3"):
            use()


def test_damage_met_while_reading(path: Path, log: Log) -> None:
    log.append_many([event(number) for number in range(5)])
    execute(path, 'DELETE FROM entries WHERE "index" = 2; DELETE FROM nodes WHERE level = 1')
    reading = log.entries()
    assert [next(reading), next(reading)] == [event(0), event(1)]
    with pytest.raises(LogError, match="entry 2: missing"):
        next(reading)
    with pytest.raises(LogError, match=r"node \(1, 0\) is missing"):
        log.inclusion_proof(2, 4)
