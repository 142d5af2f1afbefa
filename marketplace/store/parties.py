"""Parties by name, with both signed records."""

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import Connection, func, select

from compute.canonical import decode, encode
from compute.records import PartyKind, PartyRecord
from compute.signing import Pin, Signed
from marketplace.flow.party import Party, PartyState, Standing
from marketplace.flow.states import OrganisationState
from marketplace.store.organisation_tables import acceptances, agreements, organisations
from marketplace.store.rows import insert_once
from marketplace.store.tables import parties

_TOGETHER = parties.join(organisations, organisations.c.name == parties.c.name)
_OF_ORGANISATION = {
    OrganisationState.ADMITTED: PartyState.ENROLLED,
    OrganisationState.SUSPENDED: PartyState.SUSPENDED,
}


def add(
    connection: Connection, party: Party, application: Signed[PartyRecord], admission: Signed[PartyRecord]
) -> None:
    """Store a new party; raise `ConflictError` if its name or its key is taken."""
    row = {
        "name": party.record.name,
        "public_key": party.record.public_key,
        "application": encode(application),
        "admission": encode(admission),
    }
    insert_once(connection, parties, row, f"the name {party.record.name} or its key is enrolled already")


def load(connection: Connection, name: str) -> Party | None:
    """Give the party, if there is one."""
    query = select(organisations.c.state, parties.c.application).select_from(_TOGETHER)
    row = connection.execute(query.where(parties.c.name == name)).one_or_none()
    if row is None:
        return None
    return Party(_record(row.application), _OF_ORGANISATION[OrganisationState(row.state)])


def standing(connection: Connection, name: str) -> Standing | None:
    """Give what decides whether the organisation may act, in one query: every command asks it."""
    newest = select(func.max(agreements.c.version)).scalar_subquery()
    due = select(agreements.c.due).where(agreements.c.version == newest).scalar_subquery()
    accepted = select(func.max(acceptances.c.version)).where(acceptances.c.organisation == name)
    enrolled = select(func.count()).where(parties.c.name == name)
    query = select(
        organisations.c.kind,
        organisations.c.state,
        enrolled.scalar_subquery(),
        accepted.scalar_subquery(),
        newest,
        due,
    ).where(organisations.c.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    kind, state, is_enrolled, version, *agreement = row
    return Standing(PartyKind(kind), OrganisationState(state), bool(is_enrolled), version, *agreement)


def admissions(connection: Connection) -> list[Signed[PartyRecord]]:
    """Give the records of all enrolled parties as the operator signed them, by name."""
    query = select(parties.c.admission).select_from(_TOGETHER).order_by(parties.c.name)
    query = query.where(organisations.c.state == OrganisationState.ADMITTED)
    return [decode(admission, Signed[PartyRecord]) for admission in connection.scalars(query)]


def pins(connection: Connection, names: Iterable[str] | None = None) -> dict[str, Pin]:
    """Give the pins of all parties, suspended ones included, or of those among `names`."""
    query = select(parties.c.name, parties.c.application)
    if names is not None:
        query = query.where(parties.c.name.in_(names))
    return {name: _record(application).pin for name, application in connection.execute(query)}


@lru_cache(1000)
def _record(application: bytes) -> PartyRecord:
    return decode(application, Signed[PartyRecord]).statement
