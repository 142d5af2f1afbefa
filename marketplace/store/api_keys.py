"""Keys of organisations' programs, by the hash of their secret."""

from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from marketplace.flow.api_key import ApiKey
from marketplace.store.member_tables import api_keys


def add(connection: Connection, key: ApiKey, secret: str) -> None:
    """Store a new key; `secret` is its SHA-256, in hex."""
    row = vars(key) | {"permissions": " ".join(sorted(key.permissions)), "secret": secret}
    connection.execute(insert(api_keys).values(row))


def find(connection: Connection, secret: str) -> ApiKey | None:
    """Give the key with this SHA-256."""
    row = connection.execute(select(api_keys).where(api_keys.c.secret == secret)).mappings().one_or_none()
    return None if row is None else _key(row)


def load(connection: Connection, organisation: str, key: str) -> ApiKey | None:
    """Give a key of the organisation."""
    query = select(api_keys).where(api_keys.c.organisation == organisation, api_keys.c.id == key)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _key(row)


def page(connection: Connection, organisation: str, after: str, limit: int) -> list[ApiKey]:
    """Give keys of an organisation behind this id, by id."""
    query = select(api_keys).where(api_keys.c.organisation == organisation, api_keys.c.id > after)
    return [_key(row) for row in connection.execute(query.order_by(api_keys.c.id).limit(limit)).mappings()]


def revoke(connection: Connection, key: str, now: int) -> bool:
    """Revoke a key; gives whether it was not revoked yet."""
    query = update(api_keys).where(api_keys.c.id == key, api_keys.c.revoked.is_(None))
    return connection.execute(query.values(revoked=now)).rowcount == 1


def revoke_of(connection: Connection, issuer: str, now: int) -> int:
    """Revoke all keys that a member has issued; gives their number."""
    query = update(api_keys).where(
        api_keys.c.issuer == issuer, api_keys.c.revoked.is_(None), api_keys.c.expires > now
    )
    return connection.execute(query.values(revoked=now)).rowcount


def touch(connection: Connection, key: str, now: int) -> None:
    """Write down that the key was used."""
    connection.execute(update(api_keys).where(api_keys.c.id == key).values(last_used=now))


def _key(row: RowMapping) -> ApiKey:
    found: dict[str, Any] = {name: value for name, value in row.items() if name != "secret"}
    return ApiKey(**(found | {"permissions": frozenset(row["permissions"].split())}))
