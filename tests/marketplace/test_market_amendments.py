"""A contract's life after it was signed: next versions, stops by each side, ends, renewal, certificates."""

from typing import Any

import msgspec
import pytest
from market import BANK, DAY, KEYS, LABOUR, NOW, OTHER, TAX, WHY, Market, grant, terms
from sqlalchemy import select

from audit.entry import EntryKind as Kind
from audit.tracing.rules import beyond_grant, gather
from compute.agreement.documents import amended, is_bound
from compute.agreement.odrl import policy
from compute.agreement.text import text
from compute.market.contracts import DestructionCertificate, Kept
from compute.market.reasons import Reason, Why
from compute.permit import PermitError, check_permit, permit_name
from compute.records import contract_name
from compute.signing import Pin, Signed, digest, sign
from compute.terms import Terms, Use
from marketplace.errors import (
    BadSignatureError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    WrongStateError,
)
from marketplace.flow.states import AmendmentState, ContractState
from marketplace.store.notice_tables import notices

NONCE = bytes(range(32))
PARTIES = (BANK, TAX, LABOUR)


def following(market: Market, name: str, **changes: Any) -> Terms:
    held = market.exchange.contracts.load(BANK, name).terms
    return amended(held, version=held.version + 1, **changes)


def amend(market: Market, name: str, **changes: Any) -> Terms:
    """Put a next version in force, proposed by the bank."""
    new = following(market, name, **changes)
    market.exchange.amendments.propose(BANK, name, new)
    for party in PARTIES:
        market.exchange.amendments.sign(party, sign(new, party, KEYS[party]))
    return new


def certificate(market: Market, name: str, by: str, **changes: Any) -> Signed[DestructionCertificate]:
    made = DestructionCertificate(
        contract=name,
        party=by,
        at=market.clock.now,
        destroyed={Kept.LABEL_VECTORS: 2, Kept.PARTS: 0},
        retained=(Kept.SALTS,),
        retained_until=market.clock.now + 90 * DAY,
    )
    return sign(msgspec.structs.replace(made, **changes), by, KEYS[by])


# --- amendments -----------------------------------------------------------------------------------------------


