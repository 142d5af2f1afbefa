"""Who sets an office's steps, and what comes of approvals that run while they change."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from approval_desk import asked, passed
from market import BANK, TAX, Market
from office import LEADER, THREE, a_step, configure, open_office, person

from marketplace.errors import (
    ForbiddenError,
    InvalidError,
    StaleError,
)
from marketplace.flow.office import Matter, Rule


@pytest.fixture
def market(listed: Path | str) -> Iterator[Market]:
    with open_office(listed) as market:
        yield market


def test_who_sets_steps_has_read_them(market: Market) -> None:
    with pytest.raises(StaleError):
        market.exchange.approval_rules.put(person("wu"), Rule(Matter.PRODUCT_SUBMIT, THREE), "0" * 64)
    configure(market, Matter.PRODUCT_SUBMIT, *THREE)
    assert market.exchange.approval_rules.all_of(person("li")) == [Rule(Matter.PRODUCT_SUBMIT, THREE)]
    configure(market, Matter.PRODUCT_SUBMIT)
    assert market.exchange.approval_rules.all_of(person("li")) == []


def test_steps_that_change_change_later_approvals(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    approval = asked(market, contract)
    configure(market, Matter.APPLICATION_APPROVE)
    assert passed(market, approval, "li", "zhao", "sun").is_complete


def test_steps_nobody_can_pass_are_refused(market: Market) -> None:
    with pytest.raises(InvalidError, match="nobody who has not to pass another"):
        configure(market, Matter.PRODUCT_SUBMIT, a_step(LEADER), a_step(LEADER))
    assert market.refusals()[-1] == (TAX, "put_approval_rule", "invalid")


def test_a_suspended_organisation_completes_nothing(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    approval = passed(market, asked(market, contract), "li", "zhao")
    market.exchange.organisations.suspend("operator", TAX, "breach")
    with pytest.raises(ForbiddenError, match="suspended"):
        passed(market, approval, "sun")
    assert market.exchange.applications.load(BANK, contract).parts[TAX] == "submitted"
