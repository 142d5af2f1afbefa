"""What enrolment, publication, application and contract refuse, and why."""

from typing import Any

import msgspec
import pytest
from entry import admit
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
    STOP,
    SUPERVISOR,
    TAX,
    VERSIONS,
    WHY,
    Market,
    grant,
    terms,
)

from audit.entry import EntryKind
from compute.records import PartyRecord
from compute.signing import Signed, digest, sign
from marketplace.errors import (
    BadSignatureError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    MarketplaceError,
    NotFoundError,
    WrongStateError,
)
from marketplace.flow.states import ApplicationState, ContractState, ProductState

NONCE = b"\7" * 32


# --- enrolment ------------------------------------------------------------------------------------------------


def signed_record(signer: str, key: str, **changes: Any) -> Signed[PartyRecord]:
    return sign(msgspec.structs.replace(RECORDS[BANK], **changes), signer, KEYS[key])


def test_enrolment_needs_the_party_and_the_operator(empty: Market) -> None:
    own, admitted = signed_record(BANK, BANK), signed_record("operator", "operator")
    other = signed_record("operator", "operator", name=OTHER, kind=RECORDS[TAX].kind)
    refused: list[tuple[str, Signed[PartyRecord], Signed[PartyRecord], type[MarketplaceError]]] = [
        (BANK, own, admitted, ForbiddenError),  # not enrolled, let alone the operator
        ("operator", signed_record(BANK, OTHER), admitted, BadSignatureError),
        ("operator", own, signed_record("operator", OTHER), BadSignatureError),
        ("operator", own, signed_record(BANK, BANK), BadSignatureError),
        ("operator", own, signed_record("operator", "operator", kind=RECORDS[TAX].kind), InvalidError),
        ("operator", signed_record("operator", BANK, name="operator"), admitted, InvalidError),
    ]
    admit(empty.exchange, OTHER, RECORDS[BANK].kind)
    refused += [
        ("operator", own, admitted, InvalidError),  # nobody has admitted the organisation
        ("operator", signed_record(OTHER, BANK, name=OTHER, kind=RECORDS[TAX].kind), other, InvalidError),
    ]
    for actor, application, admission, error in refused:
        with pytest.raises(error):
            empty.exchange.enrol_party(actor, application, admission)
    market_key = KEYS["market"].public_key().public_bytes_raw()
    with pytest.raises(InvalidError, match="choose others"):
        empty.exchange.enrol_party("operator", signed_record(BANK, "market", public_key=market_key), admitted)
    admit(empty.exchange, BANK, RECORDS[BANK].kind)
    empty.exchange.enrol_party("operator", own, admitted)
    assert [kind for kind in empty.kinds() if not kind.startswith(("organisation", "agreement"))] == [
        *["refused"] * 9,
        "party_enrolled",
    ]


def test_a_name_and_a_key_are_enrolled_once(empty: Market) -> None:
    empty.enrol(BANK)
    with pytest.raises(ConflictError):
        empty.enrol(BANK)
    second = msgspec.structs.replace(RECORDS[BANK], name="bank-b")
    admit(empty.exchange, "bank-b", second.kind)
    with pytest.raises(ConflictError):
        empty.exchange.enrol_party(
            "operator", sign(second, "bank-b", KEYS[BANK]), sign(second, "operator", KEYS["operator"])
        )


def test_a_party_cannot_act_for_the_market_itself(market: Market) -> None:
    for actor in ("market", "nobody"):
        with pytest.raises(ForbiddenError, match="does not take part"):
            market.exchange.directory(actor)


