"""Codes that were sent to members' addresses, one at a time for each member."""

from sqlalchemy import ColumnElement, Connection, delete, select, update

from audit.database import put as write
from marketplace.flow.address import SentCode
from marketplace.store.notice_tables import address_codes

_COLUMNS = address_codes.c


def put(connection: Connection, organisation: str, member: str, sent: SentCode) -> None:
    """Store what is kept of a code, in place of the member's last one."""
    row = {"organisation": organisation, "member": member, **vars(sent)}
    connection.execute(write(connection, address_codes).values(row))


def count_try(connection: Connection, organisation: str, member: str) -> None:
    """Count one more try at the member's code, if there is one."""
    query = update(address_codes).where(*_whose(organisation, member))
    connection.execute(query.values(tries=_COLUMNS.tries + 1))


def load(connection: Connection, organisation: str, member: str) -> SentCode | None:
    """Give what is kept of the member's code, if one was sent and is not used up."""
    query = select(_COLUMNS.digest, _COLUMNS.until, _COLUMNS.tries).where(*_whose(organisation, member))
    row = connection.execute(query).one_or_none()
    return None if row is None else SentCode(*row)


def drop(connection: Connection, organisation: str, member: str) -> None:
    """Forget the member's code."""
    connection.execute(delete(address_codes).where(*_whose(organisation, member)))


def _whose(organisation: str, member: str) -> tuple[ColumnElement[bool], ...]:
    return _COLUMNS.organisation == organisation, _COLUMNS.member == member
