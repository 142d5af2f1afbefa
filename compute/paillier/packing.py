"""Slots: many small non-negative numbers in one plaintext, with a width from a proven bound."""

from collections.abc import Sequence
from dataclasses import dataclass

from compute.paillier.errors import LayoutError

HEADROOM_BITS = 32
"""Bits kept free above the slots, so that the top mask has room: rounding its range costs under 2⁻³¹ bit."""


@dataclass(frozen=True)
class SlotLayout:
    """Slot s of a plaintext holds bits s·width … (s+1)·width−1; ``bias`` was added to each slot's value."""

    width: int  # bits
    slots: int
    bias: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.slots < 1 or self.bias < 0:
            raise LayoutError(f"{self.slots} slots of {self.width} bits with bias {self.bias} are no layout")

    @classmethod
    def for_bound(cls, bound: int, bias: int, modulus_bits: int, parties: int) -> "SlotLayout":
        """Give the layout with the narrowest slots that hold 0 … bound, and as many as n has room for.

        ``bound`` is the proven maximum of a biased total over all parties: no sum can carry into the next
        slot. Above the slots stay :data:`HEADROOM_BITS` and the bits that ``parties`` top masks need.
        """
        if bound < 1 or not 0 <= bias <= bound or parties < 1:
            raise LayoutError(f"no layout has bound {bound}, bias {bias} and {parties} parties")
        width = bound.bit_length()
        slots = (modulus_bits - 1 - HEADROOM_BITS - parties.bit_length()) // width
        if slots < 1:
            raise LayoutError(f"a slot of {width} bits does not fit a modulus of {modulus_bits} bits")
        return cls(width, slots, bias)

    @property
    def used_bits(self) -> int:
        """W = slots × width: honest plaintexts lie below 2^W."""
        return self.slots * self.width

    def outputs(self, rows: int) -> int:
        """Give the number of ciphertexts that ``rows`` values fill."""
        return -(-rows // self.slots)

    def pack(self, values: Sequence[int]) -> int:
        """Give Σ (value_s + bias)·2^(width·s) for at most ``slots`` values."""
        if len(values) > self.slots:
            raise LayoutError(f"{len(values)} values for {self.slots} slots; split them")
        packed = 0
        for value in reversed(values):
            biased = value + self.bias
            if not 0 <= biased < 1 << self.width:
                raise LayoutError(f"a value overflows its slot of {self.width} bits with bias {self.bias}")
            packed = packed << self.width | biased
        return packed

    def unpack(self, plaintext: int, count: int) -> list[int]:
        """Give the first ``count`` values less the bias; bits above the slots (the top mask) are dropped."""
        if not 0 <= count <= self.slots:
            raise LayoutError(f"{count} values asked of {self.slots} slots")
        mask = (1 << self.width) - 1
        return [(int(plaintext >> self.width * slot) & mask) - self.bias for slot in range(count)]
