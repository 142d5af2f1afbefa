"""An office with people in it: who they are, and what they do in a market."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from market import BANK, KEYS, LABOUR, ORIGIN, TAX, Clock, Market
from sqlalchemy import Connection

from audit.database import open_engine
from marketplace.command import ApprovalStarted
from marketplace.exchange import Exchange
from marketplace.flow.actor import Principal
from marketplace.flow.office import Approval, Matter, OfficeRole, Rule, Staff, StepRule
from marketplace.gate import Setting
from marketplace.store.approval_rules import revision

HANDLER, CHIEF, LEADER = OfficeRole.HANDLER, OfficeRole.SECTION_CHIEF, OfficeRole.LEADER
PEOPLE: dict[str, dict[str, frozenset[str]]] = {
    TAX: {
        "li": frozenset({"handler"}),
        "wang": frozenset({"handler"}),
        "zhao": frozenset({"section_chief"}),
        "qian": frozenset({"section_chief"}),
        "sun": frozenset({"leader"}),
        "wu": frozenset({"administrator"}),
    },
    BANK: {"ma": frozenset({"handler", "administrator"}), "luo": frozenset({"leader"})},
    LABOUR: {"chen": frozenset({"handler", "section_chief", "leader"})},
}


def staffing(_connection: Connection, organisation: str) -> Staff:
    return PEOPLE.get(organisation, {})


def a_step(role: OfficeRole | None, *members: str, joint: bool = False, days: int = 2) -> StepRule:
    return StepRule(role, members, joint, days)


THREE = (a_step(HANDLER), a_step(CHIEF), a_step(LEADER))


def person(member: str, organisation: str = TAX) -> Principal:
    return Principal(organisation, member)


def configure(
    market: Market, matter: Matter, *steps: StepRule, node: bool = False, organisation: str = TAX
) -> None:
    administrator = next(name for name, roles in PEOPLE[organisation].items() if "administrator" in roles)
    who, rules = person(administrator, organisation), market.exchange.approval_rules
    rules.put(who, Rule(matter, steps, node), revision(rules.load(who, matter)))


def started(call: object, /, *args: object) -> Approval:
    """What a member's command starts."""
    try:
        call(*args)  # type: ignore[operator]
    except ApprovalStarted as waits:
        return waits.approval
    raise AssertionError("it went on at once")


@contextmanager
def open_office(path: Path | str) -> Iterator[Market]:
    """The marketplace over this file, with people in its organisations."""
    clock, engine = Clock(), open_engine(path)
    try:
        operator = KEYS["operator"].public_key().public_bytes_raw()
        setting = Setting("market", KEYS["market"], "operator", operator, clock, ORIGIN)
        yield Market(Exchange(engine, setting, staffing), path, setting, clock)
    finally:
        engine.dispose()
