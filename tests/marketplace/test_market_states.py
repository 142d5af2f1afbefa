"""The tables themselves: every state, move and role, allowed or not."""

import itertools
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from market import (
    BANK,
    DAY,
    LABOUR,
    NOW,
    OTHER,
    REVIEWER,
    STOP,
    SUPERVISOR,
    TAX,
    VERSIONS,
    WHY,
    Market,
    counter_offer,
)

from compute.market.reasons import Reason
from compute.signing import digest
from marketplace.errors import ForbiddenError, InvalidError, MarketplaceError, NotFoundError, WrongStateError
from marketplace.flow.application import Application
from marketplace.flow.document import document
from marketplace.flow.states import (
    AMENDMENT,
    APPLICATION,
    CASE,
    CONTRACT,
    ORGANISATION,
    PERMIT,
    PRODUCT,
    RESOURCE,
    AmendmentState,
    ApplicationState,
    CaseState,
    ContractState,
    Machine,
    Move,
    OrganisationState,
    PermitState,
    ProductState,
    ResourceState,
    Role,
    advance,
)

STATES: dict[str, type[StrEnum]] = {
    "organisation": OrganisationState,
    "product": ProductState,
    "resource": ResourceState,
    "application": ApplicationState,
    "contract": ContractState,
    "amendment": AmendmentState,
    "permit": PermitState,
    "case": CaseState,
}
MACHINES: list[Machine[Any]] = [ORGANISATION, PRODUCT, RESOURCE, APPLICATION, CONTRACT, AMENDMENT, PERMIT, CASE]


@pytest.mark.parametrize(
    ("machine", "state"), [(machine, state) for machine in MACHINES for state in STATES[machine.noun]]
)
def test_what_is_not_in_the_table_cannot_happen(machine: Machine[Any], state: StrEnum) -> None:
    for move, role in itertools.product(Move, [*Role, None]):
        if (state, move) not in machine.moves:
            with pytest.raises(WrongStateError, match=f"x is {state}") as refused:
                advance(machine, "x", state, move, role)
            legal = {other for (at, other), (_, roles) in machine.moves.items() if at == state and role in roles}
            assert set(refused.value.allowed) == legal
            assert all(other in str(refused.value) for other in legal)
        elif role not in machine.moves[state, move][1]:
            with pytest.raises(ForbiddenError, match="is not yours"):
                advance(machine, "x", state, move, role)
        else:
            reasons = machine.reasons.get(move, {None})
            for reason in reasons:
                assert advance(machine, "x", state, move, role, reason) is machine.moves[state, move][0]
            for reason in {*Reason, None} - set(reasons):
                with pytest.raises(InvalidError, match="is no reason to") as unfit:
                    advance(machine, "x", state, move, role, reason)
                assert list(unfit.value.fields) == ["reason"]


@pytest.mark.parametrize("machine", [APPLICATION, CONTRACT, AMENDMENT, PERMIT], ids=lambda machine: machine.noun)
def test_nothing_ends_and_nothing_is_stopped_without_a_reason(machine: Machine[Any]) -> None:
    reached = {AmendmentState.IN_FORCE}  # an end that needs none
    ending = {move for (_, move), (state, _) in machine.moves.items() if state in machine.ends - reached}
    assert ending <= machine.reasons.keys()
    assert Move.SUSPEND not in {move for _, move in machine.moves} or Move.SUSPEND in machine.reasons
    assert machine.reasons.keys() <= {move for _, move in machine.moves}
    assert all(machine.reasons.values())


@pytest.mark.parametrize("machine", [APPLICATION, CONTRACT, AMENDMENT], ids=lambda machine: machine.noun)
def test_whoever_is_waited_for_has_a_term(machine: Machine[Any]) -> None:
    waited = {state for state, move in machine.moves if move is Move.EXPIRE} - {
        ContractState.ACTIVE,
        ContractState.SUSPENDED,
        ApplicationState.APPROVED,
    }
    assert waited == {state for state, due in machine.due.items() if due.lapses}
    assert {state for state, due in machine.due.items() if not due.lapses} <= machine.ends


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.noun)
def test_every_state_is_reached_and_every_move_is_somebodys(machine: Machine[Any]) -> None:
    start, *others = STATES[machine.noun]
    assert {following for following, _ in machine.moves.values()} >= set(others)
    assert start in {state for state, _ in machine.moves}
    assert all(roles for _, roles in machine.moves.values())


def test_the_document_is_of_the_tables() -> None:
    held = (Path(__file__).parents[2] / "docs" / "flow.md").read_text("utf-8")
    assert held == document(), "run: python -m marketplace.flow.document > docs/flow.md"


# --- the same through the commands: actors and states ---------------------------------------------------------

ROLES = {
    BANK: Role.CONSUMER,
    TAX: Role.PROVIDER,
    "operator": Role.OPERATOR,
    SUPERVISOR: None,  # without a case
    OTHER: None,
    REVIEWER: None,
}


def refuses(command: Callable[[], Any], *, hidden: bool) -> bool:
    """Whether an illegal move is refused as it must be."""
    with pytest.raises(MarketplaceError) as refused:
        command()
    return isinstance(refused.value, NotFoundError if hidden else (WrongStateError, ForbiddenError))


def contract_in(state: ContractState, market: Market) -> str:
    if state is ContractState.DRAFTED:
        return market.drafted()
    name = market.active()
    match state:
        case ContractState.SUSPENDED:
            market.exchange.contracts.suspend("operator", name, WHY)
        case ContractState.TERMINATED:
            market.exchange.contracts.terminate(BANK, name, WHY)
        case ContractState.REVOKED:
            market.exchange.contracts.revoke("operator", name, WHY)
        case ContractState.EXPIRED:
            market.clock.now = NOW + 30 * DAY
            market.exchange.expire()
    return name


