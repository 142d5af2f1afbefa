"""What nodes report, and what of it the marketplace records."""

from dataclasses import replace
from typing import Any

import pytest
from market import (
    BANK,
    KEYS,
    NOW,
    OTHER,
    REVIEWER,
    TAX,
    VERSIONS,
    Market,
    made_entry,
)

from audit.entry import EntryKind, new_id
from compute.protocols.alignment.messages import Align, AlignReturn
from compute.protocols.base import Cancel, Collect
from compute.protocols.closed_answer.messages import Abandon, Acknowledge
from compute.protocols.joint_statistics.messages import AskPrecheck, AskStatistics
from compute.protocols.key_enrolment.messages import EnrolKey
from compute.protocols.label_vector.messages import RegisterLabels
from compute.protocols.permit_presentation.messages import PresentPermit
from compute.protocols.risk_score.case_states import RefusalCode
from compute.protocols.risk_score.messages import (
    AskDecision,
    AskHistogram,
    AskProviderTerms,
    AskReviewerTerms,
    BandQuery,
    Query,
    RegisterTables,
    SubmitModel,
    WithdrawModel,
)
from marketplace.errors import (
    BadSignatureError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    MarketplaceError,
    OutOfOrderError,
)
from marketplace.flow.event import MODEL_REASONS, REFUSABLE

NODE_KINDS = {
    "provider": {
        "key_enrolled",
        "permit_presented",
        "histogram_sent",
        "labels_registered",
        "cohort_aligned",
        "model_registered",
        "model_withdrawn",
        "query_received",
        "answer_sent",
        "answer_acknowledged",
        "answer_abandoned",
        "subject_erased",
        "legal_hold_placed",
        "legal_hold_lifted",
        "refused",
    },
    "consumer": {
        "query_sent",
        "answer_received",
        "subject_erased",
        "legal_hold_placed",
        "legal_hold_lifted",
        "finding_disposed",
        "refused",
    },
    "model_reviewer": {"model_approved", "model_refused", "model_withdrawn", "refused"},
}


@pytest.mark.parametrize(("node", "role"), [(TAX, "provider"), (BANK, "consumer"), (REVIEWER, "model_reviewer")])
def test_a_node_reports_only_what_nodes_in_its_role_do(market: Market, node: str, role: str) -> None:
    for kind in EntryKind:
        if kind.value in NODE_KINDS[role]:
            assert market.exchange.log.entry(market.report(kind, node)).kind is kind
        else:
            with pytest.raises(ForbiddenError, match=f"not for {node} to record"):
                market.report(kind, node)


def test_an_event_is_one_node_s_and_signed_by_its_key(market: Market) -> None:
    exchange, own = market.exchange, market.entry(EntryKind.REFUSED, TAX)
    size = exchange.log.size()
    foreign = [
        ([market.entry(EntryKind.REFUSED, TAX, key=KEYS[BANK])], BadSignatureError, "not signed by"),
        ([market.entry(EntryKind.REFUSED, "nobody", key=KEYS[BANK])], BadSignatureError, "not enrolled"),
        ([replace(own, time=NOW - 1)], BadSignatureError, "not signed by"),
        ([own, market.entry(EntryKind.REFUSED, BANK)], InvalidError, "several nodes"),
        ([], InvalidError, "there is none"),
    ]
    for events, error, said in foreign:
        with pytest.raises(error, match=said):
            exchange.append_events(events)
    assert exchange.log.size() == size  # it is nobody's in particular, so it is no event


def test_a_retry_gets_the_same_index_and_an_id_is_used_once(market: Market) -> None:
    exchange, event = market.exchange, market.entry(EntryKind.REFUSED, TAX)
    index = exchange.append_events([event])
    assert exchange.append_events([event]) == index
    with pytest.raises(ConflictError, match="taken by another event"):
        market.report(EntryKind.QUERY_RECEIVED, TAX, id=event.id)
    assert exchange.append_events([event]) == index


