"""A request, an identity, a decision, a receipt; withdrawal, denial; registration of which subjects hear."""

from typing import Any

import msgspec
import pytest
from consent_desk import COMPANY, GRANTED, RIVAL, decided, draft, identified, link, mark, standing
from market import BANK, DAY, KEYS, LABOUR, NOW, OTHER, SALTS, TAX, Market, commitments, registered
from subjects import agent_telephone, telephone

from compute.canonical import HOUR
from compute.market.consent_requests import BatchRegistration, OpenedSubject
from compute.records import (
    Capacity,
    ConsentDecision,
    ConsentStanding,
    DisputeMatter,
    SubjectType,
    opened,
    opening,
)
from compute.signing import Pin, verify
from marketplace.commands.subject_consents import Attorney
from marketplace.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    MarketplaceError,
    NotFoundError,
    WrongStateError,
)
from marketplace.flow.consent_request import PowerOfAttorney
from marketplace.flow.consent_states import DisputeState
from marketplace.flow.dispute import ANSWER_DAYS, MOST_OPEN
from marketplace.flow.notice import Topic

REFUSED = ConsentDecision.REFUSED


def test_from_a_link_to_a_consent_that_providers_honour_and_back(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    token = link(market, name)
    acting = identified(market)
    signed = decided(market, token, acting)
    pin = {"market": Pin("operator", KEYS["market"].public_key().public_bytes_raw())}
    receipt = verify(signed, "market", "operator", pin)
    assert (receipt.decision, receipt.commitment) == (GRANTED, mark(COMPANY))
    assert exchange.consent_requests.receipt(receipt.code)[1] is ConsentStanding.GRANTED
    assert standing(market, name) == frozenset()  # the marketplace's word alone is no consent
    market.clock.now += 1
    batch = market.batch(name, "receipt-1", [COMPANY])
    assert exchange.consents.register(BANK, registered(batch, [])) == 1
    assert standing(market, name) == {mark(COMPANY)}
    assert exchange.consent_requests.receipt(receipt.code)[1] is ConsentStanding.REGISTERED
    assert exchange.subject_consents.end(acting, name, ConsentStanding.WITHDRAWN) is None
    assert standing(market, name) == frozenset()
    assert exchange.consent_requests.receipt(receipt.code)[1] is ConsentStanding.WITHDRAWN
    assert market.kinds()[-4:] == [
        *("consent_requested", "consent_granted", "consent_registered", "consent_withdrawn"),
    ]


def test_a_denial_is_taken_however_many_disputes_wait(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.consents.register(BANK, market.registration(name, "bulk-1", [COMPANY]))
    acting = identified(market)

    def object_once() -> None:
        exchange.subject_consents.dispute(acting, name, DisputeMatter.USE, None, "Not so.")

    for _ in range(MOST_OPEN):
        object_once()
    with pytest.raises(ConflictError, match="are open"):
        object_once()
    assert exchange.subject_consents.end(acting, name, ConsentStanding.DENIED) is not None
    assert standing(market, name) == frozenset()


def test_what_a_subject_ended_only_the_subject_brings_back(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.consents.register(BANK, market.registration(name, "bulk-1", [COMPANY, RIVAL]))
    acting = identified(market)
    exchange.subject_consents.end(acting, name, ConsentStanding.DENIED)
    market.clock.now += 1
    with pytest.raises(ConflictError, match="withdrawn or denied"):
        exchange.consents.register(BANK, market.registration(name, "bulk-2", [COMPANY]))
    with pytest.raises(ConflictError, match="withdrawn or denied"):
        exchange.consents.register(BANK, market.registration(name, "bulk-2", [COMPANY, RIVAL]))
    decided(market, link(market, name), acting)
    market.clock.now += 1
    exchange.consents.register(BANK, market.registration(name, "bulk-3", [COMPANY]))
    assert standing(market, name) == {mark(COMPANY), mark(RIVAL)}
    assert [each.standing for each in exchange.subject_consents.all_of(acting)[0]] == [ConsentStanding.REGISTERED]


def test_no_bank_registers_a_grant_for_longer_than_its_subject_gave_it(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    acting = identified(market)
    signed = decided(market, link(market, name), acting)
    market.clock.now += 1
    until = signed.statement.expires
    longer = market.batch(name, "longer", [COMPANY], expires=until + 1)
    with pytest.raises(InvalidError, match="could not be told"):
        exchange.consents.register(BANK, registered(longer, []))
    market.clock.now = until  # the grant is over; the contract is not
    again = market.batch(name, "again", [COMPANY])
    with pytest.raises(InvalidError, match="could not be told"):
        exchange.consents.register(BANK, registered(again, []))


def test_no_bank_has_a_second_commitment_that_outlives_what_its_subject_ends(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    decoy = OpenedSubject(opening=b"\1" * 32, subject=COMPANY)
    hidden = opened(decoy.opening, COMPANY)

    def claim(batch: str, *subjects: OpenedSubject) -> None:
        found = frozenset(opened(each.opening, each.subject) for each in subjects)
        signed = market.batch(name, batch, [], commitments=tuple(sorted(found)))
        made = BatchRegistration(batch=signed, subjects=subjects, subject_type=SubjectType.ENTERPRISE)
        exchange.consents.register(BANK, made)

    own = OpenedSubject(opening=opening(SALTS.salt(COMPANY)), subject=COMPANY)
    with pytest.raises(ConflictError, match="another commitment"):
        claim("both", own, decoy)
    claim("own", own)
    with pytest.raises(ConflictError, match="another commitment"):
        claim("decoy", decoy)
    with pytest.raises(ConflictError, match="another commitment"):
        exchange.consent_requests.ask(BANK, draft(name, opening=decoy.opening))
    exchange.subject_consents.end(identified(market), name, ConsentStanding.DENIED)
    market.clock.now += 1
    with pytest.raises(ConflictError, match="another commitment"):
        claim("after", decoy)
    assert hidden not in standing(market, name)
    assert standing(market, name) == frozenset()


def test_a_denial_is_a_dispute_that_the_bank_answers(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.consents.register(BANK, market.registration(name, "bulk-1", [COMPANY]))
    acting = identified(market)
    dispute = exchange.subject_consents.end(acting, name, ConsentStanding.DENIED)
    assert dispute is not None
    assert (dispute.respondent, dispute.matter) == (BANK, DisputeMatter.CONSENT)
    (found,), _ = exchange.disputes.page(BANK, None, 20)
    assert found == dispute
    assert exchange.disputes.page(TAX, None, 20)[0] == []
    with pytest.raises(NotFoundError):
        exchange.disputes.answer(OTHER, dispute.number, "none of mine")
    assert exchange.disputes.answer(BANK, dispute.number, "A clerk's mistake.").state is DisputeState.ANSWERED
    with pytest.raises(WrongStateError):
        exchange.disputes.answer(BANK, dispute.number, "again")
    assert exchange.disputes.own(acting, dispute.number)[1][0].text == "A clerk's mistake."
    with pytest.raises(NotFoundError):
        exchange.disputes.own(identified(market, RIVAL), dispute.number)
    assert exchange.disputes.close(acting, dispute.number).state is DisputeState.CLOSED
    assert "mistake" not in str(list(exchange.log.entries()))
    assert b"A clerk" not in market.stored()


def overdue_about(market: Market, organisation: str) -> list[str]:
    """Which disputes an organisation was told of as overdue."""
    found = market.exchange.notices.page(organisation, None, 100, unread=False)
    mine = [each.notice for each in found if each.notice.topic is Topic.STEP_OVERDUE]
    return [notice.about for notice in mine if notice.data["noun"] == "dispute"]


def test_data_are_corrected_at_the_source(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    exchange.consents.register(BANK, market.registration(name, "bulk-1", [COMPANY]))
    acting = identified(market)
    with pytest.raises(InvalidError, match="name the department"):
        exchange.subject_consents.dispute(acting, name, DisputeMatter.DATA, BANK, "wrong")
    dispute = exchange.subject_consents.dispute(acting, name, DisputeMatter.DATA, LABOUR, "We have 12 employees.")
    with pytest.raises(NotFoundError):
        exchange.disputes.load(TAX, dispute.number)
    with pytest.raises(InvalidError, match="not of a day since"):
        exchange.disputes.correct(LABOUR, dispute.number, "2020-01-01", "done")
    found = exchange.disputes.correct(LABOUR, dispute.number, "2026-11-19", "12 it is.")
    assert found.state is DisputeState.CORRECTED
    reopened = exchange.disputes.reopen(acting, dispute.number, "Still 11.")
    market.clock.now = reopened.due
    (waits,) = [each for each in exchange.deadlines(LABOUR) if each.noun == "dispute"]
    assert (waits.name, waits.due, waits.contract) == (dispute.number, reopened.due, name)
    assert exchange.expire() == 1  # overdue: it is told, and after the same time again the operator is
    assert exchange.expire() == 0
    market.clock.now += ANSWER_DAYS * DAY
    exchange.expire()
    told = {who: overdue_about(market, who) for who in (LABOUR, TAX, "operator")}
    assert told == {LABOUR: [dispute.number], TAX: [], "operator": [dispute.number]}
    exchange.disputes.answer(LABOUR, dispute.number, "Looked again: 12.")
    assert not [each for each in exchange.deadlines(LABOUR) if each.noun == "dispute"]
    market.clock.now += 30 * DAY
    exchange.expire()
    assert exchange.disputes.own(acting, dispute.number)[0].state is DisputeState.CLOSED
    entries = [each for each in market.exchange.log.entries() if each.detail.get("noun", "dispute") == "dispute"]
    assert [each.kind for each in entries if each.kind.startswith(("dispute", "step"))] == [
        *("dispute_opened", "dispute_corrected", "dispute_reopened"),
        *("step_escalated", "step_escalated"),
        *("dispute_answered", "dispute_closed"),
    ]


def test_a_decision_is_made_once_by_the_very_subject_and_in_time(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    token, company, rival = link(market, name), identified(market), identified(market, RIVAL)
    with pytest.raises(NotFoundError):
        exchange.subject_consents.shown(token, rival)
    with pytest.raises(NotFoundError):
        exchange.subject_consents.decide(token, rival, GRANTED, b"")
    with pytest.raises(WrongStateError, match="changed"):
        exchange.subject_consents.decide(token, company, GRANTED, b"\0" * 32)
    decided(market, token, company, REFUSED)
    with pytest.raises(NotFoundError):  # the link is spent
        decided(market, token, company)
    late = link(market, name, reference="ask-2", hours=1)
    market.clock.now += HOUR
    with pytest.raises(NotFoundError):
        decided(market, late, company)
    assert exchange.expire() == 1
    assert exchange.consent_requests.page(BANK, None, 20)[0][-1][0].state.value == "expired"
    with pytest.raises(NotFoundError):
        exchange.subject_consents.asked_by(token[:-1] + ("A" if token[-1] != "A" else "B"))


def test_a_request_that_was_taken_back_is_no_link_any_more(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    token, acting = link(market, name), identified(market)
    ((request, _),) = exchange.consent_requests.page(BANK, None, 20)[0]
    with pytest.raises(NotFoundError):
        exchange.consent_requests.cancel(OTHER, request.id)
    exchange.consent_requests.cancel(BANK, request.id)
    with pytest.raises(NotFoundError):
        exchange.subject_consents.shown(token, acting)


@pytest.mark.parametrize("of", [SubjectType.SOLE_TRADER, SubjectType.PERSON])
def test_a_sole_trader_and_a_person_consent_separately(market: Market, of: SubjectType) -> None:
    subject = COMPANY if of is SubjectType.SOLE_TRADER else "11010519491231002X"
    token = link(market, market.active(), subject, subject_type=of)
    acting = identified(market, subject)
    _, clauses = market.exchange.subject_consents.shown(token, acting)
    assert clauses[-1].name == "separate"
    with pytest.raises(InvalidError, match="expressly"):
        decided(market, token, acting)
    assert decided(market, token, acting, separately=True).statement.subject_type is of


def test_an_agent_shows_a_power_of_attorney_and_its_principal_is_told(market: Market) -> None:
    token = link(market, market.active())
    acting = identified(market, number=agent_telephone(COMPANY))
    assert acting.capacity is Capacity.AGENT
    market.exchange.messenger.deliver()
    assert any(to == telephone(COMPANY) and "经办人" in text for to, text in market.mailbox.sent)
    with pytest.raises(ForbiddenError, match="power of attorney"):
        decided(market, token, acting)
    over = Attorney(PowerOfAttorney("PoA 7", NOW - 1, b"\7" * 32), b"%PDF-1.7 secret")
    with pytest.raises(InvalidError, match="is over"):
        decided(market, token, acting, attorney=over)
    good = Attorney(PowerOfAttorney("PoA 7", NOW + DAY, b"\7" * 32), b"%PDF-1.7 secret")
    receipt = decided(market, token, acting, attorney=good).statement
    assert receipt.power_of_attorney == b"\7" * 32
    assert market.exchange.consent_requests.attorney(BANK, receipt.request) == b"%PDF-1.7 secret"
    assert b"%PDF-1.7 secret" not in market.stored()
    with pytest.raises(NotFoundError):
        market.exchange.consent_requests.attorney(OTHER, receipt.request)


def test_whose_consent_is_claimed_is_who_is_told(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    batch = market.batch(name, "bulk-1", [COMPANY, RIVAL])
    with pytest.raises(InvalidError, match="1 of 2 subjects could not be told"):
        exchange.consents.register(BANK, registered(batch, [COMPANY]))
    shown = registered(batch, [COMPANY, RIVAL])
    swapped = msgspec.structs.replace(shown.subjects[1], subject=COMPANY)
    other = msgspec.structs.replace(shown, subjects=(shown.subjects[0], swapped))
    with pytest.raises(InvalidError, match="open no commitment") as refused:
        exchange.consents.register(BANK, other)
    assert refused.value.fields == {"subjects.1.opening": "It opens no commitment of the batch."}
    market.contacts.unknown = {RIVAL}
    with pytest.raises(InvalidError, match="cannot be told") as refused:
        exchange.consents.register(BANK, shown)
    assert list(refused.value.fields) == ["subjects.1.subject"]
    assert standing(market, name) == frozenset()
    market.contacts.unknown = set()
    exchange.consents.register(BANK, shown)
    assert exchange.messenger.deliver() == 2
    assert {to for to, _ in market.mailbox.sent} == {telephone(COMPANY), telephone(RIVAL)}
    assert exchange.messenger.deliver() == 0


def test_a_message_waits_while_there_is_no_network(market: Market) -> None:
    market.exchange.consents.register(BANK, market.registration(market.active(), "bulk-1", [COMPANY]))
    market.mailbox.is_down = True
    assert market.exchange.messenger.deliver() == 0
    market.mailbox.is_down = False
    assert market.exchange.messenger.deliver() == 0  # not at once again
    market.clock.now += 5_000
    assert market.exchange.messenger.deliver() == 1


def test_neither_database_nor_log_has_a_subject(market: Market) -> None:
    name = market.active()
    token = link(market, name)
    market.exchange.consents.register(BANK, market.registration(name, "bulk-1", [COMPANY]))
    decided(market, token, identified(market))
    stored, logged = market.stored(), str(list(market.exchange.log.entries()))
    for secret in (COMPANY, telephone(COMPANY), token, opening(SALTS.salt(COMPANY)).hex()):
        assert secret.encode() not in stored
        assert secret not in logged
    assert opening(SALTS.salt(COMPANY)) not in stored
    assert commitments([COMPANY])[0].hex() not in logged
    assert market.setting.subjects is not None
    assert market.setting.subjects.tag(COMPANY) in stored
    market.check()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"expires": NOW}, InvalidError),
        ({"expires": NOW + 31 * DAY}, InvalidError),
        ({"subject": "91460100MAQBDL395E"}, InvalidError),
        ({"subject_type": SubjectType.PERSON}, InvalidError),
        ({"contract": "contract-none"}, NotFoundError),
    ],
)
def test_requests_that_are_refused(market: Market, changes: dict[str, Any], error: type[MarketplaceError]) -> None:
    asked = msgspec.structs.replace(draft(market.active()), **changes)
    with pytest.raises(error):
        market.exchange.consent_requests.ask(BANK, asked)


def test_only_the_consumer_asks_and_once_by_a_reference(market: Market) -> None:
    name = market.active()
    with pytest.raises(ForbiddenError):
        market.exchange.consent_requests.ask(TAX, draft(name))
    with pytest.raises(NotFoundError):
        market.exchange.consent_requests.ask(OTHER, draft(name))
    link(market, name)
    with pytest.raises(ConflictError):
        link(market, name)
