"""Joint statistics between real processes: hidden and disclosed cohorts, refusals, what the log has of them."""

import csv
from collections import Counter

import pytest
from processes.live_market import MARKET_REGULATION, SOCIAL_SECURITY, Market, rows

from audit.entry import EntryKind
from compute.canonical import DAY, HOUR
from compute.node.console.client import NodeClient
from compute.node.console.messages import ApplicationDraft, JobView
from compute.node.console.statistics_messages import (
    LabelRegistration,
    StatisticsPart,
    StatisticsRequest,
    StatisticsResult,
)
from compute.node.jobs.states import State
from compute.node.site import clock
from compute.terms import Grant
from veilmart.demo.data import REGISTER
from veilmart.demo.sites import REVIEWER
from veilmart.demo.story import operator, staff, today

pytestmark = pytest.mark.long

LOANS = 2000
"""Of the bank's book: their outcomes are the labels."""
FIELDS = {MARKET_REGULATION: ("business_age", "franchise", "urban_rural"), SOCIAL_SECURITY: ("employees",)}
"""What is asked of the hidden cohort."""
EXACT = "jobs_created"
"""What is asked of the disclosed one: beside cells that were told of others, exact ones could isolate a few."""


def outcomes(market: Market) -> dict[str, int]:
    """Of each company with a loan 1 if it was paid back, 2 if it was charged off."""
    loans = rows(market.examples / "bank_loans.csv")[:LOANS]
    return {loan["uscc"]: int(loan["defaulted"]) + 1 for loan in loans}


@pytest.fixture(scope="module")
def contract(market: Market) -> str:
    """A contract of joint statistics between the bank and both departments."""
    with operator(market.sites) as desk:
        offers = {offer.provider: offer for offer in desk.products()}
    grants = tuple(
        Grant(
            provider=provider,
            product=offers[provider].product,
            product_version=offers[provider].version,
            fields=fields if provider == MARKET_REGULATION else (*fields, EXACT),
        )
        for provider, fields in FIELDS.items()
    )
    draft = ApplicationDraft(
        reference="statistics",
        grants=grants,
        operation="joint_statistics",
        purpose="model_development",
        model_reviewer=REVIEWER,
        max_uses=20,
        not_before=clock() - HOUR,
        not_after=clock() + DAY,
        subject_types=("enterprise",),
    )
    with market.analyst() as analyst:
        terms = analyst.apply(draft).terms
        for provider in FIELDS:
            with staff(market.sites.nodes[provider]) as clerk:
                clerk.approve(terms)
        analyst.sign(terms)
        for provider in FIELDS:
            with staff(market.sites.nodes[provider]) as clerk:
                clerk.sign(terms)
        analyst.present(terms.contract)
    return terms.contract


@pytest.fixture(scope="module")
def labels(market: Market, contract: str) -> str:
    """The outcomes, registered over the whole register at both departments."""
    found = outcomes(market)
    asked = LabelRegistration(
        reference="outcomes",
        contract=contract,
        name="outcomes",
        providers=tuple(FIELDS),
        classes=("good", "bad"),
        subjects=tuple(found),
        labels=tuple(found.values()),
    )
    with market.analyst() as analyst:
        job = done(analyst, analyst.register_labels(asked))
        assert job.state == State.DONE, job.reason
        (held,) = analyst.labels()
    assert [(each.provider, each.parts, each.registered) for each in held.vectors] == [
        (name, 3, 3) for name in FIELDS
    ]
    return "outcomes"


def done(analyst: NodeClient, job: JobView) -> JobView:
    return analyst.follow(job, lambda _: None)


def request(contract: str, labels: str, reference: str, **changes: object) -> StatisticsRequest:
    parts = tuple(StatisticsPart(provider=name, histograms=fields) for name, fields in FIELDS.items())
    asked = {"weighted": True, "parts": parts, "milliepsilon": 1500, "as_of": today()} | changes
    return StatisticsRequest(reference=reference, contract=contract, labels=labels, **asked)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def result(market: Market, contract: str, labels: str) -> StatisticsResult:
    with market.analyst() as analyst:
        asked = request(contract, labels, "first")
        dry = analyst.precheck_statistics(asked)
        assert all(each.precheck is not None and each.precheck.milliepsilon == 1500 for each in dry.providers)
        job = done(analyst, analyst.ask_statistics(asked))
        assert job.state == State.DONE, job.reason
        return analyst.statistics(job.job)


def test_tables_of_both_departments_lie_within_their_noise(market: Market, result: StatisticsResult) -> None:
    labels = outcomes(market)
    files = {MARKET_REGULATION: "market_regulation.csv", SOCIAL_SECURITY: "social_security.csv"}
    for told in result.providers:
        companies = {row["uscc"]: row for row in rows(market.examples / files[told.provider])}
        assert [each.columns[0] for each in told.tables] == list(FIELDS[told.provider])
        for table in told.tables:
            (bins,), (column,) = table.bins, table.columns
            clear: Counter[tuple[int, int]] = Counter()
            for subject, label in labels.items():
                value = companies[subject][column] if subject in companies else ""
                clear[code_of(bins, value), label] += 1
            for code, numbers in enumerate(table.numbers):
                for label, number in enumerate(numbers or (), 1):
                    assert abs(int(number) - clear[code, label]) <= int(table.bound)
            assert int(table.bound) < 500


