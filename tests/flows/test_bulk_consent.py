"""The whole story of the market, with consents that a bank registers in bulk.

A bank that has letters of authorisation registers them under a contract in force; every subject is told of it on
its telephone; one says that it gave none, and is scored no more, while the others are. The contract is amended,
renewed, and its successor expires.

It begins where the demo's story has ended: bank and departments take part, and the bank's model is registered.
"""

import csv
import hashlib
import io
from collections.abc import Iterator
from decimal import Decimal

import pytest
from flows.outbox import messages
from flows.phone import picked_up
from flows.waiting import until
from processes.live_market import Market

from audit.entry import EntryKind as Kind
from compute.canonical import HOUR
from compute.market.applications import RenewalRequest
from compute.node.console.client import NodeClient
from compute.node.console.consent_messages import DisputeReply
from compute.node.console.messages import ConsentRegistration, JobView
from compute.node.jobs.states import State
from compute.node.site import clock
from compute.records import ConsentKind, DisputeMatter
from compute.terms import Terms
from compute.web.errors import PeerProblemError
from veilmart.demo import story
from veilmart.demo.clear import scores_in_the_clear
from veilmart.demo.sites import telephone_of
from veilmart.market.contract_signing import TermsChange, changed

pytestmark = pytest.mark.long

REFERENCE, SUCCESSOR, BATCH = "letters-in-bulk", "letters-in-bulk-2", "letters-of-november"
FIRST, COUNT = 20, 12
"""Places in the bank's table of those whose letters it has."""
DENIER, SCORED = 3, 5
"""Of these the one that gave none, and so many that are scored together."""
USES, MORE, FEWER = 200, 300, 100
TERM = 45
"""Seconds for which the successor lasts."""
EVIDENCE = "letters of authorisation, 12 sheets"


@pytest.fixture
def analyst(live_market: Market) -> Iterator[NodeClient]:
    with live_market.analyst() as found:
        yield found


def test_from_letters_to_the_end_of_the_term(live_market: Market, analyst: NodeClient) -> None:
    market = live_market
    subjects = market.applicants[FIRST : FIRST + COUNT]
    denier, others = subjects[DENIER], [each for each in subjects if each != subjects[DENIER]]
    terms = market.agree(REFERENCE, USES, subjects[:1])
    contract = terms.contract
    the_bank_registers_its_letters(market, analyst, terms, subjects)
    one_says_not_mine(market, analyst, contract, denier, telephone_of(FIRST + DENIER))
    only_the_others_are_scored(market, analyst, contract, denier, others)
    the_contract_is_amended(market, analyst, terms)
    scored(market, analyst, market.scoring(contract, others[SCORED:], "after-the-amendment"), others[SCORED:])
    successor = the_contract_is_renewed(market, analyst, contract)
    subjects_are_asked_again(market, analyst, successor, others[:1])
    the_term_ends(market, analyst, successor, others[:1])
    every_step_is_in_the_log(market, contract, successor)


def registration(terms: Terms, batch: str, subjects: list[str]) -> ConsentRegistration:
    return ConsentRegistration(
        batch=batch,
        kind=ConsentKind.ENTERPRISE_LETTER,
        evidence=hashlib.sha256(EVIDENCE.encode()).digest(),
        expires=terms.not_after,
        subjects=tuple(subjects),
    )


def the_bank_registers_its_letters(market: Market, analyst: NodeClient, terms: Terms, subjects: list[str]) -> None:
    """Commitments and the evidence's hash go out; every subject is told who has registered what."""
    asked = registration(terms, BATCH, subjects[1:])
    assert analyst.register_consents(terms.contract, asked) == COUNT - 1
    held = analyst.consents(terms.contract)
    assert [(each.batch, each.evidence) for each in held.batches][1:] == [(BATCH, asked.evidence)]
    assert sorted(held.subjects) == sorted(subjects)
    numbers = {telephone_of(FIRST + place) for place in range(1, COUNT)}

    def told() -> set[str]:
        return {
            to for to, text in messages(market.sites) if BATCH in text and "海港银行" in text and "/me" in text
        }

    until(lambda: told() >= numbers, 30, "every subject is told")
    assert told() == numbers


def one_says_not_mine(market: Market, analyst: NodeClient, contract: str, denier: str, number: str) -> None:
    """The subject denies on the page that its message names: its consent ends, and the bank has to answer."""
    (text,) = [text for to, text in messages(market.sites) if to == number and BATCH in text]
    with picked_up(market.sites, number) as phone:
        phone.open(text[text.index("https://") :].strip())
        assert phone.identify(denier, lambda: messages(market.sites)) == "/me"
        assert BATCH in phone.open("/me")
        opened_at = phone.send("/me/end", having=contract, ending="denied")
        assert opened_at.startswith("/me/disputes/")
        assert denier not in analyst.consents(contract).subjects
        (waiting,) = [each for each in analyst.disputes() if each.contract == contract]
        assert (waiting.subject, waiting.matter) == (denier, DisputeMatter.CONSENT)
        reply = DisputeReply(text="经查,该授权书由他人代签,已停用,并向贵方致歉。")
        assert analyst.answer_dispute(waiting.number, reply).state == "answered"
        assert "已停用" in phone.open(opened_at)
        assert phone.send(opened_at, move="close") == opened_at
        assert "已否认" in phone.open("/me")
    with pytest.raises(PeerProblemError):  # who has denied is not registered again
        analyst.register_consents(contract, registration(analyst.contract(contract).terms, "again", [denier]))