def test_a_next_version_binds_once_all_have_signed_and_not_before(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    old = exchange.contracts.load(BANK, name)
    new = following(market, name, max_uses=900, not_after=NOW + 60 * DAY)
    exchange.amendments.propose(TAX, name, new)
    for party in (BANK, TAX):
        exchange.amendments.sign(party, sign(new, party, KEYS[party]))
    assert exchange.contracts.load(BANK, name) == old
    with pytest.raises(ConflictError, match=r"signed .* already"):
        exchange.amendments.sign(BANK, sign(new, BANK, KEYS[BANK]))
    with pytest.raises(InvalidError, match="not the terms"):
        exchange.amendments.sign(LABOUR, sign(old.terms, LABOUR, KEYS[LABOUR]))
    assert exchange.amendments.sign(LABOUR, sign(new, LABOUR, KEYS[LABOUR])).state is AmendmentState.IN_FORCE
    held = exchange.contracts.load(BANK, name)
    assert (held.terms, held.state, len(held.signed)) == (new, ContractState.ACTIVE, 3)
    assert [each.version for each in exchange.contracts.versions(BANK, name)] == [1, 2]
    assert exchange.contracts.agreement(BANK, name, 1).terms == old.terms
    kinds = market.kinds()
    assert kinds[kinds.index("contract_amended") :] == ["contract_amended", "permit_issued", "permit_issued"]
    market.clock.now = NOW + 40 * DAY  # the first version would be over
    assert exchange.permits.status(BANK, permit_name(name, TAX), NONCE).statement.active


def test_a_permit_of_the_version_before_opens_nothing_and_the_count_goes_on(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    before, contract = exchange.permits.load(BANK, name, TAX), exchange.contracts.load(BANK, name)
    new = amend(market, name, grants=(grant(TAX, "naics"), terms().grants[1]), max_uses=50)
    after = exchange.permits.load(BANK, name, TAX)
    assert after.id == before.id  # by which a provider counts uses
    assert after.token != before.token
    pins = exchange.pins() | {"market": Pin("operator", KEYS["market"].public_key().public_bytes_raw())}
    use = {"consumer": BANK, "provider": TAX, "product": "market-registration", "product_version": "1.0.0"}
    status = exchange.permits.status(TAX, after.id, NONCE)

    def check(token: str, signed: tuple[Signed[Terms], ...], used: int, *fields: str) -> object:
        asked = Use(
            **use,
            fields=frozenset(fields),
            operation="risk_score",
            purpose="credit_approval",
            uses=1,
            used=used,
            time=market.clock.now,
        )
        return check_permit(token, signed, status, nonce=NONCE, issuer="market", pins=pins, use=asked)

    with pytest.raises(PermitError, match="check 4: the contract has another version"):
        check(before.token, contract.signed, 0, "naics")
    now_signed = exchange.contracts.load(BANK, name).signed
    assert check(after.token, now_signed, 49, "naics")
    with pytest.raises(PermitError, match="0 of 50 left"):
        check(after.token, now_signed, 50, "naics")
    with pytest.raises(PermitError, match="franchise of market-registration not granted"):
        check(after.token, now_signed, 0, "franchise")
    assert new.version == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_uses": 20_000}, "more than subjects consented to: max_uses"),
        ({"purpose": "credit_monitoring"}, "more than subjects consented to: purpose"),
        ({"subject_types": ("enterprise", "person")}, "more than subjects consented to: subject_types"),
        ({"grants": (grant(TAX, "naics", "franchise", "state"), terms().grants[1])}, "consented to: fields"),
        ({"grants": (terms().grants[0],)}, "keeps the parties"),
        ({"version": 3}, "the next version of the contract is 2, not 3"),
        ({"not_before": 0, "not_after": NOW}, "is over"),
    ],
)
def test_what_subjects_consented_to_is_not_widened(market: Market, changes: dict[str, Any], said: str) -> None:
    name = market.active()
    new = following(market, name, **{key: value for key, value in changes.items() if key != "version"})
    new = amended(new, **changes)
    with pytest.raises(InvalidError, match=said):
        market.exchange.amendments.propose(BANK, name, new)


