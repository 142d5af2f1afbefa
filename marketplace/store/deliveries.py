"""Notices on their way out."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, update

from marketplace.flow.delivery import Channel, Delivery, DeliveryState
from marketplace.store.notice_tables import deliveries

_COLUMNS = deliveries.c


def add(connection: Connection, made: Iterable[Delivery]) -> None:
    """Store deliveries."""
    if rows := [vars(each) | {"channel": each.channel.value, "state": each.state.value} for each in made]:
        connection.execute(insert(deliveries), rows)


def due(connection: Connection, now: int, limit: int) -> list[Delivery]:
    """Give the first of those that have to be attempted at `now`."""
    query = select(deliveries).where(_COLUMNS.state == DeliveryState.WAITING.value, _COLUMNS.due <= now)
    rows = connection.execute(query.order_by(_COLUMNS.due, _COLUMNS.id).limit(limit)).mappings()
    return [_delivery(row) for row in rows]


def move(connection: Connection, old: Delivery, new: Delivery) -> bool:
    """Store what has become of a delivery; give whether it still was as `old`: else another process has it."""
    moved = connection.execute(
        update(deliveries)
        .where(_COLUMNS.id == old.id, _COLUMNS.state == old.state.value, _COLUMNS.attempts == old.attempts)
        .values(state=new.state.value, attempts=new.attempts, due=new.due, problem=new.problem)
    )
    return moved.rowcount == 1


def of(connection: Connection, target: str, limit: int) -> list[Delivery]:
    """Give the latest deliveries to a place, the newest first."""
    query = select(deliveries).where(_COLUMNS.target == target)
    rows = connection.execute(query.order_by(_COLUMNS.notice.desc()).limit(limit)).mappings()
    return [_delivery(row) for row in rows]


def _delivery(row: Mapping[Any, Any]) -> Delivery:
    return Delivery(**{**row, "channel": Channel(row["channel"]), "state": DeliveryState(row["state"])})
