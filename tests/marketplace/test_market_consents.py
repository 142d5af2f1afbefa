"""Consents: commitments of the consumer's own, under its own contract; withdrawn at any time."""

import time
from typing import Any

import msgspec
import pytest
from market import BANK, DAY, KEYS, LABOUR, NOW, OTHER, TAX, WHY, Market, commitments, registered

from compute.records import ConsentBatch
from compute.signing import sign
from marketplace.errors import (
    BadSignatureError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    MarketplaceError,
    NotFoundError,
    WrongStateError,
)

PEOPLE = ["a", "b", "c", "d"]


def test_withdrawn_is_withdrawn_until_given_again(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    first = market.batch(name, "batch-1", PEOPLE)
    exchange.consents.register(BANK, registered(first, PEOPLE))
    market.clock.now += 1
    exchange.consents.register(BANK, market.registration(name, "batch-2", ["a", "x"], expires=NOW + 2))
    withdrawal = market.withdrawal(name, ["a", "b"])
    assert exchange.consents.withdraw(BANK, withdrawal) == 3  # a stood in both batches
    held = exchange.consents.of(LABOUR, name)
    assert held.batches[0] == first
    assert held.withdrawals == (withdrawal,)
    assert held.standing(market.clock.now) == set(commitments(["c", "d", "x"]))
    assert held.standing(NOW + 2) == set(commitments(["c", "d"]))
    assert exchange.consents.withdraw(BANK, withdrawal) == 0
    with pytest.raises(ConflictError, match="later statement"):
        exchange.consents.register(BANK, market.registration(name, "batch-3", ["a"]))
    market.clock.now += 1
    exchange.consents.register(BANK, market.registration(name, "batch-3", ["a"]))
    assert exchange.consents.of(TAX, name).standing(market.clock.now) == set(commitments(["a", "c", "d"]))
    assert exchange.consents.of(TAX, name).standing(NOW + 2 * DAY) == frozenset()


def test_a_withdrawal_cannot_be_dated_before_what_it_ends(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.consents.register(BANK, market.registration(name, "batch-1", PEOPLE))
    with pytest.raises(ConflictError, match="later statement"):
        exchange.consents.withdraw(BANK, market.withdrawal(name, ["a"], at=NOW - 1))


def test_all_or_none_are_withdrawn(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.consents.register(BANK, market.registration(name, "batch-1", PEOPLE))
    with pytest.raises(NotFoundError, match="1 of 2 commitments were never registered"):
        exchange.consents.withdraw(BANK, market.withdrawal(name, ["a", "stranger"]))
    assert len(exchange.consents.of(TAX, name).standing(NOW)) == 4
    exchange.contracts.terminate(TAX, name, WHY)
    assert exchange.consents.withdraw(BANK, market.withdrawal(name, ["a"])) == 1


BAD: list[tuple[dict[str, Any], type[MarketplaceError], str]] = [
    ({"at": NOW - 6 * 60_000}, InvalidError, "clock"),
    ({"at": NOW + 6 * 60_000}, InvalidError, "clock"),
    ({"at": NOW - 1, "expires": NOW}, InvalidError, "expires"),
    ({"expires": NOW + 30 * DAY + 1}, InvalidError, "end of the contract"),
]


@pytest.mark.parametrize(("changes", "error", "said"), BAD)
def test_batches_that_are_refused(
    market: Market, changes: dict[str, Any], error: type[MarketplaceError], said: str
) -> None:
    name = market.active()
    with pytest.raises(error, match=said):
        market.exchange.consents.register(BANK, market.registration(name, "batch-1", PEOPLE, **changes))


def test_nobody_else_can_make_a_consent(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    honest = market.batch(name, "batch-1", PEOPLE)
    forged = sign(honest.statement, BANK, KEYS["market"])
    with pytest.raises(BadSignatureError):
        exchange.consents.register(BANK, registered(forged, PEOPLE))
    widened = msgspec.structs.replace(honest.statement, commitments=commitments([*PEOPLE, "e"]))
    forged = msgspec.structs.replace(honest, statement=widened)
    with pytest.raises(BadSignatureError):
        exchange.consents.register(BANK, registered(forged, [*PEOPLE, "e"]))
    with pytest.raises(BadSignatureError):
        exchange.consents.withdraw(BANK, sign(market.withdrawal(name, ["a"]).statement, BANK, KEYS[OTHER]))
    for actor in (TAX, "operator"):
        with pytest.raises(ForbiddenError):
            exchange.consents.register(actor, registered(honest, PEOPLE))
    with pytest.raises(NotFoundError):
        exchange.consents.register(OTHER, registered(honest, PEOPLE))
    exchange.consents.register(BANK, registered(honest, PEOPLE))
    with pytest.raises(ConflictError, match="registered already"):
        exchange.consents.register(BANK, market.registration(name, "batch-1", ["e"]))
    assert exchange.consents.of(BANK, name).batches == (honest,)


def test_consent_follows_the_contract(market: Market) -> None:
    drafted, other = market.drafted(), market.active("loans-2")
    with pytest.raises(WrongStateError, match="is drafted"):
        market.exchange.consents.register(BANK, market.registration(drafted, "batch-1", PEOPLE))
    batch = market.registration(other, "batch-1", PEOPLE)
    market.exchange.contracts.suspend("operator", other, WHY)
    with pytest.raises(WrongStateError, match="is suspended"):
        market.exchange.consents.register(BANK, batch)
    market.clock.now = NOW + 30 * DAY
    with pytest.raises(WrongStateError):
        market.exchange.consents.register(BANK, batch)


@pytest.mark.long
def test_a_hundred_thousand_consents_in_a_few_seconds(market: Market) -> None:
    name = market.active()
    asked = market.registration(name, "batch-1", [f"{number:018d}" for number in range(100_000)])
    start = time.process_time()
    assert market.exchange.consents.register(BANK, asked) == 100_000
    registered_in = time.process_time() - start
    withdrawal = market.withdrawal(name, [f"{number:018d}" for number in range(30_000)])
    assert market.exchange.consents.withdraw(BANK, withdrawal) == 30_000
    held = market.exchange.consents.of(TAX, name)
    assert held.batches[0] == asked.batch
    assert len(held.standing(NOW + 1)) == 70_000
    assert registered_in < 12  # each subject's tag, and a sealed message to it, are stored too
    assert isinstance(held.batches[0].statement, ConsentBatch)
