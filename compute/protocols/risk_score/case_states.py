"""The states of a model under review and its moves, with who may make them, as one table.

::

    open ──approve──▶ approved_once ──grant──▶ approved ──withdraw──▶ withdrawn
      │ ╲─────────────grant───────────────────▶ │
      │                │                        └──expire──▶ expired
      ├──refuse──▶ refused ◀──refuse──┤
      └──lapse───▶ lapsed  ◀──lapse───┘
"""

from collections.abc import Mapping
from enum import StrEnum

from compute.protocols.base import ProtocolError


class ModelCaseState(StrEnum):
    """A case waits for its examiners, stands approved, or is over in one of four ways."""

    OPEN = "open"
    APPROVED_ONCE = "approved_once"
    APPROVED = "approved"
    REFUSED = "refused"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Actor(StrEnum):
    """Who makes a move: a member of the reviewer's staff, its rule of the fast lane, or the clock."""

    EXAMINER = "examiner"
    RULE = "rule"
    CLOCK = "clock"


class Move(StrEnum):
    """What is done with a case; `grant` is the approval after which no other is needed."""

    APPROVE = "approve"
    GRANT = "grant"
    REFUSE = "refuse"
    LAPSE = "lapse"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"


class RefusalCode(StrEnum):
    """Why examiners refuse a model that the rules allow: the one thing of it that the log tells."""

    LEAKAGE = "leakage"
    SINGLING_OUT = "singling_out"
    DIFFERENCE = "difference"
    DOSSIER = "dossier"
    PURPOSE = "purpose"
    OTHER = "other"


_EXAMINER = frozenset({Actor.EXAMINER})
_CLOCK = frozenset({Actor.CLOCK})
_S = ModelCaseState

MOVES: Mapping[tuple[ModelCaseState, Move], tuple[ModelCaseState, frozenset[Actor]]] = {
    (_S.OPEN, Move.APPROVE): (_S.APPROVED_ONCE, _EXAMINER),
    (_S.OPEN, Move.GRANT): (_S.APPROVED, frozenset({Actor.EXAMINER, Actor.RULE})),
    (_S.OPEN, Move.REFUSE): (_S.REFUSED, _EXAMINER),
    (_S.OPEN, Move.LAPSE): (_S.LAPSED, _CLOCK),
    (_S.APPROVED_ONCE, Move.GRANT): (_S.APPROVED, _EXAMINER),
    (_S.APPROVED_ONCE, Move.REFUSE): (_S.REFUSED, _EXAMINER),
    (_S.APPROVED_ONCE, Move.LAPSE): (_S.LAPSED, _CLOCK),
    (_S.APPROVED, Move.WITHDRAW): (_S.WITHDRAWN, frozenset({Actor.EXAMINER, Actor.RULE})),
    (_S.APPROVED, Move.EXPIRE): (_S.EXPIRED, _CLOCK),
}
"""(state, move) → (the state it leads to, who may make it). What is not in the table cannot happen."""

UNDECIDED = frozenset({_S.OPEN, _S.APPROVED_ONCE})
"""The states in which the opening is kept."""


class CaseError(ProtocolError):
    """What an examiner wanted of a case cannot be done: why; what to do next."""


class UnknownCaseError(CaseError):
    """There is no case of this id."""


class WrongCaseStateError(CaseError):
    """The case is in a state from which nobody can make this move."""


class FourEyesError(CaseError):
    """The same person cannot approve twice, nor approve what they have not read."""


def advance(case: str, state: ModelCaseState, move: Move, actor: Actor) -> ModelCaseState:
    """Give the state that the move leads to; raise :class:`WrongCaseStateError`, which names the case."""
    if (state, move) not in MOVES:
        allowed = ", ".join(other for at, other in MOVES if at is state) or "nothing"
        raise WrongCaseStateError(f"case {case} is {state}, so nobody can {move} it; possible: {allowed}")
    following, actors = MOVES[state, move]
    if actor not in actors:
        raise WrongCaseStateError(f"case {case}: the {actor} cannot {move} it; ask an examiner")
    return following
