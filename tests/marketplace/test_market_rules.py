"""What enrolment, publication, application and contract refuse, and why."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from market import (
    BANK,
    DAY,
    DESCRIPTIONS,
    KEYS,
    LABOUR,
    NOW,
    OTHER,
    RECORDS,
    REVIEWER,
    SUPERVISOR,
    TAX,
    VERSIONS,
    Market,
    grant,
    made_entry,
    terms,
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
from compute.records import PartyRecord
from compute.signing import Signed, digest, sign
from marketplace.errors import (
    BadSignatureError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    MarketplaceError,
    NotFoundError,
    OutOfOrderError,
    WrongStateError,
)
from marketplace.flow.event import MODEL_REASONS, REFUSABLE
from marketplace.flow.states import ApplicationState, ContractState, ProductState

NONCE = b"\7" * 32


# --- enrolment ------------------------------------------------------------------------------------------------


def signed_record(signer: str, key: str, **changes: Any) -> Signed[PartyRecord]:
    return sign(msgspec.structs.replace(RECORDS[BANK], **changes), signer, KEYS[key])


def test_enrolment_needs_the_party_and_the_operator(empty: Market) -> None:
    own, admitted = signed_record(BANK, BANK), signed_record("operator", "operator")
    refused: list[tuple[str, Signed[PartyRecord], Signed[PartyRecord], type[MarketplaceError]]] = [
        (BANK, own, admitted, ForbiddenError),  # not enrolled, let alone the operator
        ("operator", signed_record(BANK, OTHER), admitted, BadSignatureError),
        ("operator", own, signed_record("operator", OTHER), BadSignatureError),
        ("operator", own, signed_record(BANK, BANK), BadSignatureError),
        ("operator", own, signed_record("operator", "operator", kind=RECORDS[TAX].kind), InvalidError),
        ("operator", signed_record("operator", BANK, name="operator"), admitted, InvalidError),
    ]
    for actor, application, admission, error in refused:
        with pytest.raises(error):
            empty.exchange.enrol_party(actor, application, admission)
    market_key = KEYS["market"].public_key().public_bytes_raw()
    with pytest.raises(InvalidError, match="choose others"):
        empty.exchange.enrol_party("operator", signed_record(BANK, "market", public_key=market_key), admitted)
    empty.exchange.enrol_party("operator", own, admitted)
    assert empty.kinds() == ["refused"] * 7 + ["party_enrolled"]


def test_a_name_and_a_key_are_enrolled_once(empty: Market) -> None:
    empty.enrol(BANK)
    with pytest.raises(ConflictError):
        empty.enrol(BANK)
    second = msgspec.structs.replace(RECORDS[BANK], name="bank-b")
    with pytest.raises(ConflictError):
        empty.exchange.enrol_party(
            "operator", sign(second, "bank-b", KEYS[BANK]), sign(second, "operator", KEYS["operator"])
        )


def test_a_party_cannot_act_for_the_market_itself(market: Market) -> None:
    for actor in ("market", "nobody"):
        with pytest.raises(ForbiddenError, match="is not enrolled"):
            market.exchange.directory(actor)


def test_a_suspended_party_can_only_report_and_withdraw(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.register_consents(BANK, market.batch(name, "batch-1", ["a", "b"]))
    permit = exchange.permit_for(BANK, name, TAX).id
    exchange.suspend_party("operator", BANK)
    with pytest.raises(ForbiddenError, match="bank is suspended"):
        exchange.contract(BANK, name)
    assert not exchange.permit_status(TAX, permit, NONCE).statement.active
    assert BANK not in {admission.statement.name for admission in exchange.directory(TAX)}
    assert exchange.withdraw_consent(BANK, market.withdrawal(name, ["a"])) == 1
    market.report(EntryKind.REFUSED, BANK)
    exchange.reinstate_party("operator", BANK)
    assert exchange.permit_status(TAX, permit, NONCE).statement.active


# --- products -------------------------------------------------------------------------------------------------


def test_only_its_provider_publishes_a_product_and_a_version_only_once(market: Market) -> None:
    exchange, description = market.exchange, DESCRIPTIONS[TAX]
    for actor in (LABOUR, BANK, "operator"):
        with pytest.raises(ForbiddenError):
            exchange.publish_product(actor, description)
    with pytest.raises(ForbiddenError, match="enrolled as buyer"):
        exchange.publish_product(BANK, description.replace(TAX.encode(), BANK.encode()))
    for changed in (description, description.replace(b"general_2", b"general_3")):
        with pytest.raises(ConflictError, match="published already"):
            exchange.publish_product(TAX, changed)
    for broken, said in ((b"=", "description"), (b"\xff", "description"), (b"id = 1", "description")):
        with pytest.raises(InvalidError, match=said):
            exchange.publish_product(TAX, broken)
    newer = exchange.publish_product(TAX, description.replace(b'"1.0.0"', b'"1.1.0"'))
    assert newer.state is ProductState.LISTED
    assert [listing.product.version for listing in exchange.list_products()] == ["1.0.0", "1.1.0", "1.0.0"]
    assert exchange.product(*VERSIONS[TAX]).description.encode() == description
    with pytest.raises(NotFoundError):
        exchange.product(TAX, "market-registration", "2.0.0")


def test_a_suspended_product_stops_its_permits_and_a_delisted_one_does_not(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    permit = exchange.permit_for(BANK, name, TAX).id
    exchange.suspend_product("operator", *VERSIONS[TAX])
    assert not exchange.permit_status(BANK, permit, NONCE).statement.active
    exchange.reinstate_product("operator", *VERSIONS[TAX])
    exchange.delist_product(TAX, *VERSIONS[TAX])
    assert exchange.permit_status(BANK, permit, NONCE).statement.active
    with pytest.raises(NotFoundError, match="no listed product"):
        market.applied("loans-2")


# --- applications ---------------------------------------------------------------------------------------------

UNGRANTABLE: list[tuple[dict[str, Any], type[MarketplaceError], str]] = [
    ({"consumer": OTHER}, ForbiddenError, "apply for yourself"),
    ({"contract": "contract-1"}, InvalidError, "is not the name for reference"),
    ({"not_before": 0, "not_after": NOW}, InvalidError, "is over"),
    ({"model_reviewer": "nobody"}, InvalidError, "no enrolled model reviewer"),
    ({"model_reviewer": OTHER}, InvalidError, "no enrolled model reviewer"),
    ({"grants": (grant(TAX, "employees"),)}, InvalidError, "no field employees"),
    ({"grants": (grant(TAX, "naics", "uscc"),)}, InvalidError, "no field uscc"),
    ({"grants": (grant(TAX, "naics", product_version="9.0.0"),)}, NotFoundError, "no listed product"),
    ({"grants": (grant(TAX, "naics", provider=LABOUR),)}, NotFoundError, "no listed product"),
]


@pytest.mark.parametrize(("changes", "error", "said"), UNGRANTABLE)
def test_what_cannot_be_applied_for(
    market: Market, changes: dict[str, Any], error: type[MarketplaceError], said: str
) -> None:
    with pytest.raises(error, match=said):
        market.exchange.apply(BANK, "loans-1", terms(**changes))
    assert market.kinds()[-1] == "refused"
    assert market.exchange.applications(BANK) == []


def test_who_cannot_apply(market: Market) -> None:
    for actor in (TAX, REVIEWER, SUPERVISOR, "operator"):
        with pytest.raises(ForbiddenError, match="takes part as"):
            market.exchange.apply(actor, "loans-1", terms(consumer=actor))


def test_a_product_that_is_not_delivered_encrypted_cannot_be_computed_with(market: Market) -> None:
    other = DESCRIPTIONS[TAX].replace(b'["encrypted", "aggregate"]', b'["aggregate"]').replace(b"1.0.0", b"2.0.0")
    market.exchange.publish_product(TAX, other)
    with pytest.raises(InvalidError, match="not delivered encrypted"):
        market.exchange.apply(BANK, "loans-1", terms(grants=(grant(TAX, "naics", product_version="2.0.0"),)))


def test_an_application_is_submitted_once(market: Market) -> None:
    name = market.applied()
    with pytest.raises(ConflictError, match="applied for already"):
        market.applied()
    market.exchange.reject(TAX, name)
    with pytest.raises(ConflictError):
        market.applied()
    assert market.applied("loans-2") != name


def test_one_rejection_ends_the_application(market: Market) -> None:
    exchange, name = market.exchange, market.applied()
    market.approve(TAX, name)
    assert exchange.reject(LABOUR, name).state is ApplicationState.REJECTED
    with pytest.raises(WrongStateError):
        market.approve(LABOUR, name)
    second = market.applied("loans-2")
    exchange.reject(TAX, second)
    with pytest.raises(WrongStateError, match="is rejected"):
        market.approve(LABOUR, second)
    with pytest.raises(ConflictError, match=f"is no contract: {LABOUR} rejected it"):
        exchange.contract(BANK, name)


def test_whose_approval_is_missing_is_told_to_the_parties_alone(market: Market) -> None:
    exchange, name = market.exchange, market.applied()
    market.approve(TAX, name)
    with pytest.raises(ConflictError, match=f"is no contract yet: {LABOUR} did not approve it"):
        exchange.contract(TAX, name)
    with pytest.raises(NotFoundError):
        exchange.contract(OTHER, name)


def test_a_returned_part_is_corrected_and_the_others_stand(market: Market) -> None:
    exchange, name = market.exchange, market.applied()
    market.approve(LABOUR, name)
    assert exchange.return_for_correction(TAX, name).state is ApplicationState.RETURNED
    narrower = grant(TAX, "naics")
    with pytest.raises(WrongStateError, match="is returned"):
        market.approve(TAX, name)
    with pytest.raises(WrongStateError):
        exchange.resubmit(BANK, name, grant(LABOUR, "employees"))
    with pytest.raises(ForbiddenError):
        exchange.resubmit(TAX, name, narrower)
    with pytest.raises(InvalidError, match="no part"):
        exchange.resubmit(BANK, name, grant(TAX, "naics", provider=OTHER))
    with pytest.raises(InvalidError, match="no field"):
        exchange.resubmit(BANK, name, grant(TAX, "employees"))
    corrected = exchange.resubmit(BANK, name, narrower)
    assert corrected.parts == {TAX: ApplicationState.SUBMITTED, LABOUR: ApplicationState.APPROVED}
    market.approve(TAX, name)
    assert exchange.contract(BANK, name).terms == terms(grants=(narrower, terms().grants[1]))


def test_only_the_terms_that_were_read_are_approved(market: Market) -> None:
    exchange, name = market.exchange, market.applied()
    read = digest(exchange.application(TAX, name).terms).hex()
    exchange.return_for_correction(TAX, name)
    exchange.resubmit(BANK, name, grant(TAX, "naics"))  # while the provider still has the first terms before it
    for other in (read, "00" * 32, read.upper(), ""):
        with pytest.raises(ConflictError, match="other terms than you read"):
            exchange.approve(TAX, name, other)
    assert exchange.application(TAX, name).parts[TAX] is ApplicationState.SUBMITTED
    assert market.refusals()[-1] == (TAX, "approve", "conflict")
    now = digest(exchange.application(TAX, name).terms).hex()
    assert exchange.approve(TAX, name, now).parts[TAX] is ApplicationState.APPROVED


def test_nothing_is_approved_or_signed_after_its_term(market: Market) -> None:
    applied, drafted = market.applied(), market.drafted("loans-2")
    market.clock.now = NOW + 30 * DAY
    with pytest.raises(InvalidError, match="is over"):
        market.approve(TAX, applied)
    with pytest.raises(InvalidError, match="is over"):
        market.exchange.sign_contract(BANK, market.signed(BANK, drafted))


# --- contracts ------------------------------------------------------------------------------------------------


def test_a_contract_is_signed_with_the_keys_of_its_parties_and_none_other(market: Market) -> None:
    exchange, name = market.exchange, market.drafted()
    held = exchange.contract(BANK, name).terms
    with pytest.raises(BadSignatureError):  # another party's key
        exchange.sign_contract(BANK, sign(held, BANK, KEYS[OTHER]))
    with pytest.raises(BadSignatureError):  # another party's signature, handed in as one's own
        exchange.sign_contract(BANK, market.signed(TAX, name))
    with pytest.raises(NotFoundError):
        exchange.sign_contract(OTHER, sign(held, OTHER, KEYS[OTHER]))
    with pytest.raises(ForbiddenError):
        exchange.sign_contract("operator", sign(held, "operator", KEYS["operator"]))
    broken = market.signed(BANK, name)
    broken = msgspec.structs.replace(broken, signature=bytes([broken.signature[0] ^ 1]) + broken.signature[1:])
    with pytest.raises(BadSignatureError):
        exchange.sign_contract(BANK, broken)
    assert exchange.contract(BANK, name).signed == ()


def test_terms_changed_after_one_signature_are_not_the_contract(market: Market) -> None:
    exchange, name = market.exchange, market.drafted()
    exchange.sign_contract(BANK, market.signed(BANK, name))
    changes: list[dict[str, Any]] = [
        {"max_uses": 20_000},
        {"purpose": "prescreening"},
        {"grants": (grant(TAX, "naics", "state"), grant(LABOUR, "employees"))},
        {"not_after": NOW + 60 * DAY},
    ]
    for change in changes:
        with pytest.raises(InvalidError, match="not the terms"):
            exchange.sign_contract(TAX, market.signed(TAX, name, **change))
    with pytest.raises(ConflictError, match="signed"):
        exchange.sign_contract(BANK, market.signed(BANK, name))
    assert exchange.contract(BANK, name).signed == (market.signed(BANK, name),)


def test_whoever_signs_first_the_order_is_that_of_the_terms(market: Market) -> None:
    exchange, name = market.exchange, market.drafted()
    for party in (LABOUR, TAX, BANK):
        contract = exchange.sign_contract(party, market.signed(party, name))
    assert tuple(signed.signer for signed in contract.signed) == contract.terms.parties == (BANK, TAX, LABOUR)


@pytest.mark.parametrize("end", ["terminate", "suspend", "revoke"])
def test_whatever_ends_a_contract_ends_its_permits(market: Market, end: str) -> None:
    exchange, name = market.exchange, market.active()
    permit = exchange.permit_for(BANK, name, TAX).id
    match end:
        case "terminate":
            assert exchange.terminate_contract(LABOUR, name).state is ContractState.TERMINATED
        case "suspend":
            exchange.suspend_contract("operator", name)
        case "revoke":
            exchange.revoke_permit("operator", permit)
    status = exchange.permit_status(BANK, permit, NONCE)
    assert (status.signer, status.statement.nonce, status.statement.active) == ("market", NONCE, False)
    with pytest.raises(InvalidError, match="nonce"):
        exchange.permit_status(BANK, permit, b"")


# --- events of nodes ------------------------------------------------------------------------------------------


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


def test_a_provider_cannot_lift_a_suspension_by_delisting(market: Market) -> None:
    exchange, key = market.exchange, VERSIONS[TAX]
    permit = exchange.permit_for(TAX, market.active(), TAX).id
    assert exchange.permit_status(BANK, permit, NONCE).statement.active
    exchange.suspend_product("operator", *key)
    with pytest.raises(WrongStateError):
        exchange.delist_product(TAX, *key)
    assert not exchange.permit_status(BANK, permit, NONCE).statement.active
