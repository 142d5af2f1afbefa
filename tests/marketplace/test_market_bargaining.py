"""Dry runs, counter-offers, the operator's part, withdrawal and what nobody decides: the application's way."""

from typing import Any

import msgspec
import pytest
from market import BANK, DAY, DESCRIPTIONS, LABOUR, NOW, OTHER, TAX, WHY, Market, counter_offer, grant, terms

from compute.agreement.documents import agreement_digest, is_bound
from compute.clauses import Clause
from compute.market.reasons import Reason, Why
from compute.records import contract_name
from compute.signing import digest
from compute.terms import DraftTerms
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, WrongStateError
from marketplace.flow.states import ApplicationState, ContractState


def draft(**changes: object) -> DraftTerms:
    asked = terms()
    members = {name: getattr(asked, name) for name in asked.__struct_fields__}
    return DraftTerms(**members | {"agreement": None} | changes)


# --- the dry run ----------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_an_application_would_and_changes_nothing(market: Market) -> None:
    before = market.exchange.log.size()
    tried = market.exchange.applications.precheck(BANK, "loans-1", draft())
    assert tried.passes
    assert tried.failed == ()
    assert tried.deciders == (TAX, LABOUR)
    assert tried.agreement == terms().agreement == agreement_digest(terms())
    assert market.exchange.log.size() == before
    assert market.exchange.applications.page(BANK, "", 1) == []


def test_a_dry_run_tells_that_the_reference_is_taken(market: Market) -> None:
    market.applied()
    tried = market.exchange.applications.precheck(BANK, "loans-1", draft())
    assert [(each.clause, each.field) for each in tried.failed] == [(Clause.REFERENCE, "reference")]
    other = draft(contract=contract_name(BANK, "loans-2"))
    assert market.exchange.applications.precheck(BANK, "loans-2", other).passes


def test_a_dry_run_names_every_clause_that_fails_in_both_languages(market: Market) -> None:
    wrong = draft(
        contract="contract-1",
        grants=(grant(TAX, "naics", "employees", "naics"), grant(TAX, "naics", product_version="9.0.0")),
        legal_basis="anonymised_statistics",
        subject_types=(),
        model_reviewer=OTHER,
        not_before=NOW,
        not_after=NOW - 1,
    )
    tried = market.exchange.applications.precheck(BANK, "loans-1", wrong)
    assert not tried.passes
    assert {(each.clause, each.field) for each in tried.failed} == {
        (Clause.CONTRACT_NAME, "contract"),
        (Clause.SUBJECT_TYPES, "subject_types"),
        (Clause.PROVIDER_ONCE, "grants.1.provider"),
        (Clause.FIELD_ONCE, "grants.0.fields"),
        (Clause.LEGAL_BASIS, "legal_basis"),
        (Clause.TERM_ORDER, "not_after"),
        (Clause.FIELDS_DESCRIBED, "grants.0.fields"),
        (Clause.PRODUCT_LISTED, "grants.1.product"),
        (Clause.MODEL_REVIEWER, "model_reviewer"),
        (Clause.NOT_AFTER, "not_after"),
    }
    for each in tried.failed:
        assert "{" not in each.zh + each.en
        assert any("一" <= character <= "鿿" for character in each.zh)
    (fields,) = (each for each in tried.failed if each.clause is Clause.FIELDS_DESCRIBED)
    assert "employees" in fields.zh
    assert "employees" in fields.en


def test_what_a_dry_run_names_an_application_is_refused_for(market: Market) -> None:
    for asked in (terms(model_reviewer=OTHER), terms(grants=(grant(TAX, "naics", "uscc"),))):
        tried = market.exchange.applications.precheck(BANK, "loans-1", asked)
        with pytest.raises(InvalidError) as refused:
            market.exchange.applications.apply(BANK, "loans-1", asked)
        assert refused.value.fields == {f"terms.{each.field}": each.en for each in tried.failed}


