"""Honest timing: CPU seconds of all processes, sides in turn, medians; memory of all processes together."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children
from os import getpid
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

Work = Callable[[], object]


@dataclass(frozen=True)
class Timed:
    """What some work took: CPU seconds of this process and of children that have ended, and wall seconds."""

    cpu: float
    wall: float


def timed(work: Work) -> Timed:
    """Do the work once."""
    before, start = _cpu(), time.perf_counter()
    work()
    return Timed(_cpu() - before, time.perf_counter() - start)


def _cpu() -> float:
    children = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def in_turn(sides: Mapping[str, Work], repeats: int) -> dict[str, Timed]:
    """Warm every side up once, then time them in turn; give each side's medians."""
    for work in sides.values():
        work()
    rounds = [{name: timed(work) for name, work in sides.items()} for _ in range(repeats)]
    return {
        name: Timed(
            statistics.median(each[name].cpu for each in rounds),
            statistics.median(each[name].wall for each in rounds),
        )
        for name in sides
    }


class Peak:
    """The largest sum of the resident memory of this process and its children, in bytes."""

    bytes = 0


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Sample the memory ten times a second."""
    peak, over = Peak(), threading.Event()

    def sample() -> None:
        while not over.wait(0.1):
            pids = [getpid(), *(child.pid for child in active_children())]
            peak.bytes = max(peak.bytes, sum(map(resident, pids)))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def resident(pid: int | None) -> int:
    """Give the resident memory of a process in bytes; 0 if it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except FileNotFoundError:  # it has ended meanwhile
        return 0
    return pages * 4096