def scored(market: Market, analyst: NodeClient, job: JobView, subjects: list[str]) -> None:
    """The job is done, and each score is as in the clear."""
    assert job.state == State.DONE, (job.reason, job.remedy)
    table = csv.DictReader(io.StringIO(analyst.scores(job.job).decode()))
    clear = scores_in_the_clear(market.examples, market.card)
    assert {row["uscc"]: Decimal(row["score"]) for row in table} == {each: clear[each] for each in subjects}


def only_the_others_are_scored(
    market: Market, analyst: NodeClient, contract: str, denier: str, others: list[str]
) -> None:
    refused = market.scoring(contract, [denier, others[0]], "with-the-denier")
    assert refused.state == State.FAILED
    assert refused.reason is not None
    assert "consent" in refused.reason
    scored(market, analyst, market.scoring(contract, others[:SCORED], "others"), others[:SCORED])


def the_contract_is_amended(market: Market, analyst: NodeClient, terms: Terms) -> None:
    """To fewer uses: subjects have not consented to more. Until all have signed the old version is in force."""
    with pytest.raises(PeerProblemError):
        analyst.amend(changed(terms, TermsChange(max_uses=MORE)))
    proposed = analyst.amend(changed(terms, TermsChange(max_uses=FEWER))).terms
    analyst.sign_amendment(proposed)
    assert analyst.contract(terms.contract).terms == terms
    for grant in terms.grants:
        with story.staff(market.sites.nodes[grant.provider]) as clerk:
            clerk.sign_amendment(proposed)
    now = analyst.contract(terms.contract)
    assert (now.state, now.terms.version, now.terms.max_uses) == ("active", 2, FEWER)
    assert now.terms.agreement != terms.agreement
    analyst.present(terms.contract)


def the_contract_is_renewed(market: Market, analyst: NodeClient, contract: str) -> Terms:
    """The successor is decided on and signed like any contract, and lasts for some seconds."""
    request = RenewalRequest(
        reference=SUCCESSOR, max_uses=10, not_before=clock() - HOUR, not_after=clock() + TERM * 1000
    )
    terms = analyst.renew(contract, request).terms
    assert terms.renews == contract
    for grant in terms.grants:
        with story.staff(market.sites.nodes[grant.provider]) as clerk:
            clerk.approve(terms)
            if grant == terms.grants[-1]:
                analyst.sign(terms)
    for grant in terms.grants:
        with story.staff(market.sites.nodes[grant.provider]) as clerk:
            signed = clerk.sign(terms)
    assert signed.state == "active"
    analyst.present(terms.contract)
    return terms


def subjects_are_asked_again(market: Market, analyst: NodeClient, terms: Terms, subjects: list[str]) -> None:
    """Consents name their contract: under the successor there are none until they are registered again."""
    assert analyst.consents(terms.contract).subjects == ()
    refused = market.scoring(terms.contract, subjects, "too-early")
    assert refused.state == State.FAILED
    analyst.register_consents(terms.contract, registration(terms, "again", subjects))
    assert analyst.consents(terms.contract).subjects == tuple(subjects)


def the_term_ends(market: Market, analyst: NodeClient, terms: Terms, subjects: list[str]) -> None:
    until(lambda: analyst.contract(terms.contract).state == "expired", TERM + 30, "the successor expires")
    with pytest.raises(PeerProblemError):
        analyst.register_consents(terms.contract, registration(terms, "too-late", subjects))
    late = market.scoring(terms.contract, subjects, "too-late")
    assert late.state in {State.FAILED, State.CANCELLED}  # refused, or stopped before it was


def every_step_is_in_the_log(market: Market, contract: str, terms: Terms) -> None:
    with story.operator(market.sites) as desk:
        kinds = {entry.kind for _, entry in desk.trace(contract)}
        later = {entry.kind for _, entry in desk.trace(terms.contract)}
    assert kinds >= {
        *(Kind.CONTRACT_ACTIVATED, Kind.CONSENT_REGISTERED, Kind.CONSENT_NOTICED, Kind.CONSENT_DENIED),
        *(Kind.DISPUTE_OPENED, Kind.DISPUTE_ANSWERED, Kind.DISPUTE_CLOSED),
        *(Kind.QUERY_SENT, Kind.ANSWER_SENT, Kind.CONTRACT_AMENDED, Kind.CONTRACT_RENEWED),
    }
    assert later >= {Kind.APPLICATION_SUBMITTED, Kind.CONTRACT_ACTIVATED, Kind.CONTRACT_EXPIRED}
