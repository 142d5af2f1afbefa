"""Organisations by name, and which version of the entry agreement each has accepted."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update

from audit.database import insert
from compute.canonical import decode, encode
from compute.market.organisations import OrganisationProfile
from compute.records import PartyKind
from marketplace.errors import ConflictError
from marketplace.flow.agreement import Acceptance, Agreement
from marketplace.flow.organisation import UNKNOWN_CODE, Organisation
from marketplace.flow.states import OrganisationState
from marketplace.store.organisation_tables import acceptances, agreements, organisations
from marketplace.store.rows import insert_once
from marketplace.store.tables import parties

_ALL = select(organisations, parties.c.name.is_not(None).label("is_enrolled")).join_from(
    organisations, parties, parties.c.name == organisations.c.name, isouter=True
)
_IN = (OrganisationState.ADMITTED, OrganisationState.SUSPENDED)


def add(connection: Connection, new: Organisation) -> None:
    """Store a new application, in place of one that was rejected; raise `ConflictError` if the name is taken."""
    old = load(connection, new.name)
    if old is not None and old.state is OrganisationState.REJECTED:
        replace(connection, old, new)
        # What the one before has accepted is not accepted by whoever has the name now.
        connection.execute(delete(acceptances).where(acceptances.c.organisation == new.name))
        return
    insert_once(connection, organisations, {"name": new.name, **_row(new)}, f"the name {new.name} is taken")


def load(connection: Connection, name: str) -> Organisation | None:
    """Give the organisation, if there is one."""
    row = connection.execute(_ALL.where(organisations.c.name == name)).one_or_none()
    return None if row is None else _organisation(row)


def profiles(connection: Connection, names: Sequence[str]) -> dict[str, OrganisationProfile]:
    """Give what these say of themselves, by name; those that there are."""
    query = select(organisations.c.name, organisations.c.profile).where(organisations.c.name.in_(names))
    return {row.name: decode(row.profile, OrganisationProfile) for row in connection.execute(query)}


def replace(connection: Connection, old: Organisation, new: Organisation) -> None:
    """Store what has become of it; raise `ConflictError` if it is not as it was any more."""
    query = update(organisations).where(organisations.c.name == old.name, *_as_it_was(old)).values(**_row(new))
    if connection.execute(query).rowcount != 1:
        raise ConflictError(f"{old.name} is not as it was any more", "look again, then decide")


def claim(connection: Connection, name: str, now: int) -> None:
    """Use the applicant's token up; raise `ConflictError` if it was used before."""
    query = update(organisations).where(organisations.c.name == name, organisations.c.claimed_at.is_(None))
    if connection.execute(query.values(claimed_at=now)).rowcount != 1:
        raise ConflictError(f"the first administrator of {name} is named", "ask that person for an account")


def keep_half(connection: Connection, name: str, sealed: bytes) -> None:
    """Keep the half of an entered application's token that is still to be handed over."""
    connection.execute(update(organisations).where(organisations.c.name == name).values(kept_half=sealed))


def hand_over(connection: Connection, name: str) -> bytes:
    """Give that half, sealed, and keep it no more; raise `ConflictError` if there is none."""
    here = organisations.c.name == name
    sealed: bytes | None = connection.scalar(select(organisations.c.kept_half).where(here))
    if sealed is None:
        raise ConflictError(f"nothing of {name} is left to hand over", "enter a new application, if it was lost")
    connection.execute(update(organisations).where(here).values(kept_half=None))
    return sealed


def of_code(connection: Connection, code: str) -> str | None:
    """Give who takes part with this code, if anybody."""
    query = select(organisations.c.name).where(organisations.c.code == code, organisations.c.state.in_(_IN))
    return connection.scalar(query.limit(1))


def page(
    connection: Connection, after: str, limit: int, states: tuple[OrganisationState, ...] | None
) -> list[Organisation]:
    """Give organisations behind this name, by name: in these states, or in all."""
    query = _ALL.where(organisations.c.name > after).order_by(organisations.c.name).limit(limit)
    if states is not None:
        query = query.where(organisations.c.state.in_(states))
    return [_organisation(row) for row in connection.execute(query)]


def admitted(connection: Connection, kind: PartyKind) -> list[str]:
    """Give those of a kind that take part now, with a node or without, by name."""
    query = select(organisations.c.name).where(organisations.c.kind == kind.value)
    query = query.where(organisations.c.state == OrganisationState.ADMITTED)
    return list(connection.scalars(query.order_by(organisations.c.name)))


def incomplete(connection: Connection) -> list[str]:
    """Give those that an upgrade has left to be completed, by name."""
    query = select(organisations.c.name).where(organisations.c.code == UNKNOWN_CODE)
    return list(connection.scalars(query.order_by(organisations.c.name)))


# --- the entry agreement --------------------------------------------------------------------------------------


def publish(connection: Connection, agreement: Agreement) -> None:
    """Store a version; raise `ConflictError` if it was published meanwhile."""
    insert_once(connection, agreements, vars(agreement), f"version {agreement.version} is published already")


def agreement(connection: Connection, version: int | None = None) -> Agreement | None:
    """Give a version, or the newest."""
    query = select(agreements).order_by(agreements.c.version.desc()).limit(1)
    if version is not None:
        query = query.where(agreements.c.version == version)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Agreement(**row)


def accept(connection: Connection, acceptance: Acceptance) -> None:
    """Store an acceptance; one that is repeated changes nothing."""
    connection.execute(insert(connection, acceptances).values(vars(acceptance)).on_conflict_do_nothing())


def accepted(connection: Connection, name: str) -> int | None:
    """Give the newest version that the organisation has accepted."""
    query = select(func.max(acceptances.c.version)).where(acceptances.c.organisation == name)
    found: int | None = connection.scalar(query)
    return found


def acceptances_of(connection: Connection, version: int, after: str, limit: int) -> list[Acceptance]:
    """Give who has accepted a version, behind this name, by name."""
    query = (
        select(acceptances)
        .where(acceptances.c.version == version, acceptances.c.organisation > after)
        .order_by(acceptances.c.organisation)
        .limit(limit)
    )
    return [Acceptance(**row) for row in connection.execute(query).mappings()]


def _row(each: Organisation) -> dict[str, object]:
    return {
        "kind": each.kind.value,
        "code": each.profile.code,
        "profile": encode(each.profile),
        "state": each.state.value,
        "since": each.since,
        "application": each.application,
        "entered_by": each.entered_by,
        "reason": each.reason,
        "opinion": each.opinion,
    }


def _as_it_was(old: Organisation) -> tuple[ColumnElement[bool], ...]:
    columns = organisations.c
    return columns.state == old.state.value, columns.profile == encode(old.profile)


def _organisation(row: Row[tuple[object, ...]]) -> Organisation:
    return Organisation(
        name=row.name,
        profile=decode(row.profile, OrganisationProfile),
        state=OrganisationState(row.state),
        since=row.since,
        application=row.application,
        entered_by=row.entered_by,
        reason=row.reason,
        opinion=row.opinion,
        is_enrolled=bool(row.is_enrolled),
    )
