"""The states of everything in the market, and who may move it from one to the next.

Each noun has an enum of states and one table. What is not in the table cannot happen. A table also says which
moves need a reason and which there are, and within how many working days a state is left; `docs/flow.md` is made
of all this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from compute.market.reasons import Reason
from marketplace.errors import ForbiddenError, InvalidError, WrongStateError


class Role(StrEnum):
    """What an actor is in a matter."""

    CONSUMER = "consumer"
    PROVIDER = "provider"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    APPLICANT = "applicant"  # who asks to take part, known by the token of the application
    AUTHORITY = "authority"
    ORGANISATION = "organisation"  # whom an intervention of the operator is about
    SUBJECT = "subject"  # whoever was identified as acting for one
    MARKET = "market"  # the marketplace by itself: when all have signed, when time is up


class Move(StrEnum):
    """Every verb of the tables. Five different ends: GLOSSARY's withdraw, revoke, terminate, suspend, expire."""

    ADMIT = "admit"
    LIST = "list"
    DELIST = "delist"
    APPROVE = "approve"
    REJECT = "reject"
    RETURN = "return"
    APPLY = "apply"
    RESUBMIT = "resubmit"
    COUNTER = "counter"
    ACCEPT = "accept"
    DECLINE = "decline"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"
    SIGN = "sign"
    ACTIVATE = "activate"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    TERMINATE = "terminate"
    AMEND = "amend"
    REISSUE = "reissue"
    REVOKE = "revoke"
    EXPIRE = "expire"
    CLOSE = "close"
    SUBMIT = "submit"
    CHANGE = "change"
    CORRECT = "correct"
    CANCEL = "cancel"
    # Of the market: market_states.py.
    POST = "post"
    ANSWER = "answer"
    OFFER = "offer"
    FIX = "fix"
    CONFIRM = "confirm"
    DISPUTE = "dispute"
    END = "end"
    GRANT = "grant"
    REFUSE = "refuse"


class OrganisationState(StrEnum):
    """An organisation asks to take part, takes part, or is stopped. Rejected is final; its name is free again."""

    APPLIED = "applied"
    RETURNED = "returned"
    ADMITTED = "admitted"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


class ProductState(StrEnum):
    """A version is written, reviewed, offered, stopped, or no longer offered: then old contracts go on.

    Returned can be corrected, rejected is final.
    """

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    REJECTED = "rejected"
    LISTED = "listed"
    SUSPENDED = "suspended"
    DELISTED = "delisted"


class ResourceState(StrEnum):
    """What the registrar last did to a resource's registration: 首次、变更、更正、注销."""

    REGISTERED = "registered"
    CHANGED = "changed"
    CORRECTED = "corrected"
    CANCELLED = "cancelled"


class ApplicationState(StrEnum):
    """One part of an application: a provider's, or the operator's. The last three and approved by all end it."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    COUNTERED = "countered"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ContractState(StrEnum):
    """A contract gathers signatures, is in force, is stopped, or is over: in three ways."""

    DRAFTED = "drafted"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    REVOKED = "revoked"
    EXPIRED = "expired"


class AmendmentState(StrEnum):
    """The next version of a contract gathers signatures, is in force, or came to nothing."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
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
class Due:
    """Within how many working days a state is left, and who has to; past three times as many it lapses."""

    role: Role
    working_days: int
    lapses: bool = False


@dataclass(frozen=True)
class Machine(Generic[S]):
    """A noun with its table of moves."""

    noun: str
    moves: Moves[S]
    reasons: Mapping[Move, frozenset[Reason]] = field(default_factory=dict)
    """The moves that need a reason, and which it may be."""
    due: Mapping[S, Due] = field(default_factory=dict)

    @property
    def ends(self) -> frozenset[S]:
        """The states that nothing leaves."""
        return frozenset(state for state, _ in self.moves.values()) - {state for state, _ in self.moves}


