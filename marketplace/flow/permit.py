"""Permits: one for each provider of a contract in force, and whether it stands at this moment."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.market.reasons import Reason
from compute.permit import issue, permit_name
from marketplace.errors import missing
from marketplace.flow.actor import Actor, role_in
from marketplace.flow.contract import Contract
from marketplace.flow.party import Party
from marketplace.flow.states import PERMIT, Move, PermitState, ProductState, Role, advance


@dataclass(frozen=True)
class PermitRecord:
    """A permit as the marketplace keeps it: the token for one provider, and its own state."""

    id: str
    contract: str
    provider: str
    not_after: int
    """UTC, milliseconds since 1970-01-01."""
    token: str
    """The signed JWT: `compute.permit`."""
    state: PermitState


def issue_all(contract: Contract, market: str, key: Ed25519PrivateKey, now: int) -> list[PermitRecord]:
    """Give a permit for each provider, in the order of the grants; `key` is the marketplace's."""
    terms = contract.terms
    permits = []
    for grant in terms.grants:
        name = permit_name(terms.contract, grant.provider)
        token = issue(terms, grant.provider, name, market, key, now)
        permits.append(
            PermitRecord(name, terms.contract, grant.provider, terms.not_after, token, PermitState.ACTIVE)
        )
    return permits


def reissue(
    permit: PermitRecord, contract: Contract, market: str, key: Ed25519PrivateKey, now: int
) -> PermitRecord:
    """Give the permit under the contract's next version: the same id, so that its uses are counted on."""
    state = advance(PERMIT, permit.id, permit.state, Move.REISSUE, Role.MARKET)
    token = issue(contract.terms, permit.provider, permit.id, market, key, now)
    return replace(permit, token=token, not_after=contract.terms.not_after, state=state)


def permit_role(permit: PermitRecord, contract: Contract, actor: Actor) -> Role:
    """Give the actor's role towards a permit, as its consumer, its provider, or in an office.

    Raises `NotFoundError` for everybody else; the contract's other providers have permits of their own.
    """
    role = role_in("permit", contract.terms, actor)
    if role is Role.PROVIDER and actor.name != permit.provider:
        raise missing("permit", permit.id)
    return role


def move(permit: PermitRecord, move: Move, role: Role, reason: Reason) -> PermitRecord:
    """Give the permit after a move of the table; raises as `advance` does."""
    return replace(permit, state=advance(PERMIT, permit.id, permit.state, move, role, reason))


def stands(
    permit: PermitRecord, contract: Contract, parties: Iterable[Party], product: ProductState, now: int
) -> bool:
    """Whether the provider may answer under this permit now; `parties` are consumer, provider and reviewer.

    A suspension anywhere stops it; that a product is no longer listed does not, for old contracts go on.
    """
    return (
        permit.state is PermitState.ACTIVE
        and contract.in_force(now)
        and all(party.is_active for party in parties)
        and product is not ProductState.SUSPENDED
    )
