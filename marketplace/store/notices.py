"""Notices to organisations, in the order in which they came about, and which of them their readers have read."""

from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, insert, or_, select, update

from audit.database import insert as write
from marketplace.flow.notice import Notice, Reader, Topic
from marketplace.store.notice_tables import notice_reads, notices

_COLUMNS = notices.c


@dataclass(frozen=True)
class Held:
    """A notice under its number, and whether its reader has read it."""

    id: int
    notice: Notice
    is_read: bool


def add(connection: Connection, notice: Notice) -> None:
    """Store a notice."""
    row = {**vars(notice), "topic": notice.topic.value, "data": notice.encoded, "spread": 0}
    connection.execute(insert(notices), row)


def page(connection: Connection, reader: Reader, before: int | None, limit: int, *, unread: bool) -> list[Held]:
    """Give what a reader is told, the newest first, before a number; with `unread` only what is not read yet."""
    query = select(notices, _is_read(reader).label("is_read")).where(_is_for(reader))
    if before is not None:
        query = query.where(_COLUMNS.id < before)
    if unread:
        query = query.where(~_is_read(reader))
    rows = connection.execute(query.order_by(_COLUMNS.id.desc()).limit(limit))
    return [Held(row.id, _notice(row), bool(row.is_read)) for row in rows]


def unread(connection: Connection, reader: Reader) -> int:
    """Give how many notices a reader has not read."""
    query = select(func.count()).select_from(notices).where(_is_for(reader), ~_is_read(reader))
    return connection.scalar(query) or 0


def load(connection: Connection, reader: Reader, number: int) -> Held | None:
    """Give one notice of a reader's."""
    query = select(notices, _is_read(reader).label("is_read")).where(_is_for(reader), _COLUMNS.id == number)
    row = connection.execute(query).one_or_none()
    return None if row is None else Held(row.id, _notice(row), bool(row.is_read))


def mark_read(connection: Connection, reader: Reader, up_to: int | None = None, number: int | None = None) -> int:
    """Note as read one notice, or all up to a number; give how many were not."""
    query = select(_COLUMNS.id).where(_is_for(reader), ~_is_read(reader))
    query = query.where(_COLUMNS.id == number if up_to is None else _COLUMNS.id <= up_to)
    rows = [{"reader": reader.key, "notice": each} for each in connection.scalars(query)]
    if rows:
        connection.execute(write(connection, notice_reads).on_conflict_do_nothing(), rows)
    return len(rows)


def to_spread(connection: Connection, limit: int) -> list[tuple[int, Notice]]:
    """Give the first notices whose deliveries are not made yet, with their numbers."""
    query = select(notices).where(_COLUMNS.spread == 0).order_by(_COLUMNS.id).limit(limit)
    return [(row.id, _notice(row)) for row in connection.execute(query)]


def spread(connection: Connection, number: int) -> None:
    """Note that a notice's deliveries are made."""
    connection.execute(update(notices).where(_COLUMNS.id == number).values(spread=1))


def newest(connection: Connection, organisation: str, member: str, topic: Topic) -> int | None:
    """Give the number of the newest notice of a topic to a member."""
    whose = _COLUMNS.organisation == organisation, _COLUMNS.member == member, _COLUMNS.topic == topic.value
    query = select(_COLUMNS.id).where(*whose).order_by(_COLUMNS.id.desc()).limit(1)
    return connection.scalar(query)


def numbered(connection: Connection, number: int) -> Notice:
    """Give the notice with this number, which is there."""
    return _notice(connection.execute(select(notices).where(_COLUMNS.id == number)).one())


def _is_for(reader: Reader) -> ColumnElement[bool]:
    """Give whether the reader is told of it, as `Reader.is_told_of` says."""
    own = _COLUMNS.organisation == reader.organisation
    if reader.member is None:
        return own
    role = or_(_COLUMNS.role.is_(None), _COLUMNS.role.in_(sorted(reader.roles)))
    return and_(own, role, or_(_COLUMNS.member.is_(None), _COLUMNS.member == reader.member))


def _is_read(reader: Reader) -> ColumnElement[bool]:
    return exists().where(notice_reads.c.reader == reader.key, notice_reads.c.notice == _COLUMNS.id)


def _notice(row: Row[tuple[object, ...]]) -> Notice:
    data = msgspec.json.decode(row.data, type=dict[str, str | int])
    return Notice(row.organisation, Topic(row.topic), row.about, row.at, row.role, row.member, data)
