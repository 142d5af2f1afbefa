"""An organisation's own steps before it acts: the states of such an approval, and who moves it.

running → (each step's holders pass) → completed: the marketplace carries the command out
running → returned → (its initiator resubmits) → running, from the first step
running → rejected;  running, returned → withdrawn
"""

from collections.abc import Mapping
from enum import StrEnum

from marketplace.errors import WrongStateError


class Part(StrEnum):
    """What a member is in an approval. The same person may be both, in different steps."""

    INITIATOR = "initiator"
    HOLDER = "holder"


class ApprovalState(StrEnum):
    """Rejected, withdrawn and completed are ends; returned waits for its initiator."""

    RUNNING = "running"
    RETURNED = "returned"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    COMPLETED = "completed"


class ApprovalMove(StrEnum):
    """What members do with an approval; the opinions of its history have these words."""

    START = "start"
    PASS = "pass"  # noqa: S105 -- no password
    RETURN = "return"
    REJECT = "reject"
    RESUBMIT = "resubmit"
    WITHDRAW = "withdraw"


MOVES: Mapping[tuple[ApprovalState, ApprovalMove], tuple[ApprovalState, Part]] = {
    # The last pass completes it: flow/office.py.
    (ApprovalState.RUNNING, ApprovalMove.PASS): (ApprovalState.RUNNING, Part.HOLDER),
    (ApprovalState.RUNNING, ApprovalMove.RETURN): (ApprovalState.RETURNED, Part.HOLDER),
    (ApprovalState.RUNNING, ApprovalMove.REJECT): (ApprovalState.REJECTED, Part.HOLDER),
    (ApprovalState.RUNNING, ApprovalMove.WITHDRAW): (ApprovalState.WITHDRAWN, Part.INITIATOR),
    (ApprovalState.RETURNED, ApprovalMove.RESUBMIT): (ApprovalState.RUNNING, Part.INITIATOR),
    (ApprovalState.RETURNED, ApprovalMove.WITHDRAW): (ApprovalState.WITHDRAWN, Part.INITIATOR),
}
"""(state, move) → (the state it leads to, who may make it). What is not in the table cannot happen."""

OPEN = frozenset({ApprovalState.RUNNING, ApprovalState.RETURNED})
"""In these it waits for somebody."""


def following(name: str, state: ApprovalState, move: ApprovalMove) -> tuple[ApprovalState, Part]:
    """Give the state that a move leads to, and who may make it; raise `WrongStateError` with what is possible."""
    if (state, move) not in MOVES:
        allowed = [other for at, other in MOVES if at is state]
        raise WrongStateError(f"approval {name} is {state}, so nobody can {move} it", allowed)
    return MOVES[state, move]
