"""Parties by name, with both signed records."""

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import Connection, select

from compute.canonical import decode, encode
from compute.records import PartyRecord
from compute.signing import Pin, Signed
from marketplace.flow.party import Party
from marketplace.flow.states import PartyState
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row
from marketplace.store.tables import parties


def add(
    connection: Connection, party: Party, application: Signed[PartyRecord], admission: Signed[PartyRecord]
) -> None:
    """Store a new party; raise `ConflictError` if its name or its key is taken."""
    row = {
        "name": party.record.name,
        "public_key": party.record.public_key,
        "state": party.state,
        "application": encode(application),
        "admission": encode(admission),
    }
    insert_once(connection, parties, row, f"the name {party.record.name} or its key is enrolled already")


def load(connection: Connection, name: str) -> Party | None:
    """Give the party, if there is one."""
    query = select(parties.c.state, parties.c.application).where(parties.c.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Party(_record(row.application), PartyState(row.state))


def admissions(connection: Connection) -> list[Signed[PartyRecord]]:
    """Give the records of all enrolled parties as the operator signed them, by name."""
    query = select(parties.c.admission).where(parties.c.state == PartyState.ENROLLED).order_by(parties.c.name)
    return [decode(admission, Signed[PartyRecord]) for admission in connection.scalars(query)]


def pins(connection: Connection, names: Iterable[str] | None = None) -> dict[str, Pin]:
    """Give the pins of all parties, suspended ones included, or of those among `names`."""
    query = select(parties.c.name, parties.c.application)
    if names is not None:
        query = query.where(parties.c.name.in_(names))
    return {name: _record(application).pin for name, application in connection.execute(query)}


def move(connection: Connection, old: Party, new: Party) -> None:
    """Store the party's new state; raise `ConflictError` if the old one does not hold any more."""
    move_row(connection, parties, {"name": old.record.name}, old.state, new.state)


@lru_cache(1000)
def _record(application: bytes) -> PartyRecord:
    return decode(application, Signed[PartyRecord]).statement
