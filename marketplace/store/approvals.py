"""Approvals within organisations, each with its history."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, insert, select, tuple_, update

from marketplace.errors import ConflictError
from marketplace.flow.office import Approval, Matter, Opinion
from marketplace.flow.office_states import OPEN, ApprovalMove, ApprovalState
from marketplace.store.approval_rules import decode_steps, encode_steps
from marketplace.store.office_tables import approval_opinions, approval_processes
from marketplace.store.rows import insert_once

_KEPT = ("id", "organisation", "command", "about", "arguments", "initiator", "step", "round")


def add(connection: Connection, approval: Approval, now: int) -> None:
    """Store a new approval; raise `ConflictError` if one of the same command about the same is open."""
    row = {name: getattr(approval, name) for name in _KEPT} | {
        "matter": approval.matter.value,
        "steps": encode_steps(approval.steps),
        "state": approval.state.value,
        "at": now,
        "open": _open(approval),
    }
    insert_once(connection, approval_processes, row, f"{approval.about} waits for an approval already")
    _add_opinions(connection, approval, 0)


def load(connection: Connection, name: str) -> Approval | None:
    """Give the approval with this id, if there is one."""
    return _one(connection, approval_processes.c.id == name)


def open_one(connection: Connection, organisation: str, command: str, about: str) -> Approval | None:
    """Give the open approval of a command about something, if there is one."""
    return _one(connection, approval_processes.c.open == _key(organisation, command, about))


def completed(connection: Connection, organisation: str, command: str, about: str) -> list[Approval]:
    """Give the completed approvals of a command about something, the latest first."""
    columns = approval_processes.c
    found = select(approval_processes).where(
        columns.organisation == organisation,
        columns.command == command,
        columns.about == about,
        columns.state == ApprovalState.COMPLETED.value,
    )
    rows = connection.execute(found.order_by(columns.at.desc(), columns.id.desc())).all()
    return _with_histories(connection, rows)


def move(connection: Connection, old: Approval, new: Approval) -> None:
    """Store what has changed; raise `ConflictError` if it has changed meanwhile."""
    columns = approval_processes.c
    moved = connection.execute(
        update(approval_processes)
        .where(
            columns.id == old.id,
            columns.state == old.state.value,
            columns.step == old.step,
            columns.round == old.round,
        )
        .values(state=new.state.value, step=new.step, round=new.round, arguments=new.arguments, open=_open(new))
    )
    if moved.rowcount != 1:
        raise ConflictError(f"{old.id} has changed meanwhile", "look again, then decide")
    _add_opinions(connection, new, len(old.history))


def page(
    connection: Connection,
    organisation: str,
    behind: tuple[int, str] | None,
    limit: int,
    state: ApprovalState | None = None,
) -> list[tuple[int, Approval]]:
    """Give an organisation's approvals with the time of their start, newest first, behind a row's keys."""
    columns = approval_processes.c
    found = select(approval_processes).where(columns.organisation == organisation)
    if behind is not None:
        found = found.where(tuple_(columns.at, columns.id) < tuple_(*behind))
    if state is not None:
        found = found.where(columns.state == state.value)
    rows = connection.execute(found.order_by(columns.at.desc(), columns.id.desc()).limit(limit)).all()
    return list(zip((row.at for row in rows), _with_histories(connection, rows), strict=True))


def started(connection: Connection, name: str) -> int:
    """Give when an approval was started: UTC, milliseconds."""
    at: int = connection.scalars(select(approval_processes.c.at).where(approval_processes.c.id == name)).one()
    return at


def _one(connection: Connection, where: Any) -> Approval | None:  # noqa: ANN401 -- SQLAlchemy's own expression
    row = connection.execute(select(approval_processes).where(where)).one_or_none()
    return None if row is None else _with_histories(connection, [row])[0]


def _with_histories(connection: Connection, rows: Iterable[Row[Any]]) -> list[Approval]:
    rows = list(rows)
    columns = approval_opinions.c
    found = select(approval_opinions).where(columns.approval.in_([row.id for row in rows]))
    histories: dict[str, list[Opinion]] = {row.id: [] for row in rows}
    for each in connection.execute(found.order_by(columns.approval, columns.number)):
        histories[each.approval].append(
            Opinion(
                each.round,
                each.step,
                ApprovalMove(each.move),
                each.member,
                each.on_behalf_of,
                each.text,
                each.at,
            )
        )
    return [_approval(row, tuple(histories[row.id])) for row in rows]


def _approval(row: Row[Any], history: tuple[Opinion, ...]) -> Approval:
    kept = {name: getattr(row, name) for name in _KEPT}
    state, steps = ApprovalState(row.state), decode_steps(row.steps)
    return Approval(**kept, matter=Matter(row.matter), steps=steps, state=state, history=history)


def _add_opinions(connection: Connection, approval: Approval, known: int) -> None:
    rows = [
        {**vars(opinion), "move": opinion.move.value, "approval": approval.id, "number": number}
        for number, opinion in enumerate(approval.history[known:], known)
    ]
    if rows:
        connection.execute(insert(approval_opinions), rows)


def _open(approval: Approval) -> str | None:
    if approval.state not in OPEN:
        return None
    return _key(approval.organisation, approval.command, approval.about)


def _key(organisation: str, command: str, about: str) -> str:
    return "\n".join((organisation, command, about))
