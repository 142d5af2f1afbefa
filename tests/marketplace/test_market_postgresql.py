"""The exchange over PostgreSQL: what its commands do there is what they do over SQLite."""

from collections.abc import Iterator

import postgres
import pytest
from market import BANK, DAY, LABOUR, NOW, OTHER, RECORDS, TAX, VERSIONS, Market, open_market

from compute.permit import permit_name
from marketplace.errors import ConflictError, NotFoundError
from marketplace.flow.states import ContractState, PermitState, ProductState


@pytest.fixture
def market(postgres_url: str) -> Iterator[Market]:
    with postgres.database(postgres_url) as url, open_market(url) as made:
        made.enrol()
        made.publish()
        yield made


def test_a_contract_s_life(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.register_consents(BANK, market.batch(name, "batch-1", ["a", "b", "c"]))
    assert exchange.withdraw_consent(BANK, market.withdrawal(name, ["a", "b"])) == 2
    assert exchange.withdraw_consent(BANK, market.withdrawal(name, ["a"])) == 0
    assert len(exchange.consents_of(TAX, name).standing(NOW + 1)) == 1
    with pytest.raises(NotFoundError, match="1 of 1"):
        exchange.withdraw_consent(BANK, market.withdrawal(name, ["stranger"]))
    exchange.suspend_contract("operator", name)
    exchange.reinstate_contract("operator", name)
    assert exchange.revoke_permit(TAX, permit_name(name, TAX)).state is PermitState.REVOKED
    market.clock.now = NOW + 30 * DAY
    assert exchange.expire() == 2  # the contract, and the other department's permit
    assert exchange.contract(LABOUR, name).state is ContractState.EXPIRED
    assert market.check().size == exchange.log.size()


def test_what_is_there_is_not_made_again(market: Market) -> None:
    exchange, name = market.exchange, market.drafted()
    size = exchange.log.size()
    again = [
        lambda: market.enrol(BANK),
        market.publish,
        market.applied,
        lambda: (
            exchange.sign_contract(BANK, market.signed(BANK, name))
            and exchange.sign_contract(BANK, market.signed(BANK, name))
        ),
    ]
    for command in again:
        with pytest.raises(ConflictError):
            command()
    assert market.kinds()[size:] == ["refused", "refused", "refused", "contract_signed", "refused"]
    assert RECORDS[OTHER].name in {each.statement.name for each in exchange.directory(BANK)}
    assert exchange.delist_product(TAX, *VERSIONS[TAX]).state is ProductState.DELISTED
