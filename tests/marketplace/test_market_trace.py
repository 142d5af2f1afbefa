"""What is in a contract's trace: the same for the marketplace, which keeps an index, and for who reads the log."""

from dataclasses import dataclass, field

import pytest
from begun import open_begun
from hypothesis import given
from hypothesis import strategies as st
from market import BANK, LABOUR, OTHER, REVIEWER, TAX, WHY, Market

from audit.entry import EntryKind
from audit.tracing.trace import entries_of
from compute.permit import permit_name
from marketplace.errors import MarketplaceError

JOB, OTHER_JOB = "5e" * 32, "6f" * 32
KINDS = {
    BANK: EntryKind.ANSWER_RECEIVED,
    OTHER: EntryKind.ANSWER_RECEIVED,
    TAX: EntryKind.ANSWER_SENT,
    LABOUR: EntryKind.ANSWER_SENT,
    REVIEWER: EntryKind.REFUSED,
}


@dataclass
class Story:
    """Two contracts of the same bank and departments, and what nodes report."""

    market: Market
    one: str = field(init=False)
    other: str = field(init=False)

    def __post_init__(self) -> None:
        self.one, self.other = self.market.active("loans-1"), self.market.active("loans-2")

    def report(self, node: str, contract: str | None = None, job: str | None = JOB, **changes: object) -> int:
        """Report an event under the permit for the node's data, or the tax office's, or under none."""
        provider = node if node == LABOUR else TAX
        permit = None if contract is None else permit_name(contract, provider)
        return self.market.report(
            **{"kind": KINDS[node], "node": node, "contract": contract, "permit_id": permit, "job": job} | changes  # type: ignore[arg-type]
        )

    def shown(self, contract: str) -> list[int]:
        """The trace as the marketplace shows it, which must be what the log says."""
        shown = self.market.exchange.trace("operator", contract)
        log = self.market.exchange.log
        assert list(entries_of(contract, enumerate(log.entries()))) == shown
        return [index for index, _ in shown]


@pytest.fixture
def story(market: Market) -> Story:
    return Story(market)


def test_a_foreign_job_named_under_one_s_own_permit_draws_nothing_into_one_s_trace(story: Story) -> None:
    used = story.report(TAX, story.one)
    claim = story.report(BANK, story.other)  # the same job, under another contract
    received, refused = story.report(BANK), story.report(TAX, kind=EntryKind.REFUSED)  # under none
    assert used in story.shown(story.one)
    assert story.shown(story.other)[-1] == claim  # the claim itself is there: it is about that permit
    for name in (story.one, story.other):
        assert not {received, refused} & set(story.shown(name))
    assert used not in story.shown(story.other)


def test_a_consumer_cannot_hide_a_use_by_naming_its_job_elsewhere_first(story: Story) -> None:
    story.report(BANK, story.other)
    used = [story.report(TAX, story.one), story.report(LABOUR, story.one)]
    assert story.shown(story.one)[-2:] == used


def test_who_is_no_party_joins_no_trace(story: Story) -> None:
    story.report(TAX, story.one)
    stranger = story.report(OTHER)
    assert stranger not in story.shown(story.one)
    with pytest.raises(MarketplaceError):
        story.report(OTHER, story.one)
    with pytest.raises(MarketplaceError):
        story.report(REVIEWER, story.one)


def test_an_event_repeated_after_its_job_was_named_stays_where_it_was(story: Story) -> None:
    early = story.market.entry(EntryKind.ANSWER_RECEIVED, BANK, job=JOB)
    (index,) = story.market.exchange.append_events([early])
    story.report(TAX, story.one)
    assert story.market.exchange.append_events([early]) == [index]
    assert index not in story.shown(story.one)


def test_the_whole_life_of_a_contract_is_found(story: Story) -> None:
    exchange = story.market.exchange
    exchange.consents.register(BANK, story.market.registration(story.one, "batch-1", ["a", "b"]))
    story.report(TAX, story.one)
    exchange.consents.withdraw(BANK, story.market.withdrawal(story.one, ["a"]))
    exchange.contracts.suspend("operator", story.one, WHY)
    exchange.contracts.reinstate("operator", story.one)
    exchange.permits.revoke(TAX, permit_name(story.one, TAX), WHY)
    story.market.clock.now = exchange.contracts.load(BANK, story.one).terms.not_after
    exchange.expire()
    kinds = [entry.kind for _, entry in exchange.trace("operator", story.one)]
    assert {EntryKind.PERMIT_REVOKED, EntryKind.PERMIT_EXPIRED, EntryKind.CONTRACT_EXPIRED} < set(kinds)
    assert len(story.shown(story.one)) == len(kinds)


REPORTS = st.tuples(
    st.sampled_from([BANK, TAX, LABOUR, OTHER]),
    st.sampled_from(["one", "other", None]),
    st.sampled_from([JOB, OTHER_JOB, None]),
)


@pytest.mark.long
@given(st.lists(REPORTS, max_size=12))
def test_marketplace_and_log_agree_whatever_is_reported(
    tmp_path_factory: pytest.TempPathFactory, reports: list[tuple[str, str | None, str | None]]
) -> None:
    with open_begun(tmp_path_factory.mktemp("trace") / "market.db") as market:
        story = Story(market)
        for node, contract, job in reports:
            permitted = contract is not None and node != OTHER
            story.report(node, getattr(story, str(contract)) if permitted else None, job)
        assert story.shown(story.one)
        assert story.shown(story.other)