_CONSUMER = frozenset({Role.CONSUMER})
_PROVIDER = frozenset({Role.PROVIDER})
_PARTIES = _CONSUMER | _PROVIDER
_OPERATOR = frozenset({Role.OPERATOR})
_MARKET = frozenset({Role.MARKET})
_SUPERVISOR = frozenset({Role.SUPERVISOR})
_SIDES = _PARTIES | _OPERATOR

_OBJECTIONS = frozenset(
    {
        Reason.BEYOND_NEED,
        Reason.PURPOSE,
        Reason.LEGAL_BASIS,
        Reason.MATERIALS,
        Reason.CONDITIONS,
        Reason.LAW,
        Reason.SOURCE,
        Reason.OTHER,
    }
)
_CAUSES = frozenset(
    {
        Reason.BREACH,
        Reason.SECURITY,
        Reason.LAW,
        Reason.MANDATE,
        Reason.SOURCE,
        Reason.CONSENT,
        Reason.PURPOSE,
        Reason.OTHER,
    }
)
_CHANGES = frozenset({Reason.NOT_NEEDED, Reason.CONDITIONS, Reason.OTHER})
DECISION_DAYS, SIGNATURE_DAYS, DESTRUCTION_DAYS = 10, 10, 10
"""Working days."""
_APPLICANT = frozenset({Role.APPLICANT})

ORGANISATION = Machine(
    "organisation",
    {
        # Admitted never by who entered it: flow/organisation.py.
        (OrganisationState.APPLIED, Move.RESUBMIT): (OrganisationState.APPLIED, _APPLICANT),
        (OrganisationState.APPLIED, Move.RETURN): (OrganisationState.RETURNED, _OPERATOR),
        (OrganisationState.APPLIED, Move.ADMIT): (OrganisationState.ADMITTED, _OPERATOR),
        (OrganisationState.APPLIED, Move.REJECT): (OrganisationState.REJECTED, _OPERATOR),
        (OrganisationState.RETURNED, Move.RESUBMIT): (OrganisationState.APPLIED, _APPLICANT),
        (OrganisationState.RETURNED, Move.REJECT): (OrganisationState.REJECTED, _OPERATOR),
        (OrganisationState.ADMITTED, Move.SUSPEND): (OrganisationState.SUSPENDED, _OPERATOR),
        (OrganisationState.SUSPENDED, Move.REINSTATE): (OrganisationState.ADMITTED, _OPERATOR),
    },
)

PRODUCT = Machine(
    "product",
    {
        (ProductState.DRAFT, Move.SUBMIT): (ProductState.SUBMITTED, _PROVIDER),
        (ProductState.RETURNED, Move.SUBMIT): (ProductState.SUBMITTED, _PROVIDER),
        # One of two reviews is passed; with the last the marketplace lists by itself.
        (ProductState.SUBMITTED, Move.APPROVE): (ProductState.SUBMITTED, _OPERATOR),
        (ProductState.SUBMITTED, Move.LIST): (ProductState.LISTED, _MARKET),
        (ProductState.SUBMITTED, Move.RETURN): (ProductState.RETURNED, _OPERATOR),
        (ProductState.SUBMITTED, Move.REJECT): (ProductState.REJECTED, _OPERATOR),
        # The marketplace stops by itself what comes from a resource that is valid no more.
        (ProductState.LISTED, Move.SUSPEND): (ProductState.SUSPENDED, _OPERATOR | _MARKET),
        (ProductState.LISTED, Move.DELIST): (ProductState.DELISTED, _PROVIDER),
        (ProductState.SUSPENDED, Move.REINSTATE): (ProductState.LISTED, _OPERATOR),
        # Contracts go on when a product is delisted, so the operator can stop it then too; and a provider cannot
        # delist what is suspended, which would set the contracts going again.
        (ProductState.DELISTED, Move.SUSPEND): (ProductState.SUSPENDED, _OPERATOR | _MARKET),
    },
)

