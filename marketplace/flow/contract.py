"""A contract: the terms of an approved application, in force once every party has signed exactly them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from compute.signing import Pins, Signed
from compute.terms import Terms
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, WrongStateError
from marketplace.flow.actor import Actor, role_in
from marketplace.flow.application import Application, check_term
from marketplace.flow.signature import verified
from marketplace.flow.states import CONTRACT, ApplicationState, ContractState, Move, Role, advance


@dataclass(frozen=True)
class Contract:
    """The terms, the state, and the signed terms of each party that has signed."""

    terms: Terms
    state: ContractState
    signatures: Mapping[str, Signed[Terms]] = field(default_factory=dict)

    @property
    def signed(self) -> tuple[Signed[Terms], ...]:
        """The signed terms in the order of `terms.parties`: whole, it is `compute.permit.Contract`."""
        return tuple(self.signatures[party] for party in self.terms.parties if party in self.signatures)

    @property
    def is_complete(self) -> bool:
        """Whether every party has signed."""
        return len(self.signed) == len(self.terms.parties)

    def in_force(self, now: int) -> bool:
        """Whether it binds at `now` (UTC, milliseconds): active and not past its term."""
        return self.state is ContractState.ACTIVE and now < self.terms.not_after


def draft(application: Application) -> Contract:
    """Give the contract to sign; raise `WrongStateError` unless every provider has approved."""
    if application.state is not ApplicationState.APPROVED:
        raise WrongStateError(f"application {application.terms.contract} is {application.state}")
    return Contract(application.terms, ContractState.DRAFTED)


def sign(contract: Contract, signed: Signed[Terms], actor: Actor, pins: Pins, now: int) -> Contract:
    """Give the contract with one more signature.

    1. The contract is drafted, the actor is a party to it.
    2. Its term is not over.
    3. The terms are to the last byte those that were drafted.
    4. The actor's enrolled key signed them.
    5. The actor has not signed yet.

    Raises the `MarketplaceError` of the check that failed.
    """
    name = contract.terms.contract
    state = advance(CONTRACT, name, contract.state, Move.SIGN, role_in("contract", contract.terms, actor))  # 1
    check_term(contract.terms, now)  # 2
    if signed.statement != contract.terms:  # 3
        raise InvalidError(f"these are not the terms of {name}", "fetch the contract and sign its terms unchanged")
    verified(signed, actor.name, "consumer" if actor.name == contract.terms.consumer else "provider", pins)  # 4
    if actor.name in contract.signatures:  # 5
        raise ConflictError(f"{actor.name} has signed {name} already", "wait for the other parties")
    return replace(contract, state=state, signatures={**contract.signatures, actor.name: signed})


def activate(contract: Contract) -> Contract:
    """Give the contract in force, now that all have signed; raise `WrongStateError` if one has not."""
    if not contract.is_complete:
        raise WrongStateError(f"contract {contract.terms.contract} lacks a signature", [Move.SIGN])
    return move(contract, Move.ACTIVATE, Role.MARKET)


def move(contract: Contract, move: Move, role: Role) -> Contract:
    """Give the contract after a move of the table; raises as `advance` does."""
    return replace(contract, state=advance(CONTRACT, contract.terms.contract, contract.state, move, role))


def require_consumer(contract: Contract, actor: Actor) -> None:
    """Return if the actor is the contract's consumer.

    Raises `NotFoundError` for those who may not know of it, `ForbiddenError` for the others.
    """
    if role_in("contract", contract.terms, actor) is not Role.CONSUMER:
        raise ForbiddenError(f"consents under {contract.terms.contract} are its consumer's to report", "tell it")
