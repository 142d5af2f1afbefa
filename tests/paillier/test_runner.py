"""Where work runs: order, errors, laziness, progress; alike here and in processes."""

import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from threading import Event
from typing import Any

import engine
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.node.computing import open_runner
from compute.node.settings import Computing
from compute.paillier.runner import HERE, Runner, chunks

MANY = Runner(costs=engine.large)
MUCH = 1000.0


class Immediate(Executor):
    """Runs what it is handed at once; counts."""

    def __init__(self) -> None:
        self.submitted = 0

    def submit(self, function: Callable[..., Any], /, *args: object, **kwargs: object) -> Future[Any]:
        self.submitted += 1
        future: Future[Any] = Future()
        future.set_result(function(*args, **kwargs))
        return future


@given(count=st.integers(0, 200), parts=st.integers(1, 50))
def test_chunks_cut_evenly(count: int, parts: int) -> None:
    cuts = chunks(count, parts)
    assert [index for cut in cuts for index in cut] == list(range(count))
    lengths = [len(cut) for cut in cuts]
    assert all(lengths)
    assert len(cuts) == min(count, parts)
    assert max(lengths, default=0) - min(lengths, default=0) <= 1


@given(count=st.integers(0, 60), seconds=st.floats(0, 100))
def test_each_gives_the_results_in_order(count: int, seconds: float) -> None:
    numbers = list(range(count))
    for runner in (HERE, Runner(Immediate(), 3)):
        assert runner.each(engine.doubles, numbers, seconds) == [2 * number for number in numbers]


def test_processes_give_the_results_in_order(two_processes: Runner) -> None:
    numbers = list(range(23))
    heard: list[tuple[int, int]] = []
    results = two_processes.each(engine.doubles, numbers, 2.0, lambda *told: heard.append(told))
    assert results == [2 * number for number in numbers]
    assert heard == [(done, 23) for done in range(1, 24)]
    assert os.getpid() not in two_processes.each(engine.pids, numbers, 2.0)