_REGISTERED = (ResourceState.REGISTERED, ResourceState.CHANGED, ResourceState.CORRECTED)
RESOURCE = Machine(
    "resource",
    {
        (state, move): (following, roles)
        for state in _REGISTERED
        for move, following, roles in (
            (Move.CHANGE, ResourceState.CHANGED, _PROVIDER),
            (Move.CORRECT, ResourceState.CORRECTED, _PROVIDER),
            (Move.CANCEL, ResourceState.CANCELLED, _PROVIDER | _OPERATOR),
        )
    },
)

_DECIDERS = _PROVIDER | _OPERATOR
_OPEN_PARTS = (
    ApplicationState.SUBMITTED,
    ApplicationState.APPROVED,
    ApplicationState.RETURNED,
    ApplicationState.COUNTERED,
)
APPLICATION = Machine(
    "application",
    {
        (ApplicationState.SUBMITTED, Move.APPROVE): (ApplicationState.APPROVED, _DECIDERS),
        (ApplicationState.SUBMITTED, Move.REJECT): (ApplicationState.REJECTED, _DECIDERS),
        (ApplicationState.SUBMITTED, Move.RETURN): (ApplicationState.RETURNED, _DECIDERS),
        (ApplicationState.SUBMITTED, Move.COUNTER): (ApplicationState.COUNTERED, _PROVIDER),
        (ApplicationState.RETURNED, Move.RESUBMIT): (ApplicationState.SUBMITTED, _CONSUMER),
        (ApplicationState.COUNTERED, Move.ACCEPT): (ApplicationState.SUBMITTED, _CONSUMER),
        (ApplicationState.COUNTERED, Move.DECLINE): (ApplicationState.SUBMITTED, _CONSUMER),
        # What a part approved is other terms now.
        (ApplicationState.APPROVED, Move.REOPEN): (ApplicationState.SUBMITTED, _MARKET),
        **{(state, Move.WITHDRAW): (ApplicationState.WITHDRAWN, _CONSUMER) for state in _OPEN_PARTS},
        **{(state, Move.EXPIRE): (ApplicationState.EXPIRED, _MARKET) for state in _OPEN_PARTS},
    },
    {
        Move.REJECT: _OBJECTIONS,
        Move.RETURN: _OBJECTIONS,
        Move.WITHDRAW: _CHANGES,
        Move.EXPIRE: frozenset({Reason.UNDECIDED, Reason.TERM_OVER}),
    },
    {
        ApplicationState.SUBMITTED: Due(Role.PROVIDER, DECISION_DAYS, lapses=True),
        ApplicationState.RETURNED: Due(Role.CONSUMER, DECISION_DAYS, lapses=True),
        ApplicationState.COUNTERED: Due(Role.CONSUMER, DECISION_DAYS, lapses=True),
    },
)

_RUNNING = (ContractState.ACTIVE, ContractState.SUSPENDED)
CONTRACT = Machine(
    "contract",
    {
        (ContractState.DRAFTED, Move.SIGN): (ContractState.DRAFTED, _PARTIES),
        (ContractState.DRAFTED, Move.ACTIVATE): (ContractState.ACTIVE, _MARKET),
        (ContractState.ACTIVE, Move.AMEND): (ContractState.ACTIVE, _MARKET),
        # Several sides may have stopped it: it goes on when the last one lets it, each its own (flow/contract.py).
        **{(state, Move.SUSPEND): (ContractState.SUSPENDED, _SIDES) for state in _RUNNING},
        (ContractState.SUSPENDED, Move.REINSTATE): (ContractState.ACTIVE, _SIDES),
        **{(state, Move.REVOKE): (ContractState.REVOKED, _SIDES) for state in _RUNNING},
        **{
            (state, Move.TERMINATE): (ContractState.TERMINATED, _PARTIES)
            for state in (ContractState.DRAFTED, *_RUNNING)
        },
        **{(state, Move.EXPIRE): (ContractState.EXPIRED, _MARKET) for state in (ContractState.DRAFTED, *_RUNNING)},
    },
    {
        Move.SUSPEND: _CAUSES | {Reason.DISPUTE, Reason.MAINTENANCE},
        Move.REVOKE: _CAUSES,
        Move.TERMINATE: _CHANGES | {Reason.AGREED},
        Move.EXPIRE: frozenset({Reason.TERM_OVER, Reason.UNDECIDED}),
    },
    {
        ContractState.DRAFTED: Due(Role.PROVIDER, SIGNATURE_DAYS, lapses=True),
        # Of what is left each party certifies that it is destroyed.
        ContractState.TERMINATED: Due(Role.CONSUMER, DESTRUCTION_DAYS),
        ContractState.REVOKED: Due(Role.CONSUMER, DESTRUCTION_DAYS),
        ContractState.EXPIRED: Due(Role.CONSUMER, DESTRUCTION_DAYS),
    },
)

