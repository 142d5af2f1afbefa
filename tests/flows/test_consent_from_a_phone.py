"""The whole story of the market, with a subject that consents on its telephone.

A department and a bank come in, the department's product is listed, the bank finds it and applies, the department
decides in its office, both sign; a company's owner grants with a telephone what the bank asks, sees its use, takes
the consent back; the contract is revoked, what was kept is destroyed, and the month's statement is confirmed.

Everybody acts by the market's API: members by their sessions, nodes' staff at their consoles, the subject by the
forms of its pages. No process is told anything in another way.
"""

import csv
import io
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flows.agreeing import (
    OFFERED,
    a_model_is_approved,
    both_sign,
    the_department_approves_in_two_steps,
    the_department_offers_less,
)
from flows.arrivals import (
    DEPARTMENT,
    OTHER_DEPARTMENT,
    the_bank_comes_in,
    the_department_comes_in,
    the_operator_opens_its_office,
    the_others_come_in,
)
from flows.own_market import PRICE_FEN, PRODUCT_FILE, OwnMarket, opened
from flows.phone import Phone, picked_up
from flows.waiting import until
from processes.live_market import ignore, rows

from audit.entry import EntryKind as Kind
from catalog.description import load_product
from compute.canonical import DAY, HOUR
from compute.client.marketplace import MarketplaceClient
from compute.market.products import CatalogEntry, Outcome, Review, ReviewDecision
from compute.market.reasons import Reason, Why
from compute.node.console.client import NodeClient
from compute.node.console.consent_messages import ConsentAsking, DisputeReply
from compute.node.console.messages import ApplicationDraft, JobView, ModelRegistered, Scoring
from compute.node.jobs.states import State
from compute.node.site import clock
from compute.records import ConsentStanding, SubjectType
from compute.terms import Grant
from veilmart.demo import anybody, story
from veilmart.demo.clear import scores_in_the_clear
from veilmart.demo.data import APPLICANTS_FILE
from veilmart.demo.listing import resources, review
from veilmart.demo.sites import BANK, REVIEWER, telephone_of

pytestmark = pytest.mark.long

PLACE = 7
"""Of the subject in the bank's table."""
WORD = "登记"
"""What the bank looks for: two characters of the product's title."""
ASKED = 1000
"""Uses that the bank asks for."""
HOURS, TO_SCORE = 1, 120.0
"""Hours that the link lasts; seconds from the QR code to the score."""
STEPS_OF_THE_STORY = {
    *(Kind.AGREEMENT_PUBLISHED, Kind.ORGANISATION_APPLIED, Kind.AGREEMENT_ACCEPTED, Kind.ORGANISATION_ADMITTED),
    *(Kind.PARTY_ENROLLED, Kind.MEMBER_ADDED, Kind.APPROVAL_RULE_CHANGED, Kind.RESOURCE_ENTERED),
    *(Kind.PRODUCT_SUBMITTED, Kind.PRODUCT_RETURNED, Kind.PRODUCT_REVIEWED, Kind.PRODUCT_PUBLISHED),
    *(Kind.APPLICATION_SUBMITTED, Kind.APPLICATION_COUNTERED, Kind.APPLICATION_RESUBMITTED),
    *(Kind.APPROVAL_STARTED, Kind.APPROVAL_PASSED, Kind.APPROVAL_RETURNED, Kind.APPROVAL_COMPLETED),
    *(Kind.APPLICATION_APPROVED, Kind.PRICE_AGREED, Kind.CONTRACT_DRAFTED, Kind.CONTRACT_SIGNED),
    *(Kind.CONTRACT_ACTIVATED, Kind.PERMIT_ISSUED, Kind.PERMIT_PRESENTED, Kind.KEY_ENROLLED),
    *(Kind.MODEL_APPROVED, Kind.MODEL_REGISTERED, Kind.CONSENT_REQUESTED, Kind.CONSENT_GRANTED),
    *(Kind.CONSENT_REGISTERED, Kind.QUERY_SENT, Kind.QUERY_RECEIVED, Kind.ANSWER_SENT, Kind.ANSWER_RECEIVED),
    *(Kind.CONSENT_WITHDRAWN, Kind.REFUSED, Kind.DISPUTE_OPENED, Kind.DISPUTE_CORRECTED, Kind.DISPUTE_CLOSED),
    *(Kind.CONTRACT_REVOKED, Kind.DESTRUCTION_CERTIFIED),
}


@pytest.fixture
def market(tmp_path: Path) -> Iterator[OwnMarket]:
    with opened(tmp_path) as found:
        yield found