def test_an_agreement_that_is_not_of_the_terms_is_refused(market: Market) -> None:
    other = msgspec.structs.replace(terms(), max_uses=11)  # with the digest of the texts for 10,000
    assert not is_bound(other)
    with pytest.raises(InvalidError, match="not of the texts that follow from the terms") as refused:
        market.exchange.applications.apply(BANK, "loans-1", other)
    assert list(refused.value.fields) == ["terms.agreement"]


# --- counter-offers -------------------------------------------------------------------------------------------


def test_a_counter_offer_is_accepted_and_those_whom_it_concerns_look_anew(market: Market) -> None:
    desk, name = market.exchange.applications, market.applied()
    market.approve(LABOUR, name)
    countered = desk.counter(TAX, name, counter_offer(max_uses=500))
    assert countered.state is ApplicationState.COUNTERED
    assert desk.load(BANK, name) == countered
    new = countered.offered(TAX)
    assert (new.max_uses, new.grants[0].fields) == (500, ("naics",))
    assert is_bound(new)
    with pytest.raises(ForbiddenError):
        desk.accept(LABOUR, name, TAX, digest(new).hex())
    with pytest.raises(ConflictError, match="other terms than you read"):
        desk.accept(BANK, name, TAX, digest(countered.terms).hex())
    accepted = desk.accept(BANK, name, TAX, digest(new).hex())
    assert accepted.terms == new
    assert accepted.offers == {}
    assert accepted.parts == dict.fromkeys((TAX, LABOUR), ApplicationState.SUBMITTED)  # the count is of both
    for provider in (TAX, LABOUR):
        market.approve(provider, name)
    assert market.exchange.contracts.load(BANK, name).terms == new
    assert [each.move for each in desk.history(BANK, name).moves] == [
        *("apply", "approve", "counter", "accept", "approve", "approve")
    ]


def test_a_counter_offer_on_ones_own_fields_leaves_the_others_approval(market: Market) -> None:
    desk, name = market.exchange.applications, market.applied()
    market.approve(LABOUR, name)
    countered = desk.counter(TAX, name, counter_offer())
    accepted = desk.accept(BANK, name, TAX, digest(countered.offered(TAX)).hex())
    assert accepted.parts == {TAX: ApplicationState.SUBMITTED, LABOUR: ApplicationState.APPROVED}


