"""A contract's life in any order of commands, against a model of a few lines."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from market import BANK, DAY, LABOUR, NOW, SUPERVISOR, TAX, open_market

from compute.permit import permit_name
from marketplace.errors import MarketplaceError
from marketplace.flow.states import CONTRACT, ContractState, Move, Role

PARTIES = (BANK, TAX, LABOUR)
ROLES = {BANK: Role.CONSUMER, TAX: Role.PROVIDER, LABOUR: Role.PROVIDER, "operator": Role.OPERATOR}
NONCE = bytes(32)


class ContractLife(RuleBasedStateMachine):
    """The model: the state, who has signed, who has revoked, what was entered in the log."""

    @initialize()
    def draft(self) -> None:
        self.stack = ExitStack()
        directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.market = self.stack.enter_context(open_market(directory / "market.db"))
        self.market.enrol()
        self.market.publish()
        self.name = self.market.drafted()
        self.entries = self.market.exchange.log.size()
        self.state, self.signed, self.revoked = ContractState.DRAFTED, set[str](), set[str]()

    @property
    def over(self) -> bool:
        return self.market.clock.now >= NOW + 30 * DAY

    def attempt(self, allowed: bool, command: str, *arguments: object, entries: int = 1) -> None:  # noqa: FBT001
        try:
            getattr(self.market.exchange, command)(*arguments)
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
        self.attempt(allowed, "sign_contract", party, signed, entries=4 if last else 1)
        if allowed:
            self.signed.add(party)
        if last:
            self.state = ContractState.ACTIVE

    @rule(
        move=st.sampled_from([Move.SUSPEND, Move.REINSTATE, Move.TERMINATE]),
        actor=st.sampled_from([*ROLES, SUPERVISOR]),
    )
    def move(self, move: Move, actor: str) -> None:
        following, roles = CONTRACT.moves.get((self.state, move), (self.state, frozenset()))
        allowed = ROLES.get(actor) in roles
        self.attempt(allowed, f"{move}_contract", actor, self.name)
        if allowed:
            self.state = following

    @rule(provider=st.sampled_from([TAX, LABOUR]))
    def revoke(self, provider: str) -> None:
        issued = len(self.signed) == 3 and not self.over
        allowed = issued and provider not in self.revoked
        self.attempt(allowed, "revoke_permit", provider, permit_name(self.name, provider))
        if allowed:
            self.revoked.add(provider)

    @rule(number=st.integers(0, 3))
    def register(self, number: int) -> None:
        held = self.market.exchange.contract("operator", self.name)
        batch = self.market.batch(self.name, f"batch-{self.entries}", [str(number)])
        self.attempt(held.in_force(self.market.clock.now), "register_consents", BANK, batch)

    @precondition(lambda self: not self.over)
    @rule()
    def end_of_term(self) -> None:
        self.market.clock.now = NOW + 30 * DAY
        ends = (self.state, Move.EXPIRE) in CONTRACT.moves
        permits = 2 - len(self.revoked) if len(self.signed) == 3 else 0
        assert self.market.exchange.expire() == ends + permits
        self.entries += ends + permits
        if ends:
            self.state = ContractState.EXPIRED

    @invariant()
    def the_market_agrees(self) -> None:
        exchange = self.market.exchange
        held = exchange.contract("operator", self.name)
        assert held.state is self.state
        assert set(held.signatures) == self.signed
        assert exchange.log.size() == self.entries
        if len(self.signed) == 3:
            for provider in (TAX, LABOUR):
                status = exchange.permit_status(BANK, permit_name(self.name, provider), NONCE).statement
                assert status.active is (self.state is ContractState.ACTIVE and provider not in self.revoked)

    def teardown(self) -> None:
        self.market.check()
        self.stack.close()


TestContractLife = ContractLife.TestCase
TestContractLife.settings = settings(max_examples=25, stateful_step_count=15)
