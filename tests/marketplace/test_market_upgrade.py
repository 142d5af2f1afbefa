"""A marketplace of the first release, as it was backed up: this version restores it, and it goes on.

`market-0001.backup` was written by the version before revisions, with the tests' own keys: six contracts in
different states, consents, a case, a suspended party. It is never made anew: it stands for the databases that
are out there.
"""

from pathlib import Path

import pytest
from market import BANK, KINDS, LABOUR, NOW, OTHER, TAX, WHY, Market, counter_offer, open_market
from sqlalchemy import select
from store_contents import opened, policy, rows

from audit.storage.watermark import Watermark
from catalog import uscc
from compute.clauses import Clause
from compute.permit import permit_name
from compute.records import contract_name
from marketplace.api import render
from marketplace.errors import ForbiddenError, InvalidError
from marketplace.flow.states import ApplicationState, ContractState, OrganisationState, PermitState
from marketplace.store import restore, usage
from marketplace.store.migration import migrate
from marketplace.store.tables import withdrawals

pytestmark = pytest.mark.long

FIRST = Path(__file__).with_name("market-0001.backup")
NONCE = b"\1" * 32
NAMES = {number: contract_name(BANK, f"loans-{number}") for number in range(1, 7)}


@pytest.fixture
def upgraded(empty_store: Path | str, tmp_path: Path) -> Path | str:
    of = policy()
    restore.restore(FIRST, empty_store, of, Watermark(tmp_path / "watermark", of.log))
    return empty_store


def test_everything_is_there_and_goes_on(upgraded: Path | str) -> None:
    with open_market(upgraded) as market:
        exchange = market.exchange
        states = {number: exchange.contracts.load(BANK, NAMES[number]).state for number in (1, 2, 3, 6)}
        assert states == {
            1: ContractState.ACTIVE,
            2: ContractState.ACTIVE,
            3: ContractState.DRAFTED,
            6: ContractState.SUSPENDED,
        }
        parts = exchange.applications.load(BANK, NAMES[5]).parts
        assert parts == {TAX: ApplicationState.RETURNED, LABOUR: ApplicationState.SUBMITTED}
        assert exchange.permits.load(BANK, NAMES[1], TAX).state is PermitState.REVOKED
        assert exchange.permits.status(TAX, permit_name(NAMES[2], TAX), NONCE).statement.active
        assert not exchange.permits.status(TAX, permit_name(NAMES[6], TAX), NONCE).statement.active
        assert len(exchange.consents.of(TAX, NAMES[1]).standing(NOW + 1)) == 2
        with pytest.raises(ForbiddenError):
            exchange.contracts.load(OTHER, NAMES[1])
        # Terms of then name no kinds of subjects and no agreement: what is in force goes on, nothing enters it.
        with pytest.raises(InvalidError, match="policy version 1"):
            exchange.contracts.sign(BANK, market.signed(BANK, NAMES[3]))
        exchange.contracts.terminate(BANK, NAMES[3], WHY)
        _nothing_comes_of_an_old_application(market, NAMES[4])
        exchange.applications.withdraw(BANK, NAMES[4], WHY)
        exchange.contracts.terminate(BANK, NAMES[2], WHY)
        exchange.contracts.reinstate("operator", NAMES[6])
        assert exchange.contracts.load(BANK, market.active("loans-7")).state is ContractState.ACTIVE
        market.check()


def _nothing_comes_of_an_old_application(market: Market, name: str) -> None:
    """Nobody works on what could never be signed: it is refused at once, and says what to do."""
    applications = market.exchange.applications
    held = applications.load(TAX, name)
    assert held.superseded is not None
    told = render.application(held).superseded
    assert told is not None
    assert (told.clause, told.field) == (Clause.POLICY_VERSION, "policy_version")
    assert "条款格式版本1" in told.zh
    undecided = {party for party, state in held.parts.items() if state is ApplicationState.SUBMITTED}
    assert undecided
    for provider in undecided:
        with pytest.raises(InvalidError, match="withdraw it and apply anew") as refused:
            market.approve(provider, name)
        assert {*refused.value.fields} == {"policy_version"}
        offer = counter_offer(provider, ("naics",) if provider == TAX else ("employees",))
        with pytest.raises(InvalidError, match="policy version 1"):
            applications.counter(provider, name, offer)
    assert applications.load(TAX, name).parts == held.parts
    returned, grant = NAMES[5], applications.load(BANK, NAMES[5]).terms.grants[0]
    with pytest.raises(InvalidError, match="policy version 1"):
        applications.resubmit(BANK, returned, grant)


def test_its_products_are_found(upgraded: Path | str) -> None:
    with open_market(upgraded) as market:
        market.exchange.product_search.warm()
        listed = {listing.key for listing in market.listed()}
    assert {key[0] for key in listed} == {TAX, LABOUR}
    assert rows(upgraded)["search_documents"]


def test_its_parties_are_organisations_that_say_what_is_unknown(upgraded: Path | str) -> None:
    with open_market(upgraded) as market:
        found = {each.name: each for each, _ in market.exchange.organisations.page("operator", "", 100)}
        assert {*found} == {*KINDS}
        assert {name: each.kind for name, each in found.items()} == KINDS
        states = {name: each.state for name, each in found.items()}
        assert states.pop(OTHER) is OrganisationState.SUSPENDED
        assert {*states.values()} == {OrganisationState.ADMITTED}
        for each in found.values():
            assert "待补录" in each.profile.title_zh
            assert uscc.fault(each.profile.code) is not None  # no organisation can ever be taken for it
        market.exchange.organisations.reinstate("operator", OTHER)
        assert OTHER in {each.statement.name for each in market.exchange.directory(BANK)}


def test_who_withdrew_is_known_and_states_go_back(upgraded: Path | str) -> None:
    migrate(upgraded, "0001")
    before = rows(upgraded)
    assert {name: state for _, _, name, _, state in before["parties"]} == {
        name: "suspended" if name == OTHER else "enrolled" for name in KINDS
    }
    migrate(upgraded)
    with opened(upgraded) as connection:
        assert {*connection.scalars(select(withdrawals.c.signer))} == {BANK}
    migrate(upgraded, "0001")
    assert rows(upgraded) == before


def test_what_its_log_tells_of_uses_is_counted(upgraded: Path | str) -> None:
    with open_market(upgraded) as market:
        with market.exchange.log.snapshot() as connection:
            assert NAMES[1] in usage.all_standing(connection)
        assert market.exchange.usage.recount() == 0
