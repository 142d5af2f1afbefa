"""Listings by provider, product and version; the description is stored as it came."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, select, tuple_, update

from catalog.description import parse_product
from catalog.grade import Grade
from catalog.product import Product
from marketplace.errors import ConflictError, StaleError
from marketplace.flow.product import PUBLIC, Key, Listing
from marketplace.flow.states import ProductState
from marketplace.store import product_search
from marketplace.store.keys import has_any
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row
from marketplace.store.tables import products

_LISTING = select(products.c.description, products.c.state)
_KEY = (products.c.provider, products.c.id, products.c.version)


def add(connection: Connection, listing: Listing) -> None:
    """Store a new version; raise `ConflictError` if it was described before, for a version never changes."""
    provider, product, version = listing.key
    row = _key(listing.key) | _written(listing) | {"state": listing.state}
    insert_once(connection, products, row, f"{product} {version} of {provider} is described already")
    product_search.index(connection, listing)


def load(connection: Connection, key: Key) -> Listing | None:
    """Give the listing of (provider, product, version), if there is one."""
    row = connection.execute(_LISTING.filter_by(**_key(key))).one_or_none()
    return None if row is None else _listing(row)


def load_all(connection: Connection, keys: Sequence[Key]) -> list[Listing]:
    """Give the listings that there are of so many keys (`has_any` says how many at most), in their order."""
    rows = connection.execute(_LISTING.where(has_any(_KEY, keys)))
    found = {listing.key: listing for listing in map(_listing, rows)}
    return [found[key] for key in keys if key in found]


def page(
    connection: Connection, provider: str | None, state: ProductState | None, after: Key, limit: int
) -> list[Listing]:
    """Give up to `limit` versions behind a key; those of a provider, in a state, if it is named."""
    query = _LISTING.where(tuple_(*_KEY) > after)
    if provider is not None:
        query = query.where(products.c.provider == provider)
    if state is not None:
        query = query.where(products.c.state == state)
    return [_listing(row) for row in connection.execute(query.order_by(*_KEY).limit(limit))]


def grade(connection: Connection, key: Key) -> Grade | None:
    """Give the grade of a version that was ever listed, None if it was not."""
    found = load(connection, key)
    return None if found is None or found.state not in PUBLIC else found.product.grade


def state(connection: Connection, key: Key) -> ProductState:
    """Give the state of a version that is known to be there."""
    return ProductState(connection.execute(select(products.c.state).filter_by(**_key(key))).scalar_one())


def move(connection: Connection, old: Listing, new: Listing) -> None:
    """Store the listing's new state; raise `ConflictError` if the old one does not hold any more."""
    move_row(connection, products, _key(old.key), old.state, new.state)
    product_search.index(connection, new)


def rewrite(connection: Connection, old: Listing, new: Listing) -> None:
    """Store another description of a draft; raise `StaleError` if the old one does not hold any more."""
    is_old = (*_is(old.key), products.c.state == old.state, products.c.digest == old.digest)
    if connection.execute(update(products).where(*is_old).values(_written(new))).rowcount != 1:
        raise StaleError(f"{old.name} was changed meanwhile", "read it again, then edit")


def discard(connection: Connection, old: Listing) -> None:
    """Remove a draft that was never submitted; raise `ConflictError` if it is none any more."""
    is_draft = (*_is(old.key), products.c.state == ProductState.DRAFT)
    if connection.execute(delete(products).where(*is_draft)).rowcount != 1:
        raise ConflictError(f"{old.name} is no draft any more", "look again")


def _key(key: Key) -> dict[str, str]:
    return dict(zip(("provider", "id", "version"), key, strict=True))


def _is(key: Key) -> list[ColumnElement[bool]]:
    return [column == part for column, part in zip(_KEY, key, strict=True)]


def _written(listing: Listing) -> dict[str, str]:
    return {"digest": listing.digest, "description": listing.description}


def _listing(row: Row[Any, Any]) -> Listing:
    description, state = row
    return Listing(_product(description), description, ProductState(state))


@lru_cache(maxsize=256)  # to read one takes a millisecond, and what is compared with a demand is a hundred
def _product(description: str) -> Product:
    return parse_product(description.encode())
