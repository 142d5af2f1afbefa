"""Disputes, and what people wrote in them, sealed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import Connection, func, insert, select, tuple_, update

from compute.records import DisputeMatter
from marketplace.flow.consent_states import DISPUTE, DisputeState
from marketplace.flow.dispute import Dispute
from marketplace.flow.states import Move, Role
from marketplace.store.consent_tables import dispute_words, disputes
from marketplace.store.rows import move as move_row

_DISPUTE = select(disputes)
_NAMES = [field.name for field in fields(Dispute)]
_ENDS_IN_SILENCE = [
    state for (state, move), (_, roles) in DISPUTE.moves.items() if move is Move.CLOSE and Role.MARKET in roles
]


@dataclass(frozen=True)
class Words:
    """What somebody wrote in a dispute, sealed; without an author it is the subject."""

    author: str | None
    at: int
    text: bytes


def add(connection: Connection, dispute: Dispute) -> None:
    """Store a new dispute."""
    connection.execute(insert(disputes), asdict(dispute))


def load(connection: Connection, number: str) -> Dispute | None:
    """Give the dispute with this number, if there is one."""
    row = connection.execute(_DISPUTE.where(disputes.c.number == number)).mappings().one_or_none()
    return None if row is None else _dispute(row)


def move(connection: Connection, old: Dispute, new: Dispute) -> None:
    """Store a dispute's new state; raise `ConflictError` if the old one does not hold any more."""
    move_row(connection, disputes, {"number": old.number}, old.state, new.state)
    changed = {"due": new.due, "snapshot_date": new.snapshot_date}
    connection.execute(update(disputes).where(disputes.c.number == old.number).values(**changed))


def of_tag(connection: Connection, tag: bytes) -> list[Dispute]:
    """Give a subject's disputes, the newest first."""
    query = _DISPUTE.where(disputes.c.tag == tag).order_by(disputes.c.at.desc(), disputes.c.number)
    return [_dispute(row) for row in connection.execute(query).mappings()]


def count_open(connection: Connection, tag: bytes) -> int:
    """Give how many disputes of a subject are not closed."""
    columns = disputes.c
    query = select(func.count()).where(columns.tag == tag, columns.state != DisputeState.CLOSED)
    return connection.scalars(query).one()


def page(
    connection: Connection, respondent: str | None, after: tuple[int, str] | None, limit: int
) -> list[Dispute]:
    """Give so many disputes behind `(at, number)`: a respondent's, or everybody's."""
    columns = disputes.c
    query = _DISPUTE if respondent is None else _DISPUTE.where(columns.respondent == respondent)
    if after is not None:
        query = query.where(tuple_(columns.at, columns.number) > after)
    rows = connection.execute(query.order_by(columns.at, columns.number).limit(limit)).mappings()
    return [_dispute(row) for row in rows]


def silent(connection: Connection, now: int) -> list[str]:
    """Give the numbers of those that were answered, and whose subject has been silent until `now`."""
    columns = disputes.c
    query = select(columns.number).where(columns.state.in_(_ENDS_IN_SILENCE), columns.due <= now)
    return list(connection.scalars(query.order_by(columns.due, columns.number)))


def add_words(connection: Connection, number: str, author: str | None, at: int, text: bytes) -> None:
    """Store what somebody wrote, sealed."""
    row = {"number": number, "author": author, "at": at, "text": text}
    connection.execute(insert(dispute_words), row)


def words(connection: Connection, number: str) -> list[Words]:
    """Give what was written in a dispute, in the order it came."""
    columns = dispute_words.c
    query = select(columns.author, columns.at, columns.text).where(columns.number == number).order_by(columns.id)
    return [Words(*row) for row in connection.execute(query)]


def _dispute(row: Mapping[Any, Any]) -> Dispute:
    members = {name: row[name] for name in _NAMES}
    return Dispute(**members | {"matter": DisputeMatter(row["matter"]), "state": DisputeState(row["state"])})
