"""Where the arithmetic runs: in this process, or spread over an ``Executor`` of processes or of a cluster.

A task is plain bytes and numbers and its function is one of a module, so that a pool of processes and Dask's
``Client.get_executor()`` take it alike. Whatever starts the executor also ends it.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from itertools import islice, pairwise
from math import ceil
from typing import Protocol, TypeVar

from compute.paillier.costs import Costs, measured

T = TypeVar("T")
R = TypeVar("R")


class Costed(Protocol):
    """A way to do some work: the CPU seconds and the bytes of memory that it is going to take."""

    @property
    def seconds(self) -> float: ...  # noqa: D102 -- as the class says
    @property
    def memory(self) -> int: ...  # noqa: D102


P = TypeVar("P", bound=Costed)

_AHEAD = 2
"""Tasks per worker that are handed out at a time, so that memory does not grow with the number of tasks."""


@dataclass(frozen=True)
class Runner:
    """An executor, if any, of so many workers, and what the cost model needs."""

    executor: Executor | None = None
    workers: int = 1
    memory: int = 128 << 20
    """Bytes that a task's tables may take."""
    task_seconds: float = 2.0
    """How long one task is to take: what a crash repeats, and how often progress is told."""
    worth_spreading: float = 2.0
    """Seconds of work below which starting and feeding another process would take longer."""
    costs: Callable[[int], Costs] = measured
    """Of a modulus of so many bits."""

    def tasks(self, seconds: float, most: int) -> int:
        """Give the number of tasks, at most ``most``, into which so many seconds of work are cut."""
        wanted = ceil(seconds / self.task_seconds)
        if self.spreads(seconds):
            wanted = ceil(wanted / self.workers) * self.workers
        return max(1, min(most, wanted))

    def cheapest(self, plans: Sequence[P]) -> P:
        """Give the cheapest plan that keeps to the memory, or the one of least memory where none does."""
        fitting = [each for each in plans if each.memory <= self.memory]
        return min(fitting, key=lambda each: each.seconds) if fitting else min(plans, key=lambda each: each.memory)

    def spreads(self, seconds: float) -> bool:
        """Say whether so much work is handed to the executor."""
        return self.executor is not None and seconds >= self.worth_spreading

    def run(self, function: Callable[[T], R], tasks: Iterable[T], seconds: float) -> Iterator[tuple[int, R]]:
        """Give (index, function(task)) of every task, as each is done; raise what a function raises.

        ``tasks`` is read as workers become free.
        """
        if self.executor is None or not self.spreads(seconds):
            for index, task in enumerate(tasks):
                yield index, function(task)
            return
        waiting = enumerate(tasks)
        running: dict[Future[R], int] = {}
        try:
            while True:
                for index, task in islice(waiting, _AHEAD * self.workers - len(running)):
                    running[self.executor.submit(_call, function, task, secrets.token_bytes(16))] = index
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        finally:
            for future in running:
                future.cancel()

    def each(
        self,
        function: Callable[[Sequence[T]], Sequence[R]],
        inputs: Sequence[T],
        seconds: float,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[R]:
        """Give, in order, what ``function`` gives for the inputs, of which it takes a range at a time.

        ``seconds`` is what one input costs; ``progress`` hears of inputs done and inputs in all.
        """
        count, total = len(inputs), len(inputs) * seconds
        cuts = chunks(count, self.tasks(total, count))
        ranges = (inputs[cut.start : cut.stop] for cut in cuts)
        results: dict[int, Sequence[R]] = {}
        done = 0
        for index, outputs in self.run(function, ranges, total):
            results[index] = outputs
            done += len(outputs)
            if progress is not None:
                progress(done, count)
        return [output for index in range(len(cuts)) for output in results[index]]


def _call(function: Callable[[T], R], task: T, _once: bytes) -> R:
    """Run a task. No two calls are alike: Dask gives equal calls one result, and randomness would repeat."""
    return function(task)


HERE = Runner()
"""This process alone."""


def chunks(count: int, parts: int) -> list[range]:
    """Cut 0 … count−1 into at most so many ranges of nearly equal length; none is empty."""
    cuts = [count * part // parts for part in range(parts + 1)]
    return [range(*cut) for cut in pairwise(cuts) if cut[0] < cut[1]]
