"""What is overdue is told to its holder, then to who is above it, and to nobody for ever."""

import pytest
from market import BANK, DAY, INSPECTOR, NOW, SUPERVISOR, TAX, Market
from sqlalchemy import select

from audit.entry import EntryKind
from marketplace.commands import deadlines
from marketplace.flow.deadline import Deadline
from marketplace.gate import Gate
from marketplace.store import deadlines as stored
from marketplace.store.notice_tables import notices

TERM = 3 * DAY


def start(market: Market, name: str, holder: str, role: str | None = None, contract: str | None = None) -> None:
    with Gate(market.exchange.log, market.setting).housekeeping() as step:
        deadlines.set(step, "application", name, holder, step.now + TERM, role=role, contract=contract)


def told(market: Market) -> list[tuple[str, str | None, str]]:
    """Who was told of overdue steps, in their order: organisation, role, what about."""
    with market.exchange.log.snapshot() as connection:
        rows = connection.execute(select(notices).where(notices.c.topic == "step_overdue").order_by(notices.c.id))
        return [(row.organisation, row.role, row.about) for row in rows]


def later(market: Market, milliseconds: int) -> None:
    market.clock.now += milliseconds
    market.exchange.expire()


def test_the_holder_is_told_then_the_operator(market: Market) -> None:
    name = "contract-1"
    start(market, name, TAX, contract=name)
    later(market, TERM - 1)
    assert told(market) == []
    later(market, 1)
    assert told(market) == [(TAX, None, name)]
    later(market, TERM - 1)
    assert told(market)[1:] == []
    later(market, 1)
    assert told(market)[1:] == [("operator", None, name)]
    later(market, 10 * TERM)
    assert len(told(market)) == 2
    entries = [each for each in market.exchange.log.entries() if each.kind is EntryKind.STEP_ESCALATED]
    assert [(each.contract, each.counterparty, dict(each.detail)) for each in entries] == [
        (name, TAX, {"noun": "application", "level": 1}),
        (name, TAX, {"noun": "application", "level": 2}),
    ]
    market.check()


def test_above_the_operator_are_the_supervisors(market: Market) -> None:
    start(market, "product-1", "operator")
    later(market, TERM)
    later(market, TERM)
    assert told(market) == [
        ("operator", None, "product-1"),
        (INSPECTOR, None, "product-1"),
        (SUPERVISOR, None, "product-1"),
    ]


def test_within_an_office_the_next_role_is_told(market: Market) -> None:
    start(market, "approval-1", TAX, role="section_chief")
    later(market, TERM)
    later(market, TERM)
    assert told(market) == [(TAX, "section_chief", "approval-1"), (TAX, "leader", "approval-1")]


def test_what_is_done_is_not_escalated(market: Market) -> None:
    start(market, "one", TAX)
    start(market, "one", BANK)
    with Gate(market.exchange.log, market.setting).housekeeping() as step:
        assert deadlines.clear(step, "application", "one", TAX) == 1
        assert deadlines.clear(step, "application", "one", TAX) == 0
    later(market, TERM)
    assert told(market) == [(BANK, None, "one")]


def test_a_new_deadline_takes_the_old_ones_place(market: Market) -> None:
    start(market, "one", TAX)
    later(market, TERM)
    start(market, "one", TAX)  # it came back, and has its whole time again
    later(market, TERM - 1)
    assert len(told(market)) == 1
    later(market, 1)
    assert told(market) == [(TAX, None, "one")] * 2


def test_it_lasts_as_it_was_set(market: Market) -> None:
    start(market, "one", TAX, contract="contract-1")
    with market.exchange.log.snapshot() as connection:
        expected = Deadline("application", "one", TAX, NOW, NOW + TERM, TERM, contract="contract-1")
        assert stored.of(connection, "application", "one") == [expected]
        assert stored.held_by(connection, TAX) == [expected]


def test_what_is_due_already_is_no_deadline(market: Market) -> None:
    with (
        Gate(market.exchange.log, market.setting).housekeeping() as step,
        pytest.raises(ValueError, match="would be due"),
    ):
        deadlines.set(step, "application", "one", TAX, step.now)
