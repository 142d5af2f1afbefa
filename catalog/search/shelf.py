"""All products as one process keeps them to find among: a set for each value of a facet, a list for each order.

A shelf is never changed: `with_changes` gives the next one, and who still reads the old one sees what it was.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from catalog.search.document import Document, Facet, Selection, Sort
from catalog.search.order import Key, Order
from catalog.search.postings import bits_of, highest_of
from catalog.search.ranking import union

Counts = Mapping[Facet, Mapping[str, int]]

VALUES_TOLD = 100
"""Of a facet: of providers there may be more."""

_SORTED = (Sort.TITLE, Sort.TITLE_EN, Sort.PRICE)


@dataclass(frozen=True)
class Shelf:
    """Sets of products' numbers; all orders hold the listed ones only."""

    listed: int = 0
    latest: int = 0
    """Those of the listed that are their product's latest version."""
    values: Mapping[Facet, Mapping[str, int]] = field(default_factory=lambda: {facet: {} for facet in Facet})
    orders: Mapping[Sort, Order] = field(default_factory=lambda: {sort: Order.of(()) for sort in _SORTED})

    @classmethod
    def of(cls, documents: Iterable[Document]) -> "Shelf":
        """Give the shelf of all products; a hundred thousand take a second."""
        listed: array[int] = array("Q")
        latest: array[int] = array("Q")
        members: dict[Facet, dict[str, array[int]]] = {facet: defaultdict(lambda: array("Q")) for facet in Facet}
        keys: dict[Sort, list[Key]] = {sort: [] for sort in _SORTED}
        for document in documents:
            for facet, value in _values(document):
                members[facet][value].append(document.number)
            if document.is_listed:
                listed.append(document.number)
                for sort in _SORTED:
                    keys[sort].append(_key(document, sort))
            if document.is_latest:
                latest.append(document.number)
        orders = {sort: Order.of(each) for sort, each in keys.items()}
        values = {facet: {value: bits_of(of) for value, of in sets.items()} for facet, sets in members.items()}
        return cls(bits_of(listed), bits_of(latest), values, orders)

    def with_changes(self, documents: Iterable[Document]) -> "Shelf":
        """Give the shelf with these versions as they are now; one that was there keeps its number and values."""
        listed, latest = self.listed, self.latest
        values = {facet: dict(sets) for facet, sets in self.values.items()}
        orders = {sort: order.copy() for sort, order in self.orders.items()}
        for document in documents:
            bit = 1 << document.number
            for facet, value in _values(document):
                values[facet][value] = values[facet].get(value, 0) | bit
            for sort, order in orders.items():
                order.place(_key(document, sort), is_there=document.is_listed)
            listed = listed | bit if document.is_listed else listed & ~bit
            latest = latest | bit if document.is_latest else latest & ~bit
        return Shelf(listed, latest, values, orders)

    def narrowed(self, selection: Selection, within: int) -> int:
        """Give those of a set that have, of each facet that is selected, one of the values."""
        for facet, wanted in selection.items():
            within &= self._any(facet, wanted)
        return within

    def counts(self, selection: Selection, within: int) -> Counts:
        """Give, of each facet, how many there would be of each value if it alone were selected there.

        A facet's counts ignore its own selection and heed all others'. What has none is left out, unless it is
        selected; of more than `VALUES_TOLD` values the commonest are told. The commonest value stands first.
        """
        found: dict[Facet, dict[str, int]] = {}
        for facet, sets in self.values.items():
            others = {other: wanted for other, wanted in selection.items() if other is not facet}
            there, wanted = self.narrowed(others, within), selection.get(facet, frozenset())
            counted = ((value, (there & sets.get(value, 0)).bit_count()) for value in sets.keys() | wanted)
            kept = sorted(((value, count) for value, count in counted if count or value in wanted), key=_commonest)
            rare = (each for each in kept[VALUES_TOLD:] if each[0] in wanted)
            found[facet] = dict([*kept[:VALUES_TOLD], *rare])
        return found

    def page(self, ranks: Sequence[int], sort: Sort, after: Key | None, size: int) -> list[Key]:
        """Give the places of the first products behind a place, at most `size`, of these sets; the best set first.

        A place stays one when its product is gone: who comes back with it goes on behind where that stood.
        """
        if sort is Sort.RELEVANCE:
            found = _by_rank(ranks, after)
        elif sort is Sort.NEWEST:
            found = _by_rank([union(ranks)], after)
        else:
            found = self.orders[sort].of_set(union(ranks), after)
        return list(islice(found, size))

    def _any(self, facet: Facet, wanted: Iterable[str]) -> int:
        return union(self.values[facet].get(value, 0) for value in wanted)


def _by_rank(ranks: Sequence[int], after: Key | None) -> Iterator[Key]:
    first, below = (0, None) if after is None else (after[0], -after[1])
    for level in range(first, len(ranks)):
        found = ranks[level]
        if below is not None and level == first and below < found.bit_length():  # a cursor may hold any number
            found &= (1 << below) - 1
        for number in highest_of(found):
            yield level, -number


def _commonest(counted: tuple[str, int]) -> tuple[int, str]:
    value, count = counted
    return -count, value


def _key(document: Document, sort: Sort) -> Key:
    match sort:
        case Sort.TITLE:
            return document.title, -document.number
        case Sort.TITLE_EN:
            return document.title_en, -document.number
        case _:
            return document.price, -document.number


def _values(document: Document) -> Iterator[tuple[Facet, str]]:
    for facet, values in document.values.items():
        for value in values:
            yield facet, value
