"""Two floors: the products that a method needs, times what one takes alone, measured beside each task.

- *products*: each is a product of two residues modulo n², or a square, as in textbooks;
- *floor*: each is as short as split factors make it (docs/adr/0017), which no kernel in this form can beat.

The machine's pace changes from second to second, so a task is compared with products just before and after it.
"""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from math import prod
from typing import Any

from gmpy2 import mpz

from compute.paillier.histogram import Part
from compute.paillier.joint import joint_sizes
from compute.paillier.lookup import Block
from compute.paillier.runner import Runner

_COUNT = 400
TASK_SECONDS = 0.6


@dataclass(frozen=True)
class Needed:
    """How many products modulo n² a task needs: of residues, by numbers below n, squares; and entries."""

    full: int = 0
    half: int = 0
    square: int = 0
    entries: int = 0
    """Of joint tables: a product of two numbers below n, and two modulo n, for its inverse and its κ."""


def of_block(block: Block) -> Needed:
    """Count what a block of ``lookup_sum`` needs."""
    slots = len(block.codes)
    return Needed(
        half=slots * block.outputs * len(block.groups),
        square=(slots - len(block.tables)) * block.outputs * block.width,
        entries=len(block.tables) * sum(joint_sizes(block.sizes, block.groups)),
    )


def of_part(part: Part) -> Needed:
    """Count what a part of ``group_sum`` needs: a product for each row and group, and the marginals."""
    rows = len(part.codes[0]) // 2
    groups = [[part.sizes[feature] for feature in group] for group in part.groups]
    return Needed(full=sum(rows + _marginals(sizes) for sizes in groups))


def _marginals(sizes: list[int]) -> int:
    if len(sizes) == 1:
        return 0
    middle = len(sizes) // 2
    return 2 * prod(sizes) + _marginals(sizes[:middle]) + _marginals(sizes[middle:])


class Beside(Executor):
    """An executor that runs each task at once, here, between two measurements of single products modulo n²."""

    def __init__(self, n: int, needed: Callable[[Any], Needed]) -> None:
        self._n, self._needed = mpz(n), needed
        self.kernel = self.products = self.floor = 0.0
        """CPU seconds inside of tasks, and of the two floors."""

    @property
    def runner(self) -> Runner:
        """A runner that hands every task to this executor."""
        return Runner(self, task_seconds=TASK_SECONDS, worth_spreading=0)

    @property
    def figures(self) -> dict[str, float]:
        """Give the seconds, and the kernel's over each of the floors."""
        return {
            "kernel": self.kernel,
            "products": self.products,
            "floor": self.floor,
            "kernel_over_products": self.kernel / self.products,
            "kernel_over_floor": self.kernel / self.floor,
        }

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the task, which is the second argument of the runner's call."""
        future: Future[Any] = Future()
        needed = self._needed(args[1])
        before = self._alone(needed)
        start = time.process_time()
        future.set_result(fn(*args, **kwargs))
        self.kernel += time.process_time() - start
        after = self._alone(needed)
        self.products += (before[0] + after[0]) / 2
        self.floor += (before[1] + after[1]) / 2
        return future

    def _alone(self, needed: Needed) -> tuple[float, float]:
        """What the needed products take now, each of the last result: fresh numbers, nothing to look up."""
        n, n_squared = self._n, self._n * self._n
        a, b = (mpz(secrets.randbelow(int(n_squared))) for _ in range(2))
        t, u = a % n, b % n
        full = _chain(lambda value: value * b % n_squared, a)
        half = _chain(lambda value: value * t % n_squared, a)
        square = needed.square * _chain(lambda value: value * value % n_squared, a)
        entry = 3 * _chain(lambda value: value * u % n, t)
        products = (needed.full + needed.half + needed.entries) * full + square
        return products, needed.full * full + needed.half * half + square + needed.entries * entry


def _chain(step: Callable[[mpz], mpz], value: mpz) -> float:
    start = time.process_time()
    for _ in range(_COUNT):
        value = step(value)
    stepped = time.process_time()
    for _ in range(_COUNT):
        value = _same(value)
    return (2 * stepped - start - time.process_time()) / _COUNT


def _same(value: mpz) -> mpz:
    return value
