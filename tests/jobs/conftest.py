"""A store in a file, a diary of what handlers did, and workers to start, kill and stop."""

import multiprocessing
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import msgspec
import pytest
from jobs.crew import BANK, Note, open_store, until, work
from jobs.handlers import Plan

from compute.node.jobs.job import Job
from compute.node.jobs.store import JobStore

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["pytest", "compute.node.jobs.worker"])  # what each process would import anew


@dataclass
class Site:
    """One node's jobs."""

    folder: Path
    store: JobStore
    workers: list[ForkServerProcess] = field(default_factory=list)

    def hire(self, lease: float = 1.0, attempts: int = 3, grace: float = 5.0) -> ForkServerProcess:
        """Start a worker."""
        worker = PROCESSES.Process(target=work, args=(self.folder / "jobs.db", lease, attempts, grace))
        worker.start()
        self.workers.append(worker)
        return worker

    def submit(self, kind: str = "squares", key: str = "1", units: int = 3, seconds: float = 0.0) -> Job:
        plan = Plan(str(self.folder / f"diary-{kind}-{key}"), units, seconds)
        return self.store.submit(BANK, kind, msgspec.json.encode(plan), key, units)

    def diary(self, job: Job) -> list[Note]:
        path = self.folder / f"diary-{job.kind}-{job.key}"
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [Note(word, int(pid), float(at)) for word, pid, at in lines]

    def begun(self, job: Job) -> list[str]:
        """The units that were begun, in order."""
        return [entry.word for entry in self.diary(job) if entry.word != "tick"]

    def await_ticks(self, job: Job, count: int = 1) -> list[Note]:
        """Wait until the diary has grown by so many entries, and give it."""
        before = len(self.diary(job))
        until(lambda: len(self.diary(job)) >= before + count)
        return self.diary(job)

    def assert_one_run_at_a_time(self, job: Job) -> None:
        """No process writes once another has written."""
        pids = [entry.pid for entry in sorted(self.diary(job), key=lambda entry: entry.at)]
        runs = [pid for index, pid in enumerate(pids) if index == 0 or pids[index - 1] != pid]
        assert len(runs) == len(set(runs)), "two processes took turns"

    def dismiss(self) -> None:
        for worker in self.workers:
            worker.kill()  # also one that a test has stopped
            worker.join()
            worker.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_store(tmp_path / "jobs.db") as store:
        place = Site(tmp_path, store)
        try:
            yield place
        finally:
            place.dismiss()


def kill(worker: ForkServerProcess) -> None:
    """As by kill -9."""
    worker.kill()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