def test_an_amendment_is_declined_withdrawn_or_forgotten_and_the_contract_stays(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    new = following(market, name, max_uses=5)
    with pytest.raises(NotFoundError):
        exchange.amendments.load(BANK, name)
    with pytest.raises(NotFoundError):
        exchange.amendments.propose(OTHER, name, new)
    with pytest.raises(ForbiddenError):
        exchange.amendments.propose("operator", name, new)
    exchange.amendments.propose(BANK, name, new)
    with pytest.raises(WrongStateError, match="another amendment"):
        exchange.amendments.propose(TAX, name, new)
    with pytest.raises(ForbiddenError, match="its proposer withdraws it"):
        exchange.amendments.withdraw(TAX, name, WHY)
    assert exchange.amendments.decline(TAX, name, WHY).state is AmendmentState.DECLINED
    exchange.amendments.propose(BANK, name, new)
    not_needed = Why(reason=Reason.NOT_NEEDED)
    assert exchange.amendments.withdraw(BANK, name, not_needed).state is AmendmentState.WITHDRAWN
    exchange.amendments.propose(BANK, name, new)
    exchange.contracts.revoke(LABOUR, name, WHY)
    assert exchange.amendments.load(BANK, name).state is AmendmentState.EXPIRED
    with pytest.raises(WrongStateError):
        exchange.amendments.sign(BANK, sign(new, BANK, KEYS[BANK]))
    ends = [each for each in exchange.applications.history(BANK, name).moves if each.noun == "amendment"]
    assert [(each.move, each.reason) for each in ends if each.move != "apply"] == [
        ("decline", "other"),
        ("withdraw", "not_needed"),
        ("expire", "contract_over"),
    ]


def test_events_of_either_version_are_taken(market: Market) -> None:
    name, permit = market.active(), permit_name(terms().contract, TAX)
    named = {"counterparty": BANK, "permit_id": permit}
    both = {"fields": ("franchise", "naics")}
    market.report(Kind.QUERY_RECEIVED, TAX, name, job="1" * 64, detail=both, **named)  # the terms are remembered
    amend(market, name, grants=(grant(TAX, "naics", product_version="1.0.0"), terms().grants[1]))
    market.report(Kind.QUERY_RECEIVED, TAX, name, job="2" * 64, detail={"fields": ("naics",)}, **named)
    market.report(Kind.QUERY_RECEIVED, TAX, name, job="3" * 64, detail=both, **named)  # of a use before
    with pytest.raises(InvalidError, match="not granted"):
        market.report(Kind.QUERY_RECEIVED, TAX, name, job="4" * 64, detail={"fields": ("state",)}, **named)


# --- stops and ends -------------------------------------------------------------------------------------------


def test_each_side_stops_a_contract_and_lifts_only_its_own_stop(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    for side in (BANK, "operator", TAX):
        assert exchange.contracts.suspend(side, name, WHY).state is ContractState.SUSPENDED
    with pytest.raises(ConflictError, match=r"suspended .* already"):
        exchange.contracts.suspend(TAX, name, WHY)
    with pytest.raises(ForbiddenError, match=f"suspended by {BANK}, {TAX}, operator"):
        exchange.contracts.reinstate(LABOUR, name)
    for side in (BANK, "operator"):
        assert exchange.contracts.reinstate(side, name).state is ContractState.SUSPENDED
        assert not exchange.permits.status(BANK, permit_name(name, TAX), NONCE).statement.active
    assert exchange.contracts.reinstate(TAX, name).state is ContractState.ACTIVE
    assert exchange.permits.status(BANK, permit_name(name, TAX), NONCE).statement.active


@pytest.mark.parametrize("side", [BANK, TAX, "operator"])
def test_any_side_revokes_and_all_parties_are_told(market: Market, side: str) -> None:
    exchange, name = market.exchange, market.active()
    with pytest.raises(InvalidError, match="not_needed is no reason"):
        exchange.contracts.revoke(side, name, Why(reason=Reason.NOT_NEEDED))
    assert exchange.contracts.revoke(side, name, Why(reason=Reason.BREACH)).state is ContractState.REVOKED
    assert not exchange.permits.status(BANK, permit_name(name, TAX), NONCE).statement.active
    *_, entry = exchange.log.entries()
    assert (entry.kind, entry.detail["reason"]) == (Kind.CONTRACT_REVOKED, "breach")
    with exchange.log.snapshot() as connection:
        told = connection.execute(select(notices.c.organisation).where(notices.c.topic == "contract_stopped"))
        assert set(told.scalars()) == {*PARTIES} - {side}


# --- renewal --------------------------------------------------------------------------------------------------


def test_a_renewal_is_a_new_contract_whose_subjects_are_asked_again(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.consents.register(BANK, market.registration(name, "batch-1", ["a", "b"]))
    begin, end = NOW + 30 * DAY, NOW + 60 * DAY
    with pytest.raises(NotFoundError):
        exchange.applications.renew(TAX, name, "loans-2", 10, begin, end)
    made = exchange.applications.renew(BANK, name, "loans-2", 10, begin, end)
    assert made.terms.renews == name
    assert made.terms.contract == contract_name(BANK, "loans-2")
    assert is_bound(made.terms)
    second = made.terms.contract
    for provider in (TAX, LABOUR):
        market.approve(provider, second)
    for party in PARTIES:
        exchange.contracts.sign(party, market.signed(party, second))
    renewed = [entry for entry in exchange.log.entries() if entry.kind is Kind.CONTRACT_RENEWED]
    assert [(each.contract, each.detail["renewed_by"]) for each in renewed] == [(name, second)]
    assert exchange.contracts.load(BANK, name).state is ContractState.ACTIVE  # to its own end
    assert exchange.consents.of(TAX, second).batches == ()


# --- documents ------------------------------------------------------------------------------------------------


def test_the_documents_are_of_the_terms_and_kept_as_they_were(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    found = exchange.contracts.agreement(TAX, name)
    held = exchange.contracts.load(TAX, name).terms
    assert (found.policy, found.zh, found.en) == (
        policy(held),
        text(held, "zh").encode(),
        text(held, "en").encode(),
    )
    with pytest.raises(NotFoundError, match="no version 2"):
        exchange.contracts.agreement(TAX, name, 2)
    with pytest.raises(NotFoundError):
        exchange.contracts.agreement(OTHER, name)


# --- certificates of destruction ------------------------------------------------------------------------------


def test_the_parties_of_a_contract_that_is_over_certify_what_they_destroyed(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    with pytest.raises(WrongStateError, match="nothing of it is to be destroyed"):
        exchange.contracts.certify(BANK, certificate(market, name, BANK))
    assert exchange.contracts.certificates(BANK, name).owing == ()
    exchange.contracts.terminate(BANK, name, WHY)
    assert exchange.contracts.certificates(BANK, name).owing == PARTIES
    for wrong, error in (
        (certificate(market, name, TAX), BadSignatureError),
        (certificate(market, name, BANK, party=TAX), InvalidError),
        (certificate(market, name, BANK, at=NOW - DAY), InvalidError),
    ):
        with pytest.raises(error):
            exchange.contracts.certify(BANK, wrong)
    with pytest.raises(NotFoundError):
        exchange.contracts.certify(OTHER, certificate(market, name, OTHER))
    given = certificate(market, name, BANK)
    exchange.contracts.certify(BANK, given)
    with pytest.raises(ConflictError, match="certified the destruction"):
        exchange.contracts.certify(BANK, given)
    found = exchange.contracts.certificates(TAX, name)
    assert (found.certificates, found.owing) == ((given,), (TAX, LABOUR))
    *_, entry = [each for each in exchange.log.entries() if each.kind is Kind.DESTRUCTION_CERTIFIED]
    assert entry.detail == {
        "statement": digest(given.statement).hex(),
        "label_vectors": 2,
        "parts": 0,
    }


def test_who_does_not_certify_in_time_is_told_on(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.contracts.terminate(BANK, name, WHY)
    exchange.contracts.certify(TAX, certificate(market, name, TAX))
    market.clock.now = NOW + 20 * DAY
    exchange.expire()
    escalated = [entry for entry in exchange.log.entries() if entry.kind is Kind.STEP_ESCALATED]
    assert {entry.counterparty for entry in escalated} == {BANK, LABOUR}
    assert {entry.detail["noun"] for entry in escalated} == {"destruction"}


def test_a_draft_that_was_never_signed_leaves_nothing_to_destroy(market: Market) -> None:
    exchange, name = market.exchange, market.drafted()
    exchange.contracts.terminate(BANK, name, WHY)
    assert exchange.contracts.certificates(BANK, name).owing == ()
    with pytest.raises(WrongStateError):
        exchange.contracts.certify(BANK, certificate(market, name, BANK))


# --- what an auditor reads of it --------------------------------------------------------------------------------


def test_uses_are_judged_by_the_version_that_stood_at_the_time(market: Market) -> None:
    name = market.active()
    permit = permit_name(name, TAX)

    def used(job: str, *fields: str) -> None:
        named = {"counterparty": BANK, "permit_id": permit, "job": job * 64}
        market.report(Kind.QUERY_RECEIVED, TAX, name, detail={"fields": fields}, **named)

    used("1", "franchise", "naics")
    amend(market, name, grants=(grant(TAX, "naics"), terms().grants[1]))
    used("2", "naics")
    used("3", "franchise")
    market.exchange.contracts.suspend(BANK, name, WHY)
    market.exchange.contracts.suspend(TAX, name, WHY)
    market.exchange.contracts.reinstate(BANK, name)
    used("4", "naics")  # while the provider's own stop stands
    market.exchange.contracts.reinstate(TAX, name)
    used("5", "naics")
    market.exchange.contracts.revoke(LABOUR, name, WHY)
    used("6", "naics")
    entries = list(enumerate(market.exchange.log.entries()))
    found = {str(entries[each.indices[0]][1].job)[0]: each.en for each in beyond_grant(gather(entries))}
    assert found == {
        "3": "fields that are not granted: franchise",
        "4": "the contract was not in force",
        "6": "the contract was not in force",
    }
