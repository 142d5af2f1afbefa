"""A contract: the terms of an approved application, in force once every party has signed exactly them.

It is stopped by any side for as long as that side wishes, ended by any side, and over with its term.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from compute.evaluator import Facts, standing_violations
from compute.market.contracts import DestructionCertificate
from compute.market.reasons import Reason, Why
from compute.signing import Pins, Signed
from compute.terms import Terms
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, WrongStateError
from marketplace.flow.actor import Actor, role_in
from marketplace.flow.application import Application
from marketplace.flow.clocks import CLOCK_SKEW
from marketplace.flow.facts import require_none
from marketplace.flow.signature import verified
from marketplace.flow.states import CONTRACT, ApplicationState, ContractState, Due, Move, Role, advance

SIGNATURE: Due = CONTRACT.due[ContractState.DRAFTED]
DESTRUCTION: Due = CONTRACT.due[ContractState.EXPIRED]
ENDED = CONTRACT.ends


@dataclass(frozen=True)
class Contract:
    """The terms, the state, the signed terms of each party that has signed, and who has stopped it."""

    terms: Terms
    state: ContractState
    signatures: Mapping[str, Signed[Terms]] = field(default_factory=dict)
    suspended_by: frozenset[str] = frozenset()

    @property
    def signed(self) -> tuple[Signed[Terms], ...]:
        """The signed terms in the order of `terms.parties`: whole, it is `compute.permit.Contract`."""
        return tuple(self.signatures[party] for party in self.terms.parties if party in self.signatures)

    @property
    def is_complete(self) -> bool:
        """Whether every party has signed: it is or was in force."""
        return len(self.signed) == len(self.terms.parties)

    def in_force(self, now: int) -> bool:
        """Whether it binds at `now` (UTC, milliseconds): active and not past its term."""
        return self.state is ContractState.ACTIVE and now < self.terms.not_after


def draft(application: Application) -> Contract:
    """Give the contract to sign; raise `WrongStateError` unless every part is approved."""
    if application.state is not ApplicationState.APPROVED:
        raise WrongStateError(f"application {application.terms.contract} is {application.state}")
    return Contract(application.terms, ContractState.DRAFTED)


def sign(contract: Contract, signed: Signed[Terms], actor: Actor, pins: Pins, facts: Facts) -> Contract:
    """Give the contract with one more signature.

    1. The contract is drafted, the actor is a party to it.
    2. The evaluator finds nothing against its terms: the term is not over, the products are listed.
    3. The terms are to the last byte those that were drafted.
    4. The actor's enrolled key signed them.
    5. The actor has not signed yet.

    Raises the `MarketplaceError` of the check that failed.
    """
    name = contract.terms.contract
    state = advance(CONTRACT, name, contract.state, Move.SIGN, role_in("contract", contract.terms, actor))  # 1
    require_none(standing_violations(contract.terms, facts))  # 2
    check_signature(contract.terms, contract.signatures, signed, actor, pins)  # 3, 4, 5
    return replace(contract, state=state, signatures={**contract.signatures, actor.name: signed})


def check_signature(
    terms: Terms, given: Mapping[str, Signed[Terms]], signed: Signed[Terms], actor: Actor, pins: Pins
) -> None:
    """Return if these are the terms, signed by the actor's enrolled key, for the first time: checks 3 to 5."""
    name = terms.contract
    if signed.statement != terms:  # 3
        raise InvalidError(f"these are not the terms of {name}", "fetch the contract and sign its terms unchanged")
    verified(signed, actor.name, "consumer" if actor.name == terms.consumer else "provider", pins)  # 4
    if actor.name in given:  # 5
        raise ConflictError(f"{actor.name} has signed {name} already", "wait for the other parties")


def activate(contract: Contract) -> Contract:
    """Give the contract in force, now that all have signed; raise `WrongStateError` if one has not."""
    if not contract.is_complete:
        raise WrongStateError(f"contract {contract.terms.contract} lacks a signature", [Move.SIGN])
    return _move(contract, Move.ACTIVATE, Role.MARKET)


