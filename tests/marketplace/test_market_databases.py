"""What a short run does over both databases: the life of a contract, and names that are taken."""

import pytest
from market import BANK, DAY, LABOUR, NOW, OTHER, RECORDS, STOP, TAX, VERSIONS, WHY, Market

from compute.permit import permit_name
from marketplace.errors import ConflictError, NotFoundError
from marketplace.flow.states import ContractState, PermitState, ProductState

pytestmark = pytest.mark.both_databases


def test_a_contract_s_life(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.consents.register(BANK, market.registration(name, "batch-1", ["a", "b", "c"]))
    assert exchange.consents.withdraw(BANK, market.withdrawal(name, ["a", "b"])) == 2
    assert exchange.consents.withdraw(BANK, market.withdrawal(name, ["a"])) == 0
    assert len(exchange.consents.of(TAX, name).standing(NOW + 1)) == 1
    with pytest.raises(NotFoundError, match="1 of 1"):
        exchange.consents.withdraw(BANK, market.withdrawal(name, ["stranger"]))
    exchange.contracts.suspend("operator", name, WHY)
    exchange.contracts.reinstate("operator", name)
    assert exchange.permits.revoke(TAX, permit_name(name, TAX), WHY).state is PermitState.REVOKED
    market.clock.now = NOW + 30 * DAY
    assert exchange.expire() == 2  # the contract, and the other department's permit
    assert exchange.contracts.load(LABOUR, name).state is ContractState.EXPIRED
    assert market.check().size == exchange.log.size()


def test_what_is_there_is_not_made_again(market: Market) -> None:
    exchange, name = market.exchange, market.drafted()
    size = exchange.log.size()
    again = [
        lambda: market.enrol(BANK),
        market.publish,
        market.applied,
        lambda: (
            exchange.contracts.sign(BANK, market.signed(BANK, name))
            and exchange.contracts.sign(BANK, market.signed(BANK, name))
        ),
    ]
    for command in again:
        with pytest.raises(ConflictError):
            command()
    assert market.kinds()[size:] == ["refused", "refused", "refused", "contract_signed", "refused"]
    assert RECORDS[OTHER].name in {each.statement.name for each in exchange.directory(BANK)}
    assert exchange.products.delist(TAX, VERSIONS[TAX], STOP).state is ProductState.DELISTED
