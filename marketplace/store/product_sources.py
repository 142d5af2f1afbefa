"""Which versions of products were derived from which: what a stop of one has to reach."""

from sqlalchemy import Connection, insert, select

from marketplace.flow.product import Key, Listing
from marketplace.store.product_tables import product_sources


def link(connection: Connection, listing: Listing) -> None:
    """Note the versions that one was derived from, once it is listed."""
    provider, product, version = listing.key
    rows = [
        {
            "provider": provider,
            "id": product,
            "version": version,
            "source_provider": source.provider,
            "source_id": source.product,
            "source_version": source.version,
        }
        for source in (() if listing.product.derivation is None else listing.product.derivation.sources)
    ]
    if rows:
        connection.execute(insert(product_sources), rows)


def derived_from(connection: Connection, key: Key) -> list[Key]:
    """Give the versions that were listed as derived from a version, by provider, product and version."""
    provider, product, version = key
    columns = product_sources.c
    query = select(columns.provider, columns.id, columns.version).filter_by(
        source_provider=provider, source_id=product, source_version=version
    )
    rows = connection.execute(query.order_by(columns.provider, columns.id, columns.version))
    return [(row.provider, row.id, row.version) for row in rows]
