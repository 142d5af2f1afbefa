"""The dossier in a scorecard's file: read exactly, and every mistake named by its place."""

import copy
import json
from typing import Any

import pytest

from compute.protocols.risk_score.dossier import Dossier, Sample
from compute.protocols.risk_score.scorecard import ScorecardError, parse_scorecard
from veilmart.demo.data import EXAMPLES

SHIPPED = json.loads((EXAMPLES / "scorecard.json").read_bytes())
SAMPLE = {"first_day": "2020-01-01", "last_day": "2020-12-31", "rows": 100, "bad": 7, "auc": 0.7, "ks": 1}


def read(**changes: object) -> Dossier | None:
    """The shipped card's dossier with members changed; "development.auc" changes one of a sample's."""
    document: dict[str, Any] = copy.deepcopy(SHIPPED)
    for name, value in changes.items():
        outer, _, inner = name.partition("__")
        if inner:
            document["dossier"][outer][inner] = value
        else:
            document["dossier"][outer] = value
    return parse_scorecard(json.dumps(document, ensure_ascii=False).encode()).dossier


def test_a_dossier_is_read_exactly() -> None:
    dossier = read(development=SAMPLE, validation=SAMPLE, stability_index=0.0013, author="风险管理部")
    assert dossier is not None
    sample = Sample(first_day="2020-01-01", last_day="2020-12-31", rows=100, bad=7, auc=7000, ks=10_000)
    assert (dossier.development, dossier.validation) == (sample, sample)
    assert (dossier.stability_index, dossier.author) == (13, "风险管理部")


def test_figures_that_nobody_has_measured_are_null() -> None:
    unmeasured = SAMPLE | {"auc": None, "ks": None}
    dossier = read(development=unmeasured, stability_index=None)
    assert dossier is not None
    assert (dossier.development.auc, dossier.development.ks, dossier.stability_index) == (None, None, None)
    assert dossier.development.bad == 7
    without = {name: value for name, value in SAMPLE.items() if name != "auc"}
    with pytest.raises(ScorecardError, match="missing required field `auc`"):
        read(development=without)  # left out is not the same as said to be unmeasured


def test_a_card_may_come_without() -> None:
    document = {name: value for name, value in SHIPPED.items() if name != "dossier"}
    assert parse_scorecard(json.dumps(document).encode()).dossier is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"development__auc": 0.12345}, "dossier.development.auc: 0.12345 has more than four decimals; round it"),
        ({"development__auc": 1.1}, "dossier: "),
        ({"development__ks": -0.1}, "dossier: "),
        ({"development__bad": 15652}, "15652 of 15652 are bad; a sample holds good and bad ones"),
        ({"development__bad": 0}, "a sample holds good and bad ones"),
        ({"development__first_day": "2006-13-01"}, "first_day"),
        ({"development__first_day": "2006-02-30"}, "2006-02-30 is no day of the calendar"),
        ({"development__first_day": "2007-01-01"}, "the period ends on 2006-12-31, before it begins"),
        ({"author": ""}, "author"),
        ({"author": "a\nb"}, "author"),
        ({"purpose": "x" * 501}, "purpose"),
        ({"stability_index": 101}, "stability_index"),
        ({"psi": 0.1}, "psi"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ScorecardError) as caught:
        read(**changes)
    assert told in str(caught.value)