def test_a_declined_counter_offer_leaves_what_was_asked_for(market: Market) -> None:
    desk, name = market.exchange.applications, market.applied()
    desk.counter(TAX, name, counter_offer())
    with pytest.raises(WrongStateError):
        desk.decline(BANK, name, LABOUR)
    declined = desk.decline(BANK, name, TAX)
    assert declined.terms == terms()
    assert declined.parts[TAX] is ApplicationState.SUBMITTED
    desk.reject(TAX, name, WHY)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"grant": grant(LABOUR, "employees")}, ForbiddenError, "your own grant"),
        ({"grant": grant(TAX, "uscc")}, InvalidError, "no field uscc"),
        ({"grant": grant(TAX, "naics", product_version="9.0.0")}, NotFoundError, "no listed product"),
        ({"not_before": NOW, "not_after": NOW}, InvalidError, "ends before it begins"),
        ({"not_before": 0, "not_after": NOW}, InvalidError, "is over"),
        ({"grant": terms().grants[0]}, InvalidError, "what was asked for"),
    ],
)
def test_what_cannot_be_offered(
    market: Market, changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    offer = counter_offer(**changes)
    with pytest.raises(error, match=said):
        market.exchange.applications.counter(TAX, market.applied(), offer)


# --- the operator's part --------------------------------------------------------------------------------------


def test_data_of_a_high_grade_needs_the_operators_approval_too(market: Market) -> None:
    # Of grade general 4 throughout: as if it were put together from such.
    high = DESCRIPTIONS[TAX].replace(b'version = "1.0.0"', b'version = "2.0.0"')
    market.offer(TAX, high.replace(b'grade = "general_2"', b'grade = "general_4"', 1))
    asked = terms(grants=(grant(TAX, "naics", product_version="2.0.0"), terms().grants[1]))
    desk, contracts = market.exchange.applications, market.exchange.contracts
    assert desk.precheck(BANK, "loans-1", asked).deciders == (TAX, LABOUR, "operator")
    made = desk.apply(BANK, "loans-1", asked)
    assert made.parts["operator"] is ApplicationState.SUBMITTED
    name = asked.contract
    for provider in (TAX, LABOUR):
        market.approve(provider, name)
    with pytest.raises(ConflictError, match="operator did not approve it"):
        contracts.load(BANK, name)
    assert desk.page("operator", "", 10) == [desk.load("operator", name)]
    returned = desk.return_for_correction("operator", name, Why(reason=Reason.BEYOND_NEED))
    assert returned.state is ApplicationState.RETURNED
    narrower = desk.resubmit(BANK, name, terms().grants[1])
    assert narrower.parts["operator"] is ApplicationState.SUBMITTED
    assert market.approve("operator", name).state is ApplicationState.APPROVED
    assert contracts.load(BANK, name).state is ContractState.DRAFTED


def test_the_operator_has_no_part_where_no_grade_asks_for_it(market: Market) -> None:
    name = market.applied()
    with pytest.raises(ForbiddenError, match="decides its own part"):
        market.approve("operator", name)


# --- ends -----------------------------------------------------------------------------------------------------


def test_an_application_is_withdrawn_until_it_is_a_contract(market: Market) -> None:
    desk, name = market.exchange.applications, market.applied()
    market.approve(TAX, name)
    with pytest.raises(InvalidError, match="breach is no reason"):
        desk.withdraw(BANK, name, Why(reason=Reason.BREACH))
    assert desk.withdraw(BANK, name, Why(reason=Reason.NOT_NEEDED)).state is ApplicationState.WITHDRAWN
    with pytest.raises(WrongStateError):
        market.approve(LABOUR, name)
    assert market.kinds()[-2:] == ["application_withdrawn", "refused"]
    drafted = market.drafted("loans-2")
    with pytest.raises(WrongStateError, match="possible now: terminate"):
        desk.withdraw(BANK, drafted, WHY)


def test_what_nobody_decides_is_told_then_comes_to_nothing(market: Market) -> None:
    asked = terms(not_after=NOW + 300 * DAY)
    market.exchange.applications.apply(BANK, "loans-1", asked)
    market.clock.now = NOW + 20 * DAY
    assert market.exchange.expire() == 2  # both providers are told
    assert market.kinds()[-2:] == ["step_escalated", "step_escalated"]
    market.clock.now = NOW + 60 * DAY
    market.exchange.expire()
    found = market.exchange.applications.load(BANK, asked.contract)
    assert found.state is ApplicationState.EXPIRED
    last = market.exchange.applications.history(BANK, asked.contract).moves[-1]
    assert (last.move, last.actor, last.reason) == ("expire", "market", "undecided")
    assert market.exchange.expire() == 0


def test_a_reason_and_its_note_are_told_to_the_parties_and_only_the_reason_is_logged(market: Market) -> None:
    desk, name = market.exchange.applications, market.applied()
    why = Why(reason=Reason.MATERIALS, note="缺授权书样本\nthe letter's form is missing")
    desk.return_for_correction(TAX, name, why)
    last = desk.history(BANK, name).moves[-1]
    assert (last.actor, last.part, last.reason, last.note) == (TAX, TAX, "materials", why.note)
    assert last.state == "returned"
    *_, entry = market.exchange.log.entries()
    assert entry.detail["reason"] == "materials"
    assert all(
        "letter" not in str(value) for each in market.exchange.log.entries() for value in each.detail.values()
    )
    with pytest.raises(NotFoundError):
        desk.history(OTHER, name)
