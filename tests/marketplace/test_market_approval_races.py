"""Several people pass or start one thing at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from approval_desk import asked, passed
from market import Market
from office import CHIEF, HANDLER, THREE, a_step, configure, open_office, person

from marketplace.errors import (
    ConflictError,
    ForbiddenError,
    WrongStateError,
)
from marketplace.flow.office import Matter


@pytest.fixture
def market(listed: Path | str) -> Iterator[Market]:
    with open_office(listed) as market:
        yield market


@pytest.mark.both_databases
def test_of_several_that_pass_one_step_at_once_one_does(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, a_step(HANDLER), a_step(CHIEF))
    approval = passed(market, asked(market, contract), "li")
    start = Barrier(6)

    def attempt(member: str) -> bool:
        start.wait()
        try:
            return market.exchange.approvals.pass_step(person(member), approval.id).is_complete
        except (ForbiddenError, WrongStateError):
            return False

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, ["zhao", "qian"] * 3))
    assert outcomes.count(True) == 1
    assert [kind for kind in market.kinds() if kind in {"approval_completed", "application_approved"}] == [
        "application_approved",
        "approval_completed",
    ]
    market.check()


@pytest.mark.both_databases
def test_of_several_that_start_one_command_at_once_one_does(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    start = Barrier(4)

    def attempt(member: str) -> str | None:
        start.wait()
        try:
            return asked(market, contract, member).id
        except ConflictError:
            return None

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(attempt, ["li", "wang"] * 2))
    assert len(set(found) - {None}) == 1
    assert found.count(None) == 3
