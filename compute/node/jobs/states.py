"""The states of a job and its moves, as one table. What is not in the table cannot happen."""

from collections.abc import Mapping
from enum import StrEnum

from compute.node.jobs.errors import WrongStateError


class State(StrEnum):
    """A job waits, runs, is to stop, or has ended in one of three ways."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Move(StrEnum):
    """What a worker does with a job (take, release, finish, fail) and what its owner does (cancel)."""

    TAKE = "take"
    RELEASE = "release"
    FINISH = "finish"
    FAIL = "fail"
    CANCEL = "cancel"


MOVES: Mapping[tuple[State, Move], State] = {
    (State.QUEUED, Move.TAKE): State.RUNNING,
    (State.QUEUED, Move.CANCEL): State.CANCELLED,
    (State.RUNNING, Move.RELEASE): State.QUEUED,
    (State.RUNNING, Move.FINISH): State.DONE,
    (State.RUNNING, Move.FAIL): State.FAILED,
    (State.RUNNING, Move.CANCEL): State.CANCELLING,
    (State.CANCELLING, Move.RELEASE): State.CANCELLED,  # whoever lets go of it ends it
    (State.CANCELLING, Move.FINISH): State.DONE,  # the work was over before the wish was heard: say what is true
    (State.CANCELLING, Move.FAIL): State.FAILED,
    (State.CANCELLING, Move.CANCEL): State.CANCELLING,  # a repeated wish changes nothing
    (State.CANCELLED, Move.CANCEL): State.CANCELLED,
}

HELD = frozenset({State.RUNNING, State.CANCELLING})
"""The states in which a worker holds the job."""

ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED})
"""The states that no job leaves."""


def advance(job: str, state: State, move: Move) -> State:
    """Give the state that the move leads to; raise `WrongStateError`, naming the job, if there is no such move."""
    if (state, move) not in MOVES:
        allowed = ", ".join(other for at, other in MOVES if at is state) or "nothing"
        raise WrongStateError(f"job {job} is {state}, so nobody can {move} it; possible: {allowed}")
    return MOVES[state, move]
