"""A banded model on its way between real processes: reviewed, registered, asked with, read by the analyst."""

import csv
import io
import json
from itertools import islice

import pytest
from processes.live_market import Market, ignore

from audit.entry import EntryKind
from compute.node.bank.kinds import SCORE_BANDS
from compute.node.console.messages import ModelRegistration, Scored, Scoring
from compute.node.jobs.states import State
from compute.protocols.risk_score.scorecard import parse_scorecard
from veilmart.demo.clear import scores_in_the_clear
from veilmart.demo.data import PROVIDERS, SCORECARD_FILE
from veilmart.demo.story import model, staff, today

pytestmark = pytest.mark.long

SUBJECTS, NAMES = 6, ["refer", "accept"]
"""Two bands are one bit, which is what the scores of the demo's card leave of a subject's eight."""


def leaked(market: Market, subject: str) -> int:
    """What all scores could tell of a subject's row at a provider, in thousandths of a bit."""
    with staff(market.provider()) as clerk:
        return clerk.leakage(subject).millibits


def test_the_analyst_gets_bands_and_the_log_both_uses(market: Market) -> None:
    document = json.loads((market.examples / SCORECARD_FILE).read_text("utf-8"))
    plain = parse_scorecard(json.dumps(document | {"local": []}).encode())
    scores = scores_in_the_clear(market.examples, plain)
    cut = sorted(islice(scores.values(), SUBJECTS))[SUBJECTS // 2]
    bands = {"cuts": [float(cut)], "names": NAMES}
    document |= {"name": "graded-card", "local": [], "bands": bands}
    contract = market.agree("graded").contract
    subjects = tuple(islice(scores, SUBJECTS))
    before = leaked(market, subjects[0])
    with market.analyst() as analyst:
        asked = ModelRegistration(reference="graded", contract=contract, scorecard=json.dumps(document))
        registered = model(market.sites, analyst, asked, ignore)
        scoring = Scoring(
            reference="graded",
            contract=contract,
            model="graded-card",
            model_version=registered.model_version,
            as_of=today(),
            subjects=subjects,
        )
        job = analyst.follow(analyst.score(scoring), lambda _: None)
        assert (job.state, job.kind) == (State.DONE, SCORE_BANDS), job.reason
        told = list(csv.reader(io.StringIO(analyst.scores(job.job).decode())))
        assert isinstance(analyst.result(job.job), Scored)
    assert leaked(market, subjects[0]) - before == 1000
    assert told == [["uscc", "band"], *([each, NAMES[scores[each] >= cut]] for each in subjects)]
    sent = [entry for entry in market.entries() if entry.kind is EntryKind.ANSWER_SENT]
    assert {entry.node for entry in sent if entry.contract == contract} == set(PROVIDERS)
