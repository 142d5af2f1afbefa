"""Listings by provider, product and version; the description is stored as it came."""

from sqlalchemy import Connection, select

from catalog.description import parse_product
from marketplace.flow.product import Listing
from marketplace.flow.states import ProductState
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row
from marketplace.store.tables import products

_LISTING = select(products.c.description, products.c.state)


def add(connection: Connection, listing: Listing) -> None:
    """Store a new version; raise `ConflictError` if it was published before, for a version never changes."""
    provider, product, version = listing.key
    row = _key(listing.key) | {
        "state": listing.state,
        "digest": listing.digest,
        "description": listing.description,
    }
    insert_once(connection, products, row, f"{product} {version} of {provider} is published already")


def load(connection: Connection, key: tuple[str, str, str]) -> Listing | None:
    """Give the listing of (provider, product, version), if there is one."""
    row = connection.execute(_LISTING.filter_by(**_key(key))).one_or_none()
    return None if row is None else _listing(*row)


def listed(connection: Connection) -> list[Listing]:
    """Give what is on offer, by provider, product and version."""
    query = _LISTING.where(products.c.state == ProductState.LISTED)
    query = query.order_by(products.c.provider, products.c.id, products.c.version)
    return [_listing(*row) for row in connection.execute(query)]


def state(connection: Connection, key: tuple[str, str, str]) -> ProductState:
    """Give the state of a version that is known to be there."""
    return ProductState(connection.execute(select(products.c.state).filter_by(**_key(key))).scalar_one())


def move(connection: Connection, old: Listing, new: Listing) -> None:
    """Store the listing's new state; raise `ConflictError` if the old one does not hold any more."""
    move_row(connection, products, _key(old.key), old.state, new.state)


def _key(key: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("provider", "id", "version"), key, strict=True))


def _listing(description: str, state: str) -> Listing:
    return Listing(parse_product(description.encode()), description, ProductState(state))