def test_events_about_a_contract_are_counted_without_a_gap(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    made = [made_entry(EntryKind.QUERY_RECEIVED, TAX, name, counter=number) for number in (1, 2, 3)]
    with pytest.raises(OutOfOrderError, match="the next of market-regulation is 1"):
        exchange.append_events(made[1:])
    exchange.append_events(made[:1])
    for late in (made[2:], [made_entry(EntryKind.QUERY_RECEIVED, TAX, name)]):
        with pytest.raises(OutOfOrderError, match="is 2"):
            exchange.append_events(late)
    exchange.append_events([made_entry(EntryKind.QUERY_RECEIVED, TAX)])  # about none: counted apart
    assert len(exchange.append_events(made)) == 3
    assert market.check().size == exchange.log.size()


def test_a_batch_of_events_is_recorded_whole_and_in_order_or_not_at_all(market: Market) -> None:
    exchange = market.exchange
    first, second, third, unfit = (
        made_entry(kind, TAX, counter=number)
        for number, kind in enumerate([EntryKind.QUERY_RECEIVED] * 3 + [EntryKind.MODEL_APPROVED], 1)
    )
    indices = exchange.append_events([first, second])
    assert indices == [indices[0], indices[0] + 1]
    assert [exchange.log.entry(index) for index in indices] == [first, second]
    assert exchange.append_events([second, first]) == indices[::-1]
    size = exchange.log.size()
    with pytest.raises(ForbiddenError):
        exchange.append_events([third, unfit])
    assert exchange.log.size() == size + 1  # the refusal
    assert third not in list(exchange.log.entries())


@pytest.mark.parametrize(
    "changes",
    [
        {"counterparty": "li-wei-110105199003078888"},
        {"permit_id": "u91330106ma2cfldg4r"},
        {"detail": {"answer": "张三 110105199003078888"}},
        {"detail": {"note": 1}},
        {"detail": {"message": "ZhangSanHasNotPaid"}},
        {"detail": {"rows": 13_800_138_000}},  # a telephone's number
        {"detail": {"rows": -1}},
        {"time": 2**53 - 1},
        {"kind": EntryKind.MODEL_APPROVED},
    ],
)
def test_a_node_cannot_write_a_text_of_its_own_into_the_log(market: Market, changes: dict[str, Any]) -> None:
    size = market.exchange.log.size()
    with pytest.raises(MarketplaceError):
        market.report(**{"kind": EntryKind.REFUSED, "node": TAX, **changes})
    (refusal,) = market.exchange.log.entries(size)
    assert (refusal.kind, refusal.node) == (EntryKind.REFUSED, "market")
    assert "110105" not in str(refusal)


@pytest.mark.parametrize(
    "detail",
    [
        {"product": "another"},
        {"product_version": "9.9.9"},
        {"purpose": "prescreening"},
        {"legal_basis": "law"},
        {"fields": ("naics", "employees")},  # the other department's
        {"fields": "naics"},
    ],
)
def test_what_a_node_says_of_a_contract_is_so_in_its_terms(market: Market, detail: dict[str, Any]) -> None:
    name = market.active()
    granted = {"product": VERSIONS[TAX][1], "product_version": "1.0.0", "purpose": "credit_approval"}
    market.report(EntryKind.ANSWER_SENT, TAX, name, detail={**granted, "fields": ("naics",)})
    for contract in (name, None):
        with pytest.raises(InvalidError, match=r"contract|granted"):
            market.report(EntryKind.ANSWER_SENT, TAX, contract, detail=detail)


def test_an_event_about_a_contract_names_no_stranger_to_it(market: Market) -> None:
    name = market.active()
    with pytest.raises(InvalidError, match="no part in"):
        market.report(EntryKind.QUERY_SENT, BANK, name, counterparty=OTHER)
    market.report(EntryKind.QUERY_SENT, BANK, name, counterparty=TAX)
    market.report(EntryKind.REFUSED, TAX, counterparty=OTHER)  # about none


def test_every_message_that_a_node_takes_can_be_refused() -> None:
    taken = (
        *(PresentPermit, EnrolKey, AskProviderTerms, AskReviewerTerms, SubmitModel, RegisterTables, Query),
        *(Abandon, Acknowledge, AskHistogram, Collect, Cancel, AskDecision, WithdrawModel, BandQuery),
        *(Align, AlignReturn, AskPrecheck, AskStatistics, RegisterLabels),
    )
    assert {each.__name__ for each in taken} | {"Erasure", "Event", "unreadable"} == set(REFUSABLE)


def test_every_reason_of_a_reviewer_can_be_recorded() -> None:
    assert tuple(RefusalCode) == MODEL_REASONS


def test_a_node_cannot_take_the_id_of_anothers_event(market: Market) -> None:
    """Or it could keep an event, as of its own acknowledgement, out of the log for ever."""
    theirs = new_id(TAX, b"an event that everybody can foresee")
    with pytest.raises(InvalidError, match="not of this node"):
        market.report(EntryKind.REFUSED, BANK, id=theirs)
    index = market.report(EntryKind.REFUSED, TAX, id=theirs)
    assert market.exchange.log.entry(index).id == theirs
