"""What is due: every noun sets and clears its steps here, and the worker escalates what is overdue.

A provider has ten working days to decide, and then it has decided:

    deadlines.set(step, "application", contract, provider, working_days.due(step.now, 10), contract=contract)
    deadlines.clear(step, "application", contract, provider)
"""

from dataclasses import replace

from audit.entry import EntryKind as Kind
from compute.records import PartyKind
from marketplace.flow import deadline as due_dates
from marketplace.flow.deadline import SUPERIOR, Deadline, Level
from marketplace.flow.notice import Topic
from marketplace.store import deadlines, organisations
from marketplace.transaction import Transaction


def set(  # noqa: A001 -- read as deadlines.set
    step: Transaction,
    noun: str,
    name: str,
    holder: str,
    due_at: int,
    *,
    role: str | None = None,
    contract: str | None = None,
) -> Deadline:
    """Have `holder`, an organisation, do something about `name` by `due_at`, in place of what it had to do there.

    `role` is whose step it is in the holder's office, `contract` what its entry in the log counts under. Raises
    ValueError unless it is due after now.
    """
    made = replace(due_dates.start(noun, name, holder, step.now, due_at), role=role, contract=contract)
    deadlines.put(step.connection, made)
    return made


def clear(step: Transaction, noun: str, name: str, holder: str | None = None) -> int:
    """End the holder's deadline about `name`, or everybody's; give how many there were. None is no error."""
    return deadlines.remove(step.connection, noun, name, holder)


class Deadlines:
    """Escalates what is overdue; one of the exchange's chores. `operator` is the name of the market's operator."""

    def __init__(self, operator: str) -> None:
        self._operator = operator

    def due(self, step: Transaction) -> int:
        """Tell the holder of each overdue step, or its superior at the second time; give how many were."""
        overdue = deadlines.due(step.connection, step.now)
        for old in overdue:
            new = due_dates.escalate(old, step.now)
            for organisation, role in self._told(step, new):
                step.notify(
                    organisation,
                    Topic.STEP_OVERDUE,
                    old.name,
                    role=role,
                    noun=old.noun,
                    holder=old.holder,
                    since=old.started + old.term,
                    level=int(new.level),
                )
            deadlines.put(step.connection, new)
            step.record(
                Kind.STEP_ESCALATED,
                counterparty=old.holder,
                contract=old.contract,
                noun=old.noun,
                level=int(new.level),
            )
        return len(overdue)

    def _told(self, step: Transaction, deadline: Deadline) -> list[tuple[str, str | None]]:
        """Give who hears of it: organisations, each with the role in it or None for the whole."""
        if deadline.level is Level.HOLDER_TOLD:
            return [(deadline.holder, deadline.role)]
        if deadline.role is not None:
            return [(deadline.holder, SUPERIOR.get(deadline.role))]
        if deadline.holder != self._operator:
            return [(self._operator, None)]
        return [(name, None) for name in organisations.admitted(step.connection, PartyKind.SUPERVISOR)]


def standing(step: Transaction, noun: str, name: str) -> list[Deadline]:
    """Give the deadlines about one thing, as they were first set, by holder: what views show."""
    return [replace(each, due=each.started + each.term) for each in deadlines.of(step.connection, noun, name)]