def suspend(contract: Contract, actor: Actor, why: Why) -> Contract:
    """Give the contract stopped by one side more; raises as `advance`, `ConflictError` if it has stopped it."""
    new = _move(contract, Move.SUSPEND, role_in("contract", contract.terms, actor), why.reason)
    if actor.name in contract.suspended_by:
        raise ConflictError(f"{actor.name} has suspended {contract.terms.contract} already", "reinstate it first")
    return replace(new, suspended_by=contract.suspended_by | {actor.name})


def reinstate(contract: Contract, actor: Actor) -> Contract:
    """Give the contract without this side's suspension: it goes on unless another side has stopped it, too."""
    role = role_in("contract", contract.terms, actor)
    new = _move(contract, Move.REINSTATE, role)
    # One from before sides were kept was stopped by the operator.
    if actor.name not in contract.suspended_by and (contract.suspended_by or role is not Role.OPERATOR):
        who = ", ".join(sorted(contract.suspended_by)) or "the operator"
        raise ForbiddenError(f"{contract.terms.contract} is suspended by {who}, not by you", "settle it with them")
    left = contract.suspended_by - {actor.name}
    return replace(new, state=ContractState.SUSPENDED if left else new.state, suspended_by=left)


def end(contract: Contract, move: Move, actor: Actor, why: Why) -> Contract:
    """Give the contract terminated or revoked, for good; raises as `advance` does."""
    return _move(contract, move, role_in("contract", contract.terms, actor), why.reason)


def expire(contract: Contract, now: int) -> tuple[Contract, Reason]:
    """Give the contract that is over, and why: its term is, or it was not signed in time."""
    reason = Reason.TERM_OVER if now >= contract.terms.not_after else Reason.UNDECIDED
    return _move(contract, Move.EXPIRE, Role.MARKET, reason), reason


def certify(
    contract: Contract, signed: Signed[DestructionCertificate], actor: Actor, pins: Pins, now: int
) -> DestructionCertificate:
    """Give what a party certifies to have destroyed; that it has not before the store decides.

    1. The actor is a party of the contract, which was in force and is over.
    2. The actor's enrolled key signed it.
    3. It is about this contract, of this party, as of now.

    Raises the `MarketplaceError` of the check that failed.
    """
    name, role = contract.terms.contract, role_in("contract", contract.terms, actor)
    if role not in {Role.CONSUMER, Role.PROVIDER}:  # 1
        raise ForbiddenError(f"{actor.name} is no party of {name}", "have its parties certify")
    if contract.state not in ENDED or not contract.is_complete:  # 1
        raise WrongStateError(f"contract {name} is {contract.state}, so nothing of it is to be destroyed")
    certificate = verified(signed, actor.name, "consumer" if role is Role.CONSUMER else "provider", pins)  # 2
    if (certificate.contract, certificate.party) != (name, actor.name):  # 3
        raise InvalidError(
            f"it certifies for {certificate.party} about {certificate.contract}", "certify your own"
        )
    if abs(certificate.at - now) > CLOCK_SKEW:  # 3
        raise InvalidError(f"it is signed as of {certificate.at}, now is {now}", "set the clock right, sign anew")
    return certificate


def require_consumer(contract: Contract, actor: Actor) -> None:
    """Return if the actor is the contract's consumer.

    Raises `NotFoundError` for those who may not know of it, `ForbiddenError` for the others.
    """
    if role_in("contract", contract.terms, actor) is not Role.CONSUMER:
        raise ForbiddenError(f"consents under {contract.terms.contract} are its consumer's to report", "tell it")


def _move(contract: Contract, move: Move, role: Role, reason: Reason | None = None) -> Contract:
    return replace(contract, state=advance(CONTRACT, contract.terms.contract, contract.state, move, role, reason))
