"""The steps of versions of products, in their order."""

from sqlalchemy import Connection, select

from compute.canonical import decode, encode
from compute.market.products import ProductStep
from marketplace.flow.product import Key
from marketplace.store.product_tables import product_steps
from marketplace.store.rows import insert_once


def of(connection: Connection, key: Key) -> tuple[ProductStep, ...]:
    """Give all steps of a version, the first one first."""
    provider, product, version = key
    query = select(product_steps.c.step).filter_by(provider=provider, id=product, version=version)
    return tuple(decode(data, ProductStep) for data in connection.scalars(query.order_by(product_steps.c.number)))


def approver(connection: Connection, key: Key, number: int) -> str | None:
    """Give the member who made a step, None if it was a key or nobody's."""
    provider, product, version = key
    query = select(product_steps.c.member).filter_by(provider=provider, id=product, version=version, number=number)
    found: str | None = connection.scalar(query)
    return found


def add(connection: Connection, key: Key, step: ProductStep, member: str | None) -> None:
    """Store the next step; raise `ConflictError` if somebody else made one since this number was taken."""
    provider, product, version = key
    row = {
        "provider": provider,
        "id": product,
        "version": version,
        "number": step.number,
        "step": encode(step),
        "member": member,
    }
    taken = f"somebody else acted on {product} {version} meanwhile"
    insert_once(connection, product_steps, row, taken, "look again, then decide")
