"""Killed between a change and what the log says of it: all or nothing. Twenty at once: exactly one wins."""

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from market import BANK, DAY, LABOUR, OTHER, TAX, WHY, Market, open_market, terms
from sqlalchemy import select

from audit.storage import tables as log_tables
from audit.storage.batch import Batch
from compute.permit import permit_name
from marketplace.errors import ConflictError, MarketplaceError, WrongStateError
from marketplace.store import schema

pytestmark = pytest.mark.long

PROCESSES = multiprocessing.get_context("fork")
AT_ONCE = 20
NAME = terms().contract
Command = Callable[[Market], Any]


def sign(party: str) -> Command:
    return lambda market: market.exchange.contracts.sign(party, market.signed(party, NAME))


STORY: tuple[tuple[str, Command, Any], ...] = (
    ("apply", lambda m: m.exchange.applications.apply(BANK, "loans-1", terms()), ConflictError),
    ("send back", lambda m: m.exchange.applications.return_for_correction(TAX, NAME, WHY), WrongStateError),
    ("correct", lambda m: m.exchange.applications.resubmit(BANK, NAME, terms().grants[0]), WrongStateError),
    ("approve", lambda m: m.approve(TAX, NAME), WrongStateError),
    ("approve, and draft", lambda m: m.approve(LABOUR, NAME), WrongStateError),
    ("sign", sign(BANK), ConflictError),
    ("sign second", sign(TAX), ConflictError),
    ("sign, put in force, issue", sign(LABOUR), MarketplaceError),
    (
        "register",
        lambda m: m.exchange.consents.register(BANK, m.registration(NAME, "b-1", ["a", "b"])),
        ConflictError,
    ),
    ("withdraw", lambda m: m.exchange.consents.withdraw(BANK, m.withdrawal(NAME, ["a"])), 0),
    ("revoke", lambda m: m.exchange.permits.revoke(TAX, permit_name(NAME, TAX), WHY), WrongStateError),
    ("suspend a party", lambda m: m.exchange.organisations.suspend("operator", OTHER, "breach"), WrongStateError),
    ("terminate", lambda m: m.exchange.contracts.terminate(BANK, NAME, WHY), WrongStateError),
)
"""What happens to a contract, and what comes of doing it again."""


def held(market: Market) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    tables = [*schema.metadata.sorted_tables, *log_tables.metadata.sorted_tables]
    with market.exchange.log.snapshot() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in tables
        }


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before_the_event(patch: pytest.MonkeyPatch) -> None:
    """The state is stored, and nothing recorded."""
    patch.setattr(Batch, "report", die)


def before_the_log(patch: pytest.MonkeyPatch) -> None:
    """All events are recorded, and nothing written to the log."""
    patch.setattr(Batch, "seal", die)


def before_the_commit(patch: pytest.MonkeyPatch) -> None:
    """Everything is written, and the transaction open."""
    seal = Batch.seal
    patch.setattr(Batch, "seal", lambda batch: die(seal(batch)))


def before_the_answer(_patch: pytest.MonkeyPatch) -> None:
    """It is durable, and nobody was told."""


def killed(store: Path | str, command: Command, moment: Callable[[pytest.MonkeyPatch], None]) -> None:
    """Run the command in a process of its own, which is killed at this moment."""

    def run() -> None:
        with open_market(store) as market:
            moment(pytest.MonkeyPatch())
            command(market)
            die()

    child = PROCESSES.Process(target=run)
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL


@pytest.fixture
def enrolled(listed: Path | str) -> Path | str:
    """A market with all its parties that nobody has open."""
    return listed


@pytest.mark.parametrize("moment", [before_the_event, before_the_log, before_the_commit])
def test_killed_before_the_commit_nothing_has_happened(
    enrolled: Path | str, moment: Callable[[pytest.MonkeyPatch], None]
) -> None:
    for what, command, _ in STORY:
        with open_market(enrolled) as market:
            before = held(market)
        killed(enrolled, command, moment)
        with open_market(enrolled) as market:
            assert held(market) == before, what
            command(market)  # the lock is free, and the way open
            assert held(market) != before, what
    with open_market(enrolled) as market:
        market.check()
        assert "refused" not in market.kinds()


def test_killed_before_the_answer_it_has_happened_once(enrolled: Path | str) -> None:
    for what, command, again in STORY:
        with open_market(enrolled) as market:
            size = market.exchange.log.size()
        killed(enrolled, command, before_the_answer)
        with open_market(enrolled) as market:
            added = market.kinds()[size:]
            assert added, what
            if isinstance(again, type):
                with pytest.raises(again):
                    command(market)
            else:
                assert command(market) == again
    with open_market(enrolled) as market:
        market.check()
        kinds = Counter(market.kinds())
    assert (kinds["contract_drafted"], kinds["contract_signed"], kinds["contract_activated"]) == (1, 3, 1)
    assert (kinds["permit_issued"], kinds["consent_registered"], kinds["contract_terminated"]) == (2, 1, 1)
    assert kinds["refused"] == len(STORY) - 1  # all but the withdrawal, which counts nothing the second time


# --- many at once, each in a process of its own ---------------------------------------------------------------


def racing(store: Path | str, commands: list[Command]) -> Counter[str]:
    """Give the outcomes of commands that started together."""
    start, outcomes = PROCESSES.Barrier(len(commands)), PROCESSES.SimpleQueue()

    def run(command: Command) -> None:
        with open_market(store) as market:
            start.wait()
            try:
                command(market)
            except MarketplaceError as error:
                outcomes.put(error.code)
            else:
                outcomes.put("won")

    children = [PROCESSES.Process(target=run, args=(command,)) for command in commands]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    found = Counter(outcomes.get() for _ in children)
    outcomes.close()
    return found


def test_of_twenty_submissions_at_once_one_is_taken(enrolled: Path | str) -> None:
    submit: Command = lambda m: m.exchange.applications.apply(BANK, "loans-1", terms())  # noqa: E731 -- one of twenty alike
    assert racing(enrolled, [submit] * AT_ONCE) == {"won": 1, "conflict": AT_ONCE - 1}
    with open_market(enrolled) as market:
        market.check()
        kinds = Counter(market.kinds())
        assert len(market.exchange.applications.page(BANK, "", 10)) == 1
    assert (kinds["application_submitted"], kinds["refused"]) == (1, AT_ONCE - 1)


def test_of_twenty_approvals_of_both_departments_each_counts_once_and_one_drafts(enrolled: Path | str) -> None:
    with open_market(enrolled) as market:
        market.applied()
    both = [lambda m, p=party: m.approve(p, NAME) for party in (TAX, LABOUR)]  # type: ignore[misc]
    assert racing(enrolled, both * (AT_ONCE // 2)) == {"won": 2, "wrong_state": AT_ONCE - 2}
    with open_market(enrolled) as market:
        market.check()
        kinds = Counter(market.kinds())
    assert (kinds["application_approved"], kinds["contract_drafted"]) == (2, 1)


def test_time_that_is_over_is_stated_once_by_whoever_looks(enrolled: Path | str) -> None:
    with open_market(enrolled) as market:
        market.active()
    assert racing(enrolled, [at_the_end] * AT_ONCE) == {"won": AT_ONCE}
    with open_market(enrolled) as market:
        market.check()
        kinds = Counter(market.kinds())
    assert (kinds["contract_expired"], kinds["permit_expired"]) == (1, 2)


def at_the_end(market: Market) -> None:
    market.clock.now += 30 * DAY
    market.exchange.expire()
