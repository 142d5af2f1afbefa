"""Many at once, in threads and in processes of their own: exactly one wins, and the log says so."""

import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from market import (
    BANK,
    DESCRIPTIONS,
    LABOUR,
    RESOURCES,
    STOP,
    TAX,
    VERSIONS,
    WHY,
    Market,
    open_market,
    passing,
    terms,
)

from catalog.description import parse_product
from compute.market.products import Outcome, Review, ReviewDecision, ReviewReason, Submission
from compute.permit import permit_name
from marketplace.errors import ConflictError, MarketplaceError
from marketplace.flow.product import Listing
from marketplace.flow.states import ProductState
from marketplace.store import rows
from marketplace.store.organisation_tables import organisations

# The children share nothing with this process but the file: they open it themselves.
PROCESSES = multiprocessing.get_context("fork")

pytestmark = pytest.mark.long

Command = Callable[[Market], Any]
Race = Callable[[Path | str, Sequence[Command]], list[str]]

NAME = terms().contract
SECOND = (*VERSIONS[TAX][:2], "2.0.0")
TEXT = DESCRIPTIONS[TAX].replace(b'version = "1.0.0"', b'version = "2.0.0"')
DRAFT = Listing(parse_product(TEXT), TEXT.decode(), ProductState.DRAFT)
PERMIT = permit_name(NAME, TAX)


def outcome(market: Market, command: Command) -> str:
    try:
        command(market)
    except MarketplaceError as error:
        return error.code
    return "won"


def in_threads(path: Path | str, commands: Sequence[Command]) -> list[str]:
    """The outcomes of commands given at once, over one engine."""
    start, outcomes = threading.Barrier(len(commands)), []

    def run(market: Market, command: Command) -> None:
        start.wait()
        outcomes.append(outcome(market, command))

    with open_market(path) as market:
        threads = [threading.Thread(target=run, args=(market, command)) for command in commands]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return outcomes


def in_processes(path: Path | str, commands: Sequence[Command]) -> list[str]:
    """The outcomes of commands given at once, each by a process with its own engine."""
    start, outcomes = PROCESSES.Barrier(len(commands)), PROCESSES.SimpleQueue()

    def run(command: Command) -> None:
        with open_market(path) as market:
            start.wait()
            outcomes.put(outcome(market, command))

    children = [PROCESSES.Process(target=run, args=(command,)) for command in commands]
    for child in children:
        child.start()
    for child in children:
        child.join()
    found = [outcomes.get() for _ in children]
    outcomes.close()
    return found


@pytest.fixture
def path(listed: Path | str) -> Path | str:
    """A market with all its parties that nobody has open."""
    return listed


def submit(market: Market) -> None:
    market.exchange.products.submit(TAX, SECOND, Submission(digest=DRAFT.digest))


def pass_quality(market: Market) -> None:
    market.exchange.products.review("operator", SECOND, passing(DRAFT.digest, Review.QUALITY))


def pass_compliance(market: Market) -> None:
    market.exchange.products.review("operator", SECOND, passing(DRAFT.digest, Review.COMPLIANCE))


def reject_compliance(market: Market) -> None:
    rejected = ReviewDecision(
        review=Review.COMPLIANCE,
        outcome=Outcome.REJECTED,
        digest=DRAFT.digest,
        reason=ReviewReason.OTHER,
        remark="no",
    )
    market.exchange.products.review("operator", SECOND, rejected)


def contest(path: Path | str, race: Race, *commands: Command) -> list[str]:
    """Let the commands race twice over; one must win. Gives the kinds of the entries that were added."""
    with open_market(path) as market:
        before = market.exchange.log.size()
    outcomes = Counter(race(path, commands * 2))
    losers = 2 * len(commands) - 1
    assert outcomes["won"] == 1
    assert outcomes["conflict"] + outcomes["wrong_state"] == losers
    with open_market(path) as market:
        added = market.kinds()[before:]
        market.check()
    assert added.count("refused") == losers
    return [kind for kind in added if kind != "refused"]


