"""What the arithmetic costs on this machine: the cost model's only input, measured and not assumed."""

import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import gmpy2
import numpy as np
from gmpy2 import mpz

from compute.paillier.split import Products, Split, Table

_REPEATS, _COUNT = 5, 256
_TABLES, _SIDE, _SQUARINGS = 4, 32, 16
"""Tables of so many entries squared, and squarings at a time."""
_MOST = 60.0
"""Seconds that one operation may be said to take."""


@dataclass(frozen=True)
class Costs:
    """CPU seconds of one operation modulo n², by the length of n."""

    product: float
    """Of two residues."""
    half: float
    """Of a residue and a number below n, as a split factor needs (``split.py``)."""
    square: float
    entry: float
    """Of making one entry of a table in split form."""
    power: float
    """r^n."""


@cache
def measured(bits: int) -> Costs:
    """Measure modulo a random odd number of ``bits`` bits, once per process: 0.1 to 0.5 s.

    By what the kernels themselves do, on tables of some size, since fetching an entry takes its part of the time.
    """
    n = mpz(secrets.randbits(bits)) | 1 | mpz(1) << (bits - 1)
    n_squared = n * n
    # Powers of 2 are units modulo any odd number, and of so high an exponent as good as random.
    units = [gmpy2.powmod(2, secrets.randbits(40) | 1 << 40, n_squared) for _ in range(2 * _SIDE)]
    left, right = Split.of(units[:_SIDE], n), Split.of(units[_SIDE:], n)
    tables, entries = [Table(left.outer(right)) for _ in range(_TABLES)], _SIDE * _SIDE
    codes = [np.array([secrets.randbelow(entries) for _ in range(_COUNT)], dtype=np.uint16) for _ in tables]
    products, residues = Products(n, _COUNT), (units * _COUNT)[:_COUNT]
    products.multiply(tables[0], codes[0])

    def multiply() -> None:
        for table, column in zip(tables, codes, strict=True):
            products.multiply(table, column)

    return Costs(
        product=_seconds(lambda: [a * b % n_squared for a, b in pairwise(residues)]) / _COUNT,
        half=_seconds(multiply) / (_TABLES * _COUNT),
        square=_seconds(lambda: products.square(_SQUARINGS)) / (_SQUARINGS * _COUNT),
        entry=_seconds(lambda: Table(left.outer(right))) / entries,
        power=_seconds(lambda: gmpy2.powmod(units[0], n, n_squared)),
    )


def kept(path: Path) -> Callable[[int], Costs]:
    """Give :func:`measured` with its figures kept in a JSON file, for as long as GMP is of the same version."""

    def costs(bits: int) -> Costs:
        known, name = _read(path), f"{bits} bits, GMP {gmpy2.mp_version()}"
        figures = known.get(name)
        if figures is None:
            figures = known[name] = measured(bits)
            text = json.dumps({each: asdict(known[each]) for each in known}, indent=1)
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            fresh.write_text(text + "\n", encoding="utf-8")
            fresh.replace(path)  # other processes read and write it too
        return figures

    return costs


def _read(path: Path) -> dict[str, Costs]:
    """The file's figures; none where it cannot be read or a figure is none: then all are measured anew."""
    try:
        known = {name: Costs(**figures) for name, figures in json.loads(path.read_bytes()).items()}
        sound = all(0 < figure < _MOST for costs in known.values() for figure in asdict(costs).values())
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}
    return known if sound else {}


def _seconds(operation: Callable[[], object]) -> float:
    """Give the least CPU time of some runs."""
    best = float("inf")
    for _ in range(_REPEATS):
        start = time.process_time()
        operation()
        best = min(best, time.process_time() - start)
    return best
