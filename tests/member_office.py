"""A bank's office whose members are in the marketplace: who they are and how they log in."""

from dataclasses import dataclass

import pyotp
from entry import admit, profile_of
from market import BANK, TAX, Market

from compute.records import PartyKind
from marketplace import matrix
from marketplace.commands.members import Taken
from marketplace.credentials import STEP
from marketplace.flow.actor import Principal
from marketplace.flow.permission import AccessRole

PASSWORD = "Regen auf Hainan im Juni"  # noqa: S105 -- of accounts that are made here
HERE = "198.51.100.7"


@dataclass
class Office:
    """A bank with an administrator, and what its people know."""

    market: Market
    taken: Taken

    @property
    def administrator(self) -> Principal:
        return principal(BANK, self.taken.member.id, "administrator")

    def code(self, taken: Taken | None = None) -> str:
        return pyotp.HOTP((taken or self.taken).totp).at(self.market.clock.now // STEP)

    def login(self, taken: Taken | None = None, password: str = PASSWORD, code: str | None = None) -> str:
        member = (taken or self.taken).member
        opened = self.market.exchange.sessions.login(
            BANK, member.login, password, self.code(taken) if code is None else code, HERE
        )
        return opened.token

    def person(self, login: str, *roles: str) -> Taken:
        invited = self.market.exchange.members.invite(self.administrator, login, "乙", roles, None)
        return self.market.exchange.members.take(invited.token, PASSWORD, HERE)

    def later(self, milliseconds: int = STEP) -> None:
        self.market.clock.now += milliseconds


def principal(organisation: str, member: str, *roles: str) -> Principal:
    permissions = matrix.load().permissions(AccessRole(role) for role in roles)
    return Principal(organisation, member, permissions=permissions)


def found_office(empty: Market) -> Office:
    """Have a bank admitted, and its first administrator log in."""
    exchange = empty.exchange
    admit(exchange, TAX, PartyKind.PROVIDER)
    newest = exchange.agreements.load()
    _, token = exchange.organisations.apply(BANK, profile_of(BANK, PartyKind.BUYER))
    exchange.organisations.accept(BANK, token, newest.version, newest.digest, "行长")
    exchange.organisations.admit("operator", BANK, exchange.organisations.load("operator", BANK)[0].revision)
    invited = exchange.organisations.claim(BANK, token, "first", "甲")
    return Office(empty, exchange.members.take(invited.token, PASSWORD, HERE))
