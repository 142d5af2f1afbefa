"""Applications with each provider's part."""

from sqlalchemy import Connection, insert, select, update

from compute.canonical import decode, encode
from compute.terms import Terms
from marketplace.flow.application import Application
from marketplace.flow.states import ApplicationState
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row
from marketplace.store.tables import applications, approvals


def add(connection: Connection, application: Application) -> None:
    """Store a new application; raise `ConflictError` if it was submitted before."""
    terms = application.terms
    row = {"contract": terms.contract, "consumer": terms.consumer, "terms": encode(terms)}
    insert_once(connection, applications, row, f"{terms.contract} is applied for already")
    connection.execute(
        insert(approvals),
        [
            {"contract": terms.contract, "provider": provider, "state": state}
            for provider, state in application.parts.items()
        ],
    )


def load(connection: Connection, contract: str) -> Application | None:
    """Give the application for a contract, if there is one."""
    terms = connection.scalar(select(applications.c.terms).where(applications.c.contract == contract))
    if terms is None:
        return None
    parts = connection.execute(
        select(approvals.c.provider, approvals.c.state).where(approvals.c.contract == contract)
    )
    return Application(decode(terms, Terms), {provider: ApplicationState(state) for provider, state in parts})


def names_of(connection: Connection, party: str) -> list[str]:
    """Give the names of the applications that the party made or has a part in."""
    own = select(applications.c.contract).where(applications.c.consumer == party)
    asked = select(approvals.c.contract).where(approvals.c.provider == party)
    return sorted(connection.scalars(own.union(asked)))


def move(connection: Connection, old: Application, new: Application) -> None:
    """Store what changed; raise `ConflictError` if a part that changed is not as it was judged any more."""
    contract = old.terms.contract
    for provider, state in new.parts.items():
        if state is not old.parts[provider]:
            move_row(
                connection,
                approvals,
                {"contract": contract, "provider": provider},
                old.parts[provider],
                state,
            )
    if new.terms != old.terms:
        changed = update(applications).where(applications.c.contract == contract)
        connection.execute(changed.values(terms=encode(new.terms)))
