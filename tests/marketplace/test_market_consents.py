"""Consents: commitments of the consumer's own, under its own contract; withdrawn at any time."""

import time
from typing import Any

import msgspec
import pytest
from market import BANK, DAY, KEYS, LABOUR, NOW, OTHER, TAX, Market, commitments

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
    exchange.register_consents(BANK, first)
    market.clock.now += 1
    exchange.register_consents(BANK, market.batch(name, "batch-2", ["a", "x"], expires=NOW + 2))
    withdrawal = market.withdrawal(name, ["a", "b"])
    assert exchange.withdraw_consent(BANK, withdrawal) == 3  # a stood in both batches
    held = exchange.consents_of(LABOUR, name)
    assert held.batches[0] == first
    assert held.withdrawals == (withdrawal,)
    assert held.standing(market.clock.now) == set(commitments(["c", "d", "x"]))
    assert held.standing(NOW + 2) == set(commitments(["c", "d"]))
    assert exchange.withdraw_consent(BANK, withdrawal) == 0
    with pytest.raises(ConflictError, match="later statement"):
        exchange.register_consents(BANK, market.batch(name, "batch-3", ["a"]))
    market.clock.now += 1
    exchange.register_consents(BANK, market.batch(name, "batch-3", ["a"]))
    assert exchange.consents_of(TAX, name).standing(market.clock.now) == set(commitments(["a", "c", "d"]))
    assert exchange.consents_of(TAX, name).standing(NOW + 2 * DAY) == frozenset()


def test_a_withdrawal_cannot_be_dated_before_what_it_ends(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.register_consents(BANK, market.batch(name, "batch-1", PEOPLE))
    with pytest.raises(ConflictError, match="later statement"):
        exchange.withdraw_consent(BANK, market.withdrawal(name, ["a"], at=NOW - 1))


def test_all_or_none_are_withdrawn(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.register_consents(BANK, market.batch(name, "batch-1", PEOPLE))
    with pytest.raises(NotFoundError, match="1 of 2 commitments were never registered"):
        exchange.withdraw_consent(BANK, market.withdrawal(name, ["a", "stranger"]))
    assert len(exchange.consents_of(TAX, name).standing(NOW)) == 4
    exchange.terminate_contract(TAX, name)
    assert exchange.withdraw_consent(BANK, market.withdrawal(name, ["a"])) == 1


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
        market.exchange.register_consents(BANK, market.batch(name, "batch-1", PEOPLE, **changes))


def test_nobody_else_can_make_a_consent(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    honest = market.batch(name, "batch-1", PEOPLE)
    forged = sign(honest.statement, BANK, KEYS["market"])
    with pytest.raises(BadSignatureError):
        exchange.register_consents(BANK, forged)
    widened = msgspec.structs.replace(honest.statement, commitments=commitments([*PEOPLE, "e"]))
    with pytest.raises(BadSignatureError):
        exchange.register_consents(BANK, msgspec.structs.replace(honest, statement=widened))
    with pytest.raises(BadSignatureError):
        exchange.withdraw_consent(BANK, sign(market.withdrawal(name, ["a"]).statement, BANK, KEYS[OTHER]))
    for actor in (TAX, "operator"):
        with pytest.raises(ForbiddenError):
            exchange.register_consents(actor, honest)
    with pytest.raises(NotFoundError):
        exchange.register_consents(OTHER, honest)
    exchange.register_consents(BANK, honest)
    with pytest.raises(ConflictError, match="registered already"):
        exchange.register_consents(BANK, market.batch(name, "batch-1", ["e"]))
    assert exchange.consents_of(BANK, name).batches == (honest,)


def test_consent_follows_the_contract(market: Market) -> None:
    drafted, other = market.drafted(), market.active("loans-2")
    with pytest.raises(WrongStateError, match="is drafted"):
        market.exchange.register_consents(BANK, market.batch(drafted, "batch-1", PEOPLE))
    batch = market.batch(other, "batch-1", PEOPLE)
    market.exchange.suspend_contract("operator", other)
    with pytest.raises(WrongStateError, match="is suspended"):
        market.exchange.register_consents(BANK, batch)
    market.clock.now = NOW + 30 * DAY
    with pytest.raises(WrongStateError):
        market.exchange.register_consents(BANK, batch)


def test_a_hundred_thousand_consents_in_a_few_seconds(market: Market) -> None:
    name = market.active()
    signed: list[Any] = [market.batch(name, "batch-1", [f"{number:018d}" for number in range(100_000)])]
    start = time.process_time()
    assert market.exchange.register_consents(BANK, signed[0]) == 100_000
    registered = time.process_time() - start
    withdrawal = market.withdrawal(name, [f"{number:018d}" for number in range(30_000)])
    assert market.exchange.withdraw_consent(BANK, withdrawal) == 30_000
    held = market.exchange.consents_of(TAX, name)
    assert held.batches[0] == signed[0]
    assert len(held.standing(NOW + 1)) == 70_000
    assert registered < 5
    assert isinstance(held.batches[0].statement, ConsentBatch)
