"""Permits by id, and by contract and provider."""

from sqlalchemy import Connection, insert, select, update

from marketplace.flow.permit import PermitRecord
from marketplace.flow.states import PermitState
from marketplace.store.rows import move as move_row
from marketplace.store.tables import permits


def add(connection: Connection, permit: PermitRecord) -> None:
    """Store a new permit."""
    row = {
        "id": permit.id,
        "contract": permit.contract,
        "provider": permit.provider,
        "state": permit.state,
        "not_after": permit.not_after,
        "token": permit.token,
    }
    connection.execute(insert(permits), row)


def load(connection: Connection, name: str) -> PermitRecord | None:
    """Give the permit with this id, if there is one."""
    row = connection.execute(select(permits).where(permits.c.id == name)).mappings().one_or_none()
    return None if row is None else PermitRecord(**{**row, "state": PermitState(row["state"])})


def reissue(connection: Connection, old: PermitRecord, new: PermitRecord) -> None:
    """Put the token under the contract's next version in place of the one before."""
    move_row(connection, permits, {"id": old.id}, old.state, new.state)
    changed = update(permits).where(permits.c.id == old.id)
    connection.execute(changed.values(token=new.token, not_after=new.not_after))


def due(connection: Connection, now: int) -> list[str]:
    """Give the ids of those whose term is over at `now` and which are still active."""
    columns = permits.c
    return list(
        connection.scalars(
            select(columns.id)
            .where(columns.state == PermitState.ACTIVE, columns.not_after <= now)
            .order_by(columns.not_after, columns.id)
        )
    )


def move(connection: Connection, old: PermitRecord, new: PermitRecord) -> None:
    """Store the permit's new state; raise `ConflictError` if the old one does not hold any more."""
    move_row(connection, permits, {"id": old.id}, old.state, new.state)
