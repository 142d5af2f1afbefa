"""The leakage ledger and the tombstones of a running market: what scores could tell, and what was never opened."""

import pytest
from processes.live_market import MARKET_REGULATION, SOCIAL_SECURITY, Market

from audit.database import open_engine
from audit.entry import EntryKind
from compute.market.reasons import Reason, Why
from compute.node.answers import AnswerStore
from compute.node.console.messages import SubjectLeakage
from compute.node.jobs.states import State
from compute.permit import permit_name
from compute.protocols.risk_score.charge import millibits
from veilmart.demo.data import PROVIDERS
from veilmart.demo.story import staff

pytestmark = pytest.mark.long


def leakage(market: Market, subject: str, provider: str) -> SubjectLeakage:
    with staff(market.provider(provider)) as clerk:
        return clerk.leakage(subject)


def used(market: Market, contract: str, provider: str) -> int:
    engine = open_engine(market.provider(provider).folder / "node.sqlite")
    try:
        return AnswerStore(engine).used(permit_name(contract, provider))
    finally:
        engine.dispose()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_scored_subject_is_charged_once_for_a_model_however_often_it_is_asked_about(
    market: Market, provider: str
) -> None:
    subject = market.applicants[5]
    before = leakage(market, subject, provider)
    (charged,) = before.banks
    assert (charged.bank, charged.millibits) == (
        market.bank.name,
        millibits(market.outcome.model.reachable_totals),
    )
    contract = market.agree(f"again-{provider}", subjects=(subject,)).contract
    assert market.scoring(contract, (subject,), "same-points").state == State.DONE
    assert leakage(market, subject, provider) == before


def test_a_job_that_one_provider_refuses_is_opened_and_counted_nowhere(market: Market) -> None:
    contract, asked = market.agree("half-revoked").contract, market.applicants[:3]
    with staff(market.provider(SOCIAL_SECURITY)) as clerk:
        clerk.revoke(permit_name(contract, SOCIAL_SECURITY), Why(reason=Reason.SECURITY))
    failed = market.scoring(contract, asked, "half")
    assert failed.state == State.FAILED
    assert "revoked" in str(failed.reason)
    assert used(market, contract, MARKET_REGULATION) == 0
    told = [entry for entry in market.entries() if entry.node == MARKET_REGULATION]
    (buried,) = {entry.job for entry in told if entry.kind is EntryKind.ANSWER_ABANDONED} & {
        entry.job for entry in market.entries() if entry.contract == contract and entry.job
    }
    assert not [entry for entry in told if entry.job == buried and entry.kind is EntryKind.ANSWER_ACKNOWLEDGED]
