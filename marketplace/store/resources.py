"""Resources by provider and the registrar's number."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, RowMapping, insert, select, tuple_, update

from marketplace.errors import ConflictError
from marketplace.flow.clocks import day_of
from marketplace.flow.product import Key, Listing
from marketplace.flow.resource import Registration, Resource
from marketplace.flow.states import ResourceState
from marketplace.store.resource_tables import product_lineage, resources
from marketplace.store.rows import insert_once


def add(connection: Connection, resource: Resource, now: int) -> None:
    """Store a resource; raise `ConflictError` if its provider has entered it before."""
    taken = f"{resource.code} is entered already"
    insert_once(connection, resources, _row(resource, now), taken, "enter what the registrar changed")


def load(connection: Connection, key: tuple[str, str]) -> Resource | None:
    """Give the resource of a provider under a number, if there is one."""
    provider, code = key
    found = connection.execute(select(resources).filter_by(provider=provider, code=code))
    row = found.mappings().one_or_none()
    return None if row is None else _resource(row)


def of_provider(connection: Connection, provider: str, codes: Iterable[str]) -> Mapping[str, Resource]:
    """Give those of the provider's resources that have these numbers, by number."""
    query = select(resources).where(resources.c.provider == provider, resources.c.code.in_(list(codes)))
    return {row["code"]: _resource(row) for row in connection.execute(query).mappings()}


def page(connection: Connection, provider: str | None, after: tuple[str, str], limit: int) -> list[Resource]:
    """Give up to `limit` resources behind a key, by provider and number; of one provider if one is named."""
    query = select(resources).where(tuple_(resources.c.provider, resources.c.code) > after)
    if provider is not None:
        query = query.where(resources.c.provider == provider)
    query = query.order_by(resources.c.provider, resources.c.code).limit(limit)
    return [_resource(row) for row in connection.execute(query).mappings()]


def move(connection: Connection, old: Resource, new: Resource, now: int) -> None:
    """Store what the registrar did; raise `ConflictError` if the old record does not hold any more."""
    held = {name: value for name, value in _row(old, now).items() if name != "ended_at"}
    write = update(resources).where(
        *(resources.c[name].is_not_distinct_from(value) for name, value in held.items())
    )
    if connection.execute(write.values(_row(new, now))).rowcount != 1:
        raise ConflictError(f"{old.code} was changed meanwhile", "look again, then enter it")


def due(connection: Connection, now: int) -> list[tuple[str, str]]:
    """Give the keys of what ended by its last day and was not stated to have ended."""
    query = select(resources.c.provider, resources.c.code)
    query = query.where(resources.c.ended_at.is_(None), resources.c.last_day < day_of(now))
    return [(provider, code) for provider, code in connection.execute(query.order_by(*query.selected_columns))]


def state_end(connection: Connection, key: tuple[str, str], now: int) -> None:
    """Note that the end of a resource is stated."""
    provider, code = key
    connection.execute(update(resources).filter_by(provider=provider, code=code).values(ended_at=now))


def link(connection: Connection, listing: Listing) -> None:
    """Note the resources that a version comes from, once it is listed."""
    provider, product, version = listing.key
    rows = [
        {"provider": provider, "code": code, "id": product, "version": version} for code in listing.product.lineage
    ]
    connection.execute(insert(product_lineage), rows)


def products_of(connection: Connection, key: tuple[str, str]) -> list[Key]:
    """Give the versions that were listed as coming from a resource."""
    provider, code = key
    query = select(product_lineage.c.id, product_lineage.c.version).filter_by(provider=provider, code=code)
    query = query.order_by(product_lineage.c.id, product_lineage.c.version)
    return [(provider, product, version) for product, version in connection.execute(query)]


def _row(resource: Resource, now: int) -> dict[str, str | int | None]:
    registration = resource.registration
    return {
        "provider": resource.provider,
        "code": resource.code,
        "name": registration.name,
        "state": resource.state.value,
        "first_day": registration.first_day,
        "last_day": registration.last_day,
        "ended_at": now if resource.has_ended(now) else None,
    }


def _resource(row: RowMapping) -> Resource:
    registration = Registration(row["name"], row["first_day"], row["last_day"])
    return Resource(row["provider"], row["code"], registration, ResourceState(row["state"]))
