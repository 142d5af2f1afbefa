"""A count of one and twenty who would use it, in processes of their own, some of them killed: it is used once."""

import multiprocessing
import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from node.conftest import Engines
from node.statements import NOBODY, PERMIT, answer, job, tombstone
from sqlalchemy import event
from world import NOW

from audit.database import open_engine
from compute.node.answers import AnswerStore
from compute.protocols.base import RefusalError
from compute.signing import digest

PROCESSES = multiprocessing.get_context("fork")
AT_ONCE = 20


def use(path: Path, number: int, max_uses: int = 1) -> str:
    """Store the answer to a job of one row: `won`, or the number of the check that refused."""
    engine = open_engine(path)
    try:
        asked = job(number, rows=1)
        AnswerStore(engine).put(asked, answer(asked), max_uses, NOBODY)
    except RefusalError as error:
        return f"check {error.check}"
    finally:
        engine.dispose()
    return "won"


def at_once(path: Path, numbers: range) -> Counter[str]:
    start, outcomes = PROCESSES.Barrier(len(numbers)), PROCESSES.SimpleQueue()

    def run(number: int) -> None:
        start.wait()
        outcomes.put(use(path, number))

    children = [PROCESSES.Process(target=run, args=(number,)) for number in numbers]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    found = Counter(outcomes.get() for _ in children)
    outcomes.close()
    return found


@pytest.fixture
def path(engines: Engines, tmp_path: Path) -> Path:
    """A node's database in which nothing was answered."""
    AnswerStore(engines[0])
    return tmp_path / "node.sqlite"


def test_a_count_of_one_is_used_by_one_of_twenty(engines: Engines, path: Path) -> None:
    assert at_once(path, range(AT_ONCE)) == {"won": 1, "check 9": AT_ONCE - 1}
    store = AnswerStore(engines[1])
    assert store.used(PERMIT) == 1
    answered = [number for number in range(AT_ONCE) if store.by_job(digest(job(number, rows=1))) is not None]
    assert len(answered) == 1
    # Given back, it is again one of twenty who gets it, and never the job that was abandoned.
    store.bury(tombstone(job(answered[0], rows=1)), NOW)
    assert store.used(PERMIT) == 0
    assert use(path, answered[0]) == "check 2"
    assert at_once(path, range(AT_ONCE, 2 * AT_ONCE)) == {"won": 1, "check 9": AT_ONCE - 1}
    assert store.used(PERMIT) == 1


@pytest.mark.parametrize(("moment", "counted"), [("commit", 0), ("after", 1)])
def test_a_provider_killed_while_it_counts_has_counted_all_or_nothing(
    engines: Engines, path: Path, moment: str, counted: int
) -> None:
    def run() -> None:
        engine = open_engine(path)
        store, asked = AnswerStore(engine), job(1, rows=1)
        if moment == "commit":
            event.listen(engine, "commit", lambda _: os.kill(os.getpid(), signal.SIGKILL))
        store.put(asked, answer(asked), 1, NOBODY)
        os.kill(os.getpid(), signal.SIGKILL)  # before the bank was answered

    child = PROCESSES.Process(target=run)
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    store = AnswerStore(engines[1])
    assert store.used(PERMIT) == counted
    assert use(path, 2) == ("check 9" if counted else "won")
    assert use(path, 1) == ("won" if counted else "check 9")  # its bank asks again: the stored answer, not counted
    assert store.used(PERMIT) == 1
