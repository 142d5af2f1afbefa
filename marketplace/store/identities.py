"""Codes that were sent, how often somebody tried, who is identified, and messages that wait to be sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from audit.database import insert as upsert
from compute.records import Capacity, IdentityMethod
from marketplace.flow.subject import Acting
from marketplace.store.consent_tables import (
    identity_attempts,
    identity_challenges,
    identity_codes,
    subject_messages,
    subject_sessions,
)


@dataclass(frozen=True)
class SentCode:
    """A code that waits to be typed in: its keyed digest, and whose it is, sealed; None if nobody was sent one."""

    code: bytes
    identity: bytes | None
    tries: int
    until: int


def put_code(connection: Connection, visit: bytes, code: bytes, identity: bytes | None, until: int) -> None:
    """Store the code of a visit, in place of an earlier one."""
    row = {"visit": visit, "code": code, "identity": identity, "tries": 0, "until": until}
    write = upsert(connection, identity_codes).values(row)
    connection.execute(write.on_conflict_do_update(index_elements=["visit"], set_=row))


def try_code(connection: Connection, visit: bytes) -> SentCode | None:
    """Count a try, and give the code of a visit with the tries so far, this one included."""
    columns = identity_codes.c
    connection.execute(update(identity_codes).where(columns.visit == visit).values(tries=columns.tries + 1))
    query = select(columns.code, columns.identity, columns.tries, columns.until).where(columns.visit == visit)
    row = connection.execute(query).one_or_none()
    return None if row is None else SentCode(*row)


def drop_code(connection: Connection, visit: bytes) -> None:
    """Forget the code of a visit."""
    connection.execute(delete(identity_codes).where(identity_codes.c.visit == visit))


def add_attempt(connection: Connection, whom: bytes, at: int) -> None:
    """Count an attempt."""
    connection.execute(insert(identity_attempts), {"whom": whom, "at": at})


def attempts(connection: Connection, whom: bytes, since: int) -> int:
    """Give how many attempts there were since a time."""
    columns = identity_attempts.c
    return connection.scalars(select(func.count()).where(columns.whom == whom, columns.at >= since)).one()


def put_challenge(connection: Connection, challenge: bytes, visit: bytes, secret: bytes, until: int) -> None:
    """Store what an identity provider was asked with."""
    row = {"challenge": challenge, "visit": visit, "secret": secret, "until": until}
    connection.execute(insert(identity_challenges), row)


def take_challenge(connection: Connection, challenge: bytes, visit: bytes, now: int) -> bytes | None:
    """Give the sealed secret of a challenge of this visit, once and in time."""
    columns = identity_challenges.c
    query = select(columns.secret).where(
        columns.challenge == challenge, columns.visit == visit, columns.until > now
    )
    found: bytes | None = connection.scalar(query)
    connection.execute(delete(identity_challenges).where(columns.challenge == challenge))
    return found


def add_session(connection: Connection, session: bytes, acting: Acting, until: int) -> None:
    """Store who is identified under a cookie's SHA-256."""
    connection.execute(insert(subject_sessions), {"session": session, "until": until, **vars(acting)})


def session(connection: Connection, session: bytes, now: int) -> Acting | None:
    """Give who is identified under a cookie's SHA-256 at `now`."""
    columns = subject_sessions.c
    query = select(columns.tag, columns.capacity, columns.method).where(
        columns.session == session, columns.until > now
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Acting(row.tag, Capacity(row.capacity), IdentityMethod(row.method))


def end_session(connection: Connection, session: bytes) -> None:
    """Forget who is identified under a cookie's SHA-256."""
    connection.execute(delete(subject_sessions).where(subject_sessions.c.session == session))


def forget(connection: Connection, now: int, attempts_since: int) -> int:
    """Delete codes, challenges and sessions whose time is over, and attempts before a time; give how many."""
    old = [
        delete(table).where(table.c.until <= now)
        for table in (identity_codes, identity_challenges, subject_sessions)
    ]
    old.append(delete(identity_attempts).where(identity_attempts.c.at < attempts_since))
    return sum(connection.execute(each).rowcount for each in old)


def add_messages(connection: Connection, sealed: Sequence[bytes], due: int) -> None:
    """Store messages that wait to be sent."""
    if sealed:
        connection.execute(
            insert(subject_messages), [{"message": each, "attempts": 0, "due": due} for each in sealed]
        )


def messages(connection: Connection, now: int, limit: int) -> list[tuple[int, bytes, int]]:
    """Give so many messages that are due: number, sealed message, attempts so far."""
    columns = subject_messages.c
    query = select(columns.id, columns.message, columns.attempts).where(columns.due <= now)
    return [
        (row.id, row.message, row.attempts)
        for row in connection.execute(query.order_by(columns.due, columns.id).limit(limit))
    ]


def drop_messages(connection: Connection, numbers: Sequence[int]) -> None:
    """Delete messages that were sent."""
    connection.execute(delete(subject_messages).where(subject_messages.c.id.in_(numbers)))


def postpone(connection: Connection, number: int, due: int) -> None:
    """Have a message that could not be sent tried again at a time."""
    columns = subject_messages.c
    connection.execute(
        update(subject_messages).where(columns.id == number).values(attempts=columns.attempts + 1, due=due)
    )
