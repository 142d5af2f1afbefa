"""Finding listed products: terms in the database, facets and orders in this process, kept as new as the database.

Public, so nobody is admitted, and nothing is recorded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import msgspec
from sqlalchemy import Connection

from audit.log import Log
from catalog.dcat.dates import Dates
from catalog.product import Product
from catalog.search.document import Facet
from catalog.search.order import Key
from catalog.search.query import Query
from catalog.search.ranking import most, rank, union
from catalog.search.shelf import Counts, Shelf
from compute.market.product_search import Bilingual, ProductCard
from marketplace.flow.product import Key as PublishedKey
from marketplace.flow.states import Move
from marketplace.store import product_reindex, product_search, product_steps, products
from marketplace.store.product_search import State
from marketplace.titles import titles_of

_CARDS = msgspec.json.Decoder(ProductCard)  # what this marketplace has written itself is not judged again
CHANGES_AT_ONCE = 2000
"""Of more a shelf is made anew, which is faster then."""


@dataclass(frozen=True)
class Found:
    """A page of what was found."""

    cards: Sequence[ProductCard]
    places: Sequence[Key]
    """Where they stand in the order that was asked for."""
    has_more: bool
    total: int
    counts: Counts
    titles: Mapping[str, Bilingual]
    """What the departments among the counts are called, of those that offer any."""
    revision: str


class ProductSearch:
    """The products of one database, for all threads of a process."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = Lock()
        self._kept = State("", 0, 0), Shelf()

    def revision(self) -> str:
        """Give the revision of the catalog: as long as it is the same, so is every page of it."""
        with self._log.snapshot() as connection:
            return _name(product_search.state(connection))

    def warm(self) -> None:
        """Read all products now, so that nobody's first query waits for that: a second for 100,000.

        Products that an earlier version listed, which had no index, are indexed first.
        """
        with self._log.snapshot() as connection:
            is_behind = product_reindex.is_unindexed(connection)
        if is_behind:
            self.reindex(lambda _done, _all: None)
        with self._log.snapshot() as connection:
            self._shelf(connection)

    def reindex(self, progress: Callable[[int, int], None]) -> int:
        """Make the index anew from all products, and give how many versions it has.

        `progress` hears how many of how many descriptions were read.
        """
        with self._log.snapshot() as connection:
            made = product_reindex.prepare(connection, progress)
        with self._log.transaction() as batch:
            return product_reindex.write(batch.connection, made)

    def find(self, query: Query, after: Key | None, limit: int) -> Found:
        """Give at most `limit` products behind a place; facets and total are those of the whole."""
        with self._log.snapshot() as connection:
            state, shelf = self._shelf(connection)
        # A later snapshot has every product of this shelf, which another thread may have made from a newer one.
        with self._log.snapshot() as connection:
            within = shelf.listed if query.every_version else shelf.latest
            ranks = rank(product_search.postings(connection, query.terms), within)
            chosen = [shelf.narrowed(query.selection, each) for each in ranks]
            places = shelf.page(chosen, query.sort, after, limit + 1)
            shown = places[:limit]
            cards = product_search.cards(connection, [-number for _, number in shown])
            counts = shelf.counts(query.selection, union(ranks))
            # Of whom nothing is on offer, and who asks for its name here, nothing is told.
            offering = [name for name, count in counts[Facet.PROVIDER].items() if count]
            called = titles_of(connection, offering)
        return Found(
            [_CARDS.decode(cards[-number]) for _, number in shown],
            shown,
            has_more=len(places) > limit,
            total=union(chosen).bit_count(),
            counts=counts,
            titles={name: Bilingual(zh=zh, en=en) for name, (zh, en) in called.items()},
            revision=_name(state),
        )

    def most_in_fields(self, connection: Connection, terms: Sequence[str], limit: int) -> list[int]:
        """Give the numbers of the listed products whose fields have most of the terms: at most `limit`."""
        _, shelf = self._shelf(connection)
        sets = [each.fields for each in product_search.postings(connection, terms)]
        return most(sets, shelf.latest, limit)

    def described(self, found: Found) -> list[Product]:
        """Give the products of a page as their providers described them."""
        with self._log.snapshot() as connection:
            listings = [
                products.load(connection, (card.provider, card.product, card.version)) for card in found.cards
            ]
        return [listing.product for listing in listings if listing is not None]

    def dates(self, found: Found) -> dict[PublishedKey, Dates]:
        """Give when the products of a page were listed, by their keys, of those whose steps are known."""
        keys = [(card.provider, card.product, card.version) for card in found.cards]
        with self._log.snapshot() as connection:
            steps = {key: product_steps.of(connection, key) for key in keys}
        listed = {key: [each.at for each in made if each.move == Move.LIST] for key, made in steps.items()}
        return {key: Dates(at[0], steps[key][-1].at) for key, at in listed.items() if at}

    def _shelf(self, connection: Connection) -> tuple[State, Shelf]:
        """Give a shelf at least as new as the snapshot, with the state that it is of."""
        state = product_search.state(connection)
        with self._lock:
            kept, shelf = self._kept
            if kept.epoch == state.epoch and kept.revision >= state.revision:
                return self._kept
            if kept.epoch == state.epoch and state.revision - kept.revision <= CHANGES_AT_ONCE:
                shelf = shelf.with_changes(product_search.changes(connection, kept.revision))
            else:
                shelf = Shelf.of(product_search.changes(connection, 0))
            self._kept = state, shelf
            return self._kept


def _name(state: State) -> str:
    return f"{state.epoch}-{state.revision}"
