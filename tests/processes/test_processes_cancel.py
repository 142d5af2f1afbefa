"""Cancelling: what the bank's staff stop is stopped at the departments too, and no use of it is counted twice."""

import time

import pytest
from processes.live_market import Market

from audit.database import open_engine
from compute.at_rest import AtRest
from compute.node.answers import AnswerStore
from compute.node.bank.meter import STEP
from compute.node.console.messages import JobView, Scoring
from compute.node.jobs.states import ENDED, State
from compute.node.jobs.store import JobStore
from compute.node.provider.kinds import KINDS
from compute.permit import permit_name
from veilmart.demo.data import PROVIDERS
from veilmart.demo.story import today

pytestmark = pytest.mark.long

ATTEMPTS = 5
"""A wish to cancel may come when the work is over: then what is true is said, and the test tries again."""


def asked(market: Market, contract: str, reference: str) -> Scoring:
    model = market.outcome.model
    return Scoring(
        reference=reference,
        contract=contract,
        model=model.model,
        model_version=model.model_version,
        as_of=today(),
        subjects=None,
    )


def cancelled(market: Market, contract: str, reference: str) -> JobView:
    """Start a scoring, cancel it once the departments work at it, and give it when it has ended."""
    with market.analyst() as analyst:
        job = analyst.score(asked(market, contract, reference))
        while job.state not in ENDED and not str(job.step).startswith(STEP):
            time.sleep(0.02)
            job = analyst.job(job.job)
        if job.state not in ENDED:
            analyst.cancel(job.job)
        return analyst.follow(job, lambda _job: None)


def test_a_cancelled_scoring_ends_everywhere_and_can_be_asked_again(market: Market) -> None:
    contract = market.agree("cancelled").contract
    tried = []
    for attempt in range(ATTEMPTS):
        tried.append(cancelled(market, contract, f"cancelled-{attempt}").state)
        if tried[-1] == State.CANCELLED:
            break
    assert tried[-1] == State.CANCELLED, tried
    done = tried.count(State.DONE)
    rows = len(market.applicants)
    for provider in PROVIDERS:
        engine = open_engine(market.provider(provider).folder / "node.sqlite")
        at_rest, bank = AtRest.of(market.provider(provider).identity), market.bank.name
        store = JobStore(engine, at_rest, KINDS, lambda: 0)
        deadline = time.monotonic() + 20
        while store.unfinished(bank):
            assert time.monotonic() < deadline, "a department still works at what was cancelled"
            time.sleep(0.05)
        used = AnswerStore(engine).used(permit_name(contract, provider))
        assert used in {done * rows, (done + 1) * rows}  # the answer may have been stored when the wish came
        engine.dispose()
    again = market.scoring(contract, reference="after-cancelling")
    assert again.state == State.DONE, again
