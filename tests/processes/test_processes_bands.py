"""A banded model on its way between real processes: reviewed, registered, asked with, read by the analyst."""

import csv
import dataclasses
import io
import json
from bisect import bisect_right
from itertools import islice

import pytest
from processes.live_market import Market, ignore

from audit.entry import EntryKind
from compute.node.bank.kinds import SCORE_BANDS
from compute.node.console.messages import ModelRegistration, Scored, Scoring
from compute.node.jobs.states import State
from compute.protocols.risk_score.scorecard import parse_scorecard
from veilmart.demo.clear import scores_in_the_clear
from veilmart.demo.data import SCORECARD_FILE
from veilmart.demo.story import model, today

pytestmark = pytest.mark.long

SUBJECTS, NAMES = 6, ["E", "D", "C", "B", "A"]


def test_the_analyst_gets_bands_and_the_log_both_uses(market: Market) -> None:
    document = json.loads((market.examples / SCORECARD_FILE).read_text("utf-8"))
    plain = dataclasses.replace(parse_scorecard(json.dumps(document | {"local": []}).encode()))
    scores = scores_in_the_clear(market.examples, plain)
    in_order = sorted(scores.values())
    cuts = [in_order[len(in_order) * part // 5] for part in range(1, 5)]
    bands = {"cuts": [float(cut) for cut in cuts], "names": NAMES}
    document |= {"name": "graded-card", "local": [], "bands": bands}
    contract = market.agree("graded").contract
    subjects = tuple(islice(scores, SUBJECTS))
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
    assert told == [["uscc", "band"], *([each, NAMES[bisect_right(cuts, scores[each])]] for each in subjects)]
    sent = [entry for entry in market.entries() if entry.kind is EntryKind.ANSWER_SENT]
    assert {entry.node for entry in sent if entry.contract == contract} == set(market.sites.nodes) & {
        "market-regulation",
        "social-security",
    }