@pytest.mark.parametrize("race", [in_threads, in_processes])
def test_of_many_at_once_one_gets_a_product_onto_the_market(path: Path | str, race: Race) -> None:
    drafted = contest(path, race, lambda m: m.exchange.products.draft(TAX, TEXT))
    assert drafted == []  # a draft is nobody's business
    assert contest(path, race, submit) == ["product_submitted"]
    assert contest(path, race, pass_quality) == ["product_reviewed"]
    decided = contest(path, race, pass_compliance, reject_compliance)
    assert decided in (["product_reviewed", "product_published"], ["product_rejected"])
    cancelled = contest(path, race, lambda m: m.exchange.resources.cancel(TAX, (TAX, RESOURCES[TAX])))
    assert cancelled[0] == "resource_ended"
    assert set(cancelled[1:]) == {"product_suspended"}


@pytest.mark.parametrize("race", [in_threads, in_processes])
def test_of_many_at_once_one_wins(path: Path | str, race: Race) -> None:
    def approve(market: Market) -> None:
        market.approve(TAX, NAME)

    def send_back(market: Market) -> None:
        market.exchange.applications.return_for_correction(TAX, NAME, WHY)

    assert contest(path, race, lambda m: m.exchange.applications.apply(BANK, "loans-1", terms())) == [
        "application_submitted"
    ]
    (decision,) = contest(path, race, approve, send_back)
    with open_market(path) as market:
        if decision == "application_returned":
            market.exchange.applications.resubmit(BANK, NAME, terms().grants[0])
            market.approve(TAX, NAME)
        market.approve(LABOUR, NAME)
        for party in (BANK, LABOUR):
            market.exchange.contracts.sign(party, market.signed(party, NAME))
    signed = contest(path, race, lambda m: m.exchange.contracts.sign(TAX, m.signed(TAX, NAME)))
    assert signed == ["contract_signed", "contract_activated", "permit_issued", "permit_issued"]
    registered = contest(
        path, race, lambda m: m.exchange.consents.register(BANK, m.registration(NAME, "batch-1", ["a"]))
    )
    assert registered == ["consent_registered", "consent_noticed"]
    assert contest(path, race, lambda m: m.exchange.permits.revoke(TAX, PERMIT, WHY)) == ["permit_revoked"]
    assert contest(path, race, lambda m: m.exchange.products.delist(TAX, VERSIONS[TAX], STOP)) == [
        "product_delisted"
    ]
    ended = contest(
        path,
        race,
        lambda m: m.exchange.contracts.terminate(BANK, NAME, WHY),
        lambda m: m.exchange.contracts.terminate(TAX, NAME, WHY),
    )
    assert ended == ["contract_terminated"]


@pytest.mark.parametrize("race", [in_threads, in_processes])
def test_parties_who_act_together_all_count(path: Path | str, race: Race) -> None:
    with open_market(path) as market:
        market.applied()
    assert race(path, [lambda m, p=party: m.approve(p, NAME) for party in (TAX, LABOUR)]) == ["won"] * 2  # type: ignore[misc]
    signing = [lambda m, p=party: m.exchange.contracts.sign(p, m.signed(p, NAME)) for party in (BANK, TAX, LABOUR)]  # type: ignore[misc]
    assert race(path, signing) == ["won"] * 3
    with open_market(path) as market:
        kinds = Counter(market.kinds())
    assert (kinds["contract_drafted"], kinds["contract_activated"], kinds["permit_issued"]) == (1, 1, 2)


def test_a_withdrawn_consent_is_counted_once(path: Path | str) -> None:
    with open_market(path) as market:
        name = market.active()
        market.exchange.consents.register(BANK, market.registration(name, "batch-1", ["a", "b"]))
    assert (
        in_processes(path, [lambda m: m.exchange.consents.withdraw(BANK, m.withdrawal(name, ["a"]))] * 3)
        == ["won"] * 3
    )
    with open_market(path) as market:
        counts = [entry.detail["consents"] for _, entry in market.exchange.trace(BANK, name)[-3:]]
    assert counts == [1, 0, 0]


def test_a_state_judged_before_it_changed_is_not_overwritten(market: Market) -> None:
    with market.exchange.log.transaction() as batch:
        connection = batch.connection
        rows.move(connection, organisations, {"name": BANK}, "admitted", "suspended")
        with pytest.raises(ConflictError, match="bank is not admitted any more"):
            rows.move(connection, organisations, {"name": BANK}, "admitted", "suspended")