def test_from_two_applications_to_a_confirmed_statement(market: OwnMarket, tmp_path: Path) -> None:
    reviewer = the_operator_opens_its_office(market, tmp_path)
    handler, chief = the_department_comes_in(market, reviewer)
    buyer = the_bank_comes_in(market, reviewer)
    the_others_come_in(market)
    listed = the_department_lists_its_product(market, handler, reviewer)
    with story.staff(market.sites.nodes[BANK]) as analyst:
        story.enrol_key(analyst, ignore)
        draft = the_bank_finds_it_and_tries(buyer, analyst, market)
        contract = analyst.apply(draft).terms.contract
        the_department_offers_less(handler, chief, analyst, contract)
        terms = the_department_approves_in_two_steps(market, handler, chief, analyst, contract)
        both_sign(market, handler, analyst, terms)
        model = a_model_is_approved(market, analyst, contract)
        subject = market_subject(market)
        with picked_up(market.sites, telephone_of(PLACE)) as phone:
            began = time.monotonic()
            grants_on_the_phone(market, analyst, phone, contract, subject)
            job = score(analyst, contract, model, subject, "first")
            taken = time.monotonic() - began
            print(f"from the code on the screen to the score: {taken:.1f} s")  # noqa: T201
            assert scores_of(analyst, job) == {subject: scores_in_the_clear(market.examples, market.card)[subject]}
            assert taken < TO_SCORE
            sees_the_use_and_withdraws(analyst, phone, contract, model, subject)
            number = objects(phone, contract)
            the_department_corrects(market, number)
            closes(phone, number)
    the_contract_is_revoked_and_destroyed(market, contract)
    every_step_is_in_a_log_that_verifies(market, contract)
    assert listed.provider == DEPARTMENT
    the_month_is_confirmed_by_both(market, contract)


# --- what is on offer --------------------------------------------------------------------------------------------


def the_department_lists_its_product(
    market: OwnMarket, handler: MarketplaceClient, reviewer: MarketplaceClient
) -> CatalogEntry:
    """The gate says what lacks; a review sends the draft back once; then both pass it."""
    file = market.sites.nodes[DEPARTMENT].folder / PRODUCT_FILE
    text, desk = file.read_text("utf-8"), handler.product_desk
    lacking = desk.check(text.replace('theme = "legal_entity"\n', "").encode())
    assert [gap.field for gap in lacking.gaps] == ["theme", "lineage.DEMO-MR-0001"]
    assert lacking.gaps[0].why.zh
    assert lacking.gaps[0].why.en
    product = load_product(file)
    for entry in resources(product, clock()):
        assert handler.resources.enter(entry).valid
    drafted = desk.draft(text.encode())
    key = (drafted.provider, drafted.product, drafted.version)
    assert desk.submit(*key, drafted.digest).state == "submitted"
    returned = ReviewDecision(
        review=Review.COMPLIANCE,
        outcome=Outcome.RETURNED,
        digest=drafted.digest,
        reason="sample",
        remark="说明样例来源。",
    )
    assert reviewer.product_desk.review(*key, returned).state == "returned"
    corrected = text.replace("[sample]", "# 样例为合成数据。\n[sample]").encode()
    edited = desk.edit(*key, corrected, drafted.digest)
    submitted = desk.submit(*key, edited.digest)
    file.write_bytes(corrected)
    assert not market.open().products()  # not yet
    review(reviewer, submitted)
    with story.operator(market.sites) as operator, story.staff(market.sites.nodes[OTHER_DEPARTMENT]) as clerk:
        other = market.sites.nodes[OTHER_DEPARTMENT].folder / "social-insurance.toml"
        for entry in resources(load_product(other), clock()):
            clerk.enter_resource(entry)
        review(operator, clerk.publish())
    return handler.product(*key)


