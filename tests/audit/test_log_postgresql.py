"""The log over PostgreSQL, where the server or the connection fails: nothing is half done."""

import threading
import time
from collections.abc import Iterator

import postgres
import psycopg
import pytest
from log_world import Node, enrol, fsck, opened
from sqlalchemy import event, text

from audit import database
from audit.database import open_engine
from audit.errors import LogError
from audit.log import Log
from audit.storage.batch import Batch


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with postgres.database(postgres_url) as made:
        yield made


@pytest.fixture
def log(url: str, tax: Node) -> Iterator[Log]:
    with opened(url) as log:
        enrol(log, tax)
        yield log


def terminate_others(url: str) -> None:
    """Cut every connection to the database but one's own, as a failing server would."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def wait_for_a_waiting_writer(url: str) -> None:
    deadline = time.monotonic() + 10
    with psycopg.connect(url, autocommit=True) as admin:
        while not admin.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_whoever_holds_the_lock_too_long_is_not_waited_for(
    url: str, log: Log, tax: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.2)
    with opened(url) as other, other.transaction():
        with pytest.raises(LogError, match="lock timeout"):
            log.append(tax.entry())
        assert not log.has_stopped
    assert log.append(Node("tax").entry()) == 1
    assert fsck(log).size == 2


@pytest.mark.parametrize("moment", ["before", "after writing", "before the commit"])
def test_a_connection_cut_in_the_middle_leaves_nothing_half_done(
    url: str, log: Log, tax: Node, moment: str
) -> None:
    log.append_many(tax.entries(300))
    entries = tax.entries(3)

    def cut(batch: Batch) -> list[int]:
        if moment == "before":
            terminate_others(url)
        indices = [batch.add(entry) for entry in entries]
        if moment == "after writing":
            batch.connection.execute(text("SELECT 1"))
            batch.seal()
            terminate_others(url)
            batch.connection.execute(text("SELECT 1"))
        return indices

    if moment == "before the commit":
        event.listen(log._engine, "commit", lambda _: terminate_others(url), once=True)
    with pytest.raises(LogError, match=r"cannot be written: .*terminat"):
        log.grouped(cut)
    assert fsck(log).size == 301
    assert log.append_many(entries) == [301, 302, 303]
    assert fsck(log).size == 304


def test_a_reader_sees_one_moment(url: str, log: Log, tax: Node) -> None:
    with log.snapshot() as connection:
        before = connection.execute(text("SELECT size FROM head")).scalar_one()
        with opened(url) as other:
            other.append(tax.entry())
        assert connection.execute(text("SELECT size FROM head")).scalar_one() == before
        assert connection.execute(text("SELECT count(*) FROM entries")).scalar_one() == before
        with pytest.raises(LogError, match="read-only"), log.snapshot() as writing:
            writing.execute(text("DELETE FROM entries"))
    assert log.size() == before + 1


def test_a_writer_sees_what_was_written_before_its_turn(url: str, log: Log, tax: Node) -> None:
    """Even where the server's default is to keep the snapshot of the moment in which it began to wait."""
    with psycopg.connect(url, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_isolation = "serializable"')
    first, second = tax.entries(2)
    with opened(url) as one, opened(url) as other:
        results: list[int] = []
        waiting = threading.Thread(target=lambda: results.append(other.append(second)))
        with one.transaction() as batch:
            waiting.start()
            wait_for_a_waiting_writer(url)
            batch.add(first)
        waiting.join()
    assert results == [2]
    assert fsck(log).size == 3


def test_a_server_that_does_not_wait_for_its_disk_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings are the administrator's, so here the answer of one that was set so is read."""
    engine = open_engine(url)
    asked = "SHOW fsync"
    with engine.connect() as connection:
        assert connection.scalar(text(asked)) == "on"
    engine.dispose()
    monkeypatch.setattr(database, "_FSYNC", "SELECT 'off'")
    with pytest.raises(LogError, match="set its fsync to on"):
        open_engine(url).connect()