def code_of(bins: object, value: str) -> int:
    """The cell of a value as it stands in the file."""
    edges = getattr(bins, "edges", None)
    if edges is not None:
        return len(edges) + 1 if value == "" else sum(int(edge) <= int(value) for edge in edges)
    groups = bins.groups  # type: ignore[attr-defined]
    cut = value[: bins.prefix] if bins.prefix else value  # type: ignore[attr-defined]
    return next((code for code, group in enumerate(groups) if cut in group), len(groups))


def test_the_same_question_has_the_same_answer_and_costs_nothing(
    market: Market, contract: str, labels: str, result: StatisticsResult
) -> None:
    with market.analyst() as analyst:
        asked = request(contract, labels, "again")
        dry = analyst.precheck_statistics(asked)
        assert [each.precheck.milliepsilon for each in dry.providers if each.precheck] == [0, 0]
        job = done(analyst, analyst.ask_statistics(asked))
        again = analyst.statistics(job.job)
    assert [told.tables for told in again.providers] == [told.tables for told in result.providers]
    assert again.job != result.job


def test_a_column_that_is_not_granted_is_refused_and_no_department_counts_a_use(
    market: Market, contract: str, labels: str
) -> None:
    parts = (
        StatisticsPart(provider=MARKET_REGULATION, histograms=("business_age",)),
        StatisticsPart(provider=SOCIAL_SECURITY, histograms=("jobs_retained",)),
    )
    with market.analyst() as analyst:
        asked = request(contract, labels, "beyond", parts=parts, milliepsilon=1000)
        job = done(analyst, analyst.ask_statistics(asked))
        assert job.state == State.FAILED
        assert "jobs_retained" in str(job.reason)
        left = analyst.precheck_statistics(request(contract, labels, "look", parts=parts[:1], milliepsilon=1000))
    (only,) = left.providers
    assert only.precheck is not None
    assert (only.precheck.bank_left, only.precheck.is_stored) == (10_500, False)


def test_the_log_has_every_use_in_matched_halves_and_no_result(
    market: Market, contract: str, result: StatisticsResult
) -> None:
    entries = [entry for entry in market.entries() if entry.job == result.job]
    kinds = Counter(entry.kind for entry in entries)
    for kind in (
        EntryKind.QUERY_SENT,
        EntryKind.QUERY_RECEIVED,
        EntryKind.ANSWER_SENT,
        EntryKind.ANSWER_RECEIVED,
        EntryKind.ANSWER_ACKNOWLEDGED,
    ):
        assert kinds[kind] == 2, kind
    sent = [entry for entry in entries if entry.kind is EntryKind.ANSWER_SENT]
    assert {entry.detail["milliepsilon"] for entry in sent} == {1500}
    assert {entry.detail["legal_basis"] for entry in sent} == {"anonymised_statistics"}
    assert {entry.contract for entry in entries} == {contract}
    with (market.examples / REGISTER).open(encoding="ascii") as file:
        companies = sum(1 for _ in csv.reader(file)) - 1
    assert {entry.detail["rows"] for entry in sent} == {companies}
    assert Counter(e.kind for e in market.entries())[EntryKind.LABELS_REGISTERED] >= 4


def test_a_disclosed_cohort_is_aligned_and_told_exactly(market: Market, contract: str) -> None:
    found = outcomes(market)
    companies = {row["uscc"]: row for row in rows(market.examples / "social_security.csv")}
    asked = LabelRegistration(
        reference="known",
        contract=contract,
        name="known",
        providers=(SOCIAL_SECURITY,),
        classes=("good", "bad"),
        subjects=tuple(found),
        labels=tuple(found.values()),
        legal_basis="consent",
        declared_rows={SOCIAL_SECURITY: len(companies)},
    )
    part = StatisticsPart(provider=SOCIAL_SECURITY, histograms=(EXACT,), moments=(EXACT,))
    with market.analyst() as analyst:
        job = done(analyst, analyst.register_labels(asked))
        assert job.state == State.DONE, job.reason
        exact = request(contract, "known", "exact", parts=(part,), weighted=False, milliepsilon=0)
        job = done(analyst, analyst.ask_statistics(exact))
        assert job.state == State.DONE, job.reason
        (told,) = analyst.statistics(job.job).providers
    table, count, total, squares = told.tables
    values = [companies[subject][EXACT] for subject in found if subject in companies]
    known = [int(value) for value in values if value != ""]
    clear = Counter(code_of(table.bins[0], value) for value in values)
    assert sum(numbers is not None for numbers in table.numbers) > 2
    for code, numbers in enumerate(table.numbers):
        assert numbers is None or numbers == (str(clear[code]),)
    assert count.numbers == ((str(len(known)),),)
    assert total.numbers in {((str(sum(known)),),), (None,)}
    assert squares.numbers in {((str(sum(value**2 for value in known)),),), (None,)}
    (aligned,) = [entry for entry in market.entries() if entry.kind is EntryKind.COHORT_ALIGNED]
    assert aligned.detail["alignment_basis"] == "consent"
    assert aligned.detail["rows"] == LOANS
