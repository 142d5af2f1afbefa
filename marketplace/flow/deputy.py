"""A deputy (代理): another member who acts for one while it is away; what it does says for whom."""

from collections.abc import Iterable
from dataclasses import dataclass

from compute.canonical import DAY
from marketplace.errors import InvalidError
from marketplace.flow.office import Staff

MAX_DAYS = 366


@dataclass(frozen=True)
class Deputation:
    """`deputy` acts for `member`, both of one organisation, from a time until another: UTC, milliseconds."""

    id: str
    organisation: str
    member: str
    deputy: str
    not_before: int
    not_after: int
    """It has ended by then."""

    def holds(self, now: int) -> bool:
        """Whether it holds at this time."""
        return self.not_before <= now < self.not_after


def name(made: Deputation, staff: Staff, now: int) -> Deputation:
    """Give the deputation if it can be; raise `InvalidError`, naming the field, if not.

    1. The deputy is another active member of the organisation.
    2. It ends after it begins and after now, within `MAX_DAYS`.
    """
    if made.deputy not in staff or made.deputy == made.member:  # 1
        raise InvalidError(
            f"{made.deputy:.64} is no other active member",
            "name a colleague",
            {"deputy": "No other active member."},
        )
    if not max(made.not_before, now) < made.not_after <= made.not_before + MAX_DAYS * DAY:  # 2
        raise InvalidError(
            f"it would last from {made.not_before} until {made.not_after}",
            f"choose an end after its start and after now, within {MAX_DAYS} days",
            {"not_after": "Not after its start and now, or too late."},
        )
    return made


def represented_by(deputy: str, deputations: Iterable[Deputation], staff: Staff, now: int) -> frozenset[str]:
    """Give for whom the member may act now; who has left is represented by nobody."""
    return (
        frozenset(each.member for each in deputations if each.deputy == deputy and each.holds(now)) & staff.keys()
    )
