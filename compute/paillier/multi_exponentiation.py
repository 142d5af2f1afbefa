"""Products of many powers, Π_i c_i^(e_i), at a dozen products for each c_i where a power of 128 bits takes 150.

By buckets: for each digit of the exponents, the c_i whose digit is d go into bucket d, and Π_d bucket_d^d takes
two products for each value of a digit. Source: Pippenger (1976), as described in Bernstein, Doumen, Lange and
Oosterwijk, "Faster batch forgery identification" (INDOCRYPT 2012), section 4.

Modulo n² the c_i are in split form (``split.py``), t_i·(1 + n·κ_i): products are by numbers half as long, and of
the κs only Σ e_i·κ_i is needed. Exponents and numbers are public: the time tells them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from gmpy2 import mpz
from numpy.typing import NDArray

from compute.paillier.costs import Costs
from compute.paillier.public import PublicKey
from compute.paillier.runner import HERE, Runner, chunks
from compute.paillier.split import Split

_LEAST_ROWS = 1 << 10
"""Of a task: of fewer, buckets cost as much as rows."""


def products_of_powers(
    key: PublicKey,
    columns: Sequence[Sequence[mpz]],
    exponents: Sequence[int],
    bits: int,
    runner: Runner = HERE,
    progress: Callable[[int, int], None] | None = None,
    *,
    modulo_n: bool = False,
) -> list[mpz]:
    """Give Π_i c_i^(e_i) modulo n² of each column, 0 ≤ e_i < 2^bits; or modulo n, where the numbers are below n.

    ``progress`` hears of rows done and rows in all. Raises :class:`CiphertextError` for a number that is no unit,
    but not modulo n, where each product is right whatever the numbers are.
    """
    rows, modulus = len(exponents), key.n if modulo_n else key.n_squared
    seconds = len(columns) * seconds_of_powers(rows, bits, runner.costs(key.bits))
    cuts = chunks(rows, runner.tasks(seconds, max(1, rows // _LEAST_ROWS)))

    def parts() -> Iterator[_Part]:
        for cut in cuts:
            at = slice(cut.start, cut.stop)
            yield _Part(key.n, modulo_n, tuple(list(each[at]) for each in columns), list(exponents[at]), bits)

    done, products = 0, [mpz(1)] * len(columns)
    for index, factors in runner.run(_products, parts(), seconds):
        products = [product * factor % modulus for product, factor in zip(products, factors, strict=True)]
        done += len(cuts[index])
        if progress is not None:
            progress(done, rows)
    return products


def product_of_powers(bases: Sequence[mpz], exponents: Sequence[int], bits: int, modulus: mpz) -> mpz:
    """Give Π_i bases_i^(e_i) mod modulus, 0 ≤ e_i < 2^bits; 1 of none."""
    width = _digit_bits(len(bases), bits)
    result = mpz(1)
    for digits in _digits(exponents, bits, width):
        for _ in range(width):
            result = result * result % modulus
        buckets = [mpz(1)] * (1 << width)
        for base, digit in zip(bases, digits.tolist(), strict=True):
            buckets[digit] = buckets[digit] * base % modulus
        running = mpz(1)
        for bucket in reversed(buckets[1:]):  # running is Π_{d' ≥ d} of them, so the d-th is taken d times
            running = running * bucket % modulus
            result = result * running % modulus
    return result


def seconds_of_powers(rows: int, bits: int, costs: Costs) -> float:
    """Give the CPU seconds that one product modulo n² takes, its splitting included."""
    width = _digit_bits(rows, bits)
    windows = -(-bits // width)
    return rows * (windows * costs.half + costs.entry) + windows * (2 << width) * costs.product


@dataclass(frozen=True)
class _Part:
    """One task: some rows of every column."""

    n: mpz
    modulo_n: bool
    columns: tuple[list[mpz], ...]
    exponents: list[int]
    bits: int


def _products(part: _Part) -> list[mpz]:
    exponents, bits, n = part.exponents, part.bits, part.n
    if part.modulo_n:
        return [product_of_powers(column, exponents, bits, n) for column in part.columns]
    return [_split_product(column, exponents, bits, n) for column in part.columns]


def _split_product(units: Sequence[mpz], exponents: Sequence[int], bits: int, n: mpz) -> mpz:
    split, n_squared = Split.of(units, n), n * n
    kappa = sum(exponent * kappa_i for exponent, kappa_i in zip(exponents, split.kappa, strict=True))
    return product_of_powers(split.t, exponents, bits, n_squared) * (1 + kappa % n * n) % n_squared


def _digit_bits(rows: int, bits: int) -> int:
    """The digits' length of the least work, products of buckets taking twice as long as those of split factors."""
    return min(range(1, min(bits, 16) + 1), key=lambda width: -(-bits // width) * (rows + (4 << width)))


def _digits(exponents: Sequence[int], bits: int, width: int) -> NDArray[np.int64]:
    """Give the exponents' digits, the most significant of all of them first: digits × rows."""
    windows = -(-bits // width)
    length = (windows * width + 7) // 8
    data = b"".join(int(exponent).to_bytes(length, "big") for exponent in exponents)
    each = np.unpackbits(np.frombuffer(data, dtype=np.uint8).reshape(len(exponents), length), axis=1)
    cut = each[:, 8 * length - windows * width :].reshape(len(exponents), windows, width)
    return (cut @ (1 << np.arange(width - 1, -1, -1))).T
