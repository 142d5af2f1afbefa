"""The index of products, kept in the transaction that lists or withdraws one: it is never behind the catalog.

A version never changes once it is listed, so its terms are written once, and what comes and goes after that is
whether it is listed. Every change raises the revision.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, insert, select, update

from audit.database import put
from catalog.search.described import price_key, terms_of, values_of
from catalog.search.document import Document, Facet, title_en_key, title_key
from catalog.search.postings import join, place, with_offset
from catalog.search.precedence import latest
from catalog.search.ranking import Parts
from compute.canonical import encode
from marketplace.flow.product import Listing
from marketplace.flow.product_card import card
from marketplace.flow.states import ProductState
from marketplace.store.product_search_tables import search_documents, search_state, search_terms

TERMS_AT_ONCE = 500
"""In one statement."""

_documents, _terms = search_documents.c, search_terms.c
_STATE = select(search_state.c.epoch, search_state.c.revision, search_state.c.numbers)
_CHANGED = select(
    _documents.number,
    _documents.is_listed,
    _documents.is_latest,
    _documents.facets,
    _documents.title,
    _documents.title_en,
    _documents.price,
).where(_documents.revision > bindparam("since"))
_POSTINGS = select(_terms.term, _terms.piece, _terms.title, _terms.fields, _terms.rest).where(
    _terms.term.in_(bindparam("terms", expanding=True))
)
_CARDS = select(_documents.number, _documents.card).where(
    _documents.number.in_(bindparam("numbers", expanding=True))
)
_FACETS = msgspec.json.Decoder(dict[Facet, tuple[str, ...]])


class State(NamedTuple):
    """Which index it is, how often it has changed, and how many numbers were given."""

    epoch: str
    revision: int
    numbers: int


def state(connection: Connection) -> State:
    """Give the state of the index; that of an empty one if nothing was ever listed."""
    row = connection.execute(_STATE).one_or_none()
    return State("", 0, 0) if row is None else State(*row)


def index(connection: Connection, listing: Listing) -> None:
    """Have the index say of a version what its state says: it is found while it is listed."""
    is_listed = listing.state is ProductState.LISTED
    number = connection.scalar(select(_documents.number).filter_by(**_key(listing)))
    if number is None and not is_listed:
        return
    before = state(connection)
    revision = before.revision + 1
    if number is None:
        number = before.numbers + 1
        connection.execute(insert(search_documents), row_of(listing, number, revision))
        _add_terms(connection, listing, number)
    save(connection, State(before.epoch or new_epoch(), revision, max(number, before.numbers)))
    changed = {"is_listed": int(is_listed), "revision": revision}
    connection.execute(update(search_documents).where(_documents.number == number).values(changed))
    _mark_latest(connection, listing, revision)


def changes(connection: Connection, since: int) -> Iterator[Document]:
    """Give the versions that changed after a revision, as they are; all of them after 0."""
    for row in connection.execute(_CHANGED, {"since": since}):
        values = _FACETS.decode(row.facets)
        is_listed, is_latest = bool(row.is_listed), bool(row.is_latest)
        yield Document(row.number, is_listed, is_latest, values, row.title, row.title_en, row.price)


def postings(connection: Connection, terms: Sequence[str]) -> list[Parts]:
    """Give the numbers that have each term, in the order of the terms."""
    pieces: dict[str, tuple[dict[int, bytes], ...]] = defaultdict(lambda: ({}, {}, {}))
    for row in connection.execute(_POSTINGS, {"terms": list(terms)}) if terms else ():
        for part, piece in zip(pieces[row.term], row[2:], strict=True):
            if piece:
                part[row.piece] = piece
    return [Parts(*map(join, pieces[term])) for term in terms]


def cards(connection: Connection, numbers: Sequence[int]) -> Mapping[int, bytes]:
    """Give the cards of these versions, by number."""
    rows = connection.execute(_CARDS, {"numbers": list(numbers)}) if numbers else ()
    return {number: found for number, found in rows}  # noqa: C416 -- rows are no pairs to mypy


def keys(connection: Connection, numbers: Sequence[int]) -> list[tuple[str, str, str]]:
    """Give provider, product and version of those of these numbers that are listed, in their order."""
    query = select(_documents.number, _documents.provider, _documents.product, _documents.version)
    found = query.where(_documents.number.in_(list(numbers)), _documents.is_listed == 1)
    by_number = {row.number: (row.provider, row.product, row.version) for row in connection.execute(found)}
    return [by_number[number] for number in numbers if number in by_number]


def row_of(listing: Listing, number: int, revision: int) -> dict[str, Any]:
    """Give the row of a version that is not its product's latest yet."""
    product = listing.product
    return {
        **_key(listing),
        "number": number,
        "is_listed": int(listing.state is ProductState.LISTED),
        "is_latest": 0,
        "revision": revision,
        "facets": msgspec.json.encode(values_of(product)),
        "title": title_key(product.title.zh),
        "title_en": title_en_key(product.title.en),
        "price": price_key(product.price),
        "card": encode(card(listing)),
    }


def save(connection: Connection, new: State) -> None:
    """Store the state of the index."""
    connection.execute(put(connection, search_state), {"id": 1, **new._asdict()})


def new_epoch() -> str:
    """Give the name of an index that is made now: no two have the same revisions."""
    return secrets.token_hex(8)


def renew(connection: Connection) -> None:
    """Have the index be another one with the same products: revisions that follow are none of those told before.

    For a database that was restored: what others have kept of the catalog may be newer than it.
    """
    connection.execute(update(search_state).values(epoch=new_epoch()))


def _add_terms(connection: Connection, listing: Listing, number: int) -> None:
    piece, offset = place(number)
    parts = terms_of(listing.product)
    terms = sorted(parts.title | parts.fields | parts.rest)
    for at in range(0, len(terms), TERMS_AT_ONCE):
        some = terms[at : at + TERMS_AT_ONCE]
        there = connection.execute(_POSTINGS.where(_terms.piece == piece), {"terms": some})
        before = {row.term: row[2:] for row in there}
        rows = []
        for term in some:
            held = before.get(term, (b"", b"", b""))
            after = (
                with_offset(old, offset) if term in part else old for part, old in zip(parts, held, strict=True)
            )
            rows.append(
                dict(zip(("term", "piece", "title", "fields", "rest"), (term, piece, *after), strict=True))
            )
        connection.execute(put(connection, search_terms), rows)


def _mark_latest(connection: Connection, listing: Listing, revision: int) -> None:
    provider, product, _ = listing.key
    query = select(_documents.number, _documents.version, _documents.is_listed, _documents.is_latest)
    rows = connection.execute(query.filter_by(provider=provider, product=product)).all()
    listed = [row.version for row in rows if row.is_listed]
    top = latest(listed) if listed else None
    for row in rows:
        is_latest = int(row.version == top)
        if is_latest != row.is_latest:
            changed = {"is_latest": is_latest, "revision": revision}
            connection.execute(update(search_documents).where(_documents.number == row.number).values(changed))


def _key(listing: Listing) -> dict[str, str]:
    return dict(zip(("provider", "product", "version"), listing.key, strict=True))
