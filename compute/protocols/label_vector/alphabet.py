"""The plaintexts that a label may have: one slot of a packed number for each class of the bank's, one-hot.

Class c of 1 … C is 2^(width·(c−1)), and the class 0 of a row outside the cohort is 0; so a sum of labels counts
each class in a slot of its own, and a row adds 1 to one slot at most: an L1 norm of 1. What the classes mean (good
and bad, by vintage, by amount) stays at the bank.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from compute.canonical import Message

MAX_CLASSES = 16
LEAST_WIDTH, MOST_WIDTH = 16, 64
"""Bits of a slot: the widest counts beyond any number of companies, with noise."""


class Alphabet(Message, frozen=True):
    """V, in the order of the classes."""

    classes: Annotated[int, Meta(ge=1, le=MAX_CLASSES)]
    """C; without the class of the rows outside the cohort."""
    width: Annotated[int, Meta(ge=LEAST_WIDTH, le=MOST_WIDTH)]
    """Bits of a slot."""
    with_zero: bool
    """Whether rows may lie outside the cohort: so in a hidden cohort, and never in a disclosed one."""

    @property
    def values(self) -> tuple[int, ...]:
        """Give V: the plaintext of each class in turn, first that of none, if there is one."""
        slots = tuple(1 << self.width * position for position in range(self.classes))
        return (0, *slots) if self.with_zero else slots

    @property
    def greatest(self) -> int:
        """Give max V."""
        return 1 << self.width * (self.classes - 1)

    def positions(self, classes: Sequence[int]) -> list[int]:
        """Give where in V each row's class stands; raise ValueError, naming the row, for a class that is none."""
        least = 0 if self.with_zero else 1
        for row, label in enumerate(classes):
            if not least <= label <= self.classes:
                raise ValueError(f"row {row} is of class {label}; classes go from {least} to {self.classes}")
        return [int(label) - least for label in classes]
