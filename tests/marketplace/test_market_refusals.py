"""Refusals fill no log and none is lost: the first are recorded one by one, the others counted and told."""

import hashlib
from collections import Counter

import pytest
from market import BANK, OTHER, TAX, Market

from audit.entry import Entry
from compute.canonical import HOUR
from compute.records import Capacity, ConsentStanding, IdentityMethod
from marketplace import refusals
from marketplace.errors import MarketplaceError, NotProvenError
from marketplace.flow.actor import Principal
from marketplace.flow.subject import Acting

FEW, OF_PARTY = 5, 12


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test reaches."""
    monkeypatch.setattr(refusals, "OF_SOURCE", FEW)
    monkeypatch.setattr(refusals, "OF_PARTY", OF_PARTY)


def refused(market: Market, actor: str | Principal, times: int) -> None:
    for _ in range(times):
        with pytest.raises(MarketplaceError):
            market.exchange.contracts.load(actor, "bank/nothing")


def entries(market: Market, kind: str) -> list[Entry]:
    return [each for each in market.exchange.log.entries() if each.kind.value == kind]


def hour_later(market: Market) -> None:
    market.clock.now += HOUR - market.clock.now % HOUR
    market.exchange.expire()


@pytest.mark.both_databases
def test_whoever_is_refused_for_ever_fills_no_log_and_every_refusal_is_counted(market: Market) -> None:
    refused(market, BANK, 40)
    assert Counter(each.counterparty for each in entries(market, "refused")) == {BANK: FEW}
    refused(market, OTHER, 2)  # who has few is recorded as before
    assert Counter(each.counterparty for each in entries(market, "refused")) == {BANK: FEW, OTHER: 2}
    market.exchange.expire()
    assert entries(market, "refusals_counted") == []  # the hour is not over
    hour = market.clock.now - market.clock.now % HOUR
    hour_later(market)
    (told,) = entries(market, "refusals_counted")
    assert told.counterparty == BANK
    assert dict(told.detail) == {"command": "contract", "since": hour, "more": 35, "not_found": 35}
    market.exchange.expire()
    assert len(entries(market, "refusals_counted")) == 1
    refused(market, BANK, 1)
    assert Counter(each.counterparty for each in entries(market, "refused"))[BANK] == FEW + 1
    market.check()


def test_one_person_s_flood_hides_no_colleague_s_refusals_until_their_organisation_has_many(
    market: Market,
) -> None:
    refused(market, Principal(BANK, "one"), 20)
    refused(market, Principal(BANK, "two"), 3)
    assert len(entries(market, "refused")) == FEW + 3
    for number in range(10):
        refused(market, Principal(BANK, f"made-{number}"), 3)
    assert len(entries(market, "refused")) == OF_PARTY
    hour_later(market)
    assert sum(int(str(each.detail["more"])) for each in entries(market, "refusals_counted")) == 53 - OF_PARTY


def test_what_is_counted_is_told_by_command_and_reason(market: Market) -> None:
    refused(market, BANK, FEW)
    refused(market, BANK, 2)
    for _ in range(3):
        with pytest.raises(MarketplaceError):
            market.exchange.permits.load(BANK, "bank/nothing", TAX)
    hour_later(market)
    told = {str(each.detail["command"]): each.detail["more"] for each in entries(market, "refusals_counted")}
    assert sorted(told.values()) == [2, 3]
    assert told["contract"] == 2


@pytest.mark.both_databases
def test_an_identified_subject_fills_no_log_either_and_is_named_nowhere(market: Market) -> None:
    tags = [hashlib.sha256(bytes([number])).digest() for number in range(4)]
    subjects = [Acting(tag, Capacity.ONESELF, IdentityMethod.SMS) for tag in tags]
    for acting in subjects:
        for _ in range(FEW + 5):
            with pytest.raises(MarketplaceError):
                market.exchange.subject_consents.end(acting, "bank/nothing", ConsentStanding.WITHDRAWN)
    assert [each.counterparty for each in entries(market, "refused")] == [None] * OF_PARTY
    hour_later(market)
    (told,) = entries(market, "refusals_counted")
    assert (told.counterparty, told.detail["more"]) == (None, 4 * (FEW + 5) - OF_PARTY)
    kept = market.stored()
    assert not any(tag in kept or tag.hex().encode() in kept for tag in tags)


def test_logins_that_failed_and_are_not_recorded_are_counted_too(market: Market) -> None:
    for _ in range(11):
        with pytest.raises(NotProvenError):
            market.exchange.sessions.login(BANK, "nobody", "a guess of mine", "000000", "a host")
        market.clock.now += 200_000
    hour_later(market)
    assert len(entries(market, "refused")) == 4  # the first, second, fourth and eighth
    told = entries(market, "refusals_counted")
    assert [(each.counterparty, each.detail["command"], each.detail["not_proven"]) for each in told] == [
        (None, "login", 7)
    ]
