"""Cancelling: what the bank's staff stop is stopped at the departments too, and no use of it is counted twice."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from processes.live_market import SOCIAL_SECURITY, Market

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


@contextmanager
def resting(market: Market, provider: str) -> Iterator[None]:
    """Let a provider's worker, and what it started, do nothing, so that its part is not over too early."""
    (worker,) = [each.running for each in market.processes if each.name == f"{provider}-work"]
    assert worker is not None
    os.killpg(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(worker.pid, signal.SIGCONT)


def cancelled(market: Market, contract: str, reference: str) -> JobView:
    """Start a scoring, cancel it once the departments work at it, and give it when it has ended."""
    model = market.outcome.model
    asked = Scoring(
        reference=reference,
        contract=contract,
        model=model.model,
        model_version=model.model_version,
        as_of=today(),
        subjects=None,
    )
    with market.analyst() as analyst:
        job = analyst.score(asked)
        while not str(job.step).startswith(STEP):
            assert job.state not in ENDED, job
            time.sleep(0.02)
            job = analyst.job(job.job)
        analyst.cancel(job.job)
        return analyst.follow(job, lambda _job: None)


def test_a_cancelled_scoring_ends_everywhere_and_can_be_asked_again(market: Market) -> None:
    contract = market.agree("cancelled").contract
    with resting(market, SOCIAL_SECURITY):
        job = cancelled(market, contract, "cancelled")
        assert job.state == State.CANCELLED, job
    rows = len(market.applicants)
    for provider in PROVIDERS:
        engine = open_engine(market.provider(provider).folder / "node.sqlite")
        identity, bank = AtRest.of(market.provider(provider).identity), market.bank.name
        store = JobStore(engine, identity, KINDS, lambda: 0)
        deadline = time.monotonic() + 20
        while store.unfinished(bank):
            assert time.monotonic() < deadline, "a department still works at what was cancelled"
            time.sleep(0.05)
        used = AnswerStore(engine).used(permit_name(contract, provider))
        # The other's answer may have been stored when the wish came.
        assert used in ({0} if provider == SOCIAL_SECURITY else {0, rows})
        engine.dispose()
    again = market.scoring(contract, reference="after-cancelling")
    assert again.state == State.DONE, again
