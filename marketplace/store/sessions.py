"""Sessions of people by the hash of their token, and how often logins failed."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from audit.database import insert, put
from marketplace.flow.login import FORGOTTEN, KNOWN, SESSION_TERM, Failures
from marketplace.flow.member import MemberState
from marketplace.store.member_tables import failures, known_devices, members, sessions


@dataclass(frozen=True)
class Found:
    """A session, and whose it is."""

    member: str
    organisation: str
    roles: tuple[str, ...]
    created: int
    used: int


def add(connection: Connection, token: str, member: str, now: int) -> None:
    """Store a new session."""
    connection.execute(insert(connection, sessions).values(token=token, member=member, created=now, used=now))


def find(connection: Connection, token: str) -> Found | None:
    """Give the session of this token, of a person who still is a member."""
    columns = (members.c.id, members.c.organisation, members.c.roles, sessions.c.created, sessions.c.used)
    query = select(*columns).join(members, members.c.id == sessions.c.member)
    row = connection.execute(
        query.where(sessions.c.token == token, members.c.state == MemberState.ACTIVE)
    ).one_or_none()
    return (
        None if row is None else Found(row.id, row.organisation, tuple(row.roles.split()), row.created, row.used)
    )


def touch(connection: Connection, token: str, now: int) -> None:
    """Write down that the session was used."""
    connection.execute(update(sessions).where(sessions.c.token == token).values(used=now))


def end(connection: Connection, token: str) -> int:
    """End one session; gives how many there were."""
    return connection.execute(delete(sessions).where(sessions.c.token == token)).rowcount


def end_all(connection: Connection, member: str, but: str | None = None) -> int:
    """End the sessions of a member, but for one; gives their number."""
    query = delete(sessions).where(sessions.c.member == member)
    return connection.execute(query if but is None else query.where(sessions.c.token != but)).rowcount


def forget(connection: Connection, now: int) -> int:
    """Delete sessions that are over, and failures that count no more; gives how many."""
    over = connection.execute(delete(sessions).where(sessions.c.created <= now - SESSION_TERM)).rowcount
    over += connection.execute(delete(known_devices).where(known_devices.c.used <= now - KNOWN)).rowcount
    return over + connection.execute(delete(failures).where(failures.c.last <= now - FORGOTTEN)).rowcount


def failed(connection: Connection, subject: str) -> Failures:
    """Give the failures in a row of an account or a source."""
    query = select(failures.c.count, failures.c.last).where(failures.c.subject == subject)
    row = connection.execute(query).one_or_none()
    return Failures() if row is None else Failures(row[0], row[1])


def set_failed(connection: Connection, subject: str, found: Failures) -> None:
    """Store the failures of an account or a source."""
    write = insert(connection, failures).values(subject=subject, **vars(found))
    write = write.on_conflict_do_update(index_elements=[failures.c.subject], set_=vars(found))
    connection.execute(write)


def know(connection: Connection, device: str, member: str, now: int) -> None:
    """Note that a member has logged in from a device, which is known from now on."""
    row = {"device": device, "member": member, "used": now}
    connection.execute(put(connection, known_devices).values(row))


def is_known(connection: Connection, device: str, member: str, now: int) -> bool:
    """Give whether the member has logged in from this device lately."""
    columns = known_devices.c
    query = select(columns.used).where(columns.device == device, columns.member == member)
    used: int | None = connection.scalar(query)
    return used is not None and now - used < KNOWN


def forget_devices(connection: Connection, member: str) -> None:
    """Know none of a member's devices any more."""
    connection.execute(delete(known_devices).where(known_devices.c.member == member))


def succeed(connection: Connection, subject: str) -> None:
    """Forget the failures of an account."""
    connection.execute(delete(failures).where(failures.c.subject == subject))
