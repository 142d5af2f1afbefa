"""A contract's life in any order of commands, against a model of a few lines."""

import tempfile
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path

import pytest
from begun import open_begun
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from market import BANK, DAY, LABOUR, NOW, SUPERVISOR, TAX, WHY

from compute.permit import permit_name
from marketplace.errors import MarketplaceError
from marketplace.flow.states import CONTRACT, ContractState, Move, Role

pytestmark = pytest.mark.long

PARTIES = (BANK, TAX, LABOUR)
ROLES = {BANK: Role.CONSUMER, TAX: Role.PROVIDER, LABOUR: Role.PROVIDER, "operator": Role.OPERATOR}
NONCE = bytes(32)


class ContractLife(RuleBasedStateMachine):
    """The model: the state, who has signed, who has revoked, what was entered in the log."""

    @initialize()
    def draft(self) -> None:
        self.stack = ExitStack()
        directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.market = self.stack.enter_context(open_begun(directory / "market.db"))
        self.name = self.market.drafted()
        self.entries = self.market.exchange.log.size()
        self.state, self.signed, self.revoked = ContractState.DRAFTED, set[str](), set[str]()
        self.sides = set[str]()

    @property
    def over(self) -> bool:
        return self.market.clock.now >= NOW + 30 * DAY

    def attempt(self, allowed: bool, command: str, *arguments: object, entries: int = 1) -> None:  # noqa: FBT001
        try:
            attrgetter(command)(self.market.exchange)(*arguments)
        except MarketplaceError:
            assert not allowed
            entries = 1  # the refusal
        else:
            assert allowed
        self.entries += entries

    @rule(party=st.sampled_from(PARTIES))
    def sign(self, party: str) -> None:
        allowed = self.state is ContractState.DRAFTED and party not in self.signed and not self.over
        signed = self.market.signed(party, self.name)
        last = allowed and len(self.signed) == 2
        self.attempt(allowed, "contracts.sign", party, signed, entries=4 if last else 1)
        if allowed:
            self.signed.add(party)
        if last:
            self.state = ContractState.ACTIVE

    @rule(
        move=st.sampled_from([Move.SUSPEND, Move.REINSTATE, Move.TERMINATE, Move.REVOKE]),
        actor=st.sampled_from([*ROLES, SUPERVISOR]),
    )
    def move(self, move: Move, actor: str) -> None:
        following, roles = CONTRACT.moves.get((self.state, move), (self.state, frozenset()))
        allowed = ROLES.get(actor) in roles
        if move is Move.SUSPEND:
            allowed = allowed and actor not in self.sides
        if move is Move.REINSTATE:
            allowed = allowed and actor in self.sides
        why = () if move is Move.REINSTATE else (WHY,)
        self.attempt(allowed, f"contracts.{move}", actor, self.name, *why)
        if allowed:
            self.sides ^= {actor} if move in {Move.SUSPEND, Move.REINSTATE} else set()
            self.state = ContractState.SUSPENDED if move is Move.REINSTATE and self.sides else following

    @rule(provider=st.sampled_from([TAX, LABOUR]))
    def revoke(self, provider: str) -> None:
        issued = len(self.signed) == 3 and not self.over
        allowed = issued and provider not in self.revoked
        self.attempt(allowed, "permits.revoke", provider, permit_name(self.name, provider), WHY)
        if allowed:
            self.revoked.add(provider)

    @rule(number=st.integers(0, 3))
    def register(self, number: int) -> None:
        held = self.market.exchange.contracts.load("operator", self.name)
        batch = self.market.registration(self.name, f"batch-{self.entries}", [str(number)])
        self.attempt(held.in_force(self.market.clock.now), "consents.register", BANK, batch, entries=2)

    @precondition(lambda self: not self.over)
    @rule()
    def end_of_term(self) -> None:
        self.market.clock.now = NOW + 30 * DAY
        ends = (self.state, Move.EXPIRE) in CONTRACT.moves
        permits = 2 - len(self.revoked) if len(self.signed) == 3 else 0
        # Of one that ended while it was in force every party owes a certificate, and is told that it does.
        owing = 0 if ends or len(self.signed) < 3 else 3
        assert self.market.exchange.expire() == ends + permits + owing
        self.entries += ends + permits + owing
        if ends:
            self.state = ContractState.EXPIRED

    @invariant()
    def the_market_agrees(self) -> None:
        exchange = self.market.exchange
        held = exchange.contracts.load("operator", self.name)
        assert held.state is self.state
        assert set(held.signatures) == self.signed
        assert exchange.log.size() == self.entries
        if len(self.signed) == 3:
            for provider in (TAX, LABOUR):
                status = exchange.permits.status(BANK, permit_name(self.name, provider), NONCE).statement
                assert status.active is (self.state is ContractState.ACTIVE and provider not in self.revoked)

    def teardown(self) -> None:
        self.market.check()
        self.stack.close()


TestContractLife = ContractLife.TestCase
TestContractLife.settings = settings(max_examples=25, stateful_step_count=15)
