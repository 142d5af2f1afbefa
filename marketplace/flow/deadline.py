"""A step that is due at a time, and who hears of it when it is not done by then.

    due → its holder is told → after the same time again → the holder's superior is told → nobody more

Above an organisation is the operator, above the operator are the supervisors; within an office it is the next
higher role (`SUPERIOR`).
"""

from dataclasses import dataclass, replace
from enum import IntEnum


class Level(IntEnum):
    """How far a deadline has been escalated."""

    RUNNING = 0
    HOLDER_TOLD = 1
    SUPERIOR_TOLD = 2


SUPERIOR = {
    "handler": "section_chief",
    "section_chief": "leader",
    "leader": "administrator",
    "operator_clerk": "operator_reviewer",
    "operator_reviewer": "operator_administrator",
}
"""Role in an office → the role that answers for it."""


@dataclass(frozen=True)
class Deadline:
    """One step of the thing that `noun` and `name` name, which `holder` has to do."""

    noun: str
    name: str
    holder: str
    """The organisation."""
    started: int
    """UTC, milliseconds since 1970-01-01."""
    due: int
    """When it was due, or is escalated next: UTC, milliseconds."""
    term: int
    """From its start until it was due, milliseconds."""
    role: str | None = None
    """Whose step it is within the holder's office; None for the whole organisation's."""
    contract: str | None = None
    """That it is about: its entry in the log counts there."""
    level: Level = Level.RUNNING

    @property
    def is_told_of(self) -> bool:
        """Whether its superior was told: then there is nobody left."""
        return self.level is Level.SUPERIOR_TOLD


def start(noun: str, name: str, holder: str, now: int, due: int) -> Deadline:
    """Give a new deadline; raise ValueError unless it is due after now."""
    if due <= now:
        raise ValueError(f"{noun} {name} would be due at {due}, and it is {now}")
    return Deadline(noun, name, holder, now, due, due - now)


def escalate(deadline: Deadline, now: int) -> Deadline:
    """Give the deadline one level on; the next level is after the same time again, from now."""
    return replace(deadline, level=Level(deadline.level + 1), due=now + deadline.term)
