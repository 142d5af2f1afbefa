"""``group_sum``: for each feature and bin, the encrypted sum of the values of the rows in that bin.

Features are joined in groups (``joint.py``): each row costs one product per group, in a histogram over the group's
joint bins, of which every feature's own histogram is a marginal. The unit of work is a range of rows, which
carries its values and codes as bytes and gives the marginals. Values may be packed (``packing.py``): sums are slot
by slot.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from math import ceil, prod

import numpy as np
from gmpy2 import mpz

from compute.paillier.ciphertexts import from_bytes, read, to_bytes
from compute.paillier.joint import Codes, columns_of, groupings, joint_codes, joint_sizes
from compute.paillier.partials import Partials, run_or_resume
from compute.paillier.public import PublicKey
from compute.paillier.runner import HERE, Runner, chunks

MAX_ROWS = 1 << 14
"""Of one task, so that its memory does not grow with the number of rows."""
_NUMBER_OVERHEAD = 100
"""Bytes of a number's objects beside its digits."""


@dataclass(frozen=True)
class Plan:
    """The groups of features that are joined, and how many rows a task takes at most."""

    groups: tuple[tuple[int, ...], ...]
    seconds: float
    """Of CPU time that it is going to cost."""
    memory: int
    """Bytes of a task's joint histograms."""


def plan(sizes: Sequence[int], rows: int, bits: int, runner: Runner = HERE) -> Plan:
    """Give the cheapest grouping that keeps to the runner's memory, or the one of least memory where none does."""
    product = runner.costs(bits).product
    plans = []
    for groups in groupings(sizes):
        joint = joint_sizes(sizes, groups)
        tasks = max(ceil(rows / MAX_ROWS), runner.workers if runner.executor else 1)
        marginals = sum(_marginal_products([sizes[feature] for feature in group]) for group in groups)
        seconds = product * (rows * len(groups) + tasks * marginals)
        plans.append(Plan(groups, seconds, sum(joint) * (bits // 4 + _NUMBER_OVERHEAD)))
    return runner.cheapest(plans)


def group_sum(
    key: PublicKey,
    values: Sequence[int],
    codes: Sequence[Sequence[int]],
    sizes: Sequence[int],
    runner: Runner = HERE,
    partials: Partials | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[list[mpz]]:
    """Give for feature j and bin b a ciphertext of Σ_{i: codes[j][i] = b} y_i; ``values[i]`` is E(y_i).

    ``sizes[j]`` is feature j's number of bins. An empty bin is the ciphertext 1 of zero; like all of the result it
    is deterministic: blind it before it leaves. The time depends on how long the numbers are: ``conceal``
    values that a stranger made. ``partials`` keeps the sums of tasks, for a run that is broken
    off; ``progress`` hears of rows done and rows in all. Raises :class:`CiphertextError` and :class:`CodeError`.
    """
    key.check_ciphertexts(values)
    columns = columns_of(codes, sizes, len(values))
    cells = [[mpz(1)] * size for size in sizes]
    if not sizes or not values:
        return cells
    chosen = plan(sizes, len(values), key.bits, runner)
    cuts = chunks(len(values), max(ceil(len(values) / MAX_ROWS), runner.tasks(chosen.seconds, len(values))))
    work = _Work(key, values, tuple(sizes), joint_codes(columns, sizes, chosen.groups), chosen.groups, cuts)
    done = 0
    for index, data in run_or_resume(
        runner, part_sums, work.names, len(cuts), work.parts, chosen.seconds, partials
    ):
        part = iter(from_bytes(key, data, sum(sizes)))
        cells = [[cell * next(part) % key.n_squared for cell in feature] for feature in cells]
        done += len(cuts[index])
        if progress is not None:
            progress(done, len(values))
    return cells


@dataclass(frozen=True)
class Part:
    """One task: the values and joint codes of some rows."""

    n: bytes
    sizes: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    values: bytes
    codes: tuple[bytes, ...]
    """Each group's joint codes, 16 bits each."""


def part_sums(part: Part) -> bytes:
    """Give the part's sums, ciphertexts one after another: feature after feature, bin after bin."""
    key = PublicKey.from_bytes(part.n)
    n_squared, values = key.n_squared, read(key, part.values)
    histograms: dict[int, list[mpz]] = {}
    for group, data in zip(part.groups, part.codes, strict=True):
        dimensions = [part.sizes[feature] for feature in group]
        cells = [mpz(1)] * prod(dimensions)
        for value, code in zip(values, np.frombuffer(data, dtype=np.uint16).tolist(), strict=True):
            cells[code] = cells[code] * value % n_squared
        histograms |= zip(group, marginals(cells, dimensions, n_squared), strict=True)
    return to_bytes(key, (c for feature in range(len(part.sizes)) for c in histograms[feature]))


def marginals(cells: list[mpz], dimensions: Sequence[int], n_squared: mpz) -> list[list[mpz]]:
    """Give each dimension's own histogram of a joint one, whose last dimension counts fastest.

    By halves: the joint histogram of each half of the dimensions, then theirs.
    """
    if len(dimensions) == 1:
        return [cells]
    middle = len(dimensions) // 2
    width = prod(dimensions[middle:])
    rows = [cells[start : start + width] for start in range(0, len(cells), width)]
    left = [_product(row, n_squared) for row in rows]
    right = [_product(column, n_squared) for column in zip(*rows, strict=True)]
    return [
        *marginals(left, dimensions[:middle], n_squared),
        *marginals(right, dimensions[middle:], n_squared),
    ]


def _product(factors: Iterable[mpz], n_squared: mpz) -> mpz:
    return reduce(lambda product, factor: product * factor % n_squared, factors, mpz(1))


def _marginal_products(dimensions: Sequence[int]) -> int:
    """How many products :func:`marginals` takes, at most."""
    if len(dimensions) == 1:
        return 0
    middle = len(dimensions) // 2
    return 2 * prod(dimensions) + _marginal_products(dimensions[:middle]) + _marginal_products(dimensions[middle:])


@dataclass(frozen=True)
class _Work:
    """One sum, cut into parts."""

    key: PublicKey
    values: Sequence[int]
    sizes: tuple[int, ...]
    columns: Sequence[Codes]
    groups: tuple[tuple[int, ...], ...]
    cuts: Sequence[range]

    def names(self) -> list[str]:
        """Give each part a name that no other part of any sum has."""
        state = hashlib.sha256(f"group {self.sizes} {self.groups} {self.cuts}".encode())
        state.update(self.key.to_bytes())
        for value in self.values:
            state.update(to_bytes(self.key, [value]))
        for column in self.columns:
            state.update(column.tobytes())
        return [f"{state.hexdigest()}-{index}" for index in range(len(self.cuts))]

    def parts(self, indices: Sequence[int]) -> Iterator[Part]:
        """Make the parts of these indices, each when it is asked for."""
        for index in indices:
            rows = slice(self.cuts[index].start, self.cuts[index].stop)
            codes = tuple(column[rows].tobytes() for column in self.columns)
            yield Part(self.key.to_bytes(), self.sizes, self.groups, to_bytes(self.key, self.values[rows]), codes)
