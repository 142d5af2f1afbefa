"""What a log says about a contract, an organisation, a product, a field, a model, a job, a result, a subject."""

from typing import Any

import pytest
from ledger import FIELDS, Ledger, busy_ledger, hex_of
from market import BANK, LABOUR, OTHER, REVIEWER, TAX

from audit.entry import Entry, EntryKind
from audit.tracing.trace import Criteria, entries_of, select, select_uses

ONE, TWO = "contract-1", "contract-2"
JOBS = [hex_of("job", number) for number in range(4)]
MODELS = ["a0" * 32, "b1" * 32]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """Two banks, a contract each, uses of both departments' data."""
    made = Ledger()
    made.publish()
    made.ready(ONE, MODELS[0])
    made.ready(TWO, MODELS[1], OTHER)
    made.use(ONE, JOBS[0], TAX, approval=MODELS[0])
    made.use(ONE, JOBS[0], LABOUR, approval=MODELS[0])
    made.use(TWO, JOBS[1], TAX, OTHER, approval=MODELS[1], said={"fields": ("naics",)})
    made.use(ONE, JOBS[2], TAX, approval=MODELS[0], without=[EntryKind.ANSWER_SENT, EntryKind.ANSWER_RECEIVED])
    made.add(EntryKind.REFUSED, TAX, counterparty=BANK, job=JOBS[2], detail={"message": "Query", "check": 9})
    return made


def found(ledger: Ledger, **criteria: Any) -> list[Entry]:
    return [entry for _, entry in select(ledger.indexed, Criteria(**criteria))]


def test_without_criteria_all_is_found(ledger: Ledger) -> None:
    assert Criteria().is_empty
    assert select(ledger.indexed, Criteria()) == ledger.indexed


def test_a_contract_s_entries_and_the_refusals_of_its_jobs(ledger: Ledger) -> None:
    named = list(entries_of(ONE, ledger.indexed))
    traced = select(ledger.indexed, Criteria(contract=ONE))
    assert [each for each in traced if each in named] == named
    assert [each for each in traced if each not in named] == [ledger.indexed[-1]]


def test_an_organisation_s_own_entries_and_those_about_it(ledger: Ledger) -> None:
    for name in (BANK, OTHER, TAX, LABOUR, REVIEWER):
        assert found(ledger, organisation=name) == [
            entry for entry in ledger.entries if name in {entry.node, entry.counterparty}
        ]


def test_a_product_s_uses_are_found_whole(ledger: Ledger) -> None:
    traced = found(ledger, product="social-insurance")
    assert [entry.kind for entry in traced].count(EntryKind.QUERY_SENT) == 1  # which names no product itself
    assert {entry.job for entry in traced} == {None, JOBS[0]}
    kinds = [EntryKind.PRODUCT_PUBLISHED, EntryKind.PERMIT_ISSUED, EntryKind.PERMIT_ISSUED]
    assert [entry.kind for entry in traced[:3]] == kinds
    assert found(ledger, product="social-insurance", version="1.0.1") == []
    assert found(ledger, product="social-insurance", version="1.0.0") == traced


def test_a_field_s_uses(ledger: Ledger) -> None:
    by_franchise = {entry.job for entry in found(ledger, field="franchise")} - {None}
    assert by_franchise == {JOBS[0], JOBS[2]}
    assert {entry.job for entry in found(ledger, field="naics")} == {None, *JOBS[:3]}
    assert found(ledger, field="unknown") == []
    assert [use.job for use in select_uses(ledger.indexed, Criteria(field=FIELDS[LABOUR][0]))] == [JOBS[0]]


def test_a_model_s_life(ledger: Ledger) -> None:
    kinds = [entry.kind for entry in found(ledger, model=MODELS[1])]
    registered = [EntryKind.MODEL_APPROVED, EntryKind.MODEL_REGISTERED, EntryKind.MODEL_REGISTERED]
    assert kinds[:3] == registered
    assert len(kinds) == 3 + 4
    assert found(ledger, model="00" * 32) == []


def test_a_job_a_result_and_a_subject_s_jobs(ledger: Ledger) -> None:
    assert len(found(ledger, job=JOBS[0])) == 8
    assert found(ledger, job=JOBS[2])[-1].kind is EntryKind.REFUSED
    one = found(ledger, result=hex_of("answer", JOBS[0], LABOUR))
    assert len(one) == 4
    assert {entry.job for entry in one} == {JOBS[0]}
    assert {entry.job for entry in found(ledger, jobs={JOBS[1], JOBS[3]})} == {JOBS[1]}
    assert found(ledger, jobs=frozenset()) == []


def test_several_criteria_are_all_met(ledger: Ledger) -> None:
    both = select_uses(ledger.indexed, Criteria(organisation=BANK, product="market-registration"))
    assert [use.job for use in both] == [JOBS[0], JOBS[2]]
    assert found(ledger, contract=TWO, job=JOBS[0]) == []


@pytest.fixture(scope="module")
def busy() -> Ledger:
    return busy_ledger(300)


@pytest.mark.parametrize(
    "name", ["contract", "organisation", "product", "field", "model", "job", "result", "jobs"]
)
def test_the_parts_of_a_large_log_agree_with_a_plain_search(busy: Ledger, name: str) -> None:
    use = select_uses(busy.indexed, Criteria())[77]
    values: dict[str, Any] = {
        "contract": use.contract,
        "organisation": use.provider,
        "product": use.text("product"),
        "field": use.fields[0],
        "model": use.text("approval"),
        "job": use.job,
        "result": hex_of("answer", use.job, use.provider),
        "jobs": {use.job},
    }
    traced = select(busy.indexed, Criteria(**{name: values[name]}))
    assert traced
    assert [index for index, _ in traced] == sorted({index for index, _ in traced})
    texts = {"field": values["field"], "jobs": use.job}
    for _, entry in traced:
        if entry.job is None:
            continue
        whole = str([each for each in busy.entries if each.job == entry.job])
        assert str(texts.get(name, values[name])) in whole
