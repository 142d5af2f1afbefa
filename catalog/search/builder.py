"""Postings of many products at once, piece after piece."""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from catalog.errors import SearchError
from catalog.search.described import Terms
from catalog.search.postings import pack, place


class Posting(NamedTuple):
    """The numbers of one piece that have a term, for each part of a description."""

    term: str
    piece: int
    title: bytes
    fields: bytes
    rest: bytes


class Builder:
    """Takes products in the order of their numbers; holds one piece's terms at a time."""

    def __init__(self) -> None:
        self._piece = 0
        self._offsets: tuple[dict[str, array[int]], ...] = _empty()

    def add(self, number: int, terms: Terms) -> Iterator[Posting]:
        """Take one product, and give what is finished by that: the piece before, if this one begins another.

        Raises `SearchError` for a number of a piece that was given away.
        """
        piece, offset = place(number)
        if piece < self._piece:
            raise SearchError(f"number {number} comes after the piece {self._piece}; add them in order")
        if piece > self._piece:
            yield from self.finished()
            self._piece = piece
        for part, found in zip(self._offsets, terms, strict=True):
            for term in found:
                part[term].append(offset)

    def finished(self) -> Iterator[Posting]:
        """Give the last piece."""
        offsets, self._offsets = self._offsets, _empty()
        for term in sorted(set().union(*offsets)):
            title, fields, rest = (pack(part.get(term, ())) for part in offsets)
            yield Posting(term, self._piece, title, fields, rest)


def _empty() -> tuple[dict[str, "array[int]"], ...]:
    return tuple(defaultdict(lambda: array("H")) for _ in Terms._fields)
