"""The halves of a use, matched: what belongs together, what stays alone, what contradicts itself."""

from typing import Any

import pytest
from ledger import Ledger, hex_of
from market import BANK, LABOUR, OTHER, TAX

from audit.entry import EntryKind
from audit.tracing.trace import unacknowledged
from audit.tracing.uses import HALVES, Use, uses

JOB, ONE, TWO = "5e" * 32, "contract-1", "contract-2"


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def only(ledger: Ledger) -> Use:
    (use,) = uses(ledger.indexed)
    return use


def test_four_halves_make_one_use(ledger: Ledger) -> None:
    indices = ledger.use(ONE, JOB)
    use = only(ledger)
    assert (use.contract, use.job, use.consumer, use.provider) == (ONE, JOB, BANK, TAX)
    assert use.is_matched
    assert use.indices == tuple(indices.values()) == (0, 1, 2, 3)
    assert (use.rows, use.fields, use.text("product")) == (10, ("franchise", "naics"), "market-registration")
    assert [entry.kind for _, entry in use.entries] == list(HALVES)
    assert unacknowledged(ledger.indexed) == []


def test_the_order_in_which_the_nodes_report_does_not_matter(ledger: Ledger) -> None:
    ledger.use(ONE, JOB)
    (use,) = uses(reversed(ledger.indexed))
    assert use.is_matched


@pytest.mark.parametrize("kind", HALVES)
def test_a_half_that_is_missing_is_named(ledger: Ledger, kind: EntryKind) -> None:
    ledger.use(ONE, JOB, without=[kind])
    assert only(ledger).missing == (kind,)
    assert not only(ledger).is_matched
    assert len(unacknowledged(ledger.indexed)) == (kind is EntryKind.ANSWER_RECEIVED)


def test_a_refusal_explains_what_is_missing_and_no_contradiction(ledger: Ledger) -> None:
    ledger.use(ONE, JOB, without=HALVES[1:])
    for node, other, job in ((LABOUR, BANK, JOB), (TAX, OTHER, JOB), (TAX, BANK, "00" * 32)):
        ledger.add(EntryKind.REFUSED, node, counterparty=other, job=job)
        assert only(ledger).refusal is None  # somebody else's
    index = ledger.add(EntryKind.REFUSED, TAX, counterparty=BANK, job=JOB)
    assert only(ledger).refusal == (index, ledger.entries[index])
    assert only(ledger).is_matched
    assert only(ledger).missing == HALVES[1:]
    refused = Ledger()
    refused.add(EntryKind.REFUSED, TAX, counterparty=BANK, job=JOB)
    assert uses(refused.indexed) == []


def test_each_provider_s_part_is_a_use_of_its_own(ledger: Ledger) -> None:
    ledger.use(ONE, JOB, TAX)
    ledger.use(ONE, JOB, LABOUR, without=[EntryKind.ANSWER_RECEIVED])
    first, second = uses(ledger.indexed)
    assert (first.provider, second.provider) == (TAX, LABOUR)
    assert (first.is_matched, second.is_matched) == (True, False)


@pytest.mark.parametrize(
    ("node", "contract", "members"),
    [
        (BANK, TWO, {"counterparty": TAX, "job": JOB}),  # under another contract
        (BANK, None, {"counterparty": TAX, "job": JOB}),  # under none
        (OTHER, ONE, {"counterparty": TAX, "job": JOB}),  # somebody else's word
        (BANK, ONE, {"counterparty": LABOUR, "job": JOB}),  # about another provider
        (BANK, ONE, {"counterparty": TAX, "job": "00" * 32}),  # about another job
    ],
)
def test_only_the_consumer_s_word_on_this_very_use_matches(
    ledger: Ledger, node: str, contract: str | None, members: dict[str, Any]
) -> None:
    ledger.use(ONE, JOB, without=[EntryKind.ANSWER_RECEIVED])
    answer = {"answer": hex_of("answer", JOB, TAX)}
    ledger.add(EntryKind.ANSWER_RECEIVED, node, contract, detail=answer, **members)
    first, second = uses(ledger.indexed)
    assert first.missing == (EntryKind.ANSWER_RECEIVED,)
    assert second.missing == HALVES[:3]
    assert len(unacknowledged(ledger.indexed)) == 1


@pytest.mark.parametrize(
    ("kind", "detail", "named"),
    [
        (EntryKind.ANSWER_RECEIVED, {"answer": "00" * 32}, "answer"),
        (EntryKind.QUERY_SENT, {"rows": 11, "approval": "a0" * 32}, "rows"),
        (EntryKind.QUERY_SENT, {"rows": 10, "approval": "00" * 32}, "approval"),
        (EntryKind.ANSWER_SENT, {"answer": hex_of("answer", JOB, TAX), "rows": 9}, "rows"),
    ],
)
def test_halves_that_contradict_each_other_are_no_match(
    ledger: Ledger, kind: EntryKind, detail: dict[str, Any], named: str
) -> None:
    ledger.use(ONE, JOB, without=[kind])
    node, other = (BANK, TAX) if kind in {EntryKind.QUERY_SENT, EntryKind.ANSWER_RECEIVED} else (TAX, BANK)
    ledger.add(kind, node, ONE, counterparty=other, job=JOB, detail=detail)
    assert only(ledger).missing == ()
    assert only(ledger).contradictions == (named,)
    assert not only(ledger).is_matched


def test_a_second_answer_to_the_same_job_is_a_contradiction(ledger: Ledger) -> None:
    ledger.use(ONE, JOB)
    ledger.add(EntryKind.ANSWER_SENT, TAX, ONE, counterparty=BANK, job=JOB, detail={"answer": "00" * 32})
    assert only(ledger).contradictions == ("answer_sent",)
    assert [index for index, _ in only(ledger).entries] == [0, 1, 2, 3, 4]


def test_the_provider_s_word_that_it_was_acknowledged_is_no_half(ledger: Ledger) -> None:
    ledger.use(ONE, JOB, without=[EntryKind.ANSWER_RECEIVED])
    index = ledger.add(EntryKind.ANSWER_ACKNOWLEDGED, TAX, ONE, counterparty=BANK, job=JOB)
    assert only(ledger).acknowledged == (index, ledger.entries[index])
    assert only(ledger).missing == (EntryKind.ANSWER_RECEIVED,)
