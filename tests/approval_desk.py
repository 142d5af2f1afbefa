"""Approvals of applications in an office of tests."""

from market import TAX, Market
from office import person, started

from compute.signing import digest
from marketplace.flow.office import Approval


def asked(market: Market, contract: str, member: str = "li") -> Approval:
    """The approval of an application, started by a handler."""
    read = digest(market.exchange.applications.load(TAX, contract).terms).hex()
    return started(market.exchange.applications.approve, person(member), contract, read)


def passed(market: Market, approval: Approval, *members: str) -> Approval:
    for member in members:
        approval = market.exchange.approvals.pass_step(person(member), approval.id)
    return approval


def part(market: Market, contract: str) -> str:
    """What this provider has said of the application."""
    return market.exchange.applications.load(TAX, contract).parts[TAX]
