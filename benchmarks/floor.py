"""The floor: what a method cannot do without, counted, times what one such product takes here, measured alone."""

import secrets
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from gmpy2 import mpz

_COUNT, _REPEATS = 2000, 7


@dataclass(frozen=True)
class Products:
    """CPU seconds of one product modulo n²: of two residues, of a residue and a number below n, of a square."""

    full: float
    half: float
    square: float
    below_n: float
    """Modulo n."""


def products(n: int) -> Products:
    """Measure them in chains, each of the last result: fresh numbers, but nothing to fetch or to look up."""
    modulus = mpz(n)
    squared = modulus * modulus
    a, b = mpz(secrets.randbelow(int(squared))), mpz(secrets.randbelow(int(squared)))
    t, u = a % modulus, b % modulus

    def chain(step: Callable[[mpz], mpz], start: mpz) -> float:
        def once() -> float:
            value, begin = start, time.process_time()
            for _ in range(_COUNT):
                value = step(value)
            return (time.process_time() - begin) / _COUNT

        return statistics.median(once() for _ in range(_REPEATS))

    empty = chain(lambda value: value, a)
    return Products(
        full=chain(lambda value: value * b % squared, a) - empty,
        half=chain(lambda value: value * t % squared, a) - empty,
        square=chain(lambda value: value * value % squared, a) - empty,
        below_n=chain(lambda value: value * u % modulus, t) - empty,
    )