def the_bank_finds_it_and_tries(
    buyer: MarketplaceClient, analyst: NodeClient, market: OwnMarket
) -> ApplicationDraft:
    """Two characters find the product; a dry run says in both languages which clause would fail."""
    found = buyer.catalog.search(WORD)
    card = found.items[0]  # the other has the word, too, but not in its title
    assert (card.provider, found.total) == (DEPARTMENT, 2)
    assert [each.provider for each in buyer.catalog.search(WORD, theme=["legal_entity"]).items] == [DEPARTMENT]
    assert card.price is not None
    assert card.price.amount_fen == PRICE_FEN
    fields = {of: tuple(each.bins.column for each in features) for of, features in market.card.sources.items()}
    draft = ApplicationDraft(
        reference="phone-loans",
        grants=story.grants(market.sites, fields),
        operation="risk_score",
        purpose="credit_approval",
        model_reviewer=REVIEWER,
        max_uses=ASKED,
        not_before=clock() - HOUR,
        not_after=clock() + 30 * DAY,
        subject_types=("enterprise",),
    )
    beyond = [
        with_fields(grant, (*grant.fields, "owner_name")) if grant.provider == DEPARTMENT else grant
        for grant in draft.grants
    ]
    tried = analyst.precheck(changed(draft, grants=tuple(beyond)))
    assert not tried.passes
    (failed,) = tried.failed
    assert "owner_name" in failed.zh
    assert "owner_name" in failed.en
    assert failed.field.startswith("grants.")
    passed = analyst.precheck(draft)
    assert passed.passes, passed.failed
    assert set(passed.deciders) == {DEPARTMENT, OTHER_DEPARTMENT}
    assert not analyst.applications()  # nothing was changed
    return draft


def with_fields(grant: Grant, fields: tuple[str, ...]) -> Grant:
    return Grant(
        provider=grant.provider, product=grant.product, product_version=grant.product_version, fields=fields
    )


def changed(draft: ApplicationDraft, **changes: object) -> ApplicationDraft:
    members = {name: getattr(draft, name) for name in draft.__struct_fields__}
    return ApplicationDraft(**members | changes)


# --- the subject -------------------------------------------------------------------------------------------------


def market_subject(market: OwnMarket) -> str:
    return rows(market.examples / APPLICANTS_FILE)[PLACE]["uscc"]


def grants_on_the_phone(market: OwnMarket, analyst: NodeClient, phone: Phone, contract: str, subject: str) -> None:
    """The link, the code by message, one screen, a receipt; the bank's node registers the consent by itself."""
    asking = ConsentAsking(
        reference="counter-3",
        subject=subject,
        subject_type=SubjectType.ENTERPRISE,
        expires=clock() + 20 * DAY,
        hours=HOURS,
        contact="海港银行小微企业部 0898-6500 0002",
    )
    made = analyst.ask_consent(contract, asking)
    assert made.qr.lstrip().startswith(("<?xml", "<svg"))
    link = made.link
    assert "海港银行" in phone.open(link)
    assert "贷款审批" not in phone.page  # what for is the subject's to know
    onward = phone.identify(subject, market.outbox)
    page = phone.open(onward)
    for words in (
        "海港银行",
        "贷款审批",
        "是否特许加盟",
        "市场监督管理局",
        f"{OFFERED}次",
        "随时撤回",
        "0898-6500 0002",
    ):
        assert words in page
    receipt = phone.send(urlsplit(link).path, decision="granted")
    assert "您已同意授权" in phone.open(receipt)
    code = receipt.rpartition("/")[2]
    found = market.open().consent_requests.receipt(code)
    assert found.receipt.statement.contract == contract
    phone.open(link, status=303)  # once: it leads its subject to the receipt
    until(lambda: [each.state for each in analyst.consents_asked(contract)] == ["registered"], 60, "registered")
    (asked,) = analyst.consents_asked(contract)
    assert asked.receipt == code
    assert market.open().consent_requests.receipt(code).standing is ConsentStanding.REGISTERED


def score(analyst: NodeClient, contract: str, model: ModelRegistered, subject: str, reference: str) -> JobView:
    asked = Scoring(
        reference=reference,
        contract=contract,
        model=model.model,
        model_version=model.model_version,
        as_of=story.today(),
        subjects=(subject,),
    )
    return analyst.follow(analyst.score(asked), lambda _: None)


def scores_of(analyst: NodeClient, job: JobView) -> dict[str, Decimal]:
    assert job.state == State.DONE, (job.reason, job.remedy)
    table = csv.DictReader(io.StringIO(analyst.scores(job.job).decode()))
    return {row["uscc"]: Decimal(row["score"]) for row in table}


def sees_the_use_and_withdraws(
    analyst: NodeClient, phone: Phone, contract: str, model: ModelRegistered, subject: str
) -> None:
    """What is asked once the subject has taken its consent back is refused by the providers."""
    for words in ("海港银行", "市场监督管理局", contract, "贷款审批"):
        assert words in phone.open("/me")
    until(lambda: "部门已答复1次" in phone.open("/me"), 30, "the use is shown")
    assert phone.send("/me/end", having=contract, ending="withdrawn") == "/me"
    began = time.monotonic()
    refused = score(
        analyst, contract, model, subject, "after-the-withdrawal"
    )  # asked at once, however busy we are
    print(f"from the withdrawal to the refusal: {time.monotonic() - began:.1f} s: {refused.reason}")  # noqa: T201
    assert refused.state == State.FAILED
    assert refused.reason is not None
    assert "refused at check 9" in refused.reason  # by a provider
    assert "已撤回" in phone.open("/me")


