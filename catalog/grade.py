"""Data grades 数据级别 (GB/T 43697-2024): core, important, and general in four levels."""

from collections.abc import Iterable
from enum import StrEnum


class Grade(StrEnum):
    """How much harm a leak would do, in rising order; `<` compares harm, not spelling.

    A plain string compares by the grade it names, and raises ValueError if it names none.
    """

    GENERAL_1 = "general_1"
    GENERAL_2 = "general_2"
    GENERAL_3 = "general_3"
    GENERAL_4 = "general_4"
    IMPORTANT = "important"
    CORE = "core"

    @property
    def rank(self) -> int:
        """The place in the order, 0 for the least harm."""
        return list(Grade).index(self)

    def __lt__(self, other: str) -> bool:
        return self.rank < Grade(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Grade(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Grade(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Grade(other).rank


def highest(grades: Iterable[Grade]) -> Grade:
    """Take the higher (就高从严): give the grade of data put together from data of these grades.

    Raises ValueError if there is none: nothing has no grade.
    """
    return max(grades)