AMENDMENT = Machine(
    "amendment",
    {
        (AmendmentState.PROPOSED, Move.SIGN): (AmendmentState.PROPOSED, _PARTIES),
        (AmendmentState.PROPOSED, Move.ACTIVATE): (AmendmentState.IN_FORCE, _MARKET),
        (AmendmentState.PROPOSED, Move.DECLINE): (AmendmentState.DECLINED, _PARTIES),
        (AmendmentState.PROPOSED, Move.WITHDRAW): (AmendmentState.WITHDRAWN, _PARTIES),
        (AmendmentState.PROPOSED, Move.EXPIRE): (AmendmentState.EXPIRED, _MARKET),
    },
    {
        Move.DECLINE: _OBJECTIONS,
        Move.WITHDRAW: _CHANGES,
        Move.EXPIRE: frozenset({Reason.UNDECIDED, Reason.TERM_OVER, Reason.CONTRACT_OVER}),
    },
    {AmendmentState.PROPOSED: Due(Role.PROVIDER, SIGNATURE_DAYS, lapses=True)},
)

PERMIT = Machine(
    "permit",
    {
        (PermitState.ACTIVE, Move.REVOKE): (PermitState.REVOKED, _PROVIDER | _OPERATOR),
        (PermitState.ACTIVE, Move.REISSUE): (PermitState.ACTIVE, _MARKET),  # under the contract's next version
        (PermitState.ACTIVE, Move.EXPIRE): (PermitState.EXPIRED, _MARKET),
    },
    {Move.REVOKE: _CAUSES, Move.EXPIRE: frozenset({Reason.TERM_OVER})},
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


def advance(
    machine: Machine[S], name: str, state: S, move: Move, role: Role | None, reason: Reason | None = None
) -> S:
    """Give the state that the move leads to; `name` is of the thing that moves, `role` of who moves it.

    Raises `WrongStateError` with the role's moves if the state has no such move, `ForbiddenError` if it has but
    for others, `InvalidError` if it needs another reason than it has.
    """
    if (state, move) not in machine.moves:
        allowed = [other for (at, other), (_, roles) in machine.moves.items() if at is state and role in roles]
        raise WrongStateError(f"{machine.noun} {name} is {state}, so nobody can {move} it", allowed)
    following, roles = machine.moves[state, move]
    if role not in roles:
        who = " or ".join(sorted(roles))
        raise ForbiddenError(f"to {move} {machine.noun} {name} is not yours", f"ask its {who}")
    reasons = machine.reasons.get(move, frozenset())
    if reason not in (reasons or {None}):
        fit = ", ".join(each for each in Reason if each in reasons) or "none"
        raise InvalidError(
            f"{reason or 'nothing'} is no reason to {move} {machine.noun} {name}",
            f"give one of these: {fit}",
            fields={"reason": f"Not one of: {fit}."},
        )
    return following
