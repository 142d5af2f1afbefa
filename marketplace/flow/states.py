"""The states of everything in the market, and who may move it from one to the next.

Each noun has an enum of states and one table. What is not in the table cannot happen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from marketplace.errors import ForbiddenError, WrongStateError


class Role(StrEnum):
    """What an actor is in a matter."""

    CONSUMER = "consumer"
    PROVIDER = "provider"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    MARKET = "market"  # the marketplace by itself: when all have signed, when time is up


class Move(StrEnum):
    """Every verb of the tables. Five different ends: GLOSSARY's withdraw, revoke, terminate, suspend, expire."""

    ENROL = "enrol"
    LIST = "list"
    DELIST = "delist"
    APPROVE = "approve"
    REJECT = "reject"
    RETURN = "return"
    RESUBMIT = "resubmit"
    SIGN = "sign"
    ACTIVATE = "activate"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    TERMINATE = "terminate"
    REVOKE = "revoke"
    EXPIRE = "expire"
    CLOSE = "close"


class PartyState(StrEnum):
    """A party asks to take part, takes part, or is stopped."""

    APPLIED = "applied"
    ENROLLED = "enrolled"
    SUSPENDED = "suspended"


class ProductState(StrEnum):
    """A version of a product is written, offered, stopped, or no longer offered: then old contracts go on."""

    DRAFT = "draft"
    LISTED = "listed"
    SUSPENDED = "suspended"
    DELISTED = "delisted"


class ApplicationState(StrEnum):
    """One provider's part of an application. Rejected is final, returned can be corrected."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"


class ContractState(StrEnum):
    """A contract gathers signatures, is in force, is stopped, or is over."""

    DRAFTED = "drafted"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    EXPIRED = "expired"


class PermitState(StrEnum):
    """A permit's own state; whether it stands depends on its contract too."""

    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"


class CaseState(StrEnum):
    """An auditor's case waits for a second approver, allows reads, or is over: then its reads are unsealed."""

    OPENED = "opened"
    APPROVED = "approved"
    CLOSED = "closed"


S = TypeVar("S", bound=StrEnum)
Moves = Mapping[tuple[S, Move], tuple[S, frozenset[Role]]]
"""(state, move) → (the state it leads to, who may make it)."""


@dataclass(frozen=True)
class Machine(Generic[S]):
    """A noun with its table of moves."""

    noun: str
    moves: Moves[S]


_CONSUMER = frozenset({Role.CONSUMER})
_PROVIDER = frozenset({Role.PROVIDER})
_PARTIES = _CONSUMER | _PROVIDER
_OPERATOR = frozenset({Role.OPERATOR})
_MARKET = frozenset({Role.MARKET})
_SUPERVISOR = frozenset({Role.SUPERVISOR})

PARTY = Machine(
    "party",
    {
        (PartyState.APPLIED, Move.ENROL): (PartyState.ENROLLED, _OPERATOR),
        (PartyState.ENROLLED, Move.SUSPEND): (PartyState.SUSPENDED, _OPERATOR),
        (PartyState.SUSPENDED, Move.REINSTATE): (PartyState.ENROLLED, _OPERATOR),
    },
)

PRODUCT = Machine(
    "product",
    {
        (ProductState.DRAFT, Move.LIST): (ProductState.LISTED, _PROVIDER),
        (ProductState.LISTED, Move.SUSPEND): (ProductState.SUSPENDED, _OPERATOR),
        (ProductState.LISTED, Move.DELIST): (ProductState.DELISTED, _PROVIDER),
        (ProductState.SUSPENDED, Move.REINSTATE): (ProductState.LISTED, _OPERATOR),
        # Contracts go on when a product is delisted, so the operator can stop it then too; and a provider cannot
        # delist what is suspended, which would set the contracts going again.
        (ProductState.DELISTED, Move.SUSPEND): (ProductState.SUSPENDED, _OPERATOR),
    },
)

APPLICATION = Machine(
    "application",
    {
        (ApplicationState.SUBMITTED, Move.APPROVE): (ApplicationState.APPROVED, _PROVIDER),
        (ApplicationState.SUBMITTED, Move.REJECT): (ApplicationState.REJECTED, _PROVIDER),
        (ApplicationState.SUBMITTED, Move.RETURN): (ApplicationState.RETURNED, _PROVIDER),
        (ApplicationState.RETURNED, Move.RESUBMIT): (ApplicationState.SUBMITTED, _CONSUMER),
    },
)

CONTRACT = Machine(
    "contract",
    {
        (ContractState.DRAFTED, Move.SIGN): (ContractState.DRAFTED, _PARTIES),
        (ContractState.DRAFTED, Move.ACTIVATE): (ContractState.ACTIVE, _MARKET),
        (ContractState.DRAFTED, Move.TERMINATE): (ContractState.TERMINATED, _PARTIES),
        (ContractState.DRAFTED, Move.EXPIRE): (ContractState.EXPIRED, _MARKET),
        (ContractState.ACTIVE, Move.SUSPEND): (ContractState.SUSPENDED, _OPERATOR),
        (ContractState.ACTIVE, Move.TERMINATE): (ContractState.TERMINATED, _PARTIES),
        (ContractState.ACTIVE, Move.EXPIRE): (ContractState.EXPIRED, _MARKET),
        (ContractState.SUSPENDED, Move.REINSTATE): (ContractState.ACTIVE, _OPERATOR),
        (ContractState.SUSPENDED, Move.TERMINATE): (ContractState.TERMINATED, _PARTIES),
        (ContractState.SUSPENDED, Move.EXPIRE): (ContractState.EXPIRED, _MARKET),
    },
)

PERMIT = Machine(
    "permit",
    {
        (PermitState.ACTIVE, Move.REVOKE): (PermitState.REVOKED, _PROVIDER | _OPERATOR),
        (PermitState.ACTIVE, Move.EXPIRE): (PermitState.EXPIRED, _MARKET),
    },
)

CASE = Machine(
    "case",
    {
        # Never by who opened it: flow/case.py. It is closed by who opened it, or when its time is over.
        (CaseState.OPENED, Move.APPROVE): (CaseState.APPROVED, _SUPERVISOR | _OPERATOR),
        (CaseState.OPENED, Move.CLOSE): (CaseState.CLOSED, _SUPERVISOR | _MARKET),
        (CaseState.APPROVED, Move.CLOSE): (CaseState.CLOSED, _SUPERVISOR | _MARKET),
    },
)


def advance(machine: Machine[S], name: str, state: S, move: Move, role: Role | None) -> S:
    """Give the state that the move leads to; `name` is of the thing that moves, `role` of who moves it.

    Raises `WrongStateError` with the role's moves if the state has no such move, `ForbiddenError` if it has but
    for others.
    """
    if (state, move) not in machine.moves:
        allowed = [other for (at, other), (_, roles) in machine.moves.items() if at is state and role in roles]
        raise WrongStateError(f"{machine.noun} {name} is {state}, so nobody can {move} it", allowed)
    following, roles = machine.moves[state, move]
    if role not in roles:
        who = " or ".join(sorted(roles))
        raise ForbiddenError(f"to {move} {machine.noun} {name} is not yours", f"ask its {who}")
    return following
