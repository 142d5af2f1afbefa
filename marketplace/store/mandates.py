"""Mandates, by name and by the providers whose data they are about."""

from collections.abc import Iterable

from sqlalchemy import Connection, Row, insert, select, update

from compute.canonical import decode, encode
from compute.market.mandates import MandateRequest
from marketplace.flow.mandate import Mandate
from marketplace.flow.market_states import MandateState
from marketplace.store.money_tables import mandate_providers, mandates
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row

_columns = mandates.c


def add(connection: Connection, mandate: Mandate) -> None:
    """Store a new mandate; raise `ConflictError` if its name is taken."""
    terms = mandate.terms
    row = {
        "name": terms.mandate,
        "authority": mandate.authority,
        "state": mandate.state,
        "entered_at": mandate.entered_at,
        "terms": encode(terms),
    }
    insert_once(connection, mandates, row, f"there is a mandate {terms.mandate} already")
    named = [{"provider": provider, "mandate": terms.mandate} for provider in terms.providers]
    connection.execute(insert(mandate_providers), named)


def load(connection: Connection, name: str) -> Mandate | None:
    """Give the mandate of this name, if there is one."""
    row = connection.execute(select(mandates).where(_columns.name == name)).one_or_none()
    return None if row is None else _mandate(row)


def about(connection: Connection, providers: Iterable[str]) -> list[Mandate]:
    """Give every mandate that has ever named one of these providers, by name."""
    named = select(mandate_providers.c.mandate).where(mandate_providers.c.provider.in_(list(providers)))
    query = select(mandates).where(_columns.name.in_(named)).order_by(_columns.name)
    return [_mandate(row) for row in connection.execute(query)]


def page(connection: Connection, after: str | None, size: int) -> list[Mandate]:
    """Give the first mandates behind a name, by name."""
    query = select(mandates).order_by(_columns.name).limit(size)
    if after is not None:
        query = query.where(_columns.name > after)
    return [_mandate(row) for row in connection.execute(query)]


def end(connection: Connection, old: Mandate, new: Mandate) -> None:
    """Store that a mandate has ended; raise `ConflictError` if it had before."""
    name = old.terms.mandate
    move_row(connection, mandates, {"name": name}, old.state, new.state)
    ended = {"ended_at": new.ended_at, "end_reason": new.end_reason}
    connection.execute(update(mandates).where(_columns.name == name).values(ended))


def _mandate(row: Row[tuple[object, ...]]) -> Mandate:
    return Mandate(
        decode(row.terms, MandateRequest),
        row.authority,
        MandateState(row.state),
        row.entered_at,
        row.ended_at,
        row.end_reason,
    )
