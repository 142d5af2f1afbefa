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
from gmpy2 import mpz

_REPEATS, _COUNT, _TABLE = 5, 128, 16
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
    """Measure modulo a random odd number of ``bits`` bits, once per process: 0.05 to 0.2 s.

    Operands lie in memory as they do in the kernels, where fetching them takes its part of the time.
    """
    n = _odd(bits)
    n_squared = n * n
    residues = [_odd(2 * bits) % n_squared for _ in range(_COUNT)]
    entries = [residue % n for residue in residues * _TABLE]
    codes = [secrets.randbelow(len(entries)) for _ in residues]

    def entry() -> None:
        for t in entries[:_COUNT]:
            q, r = gmpy2.f_divmod(t * t, n)
            _ = r, t * t % n, (t + t + q * t) % n

    return Costs(
        product=_seconds(lambda: [a * b % n_squared for a, b in pairwise(residues)]),
        half=_seconds(lambda: [a * entries[code] % n_squared for a, code in zip(residues, codes, strict=True)]),
        square=_seconds(lambda: [a * a % n_squared for a in residues]),
        entry=_seconds(entry),
        power=_seconds(lambda: gmpy2.powmod(entries[0], n, n_squared)) * _COUNT,
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


def _odd(bits: int) -> mpz:
    return mpz(secrets.randbits(bits)) | 1 | mpz(1) << (bits - 1)


def _seconds(operation: Callable[[], object]) -> float:
    """The least CPU time of :data:`_COUNT` operations, for each."""
    best = float("inf")
    for _ in range(_REPEATS):
        start = time.process_time()
        operation()
        best = min(best, time.process_time() - start)
    return best / _COUNT
