"""People of organisations, and what proves who they are."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from marketplace.errors import ConflictError
from marketplace.flow.member import Member, MemberState
from marketplace.flow.permission import AccessRole
from marketplace.store.member_tables import members, recovery_codes
from marketplace.store.rows import insert_once


@dataclass(frozen=True)
class Proof:
    """By what a member is known at a login."""

    password: str
    """argon2id, with its parameters and salt."""
    totp: bytes
    """Sealed."""
    totp_step: int


def add(connection: Connection, member: Member, invitation: str, until: int) -> None:
    """Store an invited person; raise `ConflictError` if the login is taken."""
    row = {"id": member.id, **_row(member), "invitation": invitation, "invited_until": until}
    insert_once(connection, members, row, f"the login {member.login} is taken", "choose another")


def load(connection: Connection, organisation: str, member: str) -> Member | None:
    """Give a person of the organisation."""
    query = select(members).where(members.c.organisation == organisation, members.c.id == member)
    row = connection.execute(query).one_or_none()
    return None if row is None else _member(row)


def by_login(connection: Connection, organisation: str, login: str) -> tuple[Member, Proof | None] | None:
    """Give a person by the login, with the proof if the account is taken."""
    query = select(members).where(members.c.organisation == organisation, members.c.login == login)
    row = connection.execute(query).one_or_none()
    return None if row is None else (_member(row), _proof(row))


def proof(connection: Connection, member: str) -> Proof | None:
    """Give the proof of a person who has taken the account."""
    return _proof(connection.execute(select(members).where(members.c.id == member)).one())


def invited(connection: Connection, invitation: str, now: int) -> Member | None:
    """Give whom an invitation that still stands is for."""
    query = select(members).where(
        members.c.invitation == invitation,
        members.c.invited_until > now,
        members.c.state == MemberState.INVITED,
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _member(row)


def page(connection: Connection, organisation: str, after: str, limit: int) -> list[Member]:
    """Give people of an organisation behind this login, by login."""
    query = select(members).where(members.c.organisation == organisation, members.c.login > after)
    return [_member(row) for row in connection.execute(query.order_by(members.c.login).limit(limit))]


def active(connection: Connection, organisation: str) -> list[Member]:
    """Give the people of an organisation who have taken their accounts, by login."""
    query = select(members).where(members.c.organisation == organisation, members.c.state == MemberState.ACTIVE)
    return [_member(row) for row in connection.execute(query.order_by(members.c.login))]


def staff(connection: Connection, organisation: str) -> dict[str, frozenset[str]]:
    """Give who passes the steps of an office: the people with accounts by their ids, each with the roles."""
    return {each.id: frozenset(each.roles) for each in active(connection, organisation)}


def is_confirmed(connection: Connection, organisation: str, member: str) -> bool:
    """Give whether nobody has still to confirm whose account this is."""
    found = load(connection, organisation, member)
    return found is None or found.is_confirmed


def replace(connection: Connection, old: Member, new: Member) -> None:
    """Store what has become of a person; raise `ConflictError` if it is not as it was any more."""
    is_old = (members.c[name] == value for name, value in _row(old).items() if value is not None)
    done = connection.execute(update(members).where(members.c.id == old.id, *is_old).values(**_row(new)))
    if done.rowcount != 1:
        raise ConflictError(f"{old.login} is not as it was any more", "look again, then decide")


def invite(connection: Connection, member: str, invitation: str | None, until: int | None) -> None:
    """Take all proofs away, and give an invitation in their place, or none."""
    blank = {"password": None, "totp": None, "totp_step": None}
    connection.execute(
        update(members).where(members.c.id == member).values(invitation=invitation, invited_until=until, **blank)
    )
    connection.execute(delete(recovery_codes).where(recovery_codes.c.member == member))


def take(connection: Connection, member: str, invitation: str, given: Proof, codes: Collection[str]) -> None:
    """Store the proofs of a person who takes the account; raise `ConflictError` if the invitation is used up."""
    done = connection.execute(
        update(members)
        .where(members.c.id == member, members.c.invitation == invitation)
        .values(state=MemberState.ACTIVE, invitation=None, invited_until=None, **vars(given))
    )
    if done.rowcount != 1:
        raise ConflictError("the invitation is used up", "ask for another")
    connection.execute(insert(recovery_codes), [{"member": member, "digest": each} for each in codes])


def set_password(connection: Connection, member: str, password: str) -> None:
    """Store another password."""
    connection.execute(update(members).where(members.c.id == member).values(password=password))


def use_step(connection: Connection, member: str, step: int) -> bool:
    """Use a one-time code up; gives whether it was not used yet: of several logins with it one wins."""
    query = update(members).where(members.c.id == member, members.c.totp_step < step)
    return connection.execute(query.values(totp_step=step)).rowcount == 1


def use_recovery_code(connection: Connection, member: str, digest: str) -> bool:
    """Use a recovery code up; gives whether there was such."""
    query = delete(recovery_codes).where(recovery_codes.c.member == member, recovery_codes.c.digest == digest)
    return connection.execute(query).rowcount == 1


def recovery_codes_left(connection: Connection, member: str) -> int:
    """Give how many recovery codes are not used yet."""
    query = select(func.count()).select_from(recovery_codes).where(recovery_codes.c.member == member)
    return connection.scalar(query) or 0


def _row(member: Member) -> dict[str, object]:
    return {
        "organisation": member.organisation,
        "login": member.login,
        "name": member.name,
        "roles": " ".join(member.roles),
        "email": member.email,
        "state": member.state.value,
        "unconfirmed_by": " ".join(member.unconfirmed_by),
    }


def _member(row: Row[tuple[object, ...]]) -> Member:
    return Member(
        id=row.id,
        organisation=row.organisation,
        login=row.login,
        name=row.name,
        roles=tuple(AccessRole(each) for each in row.roles.split()),
        email=row.email,
        state=MemberState(row.state),
        unconfirmed_by=tuple(row.unconfirmed_by.split()),
    )


def _proof(row: Row[tuple[object, ...]]) -> Proof | None:
    if row.password is None or row.totp is None:
        return None
    return Proof(row.password, row.totp, row.totp_step)
