"""Many powers of one unit modulo n², with exponents of full length.

By Brickell, Gordon, McCurley and Wilson, "Fast Exponentiation with Precomputation" (EUROCRYPT '92), algorithm 1:
with b_i = c^(32^i) kept, c^e = Π_d (Π_{i: e_i = d} b_i)^d for the digits e_i of e. A product for each digit and
two for each value of a digit, where powering anew takes a square for each bit. The b_i are in split form
(``split.py``): t_i·(1 + n·κ_i), so that products are by numbers half as long, and of κs only Σ e_i·κ_i is needed.
"""

from itertools import repeat

from gmpy2 import mpz

from compute.paillier.costs import Costs
from compute.paillier.split import Split

_DIGIT_BITS = 5
"""Of an exponent: for 2,048 to 4,096 bits no other length takes fewer products."""
_RADIX = 1 << _DIGIT_BITS
_VALUE = {character: value for value, character in enumerate("0123456789abcdefghijklmnopqrstuv")}
"""What :meth:`gmpy2.mpz.digits` writes."""


class UnitPowers:
    """The powers of a unit modulo ``m``² whose exponents are below 2^``bits``; the unit was checked to be one."""

    def __init__(self, unit: mpz, m: mpz, bits: int) -> None:
        self._m, self._m_squared = m, m * m
        powers, power = [unit], unit
        for _ in repeat(None, _digits(bits) - 1):
            for _ in repeat(None, _DIGIT_BITS):  # so few squares take a powering half as long again
                power = power * power % self._m_squared
            powers.append(power)
        self._bases = Split.of(powers, m)

    def power(self, exponent: mpz) -> mpz:
        """Give unit^exponent mod m², 0 ≤ exponent < 2^bits."""
        m_squared = self._m_squared
        products, kappa = [mpz(1)] * _RADIX, mpz(0)
        digits = map(_VALUE.__getitem__, reversed(exponent.digits(_RADIX)))
        # An exponent may be shorter than the bases reach.
        for digit, t, kappa_i in zip(digits, self._bases.t, self._bases.kappa, strict=False):
            products[digit] = products[digit] * t % m_squared
            kappa += digit * kappa_i
        result = running = mpz(1)
        for value in range(_RADIX - 1, 0, -1):  # running is Π_{d ≥ value}, so the d-th is taken d times
            running = running * products[value] % m_squared
            result = result * running % m_squared
        return result * (1 + kappa % self._m * self._m) % m_squared


def powers_seconds(bits: int, count: int, costs: Costs) -> float:
    """Give the CPU seconds that ``count`` powers of one unit take, their bases included."""
    digits = _digits(bits)
    return digits * (_DIGIT_BITS * costs.square + costs.entry) + count * (
        digits * costs.half + 2 * _RADIX * costs.product
    )


def _digits(bits: int) -> int:
    return -(-bits // _DIGIT_BITS)