def objects(phone: Phone, contract: str) -> str:
    """The subject objects to the department's data; the number of the dispute."""
    phone.open("/me")
    own = {"matter": "data", "respondent": DEPARTMENT, "words": "成立年份有误,应为2009年。"}
    opened_at = phone.send("/me/dispute", having=contract, **own)
    assert "成立年份有误" in phone.open(opened_at)
    return opened_at.rpartition("/")[2]


def the_department_corrects(market: OwnMarket, number: str) -> None:
    with story.staff(market.sites.nodes[DEPARTMENT]) as clerk:
        (waiting,) = clerk.disputes()
        assert waiting.number == number
        reply = DisputeReply(text="已在登记系统更正。", snapshot_date=story.today())
        assert clerk.answer_dispute(number, reply).state == "corrected"


def closes(phone: Phone, number: str) -> None:
    path = f"/me/disputes/{number}"
    assert "已在登记系统更正" in phone.open(path)
    assert phone.send(path, move="close") == path
    assert "已办结" in phone.open(path)


# --- the end -----------------------------------------------------------------------------------------------------


def the_contract_is_revoked_and_destroyed(market: OwnMarket, contract: str) -> None:
    """The department revokes, for a cause; all three nodes destroy what they kept, and certify it."""
    with story.staff(market.sites.nodes[DEPARTMENT]) as clerk:
        ended = clerk.stop(contract, "revoke", Why(reason=Reason.CONSENT, note="主体已撤回授权。"))
        assert ended.state == "revoked"
    with story.operator(market.sites) as desk:
        until(lambda: not desk.contracts.certificates(contract).owing, 150, "all have certified")
        given = desk.contracts.certificates(contract).certificates
    assert {signed.signer for signed in given} == {BANK, DEPARTMENT, OTHER_DEPARTMENT}


def every_step_is_in_a_log_that_verifies(market: OwnMarket, contract: str) -> None:
    until(lambda: {entry.kind for entry in market.log()} >= STEPS_OF_THE_STORY, 30, "every step is an event")
    _, told = anybody.verify(market.sites)
    assert "日志完整" in told
    with story.operator(market.sites) as desk:
        kinds = [entry.kind for _, entry in desk.trace(contract)]
    order = [
        *(Kind.APPLICATION_SUBMITTED, Kind.APPLICATION_COUNTERED, Kind.CONTRACT_DRAFTED, Kind.CONTRACT_ACTIVATED),
        *(Kind.CONSENT_REQUESTED, Kind.CONSENT_GRANTED, Kind.CONSENT_REGISTERED, Kind.QUERY_SENT),
        *(Kind.CONSENT_WITHDRAWN, Kind.DISPUTE_OPENED, Kind.DISPUTE_CLOSED, Kind.CONTRACT_REVOKED),
        Kind.DESTRUCTION_CERTIFIED,
    ]
    places = [kinds.index(kind) for kind in order]
    assert places == sorted(places)
    subject, number = market_subject(market), telephone_of(PLACE)
    for entry in market.log():
        assert subject not in str(entry)
        assert number not in str(entry)


def the_month_is_confirmed_by_both(market: OwnMarket, contract: str) -> None:
    """After the month's end the marketplace states what was used and what it costs; both sides confirm."""
    market.a_month_later(days=32)
    handler, buyer = market.login(DEPARTMENT, "handler"), market.login(BANK, "buyer")
    (waiting,) = handler.statements.page().items
    statement = waiting.statement
    assert (statement.contract, statement.consumer, statement.provider) == (contract, BANK, DEPARTMENT)
    assert (statement.uses, statement.total_fen) == (1, PRICE_FEN)
    assert buyer.statements.confirm(statement.statement, waiting.digest).state != "confirmed"
    assert handler.statements.confirm(statement.statement, waiting.digest).state == "confirmed"
    table = csv.DictReader(io.StringIO(buyer.statements.csv(statement.month).decode("utf-8-sig")))
    amounts = {(row["数据提供方"], row["状态"], row["金额(分)"]) for row in table}
    assert amounts == {(DEPARTMENT, "双方已确认", str(PRICE_FEN)), (OTHER_DEPARTMENT, "待确认", "0")}