def test_little_work_stays_here(two_processes: Runner) -> None:
    assert two_processes.each(engine.pids, range(3), HERE.worth_spreading / 4) == [os.getpid()] * 3
    assert not two_processes.spreads(HERE.worth_spreading * 0.99)
    assert two_processes.spreads(HERE.worth_spreading)
    assert not HERE.spreads(1e9)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_work_is_cut_into_tasks_for_all_workers_alike(workers: int) -> None:
    spread, alone = Runner(Immediate(), workers), Runner(workers=workers)
    for seconds in (0.0, 0.1, 1.9, 2.0, 3.0, 11.0, 100.0):
        assert alone.tasks(seconds, 1000) == max(1, -(-int(seconds * 10) // 20))
        tasks = spread.tasks(seconds, 1000)
        assert tasks >= alone.tasks(seconds, 1000)
        assert seconds < HERE.worth_spreading or tasks % workers == 0
        assert spread.tasks(seconds, 2) <= 2
        assert spread.tasks(seconds, 0) == 1


def test_tasks_are_read_as_workers_become_free() -> None:
    read = 0
    gate = Event()

    def tasks() -> Iterator[int]:
        nonlocal read
        for number in range(100):
            read += 1
            yield number

    def wait_and_double(number: int) -> int:
        assert gate.wait(20)
        return 2 * number

    with ThreadPoolExecutor(2) as pool:
        results = Runner(pool, 2).run(wait_and_double, tasks(), MUCH)
        gate.set()
        done = []
        for index, result in results:
            assert result == 2 * index
            done.append(index)
            assert read <= len(done) + 4  # two for each worker are handed out at a time
    assert sorted(done) == list(range(100))


def test_here_a_task_is_made_when_its_turn_comes() -> None:
    made: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(4):
            made.append(number)
            yield number

    for index, _ in HERE.run(engine.refuse_three, (task for task in tasks() if task < 3), MUCH):
        assert len(made) == index + 1


def test_nothing_to_do() -> None:
    heard: list[tuple[int, int]] = []
    for runner in (HERE, Runner(Immediate(), 2)):
        assert list(runner.run(engine.refuse_three, [], MUCH)) == []
        assert runner.each(engine.doubles, [], MUCH, lambda *told: heard.append(told)) == []
    assert heard == []


def test_what_a_task_raises_surfaces(two_processes: Runner) -> None:
    for runner in (HERE, two_processes):
        with pytest.raises(ValueError, match=r"^three$"):
            list(runner.run(engine.refuse_three, range(50), MUCH))
        with pytest.raises(ValueError, match=r"^three$"):
            runner.each(engine.refuse_others, range(50), 2.0)


def test_an_error_cancels_what_is_not_begun() -> None:
    begun: list[int] = []
    started, release = Event(), Event()

    def task(number: int) -> int:
        begun.append(number)
        if number == 0:
            assert started.wait(20)
            raise ValueError("zero")
        started.set()
        assert release.wait(20)
        return number

    with ThreadPoolExecutor(2) as pool:
        with pytest.raises(ValueError, match="zero"):
            list(Runner(pool, 2).run(task, range(100), MUCH))
        release.set()
    assert len(begun) <= 3  # the two, and one that a thread took before it was cancelled


def test_what_the_caller_raises_cancels_too() -> None:
    begun: list[int] = []
    release = Event()

    def task(number: int) -> int:
        begun.append(number)
        if number:
            assert release.wait(20)
        return number

    def stop(_done: int, _total: int) -> None:
        release.set()
        raise InterruptedError

    with ThreadPoolExecutor(1) as pool, pytest.raises(InterruptedError):
        Runner(pool, 1).each(lambda numbers: [task(number) for number in numbers], range(50), 2.0, stop)
    assert len(begun) <= 2


def test_a_failing_source_of_tasks_surfaces() -> None:
    def tasks() -> Iterator[int]:
        yield 1
        raise InterruptedError

    for runner in (HERE, Runner(Immediate(), 2)):
        with pytest.raises(InterruptedError):
            list(runner.run(engine.refuse_three, tasks(), MUCH))


def test_a_broken_pool_of_processes_raises(tmp_path: Path) -> None:
    with open_runner(Computing(processes=2, folder=tmp_path)) as runner, pytest.raises(BrokenProcessPool):
        list(runner.run(engine.die, range(20), MUCH))


def test_a_signal_to_the_whole_group_breaks_no_pool(tmp_path: Path) -> None:
    with open_runner(Computing(processes=2, folder=tmp_path)) as runner:
        processes = {pid for _, pid in runner.run(engine.pid_slowly, range(4), MUCH)}
        assert len(processes) == 2
        for pid, number in product(processes, ("TERM", "INT")):  # not from here: that would be the pool's own
            subprocess.run(["kill", f"-{number}", str(pid)], check=True)  # noqa: S603, S607
        assert {pid for _, pid in runner.run(engine.pid_slowly, range(4), MUCH)} == processes


def test_a_pool_whose_process_was_killed_closes(tmp_path: Path) -> None:
    with open_runner(Computing(processes=2, folder=tmp_path)) as runner:
        processes = [pid for _, pid in runner.run(engine.pid_slowly, range(4), MUCH)]
        os.kill(processes[0], signal.SIGKILL)
        with pytest.raises(BrokenProcessPool):
            list(runner.run(engine.pid_slowly, range(6), MUCH))


def test_a_process_beside_the_worker_ends_when_it_is_told_to() -> None:
    """Its parent tells it so at its own end, and waits for it."""
    process = get_context("forkserver").Process(target=engine.keep_on, daemon=True)
    process.start()
    time.sleep(1)
    assert process.is_alive()
    process.terminate()
    process.join(10)
    assert process.exitcode == -signal.SIGTERM


def test_a_node_computes_here_or_in_processes(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with open_runner(Computing(processes=1, folder=folder)) as runner:
        assert runner.executor is None
        assert folder.stat().st_mode & 0o777 == 0o700
    with open_runner(Computing(processes=3, folder=folder)) as runner:
        assert runner.workers == 3
        assert runner.costs(2048) == runner.costs(2048)
    assert [path.name for path in folder.iterdir()] == ["costs.json"]


def test_what_was_handed_out_ends_with_the_pool(tmp_path: Path) -> None:
    """A run that is given up leaves no task behind once its pool is closed."""
    with open_runner(Computing(processes=2, folder=tmp_path / "folder")) as runner:
        results = dataclasses.replace(runner).run(engine.mark, (str(tmp_path / str(i)) for i in range(40)), MUCH)
        next(results)
        results.close()  # type: ignore[attr-defined] # a generator
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len(left) <= 2 + 2 * 2 + 1
    time.sleep(0.4)
    assert sorted(path.name for path in tmp_path.iterdir()) == left
