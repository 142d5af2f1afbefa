"""Which requests have happened, and what they were answered."""

from sqlalchemy import Connection, delete, select, update

from marketplace.once import KEPT, Answer, Once
from marketplace.store.once_tables import idempotency_keys as keys
from marketplace.store.rows import insert_once


def claim(connection: Connection, once: Once, now: int) -> None:
    """Store that the request happens now; raise `ConflictError` if it did before."""
    row = {**vars(once), "at": now}
    insert_once(connection, keys, row, f"the request {once.key} was carried out already", "read what became of it")


def find(connection: Connection, once: Once) -> tuple[bytes, Answer | None] | None:
    """Give fingerprint and answer of the request that had this key, if there was one."""
    query = select(keys).where(keys.c.owner == once.owner, keys.c.key == once.key)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    answer = None if row.status is None else Answer(row.status, row.content_type, row.etag, row.body)
    return row.fingerprint, answer


def answered(connection: Connection, once: Once, answer: Answer) -> None:
    """Store what the request was answered."""
    query = update(keys).where(keys.c.owner == once.owner, keys.c.key == once.key)
    connection.execute(query.values(vars(answer)))


def forget(connection: Connection, now: int) -> int:
    """Delete the keys that are too old to be sent again, and give their number."""
    return connection.execute(delete(keys).where(keys.c.at <= now - KEPT)).rowcount