@pytest.mark.parametrize("state", ContractState)
def test_contract_commands_follow_the_table(market: Market, state: ContractState) -> None:
    name, exchange = contract_in(state, market), market.exchange
    commands = {
        Move.SUSPEND: lambda actor: exchange.contracts.suspend(actor, name, WHY),
        Move.REINSTATE: lambda actor: exchange.contracts.reinstate(actor, name),
        Move.TERMINATE: lambda actor: exchange.contracts.terminate(actor, name, WHY),
        Move.REVOKE: lambda actor: exchange.contracts.revoke(actor, name, WHY),
    }
    for (move, command), (actor, role) in itertools.product(commands.items(), ROLES.items()):
        legal = role in CONTRACT.moves.get((state, move), (state, frozenset()))[1]
        assert legal or refuses(lambda c=command, a=actor: c(a), hidden=role is None), (
            move,
            actor,
        )  # type: ignore[misc]
        assert exchange.contracts.load(BANK, name).state is state
    if state is not ContractState.DRAFTED:
        with pytest.raises(WrongStateError):
            exchange.contracts.sign(BANK, market.signed(BANK, name))


def application_in(state: ApplicationState, market: Market) -> str:
    name, desk = market.applied(), market.exchange.applications
    match state:
        case ApplicationState.APPROVED:
            market.approve(TAX, name)
        case ApplicationState.REJECTED:
            desk.reject(TAX, name, WHY)
        case ApplicationState.RETURNED:
            desk.return_for_correction(TAX, name, WHY)
        case ApplicationState.COUNTERED:
            desk.counter(TAX, name, counter_offer(max_uses=7))
        case ApplicationState.WITHDRAWN:
            desk.withdraw(BANK, name, WHY)
        case ApplicationState.EXPIRED:
            market.clock.now = NOW + 30 * DAY
            market.exchange.expire()
            market.clock.now = NOW + 100 * DAY
            market.exchange.expire()
    return name


@pytest.mark.parametrize("state", ApplicationState)
def test_application_commands_follow_the_table(market: Market, state: ApplicationState) -> None:
    name, desk = application_in(state, market), market.exchange.applications
    read = digest(desk.load(BANK, name).terms).hex()
    commands: dict[Move, Callable[[str], Application]] = {
        Move.APPROVE: lambda actor: desk.approve(actor, name, read),
        Move.REJECT: lambda actor: desk.reject(actor, name, WHY),
        Move.RETURN: lambda actor: desk.return_for_correction(actor, name, WHY),
        Move.COUNTER: lambda actor: desk.counter(actor, name, counter_offer(max_uses=7)),
        Move.ACCEPT: lambda actor: desk.accept(actor, name, TAX, read),
        Move.DECLINE: lambda actor: desk.decline(actor, name, TAX),
        Move.WITHDRAW: lambda actor: desk.withdraw(actor, name, WHY),
    }
    over = state is ApplicationState.EXPIRED  # then the term is, and that is said first
    for (move, command), (actor, role) in itertools.product(commands.items(), ROLES.items()):
        legal = role in APPLICATION.moves.get((state, move), (state, frozenset()))[1]
        if not legal and not over:
            assert refuses(lambda c=command, a=actor: c(a), hidden=role is None), (move, actor)  # type: ignore[misc]
        assert desk.load(BANK, name).parts[TAX] is state


@pytest.mark.parametrize("state", [ProductState.LISTED, ProductState.SUSPENDED, ProductState.DELISTED])
def test_product_commands_follow_the_table(market: Market, state: ProductState) -> None:
    exchange, key = market.exchange, VERSIONS[TAX]
    if state is ProductState.SUSPENDED:
        exchange.products.suspend("operator", key, STOP)
    if state is ProductState.DELISTED:
        exchange.products.delist(TAX, key, STOP)
    commands = {
        Move.SUSPEND: lambda actor: exchange.products.suspend(actor, key, STOP),
        Move.REINSTATE: lambda actor: exchange.products.reinstate(actor, key),
        Move.DELIST: lambda actor: exchange.products.delist(actor, key, STOP),
    }
    for (move, command), (actor, role) in itertools.product(commands.items(), (ROLES | {LABOUR: None}).items()):
        legal = role in PRODUCT.moves.get((state, move), (state, frozenset()))[1]
        assert legal or refuses(lambda c=command, a=actor: c(a), hidden=False), (move, actor)  # type: ignore[misc]
        assert exchange.products.version(key).state is state
    offered = [listing.key for listing in market.listed()]
    assert (key in offered) is (state is ProductState.LISTED)


def test_party_and_permit_commands_follow_the_table(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    permit = exchange.permits.load(BANK, name, TAX).id
    for actor in (BANK, TAX, SUPERVISOR):
        with pytest.raises(ForbiddenError):
            exchange.organisations.suspend(actor, OTHER, "breach")
    with pytest.raises(WrongStateError, match="possible now: suspend"):
        exchange.organisations.reinstate("operator", OTHER)
    with pytest.raises(ForbiddenError, match="ask its operator or provider"):
        exchange.permits.revoke(BANK, permit, WHY)
    with pytest.raises(NotFoundError):
        exchange.permits.revoke(SUPERVISOR, permit, WHY)
    assert exchange.permits.revoke(TAX, permit, WHY).state is PermitState.REVOKED
    with pytest.raises(WrongStateError, match="possible now: nothing"):
        exchange.permits.revoke("operator", permit, WHY)
    assert exchange.permits.load(BANK, name, LABOUR).state is PermitState.ACTIVE
