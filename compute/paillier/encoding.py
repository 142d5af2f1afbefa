"""Exact signed fixed point: decimal numbers to integers, and signed integers to residues modulo n."""

from dataclasses import dataclass
from decimal import Decimal

from compute.paillier.errors import PlaintextError
from compute.paillier.public import PublicKey

MAX_DIGITS = 1000
"""Before or after the point; a plaintext of 3,072 bits has 924."""


@dataclass(frozen=True)
class FixedPoint:
    """Numbers with ``decimals`` digits after the point, as integers in units of 10^-decimals."""

    decimals: int

    def __post_init__(self) -> None:
        if not 0 <= self.decimals <= MAX_DIGITS:
            raise PlaintextError(f"{self.decimals} decimals; choose 0 to {MAX_DIGITS}")

    def encode(self, value: Decimal | int) -> int:
        """Give value·10^decimals; raise :class:`PlaintextError` where that is no integer, and for a float.

        A float is refused because it seldom is the number that its writer meant.
        """
        if isinstance(value, bool) or not isinstance(value, Decimal | int):
            raise PlaintextError(f"{type(value).__name__} is not exact; give an int or a Decimal")
        number = Decimal(value)
        if not number.is_finite():
            raise PlaintextError(f"{number} is not a number; give a finite one")
        if number and abs(number.adjusted()) > MAX_DIGITS:
            raise PlaintextError(f"the number has more than {MAX_DIGITS} digits; it would fit no plaintext")
        numerator, denominator = number.as_integer_ratio()
        units, remainder = divmod(numerator * int(10**self.decimals), denominator)
        if remainder:
            raise PlaintextError(f"{number} has more than {self.decimals} decimals; round it first")
        return units

    def decode(self, units: int) -> Decimal:
        """Give units·10^-decimals, exact."""
        sign, digits, _ = Decimal(int(units)).as_tuple()
        return Decimal((sign, digits, -self.decimals))


def to_residue(key: PublicKey, value: int) -> int:
    """Give the plaintext of a signed integer, value mod n; raise unless |value| ≤ (n−1)/2."""
    if not hasattr(value, "__index__"):
        raise PlaintextError(f"{type(value).__name__} is no whole number; encode it first")
    if abs(value) > key.n // 2:
        raise PlaintextError("the value does not fit the modulus; it must lie within ±(n−1)/2")
    return int(value % key.n)


def from_residue(key: PublicKey, plaintext: int) -> int:
    """Give the signed integer in ±(n−1)/2 that a plaintext in [0, n) stands for."""
    if not 0 <= plaintext < key.n:
        raise PlaintextError("the plaintext must lie in [0, n)")
    return int(plaintext if plaintext <= key.n // 2 else plaintext - key.n)
