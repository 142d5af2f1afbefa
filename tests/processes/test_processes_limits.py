"""What a contract does not allow, as the bank's staff hear of it: consents, counts, permits, standing."""

import time

import msgspec
import pytest
from market import WHY
from processes.live_market import SOCIAL_SECURITY, Market
from processes.refusal_checks import forge, kind, problem_of

from compute.canonical import encode
from compute.node.console.messages import JobView
from compute.node.jobs.states import State
from compute.protocols.risk_score.messages import AskProviderTerms, Query
from compute.web.errors import PeerProblemError
from veilmart.demo.data import PROVIDERS
from veilmart.demo.sites import BANK
from veilmart.demo.story import operator

pytestmark = pytest.mark.long


def failed(job: JobView, *told: str) -> None:
    assert job.state == State.FAILED, job
    assert job.remedy
    for text in told:
        assert text in str(job.reason)


def test_a_scoring_with_subjects_without_consent_names_exactly_these(market: Market) -> None:
    consenting, others = market.applicants[:20], market.applicants[20:27]
    terms = market.agree("some-consents", subjects=consenting)
    before = len(market.refusals())
    job = market.scoring(terms.contract, [*consenting[:5], *others])
    failed(job, "refused at check 9", "7 of 12 subjects have no consent that stands")
    assert list(job.subjects) == others
    assert {entry.node for entry in market.refusals()[before:]} == PROVIDERS.keys()
    assert market.scoring(terms.contract, consenting, "those-who-do").state == State.DONE
    with market.analyst() as analyst:
        assert analyst.withdraw_consents(terms.contract, consenting[:2]) == 2
    job = market.scoring(terms.contract, consenting, "after-withdrawal")
    failed(job, "2 of 20 subjects")
    assert list(job.subjects) == consenting[:2]


def test_no_more_is_scored_than_the_contract_counts(market: Market) -> None:
    terms = market.agree("few-uses", max_uses=10)
    failed(market.scoring(terms.contract, market.applicants[:11], "too-many"), "11 uses asked, 10 of 10 left")
    assert market.scoring(terms.contract, market.applicants[:8], "eight").state == State.DONE
    failed(market.scoring(terms.contract, market.applicants[:8], "eight-more"), "8 uses asked, 2 of 10 left")


def test_a_revoked_permit_allows_nothing(market: Market) -> None:
    terms = market.agree("revoked")
    with market.peer(SOCIAL_SECURITY, market.sites.market) as peer:
        permit = msgspec.json.decode(
            peer.request("GET", f"/contracts/{terms.contract}/permits/{SOCIAL_SECURITY}", expected=bytes)
        )["permit"]
    site = market.provider(SOCIAL_SECURITY)
    with market.peer(site.staff, site, site.folder / "staff.jwe") as clerk:
        clerk.request(
            "POST",
            f"/permits/{permit}/revoke",
            expected=bytes,
            content=encode(WHY),
            content_type="application/json",
        )
    before = len([entry for entry in market.refusals() if entry.node == SOCIAL_SECURITY])
    failed(market.scoring(terms.contract, market.applicants[:3]), "social-security refused at check 9", "revoked")
    assert len([entry for entry in market.refusals() if entry.node == SOCIAL_SECURITY]) == before + 1


def test_a_suspended_bank_gets_nothing_until_it_is_reinstated(market: Market, query: Query) -> None:
    with operator(market.sites) as desk:
        desk.organisations.suspend(BANK, "breach")
        try:
            with pytest.raises(PeerProblemError) as caught:
                market.send(forge(market, query))
            # By the permit's status at once, or as a stranger once the provider looked again who takes part.
            assert kind(problem_of(caught.value)) in {(422, "check-9"), (401, "signature-unknown-key")}
            failed(market.scoring(market.outcome.contract, None, "while-suspended"))
            with market.analyst() as analyst, pytest.raises(PeerProblemError) as caught:
                analyst.present(market.outcome.contract)
            assert problem_of(caught.value)["status"] == 403
        finally:
            desk.organisations.reinstate(BANK)
    deadline = time.monotonic() + 10
    while True:
        try:
            market.send(AskProviderTerms(bank=BANK))
        except PeerProblemError:  # the provider asks again for one it did not find a second ago
            assert time.monotonic() < deadline
            time.sleep(0.5)
        else:
            break
