"""Split form: a unit c modulo m² as (t, κ), where c = t·(1 + m·κ) mod m² and 0 ≤ t, κ < m.

Here t = c mod m and κ = ⌊c/m⌋·t⁻¹ mod m, since (1 + m·a)·(1 + m·b) = 1 + m·(a+b) mod m². Multiplying by a factor
that is split beforehand takes a product by t, half as long as c, and an addition: 0.56 of the time, and the very
same residue in the end (docs/adr/0017). It serves wherever factors are used often: tables, powers of bases, pools.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from gmpy2 import f_divmod, gcd, invert, mpz
from numpy.typing import NDArray

from compute.paillier.errors import CiphertextError

_LIMB = 32
"""Bits. Sums of κs are kept as arrays of limbs in 64 bits each: 2³² of them cannot overflow."""


@dataclass(frozen=True)
class Split:
    """Units in split form modulo ``m``²: columns of t, of t⁻¹ mod m and of κ."""

    m: mpz
    t: list[mpz]
    inverse: list[mpz]
    kappa: list[mpz]

    @classmethod
    def of(cls, units: Iterable[int], m: int) -> "Split":
        """Split units modulo m²; all inverses together cost one, and three products each (Montgomery's trick).

        Raises :class:`CiphertextError` for a number that shares a factor with m.
        """
        modulus = mpz(m)
        pairs = [f_divmod(mpz(unit), modulus) for unit in units]
        prefixes, product = [], mpz(1)
        for _, t in pairs:
            prefixes.append(product)
            product = product * t % modulus
        if gcd(product, modulus) != 1:
            raise CiphertextError("a number to be split shares a factor with the modulus; check it first")
        suffix, inverses = invert(product, modulus), []
        for (_, t), prefix in zip(reversed(pairs), reversed(prefixes), strict=True):
            inverses.append(suffix * prefix % modulus)
            suffix = suffix * t % modulus
        inverses.reverse()
        kappa = [high * inverse % modulus for (high, _), inverse in zip(pairs, inverses, strict=True)]
        return cls(modulus, [t for _, t in pairs], inverses, kappa)

    def __len__(self) -> int:
        return len(self.t)

    def part(self, start: int, stop: int) -> "Split":
        """Give the units at start … stop−1."""
        at = slice(start, stop)
        return Split(self.m, self.t[at], self.inverse[at], self.kappa[at])

    def then(self, other: "Split") -> "Split":
        """Give these units and then the other's."""
        return Split(self.m, self.t + other.t, self.inverse + other.inverse, self.kappa + other.kappa)

    def outer(self, other: "Split") -> "Split":
        """Give all products a_i·b_j, at index i·len(b) + j.

        t_i·t_j = q·m + t gives the product's t, and q·t⁻¹ goes to its κ.
        """
        m = self.m
        result = Split(m, [], [], [])
        for t_i, inverse_i, kappa_i in zip(self.t, self.inverse, self.kappa, strict=True):
            pairs = [f_divmod(t_i * t_j, m) for t_j in other.t]
            inverses = [inverse_i * inverse_j % m for inverse_j in other.inverse]
            result.t.extend([t for _, t in pairs])
            result.inverse.extend(inverses)
            result.kappa.extend(
                [
                    (q * inverse + kappa_i + kappa_j) % m
                    for (q, _), inverse, kappa_j in zip(pairs, inverses, other.kappa, strict=True)
                ]
            )
        return result

    def powers(self, count: int) -> "Split":
        """Give the first ``count`` powers of the one unit, from its 0th on."""
        result, last = Split.of([1], self.m), Split.of([1], self.m)
        for _ in range(count - 1):
            last = last.outer(self)
            result.t.extend(last.t)
            result.inverse.extend(last.inverse)
            result.kappa.extend(last.kappa)
        return result


class Table:
    """Units as factors of :class:`Products`."""

    def __init__(self, units: Split) -> None:
        self.t = units.t
        self.kappa = _limbs(units.kappa, units.m)


class Products:
    """So many products modulo m², at first 1, that are multiplied by entries of tables."""

    def __init__(self, m: mpz, count: int) -> None:
        self._m, self._m_squared = m, m * m
        self._t = [mpz(1)] * count
        self._kappa = np.zeros((count, _limb_count(m)), dtype=np.uint64)

    def multiply(self, table: Table, codes: NDArray[np.integer]) -> None:
        """Multiply each product by the entry that its code names."""
        m_squared, entries = self._m_squared, table.t
        self._t = [t * entries[code] % m_squared for t, code in zip(self._t, codes.tolist(), strict=True)]
        self._kappa += table.kappa[codes]

    def multiply_pair(self, tables: Sequence[Table], codes: NDArray[np.integer]) -> None:
        """Multiply by an entry of each of two tables: faster than twice one while m has up to some 1,500 bits."""
        m_squared, (first, second) = self._m_squared, tables
        pairs = zip(self._t, codes[0].tolist(), codes[1].tolist(), strict=True)
        self._t = [t * (first.t[one] * second.t[other]) % m_squared for t, one, other in pairs]
        for table, column in zip(tables, codes, strict=True):
            self._kappa += table.kappa[column]

    def square(self, times: int) -> None:
        """Square each product so many times."""
        m_squared = self._m_squared
        for _ in range(times):
            self._t = [t * t % m_squared for t in self._t]
        kappas = [(kappa << times) % self._m for kappa in _numbers(self._kappa)]
        self._kappa = _limbs(kappas, self._m)

    def residues(self) -> list[mpz]:
        """Give the products modulo m²."""
        m = self._m
        kappas = _numbers(self._kappa)
        return [t * (1 + kappa % m * m) % self._m_squared for t, kappa in zip(self._t, kappas, strict=True)]


def _limb_count(m: mpz) -> int:
    return -(-int(m.bit_length()) // _LIMB)


def _limbs(numbers: list[mpz], m: mpz) -> NDArray[np.uint64]:
    count = _limb_count(m)
    data = b"".join(number.to_bytes(count * _LIMB // 8, "little") for number in numbers)
    return np.frombuffer(data, dtype="<u4").reshape(len(numbers), count).astype(np.uint64)


def _numbers(limbs: NDArray[np.uint64]) -> list[mpz]:
    """Give the numbers whose limbs may have grown beyond 32 bits."""
    count, length = limbs.shape
    carried = np.zeros((count, length + 2), dtype=np.uint64)  # sums are of fewer than 2³² numbers
    carried[:, :length] = limbs
    while (carry := carried >> np.uint64(_LIMB)).any():
        carried &= np.uint64(2**_LIMB - 1)
        carried[:, 1:] += carry[:, :-1]
    data, size = carried.astype("<u4").tobytes(), (length + 2) * _LIMB // 8
    return [mpz.from_bytes(data[start : start + size], "little") for start in range(0, len(data), size)]
