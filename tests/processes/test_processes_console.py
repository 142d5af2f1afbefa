"""What the bank's staff hear of their own node before anything is sent to another party."""

import pytest
from processes.live_market import Market
from processes.refusal_checks import kind, problem_of

from compute.canonical import Message
from compute.node.console.messages import ConsentRegistration, Scoring
from compute.records import ConsentKind
from compute.web.errors import PeerProblemError
from veilmart.demo.story import today

pytestmark = pytest.mark.long

STRANGER = "91110000600037341L"
"""A company that exists and never applied."""


def registration(market: Market, contract: str, *subjects: str) -> ConsentRegistration:
    with market.analyst() as analyst:
        expires = analyst.contract(contract).terms.not_after
    return ConsentRegistration(
        batch="by-hand",
        kind=ConsentKind.ENTERPRISE_LETTER,
        evidence=b"\7" * 32,
        expires=expires,
        subjects=subjects or None,
    )


def scoring(market: Market, contract: str, *subjects: str, **changes: str) -> Scoring:
    named = {"reference": "by-hand", "model": market.card.name, "model_version": market.card.version}
    return Scoring(**{**named, "as_of": today(), "contract": contract, **changes}, subjects=subjects or None)


def refused(market: Market, path: str, asked: Message | None = None) -> dict[str, object]:
    with market.analyst() as analyst, pytest.raises(PeerProblemError) as caught:
        analyst._post(path, Message, asked)
    return problem_of(caught.value)


# --- consents ----------------------------------------------------------------------------------------------------


def test_consents_are_registered_for_own_applicants_only_and_listed(market: Market) -> None:
    terms = market.agree("typed-by-hand", subjects=market.applicants[:3])
    first = market.applicants[0]
    mistyped = first[:17] + ("1" if first[17] != "1" else "2")
    path = f"/contracts/{terms.contract}/consents"
    problem = refused(market, path, registration(market, terms.contract, first, mistyped, STRANGER))
    assert kind(problem) == (422, "unknown-subjects")
    assert (problem["mistyped"], problem["strangers"]) == ([mistyped], [STRANGER])
    assert "Of 3 subjects: 1 with a check character" in str(problem["detail"])
    problem = refused(market, "/scorings", scoring(market, terms.contract, STRANGER))
    assert (kind(problem), problem["strangers"]) == ((422, "unknown-subjects"), [STRANGER])

    with market.analyst() as analyst:
        analyst.register_consents(terms.contract, registration(market, terms.contract, *market.applicants[3:5]))
        analyst.withdraw_consents(terms.contract, [first])
        held = analyst.consents(terms.contract)
    assert [(batch.batch, batch.consents) for batch in held.batches] == [("letters", 3), ("by-hand", 2)]
    assert held.subjects == tuple(market.applicants[1:5])
    problem = refused(market, path, registration(market, terms.contract, first))
    assert kind(problem)[0] == 409
    assert "list the contract's consents" in str(problem["remedy"])
