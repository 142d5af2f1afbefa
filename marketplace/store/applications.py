"""Applications with each part, and the counter-offers that wait."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from audit.database import put
from compute.canonical import decode, encode
from compute.market.applications import CounterOffer
from compute.terms import Terms
from marketplace.flow.application import Application
from marketplace.flow.states import ApplicationState
from marketplace.store.flow_tables import counter_offers, operator_parts
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row
from marketplace.store.tables import applications, approvals


def add(connection: Connection, application: Application) -> None:
    """Store a new application; raise `ConflictError` if it was submitted before."""
    terms = application.terms
    row = {"contract": terms.contract, "consumer": terms.consumer, "terms": encode(terms)}
    insert_once(connection, applications, row, f"{terms.contract} is applied for already")
    for name, state in application.parts.items():
        _add_part(connection, terms, name, state)


def load(connection: Connection, contract: str) -> Application | None:
    """Give the application for a contract, if there is one."""
    return next(iter(_load(connection, [contract])), None)


def page(connection: Connection, party: str, after: str, limit: int) -> list[Application]:
    """Give so many behind a contract, by contract, that the party, or the operator, made or has a part in."""
    own = select(applications.c.contract).where(applications.c.consumer == party)
    asked = select(approvals.c.contract).where(approvals.c.provider == party)
    office = select(operator_parts.c.contract).where(operator_parts.c.operator == party)
    of_party = own.union(asked, office).subquery().c.contract
    found = select(of_party).where(of_party > after).order_by(of_party).limit(limit)
    return _load(connection, connection.scalars(found).all())


def _load(connection: Connection, contracts: Sequence[str]) -> list[Application]:
    columns = applications.c
    stored = connection.execute(
        select(columns.contract, columns.terms).where(columns.contract.in_(contracts)).order_by(columns.contract)
    ).all()
    parts: dict[str, dict[str, ApplicationState]] = defaultdict(dict)
    for table, party in ((approvals, approvals.c.provider), (operator_parts, operator_parts.c.operator)):
        decided = select(table.c.contract, party, table.c.state).where(table.c.contract.in_(contracts))
        for contract, name, state in connection.execute(decided):
            parts[contract][name] = ApplicationState(state)
    offered = counter_offers.c
    made = select(offered.contract, offered.provider, offered.offer).where(offered.contract.in_(contracts))
    offers: dict[str, dict[str, CounterOffer]] = defaultdict(dict)
    for contract, provider, offer in connection.execute(made):
        offers[contract][provider] = decode(offer, CounterOffer)
    return [Application(decode(terms, Terms), parts[name], offers[name]) for name, terms in stored]


def move(connection: Connection, old: Application, new: Application) -> None:
    """Store what changed; raise `ConflictError` if a part that changed is not as it was judged any more."""
    contract = old.terms.contract
    for name, state in new.parts.items():
        if name not in old.parts:
            _add_part(connection, new.terms, name, state)
        elif state is not old.parts[name]:
            is_provider = new.terms.grant_of(name) is not None
            table, column = (approvals, "provider") if is_provider else (operator_parts, "operator")
            move_row(connection, table, {"contract": contract, column: name}, old.parts[name], state)
    if new.terms != old.terms:
        changed = update(applications).where(applications.c.contract == contract)
        connection.execute(changed.values(terms=encode(new.terms)))
    _store_offers(connection, contract, old, new)


def _add_part(connection: Connection, terms: Terms, name: str, state: ApplicationState) -> None:
    is_provider = terms.grant_of(name) is not None
    table, column = (approvals, "provider") if is_provider else (operator_parts, "operator")
    connection.execute(insert(table), {"contract": terms.contract, column: name, "state": state})


def _store_offers(connection: Connection, contract: str, old: Application, new: Application) -> None:
    for provider, offer in new.offers.items():
        row = {"contract": contract, "provider": provider, "offer": encode(offer)}
        connection.execute(put(connection, counter_offers).values(row))
    if gone := old.offers.keys() - new.offers.keys():
        columns = counter_offers.c
        connection.execute(
            delete(counter_offers).where(columns.contract == contract, columns.provider.in_(sorted(gone)))
        )
