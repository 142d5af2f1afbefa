"""The tables themselves: every state, move and role, allowed or not."""

import itertools
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest
from market import BANK, DAY, LABOUR, NOW, OTHER, REVIEWER, SUPERVISOR, TAX, VERSIONS, Market, terms

from compute.signing import digest
from marketplace.errors import ForbiddenError, MarketplaceError, NotFoundError, WrongStateError
from marketplace.exchange import Exchange
from marketplace.flow.application import Application
from marketplace.flow.states import (
    APPLICATION,
    CASE,
    CONTRACT,
    PARTY,
    PERMIT,
    PRODUCT,
    ApplicationState,
    CaseState,
    ContractState,
    Machine,
    Move,
    PartyState,
    PermitState,
    ProductState,
    Role,
    advance,
)

STATES: dict[str, type[StrEnum]] = {
    "party": PartyState,
    "product": ProductState,
    "application": ApplicationState,
    "contract": ContractState,
    "permit": PermitState,
    "case": CaseState,
}
MACHINES: list[Machine[Any]] = [PARTY, PRODUCT, APPLICATION, CONTRACT, PERMIT, CASE]


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
            assert advance(machine, "x", state, move, role) is machine.moves[state, move][0]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.noun)
def test_every_state_is_reached_and_every_move_is_somebodys(machine: Machine[Any]) -> None:
    start, *others = STATES[machine.noun]
    assert {following for following, _ in machine.moves.values()} >= set(others)
    assert start in {state for state, _ in machine.moves}
    assert all(roles for _, roles in machine.moves.values())


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
            market.exchange.suspend_contract("operator", name)
        case ContractState.TERMINATED:
            market.exchange.terminate_contract(BANK, name)
        case ContractState.EXPIRED:
            market.clock.now = NOW + 30 * DAY
            market.exchange.expire()
    return name


@pytest.mark.parametrize("state", ContractState)
def test_contract_commands_follow_the_table(market: Market, state: ContractState) -> None:
    name, exchange = contract_in(state, market), market.exchange
    commands = {
        Move.SUSPEND: Exchange.suspend_contract,
        Move.REINSTATE: Exchange.reinstate_contract,
        Move.TERMINATE: Exchange.terminate_contract,
    }
    for (move, command), (actor, role) in itertools.product(commands.items(), ROLES.items()):
        legal = role in CONTRACT.moves.get((state, move), (state, frozenset()))[1]
        assert legal or refuses(lambda c=command, a=actor: c(exchange, a, name), hidden=role is None), (
            move,
            actor,
        )  # type: ignore[misc]
        assert exchange.contract(BANK, name).state is state
    if state is not ContractState.DRAFTED:
        with pytest.raises(WrongStateError):
            exchange.sign_contract(BANK, market.signed(BANK, name))


@pytest.mark.parametrize("state", ApplicationState)
def test_application_commands_follow_the_table(market: Market, state: ApplicationState) -> None:
    name, exchange = market.applied(), market.exchange

    def approve(exchange: Exchange, actor: str, contract: str) -> Application:
        return exchange.approve(actor, contract, digest(terms()).hex())

    commands = {
        Move.APPROVE: approve,
        Move.REJECT: Exchange.reject,
        Move.RETURN: Exchange.return_for_correction,
    }
    reached = {
        ApplicationState.APPROVED: Move.APPROVE,
        ApplicationState.REJECTED: Move.REJECT,
        ApplicationState.RETURNED: Move.RETURN,
    }
    if state in reached:
        commands[reached[state]](exchange, TAX, name)
    for (move, command), (actor, role) in itertools.product(commands.items(), ROLES.items()):
        legal = role in APPLICATION.moves.get((state, move), (state, frozenset()))[1]
        assert legal or refuses(lambda c=command, a=actor: c(exchange, a, name), hidden=role is None), (
            move,
            actor,
        )  # type: ignore[misc]
        assert exchange.application(BANK, name).parts[TAX] is state


@pytest.mark.parametrize("state", [ProductState.LISTED, ProductState.SUSPENDED, ProductState.DELISTED])
def test_product_commands_follow_the_table(market: Market, state: ProductState) -> None:
    exchange, key = market.exchange, VERSIONS[TAX]
    if state is ProductState.SUSPENDED:
        exchange.suspend_product("operator", *key)
    if state is ProductState.DELISTED:
        exchange.delist_product(TAX, *key)
    commands = {
        Move.SUSPEND: Exchange.suspend_product,
        Move.REINSTATE: Exchange.reinstate_product,
        Move.DELIST: Exchange.delist_product,
    }
    for (move, command), (actor, role) in itertools.product(commands.items(), (ROLES | {LABOUR: None}).items()):
        legal = role in PRODUCT.moves.get((state, move), (state, frozenset()))[1]
        assert legal or refuses(lambda c=command, a=actor: c(exchange, a, *key), hidden=False), (move, actor)  # type: ignore[misc]
        assert exchange.product(*key).state is state
    offered = [listing.key for listing in exchange.list_products()]
    assert (key in offered) is (state is ProductState.LISTED)


def test_party_and_permit_commands_follow_the_table(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    permit = exchange.permit_for(BANK, name, TAX).id
    for actor in (BANK, TAX, SUPERVISOR):
        with pytest.raises(ForbiddenError):
            exchange.suspend_party(actor, OTHER)
    with pytest.raises(WrongStateError, match="possible now: suspend"):
        exchange.reinstate_party("operator", OTHER)
    with pytest.raises(ForbiddenError, match="ask its operator or provider"):
        exchange.revoke_permit(BANK, permit)
    with pytest.raises(NotFoundError):
        exchange.revoke_permit(SUPERVISOR, permit)
    assert exchange.revoke_permit(TAX, permit).state is PermitState.REVOKED
    with pytest.raises(WrongStateError, match="possible now: nothing"):
        exchange.revoke_permit("operator", permit)
    assert exchange.permit_for(BANK, name, LABOUR).state is PermitState.ACTIVE
