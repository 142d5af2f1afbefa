"""Workers in processes of their own, and what they noted."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from jobs.handlers import HANDLERS

from audit.database import open_engine
from compute.at_rest import AtRest
from compute.node.jobs.estimate import Cost
from compute.node.jobs.store import JobStore
from compute.node.jobs.worker import Worker

BANK = "bank"
AT_REST = AtRest(bytes(range(32)))
PRIORS = dict.fromkeys(HANDLERS, Cost(1.0, 0.5))


@dataclass(frozen=True)
class Note:
    word: str
    pid: int
    at: float
    """Seconds of the monotonic clock."""


def clock() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def open_store(path: Path) -> Iterator[JobStore]:
    engine = open_engine(path)
    try:
        yield JobStore(engine, AT_REST, PRIORS, clock)
    finally:
        engine.dispose()


def work(path: Path, lease: float, attempts: int, grace: float) -> None:
    """Be a worker until SIGTERM."""
    # Its own processes need not import again what runs the tests.
    sys.modules["__main__"] = ModuleType("__main__")
    logging.disable()  # some tests would fill the terminal with what they provoke
    with (
        open_store(path) as store,
        Worker(store, HANDLERS, lease=lease, attempts=attempts, poll=0.02, grace=grace) as worker,
    ):
        worker.run_until_signal()


def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until the condition holds; fail after these seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.005)


if __name__ == "__main__":
    work(Path(sys.argv[1]), lease=0.5, attempts=3, grace=5.0)