def test_a_suspended_party_can_only_report_and_withdraw(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.consents.register(BANK, market.registration(name, "batch-1", ["a", "b"]))
    permit = exchange.permits.load(BANK, name, TAX).id
    exchange.organisations.suspend("operator", BANK, "breach")
    with pytest.raises(ForbiddenError, match="bank is suspended"):
        exchange.contracts.load(BANK, name)
    assert not exchange.permits.status(TAX, permit, NONCE).statement.active
    assert BANK not in {admission.statement.name for admission in exchange.directory(TAX)}
    assert exchange.consents.withdraw(BANK, market.withdrawal(name, ["a"])) == 1
    market.report(EntryKind.REFUSED, BANK)
    exchange.organisations.reinstate("operator", BANK)
    assert exchange.permits.status(TAX, permit, NONCE).statement.active


# --- products -------------------------------------------------------------------------------------------------


def test_only_its_provider_publishes_a_product_and_a_version_only_once(market: Market) -> None:
    exchange, description = market.exchange, DESCRIPTIONS[TAX]
    for actor in (LABOUR, BANK, "operator"):
        with pytest.raises(ForbiddenError):
            exchange.products.publish(actor, description)
    with pytest.raises(ForbiddenError, match="enrolled as buyer"):
        exchange.products.publish(BANK, description.replace(TAX.encode(), BANK.encode()))
    for changed in (description, description.replace(b"general_2", b"general_3")):
        with pytest.raises(ConflictError, match="described already"):
            exchange.products.publish(TAX, changed)
    for broken, said in ((b"=", "description"), (b"\xff", "description"), (b"id = 1", "description")):
        with pytest.raises(InvalidError, match=said):
            exchange.products.publish(TAX, broken)
    newer = market.offer(TAX, description.replace(b'"1.0.0"', b'"1.1.0"'))
    assert newer.state is ProductState.LISTED
    assert [listing.product.version for listing in market.listed()] == ["1.0.0", "1.1.0", "1.0.0"]
    assert exchange.products.version(VERSIONS[TAX]).description.encode() == description
    with pytest.raises(NotFoundError):
        exchange.products.version((TAX, "market-registration", "2.0.0"))


def test_a_suspended_product_stops_its_permits_and_a_delisted_one_does_not(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    permit = exchange.permits.load(BANK, name, TAX).id
    exchange.products.suspend("operator", VERSIONS[TAX], STOP)
    assert not exchange.permits.status(BANK, permit, NONCE).statement.active
    exchange.products.reinstate("operator", VERSIONS[TAX])
    exchange.products.delist(TAX, VERSIONS[TAX], STOP)
    assert exchange.permits.status(BANK, permit, NONCE).statement.active
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
        market.exchange.applications.apply(BANK, "loans-1", terms(**changes))
    assert market.kinds()[-1] == "refused"
    assert market.exchange.applications.page(BANK, "", 10) == []


def test_who_cannot_apply(market: Market) -> None:
    for actor in (TAX, REVIEWER, SUPERVISOR, "operator"):
        with pytest.raises(ForbiddenError, match="takes part as"):
            market.exchange.applications.apply(actor, "loans-1", terms(consumer=actor))


def test_a_product_that_is_not_delivered_encrypted_cannot_be_computed_with(market: Market) -> None:
    other = DESCRIPTIONS[TAX].replace(b'["encrypted", "aggregate"]', b'["aggregate"]').replace(b"1.0.0", b"2.0.0")
    market.offer(TAX, other)
    with pytest.raises(InvalidError, match="not delivered encrypted"):
        market.exchange.applications.apply(
            BANK, "loans-1", terms(grants=(grant(TAX, "naics", product_version="2.0.0"),))
        )


def test_an_application_is_submitted_once(market: Market) -> None:
    name = market.applied()
    with pytest.raises(ConflictError, match="applied for already"):
        market.applied()
    market.exchange.applications.reject(TAX, name, WHY)
    with pytest.raises(ConflictError):
        market.applied()
    assert market.applied("loans-2") != name


def test_one_rejection_ends_the_application(market: Market) -> None:
    exchange, name = market.exchange, market.applied()
    market.approve(TAX, name)
    assert exchange.applications.reject(LABOUR, name, WHY).state is ApplicationState.REJECTED
    with pytest.raises(WrongStateError):
        market.approve(LABOUR, name)
    second = market.applied("loans-2")
    exchange.applications.reject(TAX, second, WHY)
    with pytest.raises(WrongStateError, match="is rejected"):
        market.approve(LABOUR, second)
    with pytest.raises(ConflictError, match=f"is no contract: {LABOUR} rejected it"):
        exchange.contracts.load(BANK, name)


def test_whose_approval_is_missing_is_told_to_the_parties_alone(market: Market) -> None:
    exchange, name = market.exchange, market.applied()
    market.approve(TAX, name)
    with pytest.raises(ConflictError, match=f"is no contract yet: {LABOUR} did not approve it"):
        exchange.contracts.load(TAX, name)
    with pytest.raises(NotFoundError):
        exchange.contracts.load(OTHER, name)


def test_a_returned_part_is_corrected_and_the_others_stand(market: Market) -> None:
    exchange, name = market.exchange, market.applied()
    market.approve(LABOUR, name)
    assert exchange.applications.return_for_correction(TAX, name, WHY).state is ApplicationState.RETURNED
    narrower = grant(TAX, "naics")
    with pytest.raises(WrongStateError, match="is returned"):
        market.approve(TAX, name)
    with pytest.raises(WrongStateError):
        exchange.applications.resubmit(BANK, name, grant(LABOUR, "employees"))
    with pytest.raises(ForbiddenError):
        exchange.applications.resubmit(TAX, name, narrower)
    with pytest.raises(InvalidError, match="no part"):
        exchange.applications.resubmit(BANK, name, grant(TAX, "naics", provider=OTHER))
    with pytest.raises(InvalidError, match="no field"):
        exchange.applications.resubmit(BANK, name, grant(TAX, "employees"))
    corrected = exchange.applications.resubmit(BANK, name, narrower)
    assert corrected.parts == {TAX: ApplicationState.SUBMITTED, LABOUR: ApplicationState.APPROVED}
    market.approve(TAX, name)
    assert exchange.contracts.load(BANK, name).terms == terms(grants=(narrower, terms().grants[1]))


def test_only_the_terms_that_were_read_are_approved(market: Market) -> None:
    exchange, name = market.exchange, market.applied()
    read = digest(exchange.applications.load(TAX, name).terms).hex()
    exchange.applications.return_for_correction(TAX, name, WHY)
    exchange.applications.resubmit(
        BANK, name, grant(TAX, "naics")
    )  # while the provider still has the first terms before it
    for other in (read, "00" * 32, read.upper(), ""):
        with pytest.raises(ConflictError, match="other terms than you read"):
            exchange.applications.approve(TAX, name, other)
    assert exchange.applications.load(TAX, name).parts[TAX] is ApplicationState.SUBMITTED
    assert market.refusals()[-1] == (TAX, "approve", "conflict")
    now = digest(exchange.applications.load(TAX, name).terms).hex()
    assert exchange.applications.approve(TAX, name, now).parts[TAX] is ApplicationState.APPROVED


def test_nothing_is_approved_or_signed_after_its_term(market: Market) -> None:
    applied, drafted = market.applied(), market.drafted("loans-2")
    market.clock.now = NOW + 30 * DAY
    with pytest.raises(InvalidError, match="is over"):
        market.approve(TAX, applied)
    with pytest.raises(InvalidError, match="is over"):
        market.exchange.contracts.sign(BANK, market.signed(BANK, drafted))


# --- contracts ------------------------------------------------------------------------------------------------


def test_a_contract_is_signed_with_the_keys_of_its_parties_and_none_other(market: Market) -> None:
    exchange, name = market.exchange, market.drafted()
    held = exchange.contracts.load(BANK, name).terms
    with pytest.raises(BadSignatureError):  # another party's key
        exchange.contracts.sign(BANK, sign(held, BANK, KEYS[OTHER]))
    with pytest.raises(BadSignatureError):  # another party's signature, handed in as one's own
        exchange.contracts.sign(BANK, market.signed(TAX, name))
    with pytest.raises(NotFoundError):
        exchange.contracts.sign(OTHER, sign(held, OTHER, KEYS[OTHER]))
    with pytest.raises(ForbiddenError):
        exchange.contracts.sign("operator", sign(held, "operator", KEYS["operator"]))
    broken = market.signed(BANK, name)
    broken = msgspec.structs.replace(broken, signature=bytes([broken.signature[0] ^ 1]) + broken.signature[1:])
    with pytest.raises(BadSignatureError):
        exchange.contracts.sign(BANK, broken)
    assert exchange.contracts.load(BANK, name).signed == ()


def test_terms_changed_after_one_signature_are_not_the_contract(market: Market) -> None:
    exchange, name = market.exchange, market.drafted()
    exchange.contracts.sign(BANK, market.signed(BANK, name))
    changes: list[dict[str, Any]] = [
        {"max_uses": 20_000},
        {"purpose": "prescreening"},
        {"grants": (grant(TAX, "naics", "state"), grant(LABOUR, "employees"))},
        {"not_after": NOW + 60 * DAY},
    ]
    for change in changes:
        with pytest.raises(InvalidError, match="not the terms"):
            exchange.contracts.sign(TAX, market.signed(TAX, name, **change))
    with pytest.raises(ConflictError, match="signed"):
        exchange.contracts.sign(BANK, market.signed(BANK, name))
    assert exchange.contracts.load(BANK, name).signed == (market.signed(BANK, name),)


def test_whoever_signs_first_the_order_is_that_of_the_terms(market: Market) -> None:
    exchange, name = market.exchange, market.drafted()
    for party in (LABOUR, TAX, BANK):
        contract = exchange.contracts.sign(party, market.signed(party, name))
    assert tuple(signed.signer for signed in contract.signed) == contract.terms.parties == (BANK, TAX, LABOUR)


@pytest.mark.parametrize("end", ["terminate", "suspend", "revoke"])
def test_whatever_ends_a_contract_ends_its_permits(market: Market, end: str) -> None:
    exchange, name = market.exchange, market.active()
    permit = exchange.permits.load(BANK, name, TAX).id
    match end:
        case "terminate":
            assert exchange.contracts.terminate(LABOUR, name, WHY).state is ContractState.TERMINATED
        case "suspend":
            exchange.contracts.suspend("operator", name, WHY)
        case "revoke":
            exchange.permits.revoke("operator", permit, WHY)
    status = exchange.permits.status(BANK, permit, NONCE)
    assert (status.signer, status.statement.nonce, status.statement.active) == ("market", NONCE, False)
    with pytest.raises(InvalidError, match="nonce"):
        exchange.permits.status(BANK, permit, b"")


def test_a_provider_cannot_lift_a_suspension_by_delisting(market: Market) -> None:
    exchange, key = market.exchange, VERSIONS[TAX]
    permit = exchange.permits.load(TAX, market.active(), TAX).id
    assert exchange.permits.status(BANK, permit, NONCE).statement.active
    exchange.products.suspend("operator", key, STOP)
    with pytest.raises(WrongStateError):
        exchange.products.delist(TAX, key, STOP)
    assert not exchange.permits.status(BANK, permit, NONCE).statement.active
