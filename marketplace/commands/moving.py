"""What every move of the flow leaves in its transaction: history, an event in the log, deadlines, notices."""

from enum import StrEnum

from audit.entry import Value
from compute.market.applications import Moved
from compute.market.reasons import Reason, Why
from marketplace.commands import deadlines
from marketplace.flow import working_days
from marketplace.flow.event import MOVED, event
from marketplace.flow.notice import Notice, Topic
from marketplace.flow.states import Due, Machine, Move, S
from marketplace.store import moves
from marketplace.transaction import Transaction

LAPSE = 3
"""Past so many times its term nobody has decided, and what waits comes to nothing."""


def keep(
    step: Transaction,
    machine: Machine[S],
    name: str,
    move: Move,
    state: StrEnum,
    *,
    part: str | None = None,
    why: Why | None = None,
) -> None:
    """Keep a move in the history of a contract or its application."""
    reason = None if why is None else why.reason.value
    moved = Moved(
        noun=machine.noun,
        move=move.value,
        state=state.value,
        actor=step.actor.name,
        part=part,
        reason=reason,
        note=None if why is None else why.note,
        at=step.now,
    )
    moves.add(step.connection, name, moved, step.actor.member)


def record(
    step: Transaction, machine: Machine[S], name: str, move: Move, why: Why | None = None, **detail: Value
) -> None:
    """Record a move in the log, with the word of its reason and never with what a person added."""
    if why is not None:
        detail["reason"] = why.reason.value
    made = event(MOVED[machine.noun, move], step.market, _other(step), step.now, detail, name)
    step.report(made)


def _other(step: Transaction) -> str | None:
    """Give who is on the other side of an event of the marketplace's: nobody, if it moved by itself."""
    return None if step.actor.name == step.market else step.actor.name


def by_itself(reason: Reason) -> Why:
    """Give the reason of a move that the marketplace makes by itself."""
    return Why(reason=reason)


def wait(step: Transaction, noun: str, name: str, holder: str, due: Due) -> None:
    """Have a holder move within the term of its table; told and told on by `deadlines`, if it does not."""
    at = working_days.due(step.now, due.working_days)
    deadlines.set(step, noun, name, holder, at, contract=name)
    if due.lapses:
        moves.lapse_at(step.connection, noun, name, working_days.due(step.now, LAPSE * due.working_days))


def settle(step: Transaction, noun: str, name: str) -> None:
    """End whatever anybody had to do about it."""
    deadlines.clear(step, noun, name)
    moves.lapse_at(step.connection, noun, name, None)


def tell(step: Transaction, organisations: tuple[str, ...], topic: Topic, name: str, **data: str | int) -> None:
    """Notify organisations, but who made the move."""
    for organisation in organisations:
        if organisation != step.actor.name:
            step.told(Notice(organisation, topic, name, step.now, data=data))


def settled_by(step: Transaction, noun: str, name: str, holder: str) -> None:
    """End what one holder had to do about it; the others still have to."""
    deadlines.clear(step, noun, name, holder)
