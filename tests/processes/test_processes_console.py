"""What the bank's staff hear of their own node before anything is sent to another party."""

import re
from datetime import UTC, datetime

import pytest
from processes.live_market import MARKET_REGULATION, Market
from processes.refusal_checks import asked, kind

from compute.canonical import Message, encode
from compute.node.console.messages import (
    ApplicationDraft,
    ConsentRegistration,
    KeyEnrolment,
    ModelRegistration,
    ReadTerms,
    Scoring,
)
from compute.node.jobs.states import State
from compute.records import ConsentKind
from compute.signing import digest
from veilmart.demo.data import PROVIDERS, SCORECARD_FILE
from veilmart.demo.sites import REVIEWER
from veilmart.demo.story import staff, today

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


def refused(
    market: Market, path: str, sent: Message | bytes | None = None, method: str = "POST"
) -> dict[str, object]:
    content = encode(sent) if isinstance(sent, Message) else sent
    with market.peer(market.bank.staff, market.bank, market.bank.folder / "staff.jwe") as analyst:
        return asked(analyst, method, path, content)


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


# --- jobs --------------------------------------------------------------------------------------------------------


def test_a_key_is_proven_to_data_providers_only(market: Market) -> None:
    enrolment = KeyEnrolment(reference="mistyped", providers=(MARKET_REGULATION, "market-regulatoin", REVIEWER))
    problem = refused(market, "/key-enrolments", enrolment)
    assert kind(problem) == (404, "unknown-party")
    assert f"market-regulatoin, {REVIEWER}" in str(problem["detail"])


def test_what_failed_is_asked_again_under_a_new_reference(market: Market) -> None:
    terms = market.agree("failing", subjects=market.applicants[:1])
    failed = market.scoring(terms.contract, market.applicants[:2], "fails")
    assert failed.state == State.FAILED
    assert str(failed.remedy).endswith("submit it under a new reference")


def test_before_everybody_approved_or_signed_it_is_told_who_did_not(market: Market) -> None:
    with market.analyst() as analyst:
        agreed = analyst.contract(market.outcome.contract).terms
        draft = ApplicationDraft(
            reference="half-done",
            grants=agreed.grants,
            operation="risk_score",
            purpose=agreed.purpose,
            model_reviewer=agreed.model_reviewer,
            max_uses=1,
            not_before=agreed.not_before,
            not_after=agreed.not_after,
            subject_types=("enterprise",),
        )
        terms = analyst.apply(draft).terms
    path = f"/contracts/{terms.contract}"
    problem = refused(market, f"{path}/sign", ReadTerms(terms=digest(terms).hex()))
    assert problem["status"] == 409
    assert f"{', '.join(sorted(PROVIDERS))} did not approve it" in str(problem["detail"])
    for provider in PROVIDERS:
        with staff(market.provider(provider)) as clerk:
            clerk.approve(terms)
    problem = refused(market, f"{path}/present")
    assert kind(problem) == (409, "not-signed")
    assert f"{', '.join(terms.parties)} did not sign it yet" in str(problem["detail"])


def test_terms_are_shown_with_their_dates(market: Market) -> None:
    with market.analyst() as analyst:
        shown = analyst.terms(market.outcome.contract)
    assert datetime.fromisoformat(shown.ends).timestamp() == shown.terms.not_after // 1000
    assert datetime.fromisoformat(shown.begins) < datetime.now(UTC) < datetime.fromisoformat(shown.ends)


def test_a_time_in_seconds_is_refused_with_its_unit(market: Market) -> None:
    path = f"/contracts/{market.outcome.contract}/consents"
    data = encode(registration(market, market.outcome.contract))
    problem = refused(market, path, re.sub(rb'("expires":\d{10})\d{3}', rb"\1", data))
    assert kind(problem) == (400, "invalid-message")
    assert "expires" in str(problem["detail"])
    assert "milliseconds since 1970" in str(problem["remedy"]).lower()


def test_a_mistyped_contract_or_day_is_told_at_once(market: Market) -> None:
    assert kind(refused(market, "/scorings", scoring(market, "contract-0")))[0] == 409
    assert (
        kind(refused(market, "/contracts/contract-0/consents", registration(market, market.outcome.contract)))[0]
        == 404
    )
    card = (market.examples / SCORECARD_FILE).read_text("utf-8")
    model = ModelRegistration(reference="mistyped", contract="contract-0", scorecard=card)
    assert kind(refused(market, "/models", model)) == (404, "not-found")
    wrong = encode(scoring(market, market.outcome.contract)).replace(today().encode(), b"2026-02-30")
    problem = refused(market, "/scorings", wrong)
    assert "2026-02-30 is no day of the calendar" in str(problem["detail"])


def test_jobs_are_listed_the_newest_first_and_say_when_they_are_done(market: Market) -> None:
    terms = market.agree("listed", subjects=market.applicants[:2])
    done = market.scoring(terms.contract, market.applicants[:2], "listed")
    failed = market.scoring(terms.contract, market.applicants[:3], "listed-and-failed")
    assert (done.state, done.done, done.milliseconds_left) == (State.DONE, done.total, None)
    with market.analyst() as analyst:
        jobs = analyst.jobs()
        assert [(job.job, job.reference) for job in jobs[:2]] == [
            (failed.job, "listed-and-failed"),
            (done.job, "listed"),
        ]
        assert list(analyst.jobs(before=jobs[0].job))[:5] == list(jobs[1:6])
        assert list(analyst.jobs(before=jobs[-1].job)) == []
    problem = refused(market, f"/jobs/{failed.job}/result", method="GET")
    assert kind(problem) == (409, "wrong-state")
    assert problem["remedy"] == "Look at the job, which says what to do."


def test_a_wrong_method_is_answered_with_the_right_ones(market: Market) -> None:
    problem = refused(market, "/identity")
    assert kind(problem) == (405, "method-not-allowed")
    assert "GET" in str(problem["remedy"])
