"""The Paillier engine's references, worker functions and settings for its tests."""

import os
import random
import time
from collections.abc import Sequence
from math import prod
from pathlib import Path

from gmpy2 import mpz

from compute.node.lifetime import end_with_parent
from compute.paillier.costs import Costs, kept
from compute.paillier.lookup import Block, block_product
from compute.paillier.packing import SlotLayout
from compute.paillier.public import PublicKey

TASK_LOG, TASK_SECONDS = "ENGINE_TASK_LOG", "ENGINE_TASK_SECONDS"


def small(_bits: int) -> Costs:
    """What operations at 2,048 bits cost, about, so that plans do not depend on the machine."""
    return Costs(product=6e-6, half=4e-6, square=5e-6, entry=15e-6, power=12e-3)


def large(_bits: int) -> Costs:
    """Costs of which little work makes many tasks, which are worth spreading."""
    return Costs(product=3.0, half=3.0, square=3.0, entry=0.1, power=9000.0)


def units(key: PublicKey, count: int, seed: int = 1) -> list[mpz]:
    """Give the same units modulo n² in every run."""
    generator = random.Random(seed)  # noqa: S311 -- reproducible, and protects nothing
    return [1 + mpz(generator.getrandbits(2 * key.bits)) % (key.n_squared - 1) for _ in range(count)]


def columns(sizes: Sequence[int], rows: int, seed: int = 1) -> list[list[int]]:
    """Give the same codes in every run."""
    generator = random.Random(seed)  # noqa: S311
    return [[generator.randrange(size) for _ in range(rows)] for size in sizes]


def tables_of(key: PublicKey, sizes: Sequence[int]) -> list[list[mpz]]:
    entries = iter(units(key, sum(sizes)))
    return [[next(entries) for _ in range(size)] for size in sizes]


def plain_lookup(
    key: PublicKey, tables: Sequence[Sequence[int]], codes: Sequence[Sequence[int]], layout: SlotLayout
) -> list[mpz]:
    """Π_s (Π_j T_j[codes_j])^(2^(width·s)), by the formula."""
    rows = len(codes[0]) if codes else 0
    sums = [mpz(1)] * -(-rows // layout.slots)
    for row in range(rows):
        output, slot = divmod(row, layout.slots)
        entry = prod(table[column[row]] for table, column in zip(tables, codes, strict=True)) % key.n_squared
        sums[output] = sums[output] * pow(entry, 1 << layout.width * slot, key.n_squared) % key.n_squared
    return sums


def plain_groups(
    key: PublicKey, values: Sequence[int], codes: Sequence[Sequence[int]], sizes: Sequence[int]
) -> list[list[mpz]]:
    """Each bin's product, by the formula."""
    return [
        [
            prod((value for value, code in zip(values, column, strict=True) if code == b), start=mpz(1))
            % key.n_squared
            for b in range(size)
        ]
        for column, size in zip(codes, sizes, strict=True)
    ]


def slow_block(block: Block) -> bytes:
    """block_product, which tells of itself first and takes its time."""
    with Path(os.environ[TASK_LOG]).open("a", encoding="ascii") as log:
        log.write(f"{os.getpid()}\n")
    time.sleep(float(os.environ[TASK_SECONDS]))
    return block_product(block)


def doubles(numbers: Sequence[int]) -> list[int]:
    return [2 * number for number in numbers]


def pids(numbers: Sequence[int]) -> list[int]:
    return [os.getpid() for _ in numbers]


def refuse_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


def refuse_others(numbers: Sequence[int]) -> list[int]:
    return [refuse_three(number) for number in numbers]


def mark(path: str) -> str:
    """Leave a file behind, a while later."""
    time.sleep(0.2)
    Path(path).touch()
    return path


def die(_number: int) -> int:
    os._exit(7)


def write_costs(path: str, bits: int) -> int:
    """Measure four lengths and keep the figures."""
    costs = kept(Path(path))
    return sum(costs(bits + i).power > 0 for i in range(4))


def pid_slowly(_number: int) -> int:
    """Give the process, a while later, so that another one gets the next."""
    time.sleep(0.3)
    return os.getpid()


def keep_on() -> None:
    """What upkeep does: nothing, until it is ended."""
    end_with_parent()
    while True:
        time.sleep(1)
