"""Where organisations want their notices sent, and of what their members are told by e-mail."""

from sqlalchemy import Connection, Row, delete, func, insert, select

from audit.database import put as write
from marketplace.flow.notice import Preference, Topic
from marketplace.flow.webhook import Webhook
from marketplace.store.notice_tables import notice_preferences, webhooks


def add(connection: Connection, webhook: Webhook) -> None:
    """Store a webhook."""
    connection.execute(insert(webhooks), {**vars(webhook), "topics": _joined(webhook.topics)})


def load(connection: Connection, name: str) -> Webhook | None:
    """Give the webhook with this id, if there is one."""
    row = connection.execute(select(webhooks).where(webhooks.c.id == name)).one_or_none()
    return None if row is None else _webhook(row)


def of(connection: Connection, organisation: str) -> list[Webhook]:
    """Give an organisation's webhooks, the oldest first."""
    query = select(webhooks).where(webhooks.c.organisation == organisation)
    return [_webhook(row) for row in connection.execute(query.order_by(webhooks.c.created, webhooks.c.id))]


def count(connection: Connection, organisation: str) -> int:
    """Give how many webhooks an organisation has."""
    query = select(func.count()).select_from(webhooks).where(webhooks.c.organisation == organisation)
    return connection.scalar(query) or 0


def remove(connection: Connection, name: str) -> None:
    """Remove a webhook."""
    connection.execute(delete(webhooks).where(webhooks.c.id == name))


def preference(connection: Connection, organisation: str, member: str) -> Preference | None:
    """Give what a member is told by e-mail, if it is told anything."""
    key = notice_preferences.c
    query = select(notice_preferences).where(key.organisation == organisation, key.member == member)
    row = connection.execute(query).one_or_none()
    return None if row is None else _preference(row)


def preferences(connection: Connection, organisation: str) -> list[Preference]:
    """Give what an organisation's members are told by e-mail, by member."""
    key = notice_preferences.c
    query = select(notice_preferences).where(key.organisation == organisation).order_by(key.member)
    return [_preference(row) for row in connection.execute(query)]


def put_preference(connection: Connection, made: Preference) -> None:
    """Store what a member is told by e-mail in place of what it was told."""
    row = {**vars(made), "topics": _joined(made.topics)}
    connection.execute(write(connection, notice_preferences).values(row))


def _webhook(row: Row[tuple[object, ...]]) -> Webhook:
    return Webhook(row.id, row.organisation, row.url, _split(row.topics), row.created)


def _preference(row: Row[tuple[object, ...]]) -> Preference:
    return Preference(row.organisation, row.member, row.email, row.language, _split(row.topics), row.confirmed)


def _joined(topics: frozenset[Topic]) -> str:
    return " ".join(sorted(topics))


def _split(topics: str) -> frozenset[Topic]:
    return frozenset(map(Topic, topics.split()))
