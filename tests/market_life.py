"""A market in which everything that has a table has happened."""

import contextlib
import io
import ipaddress
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyotp
from derived import derived
from entry import profile_of
from market import (
    BANK,
    DAY,
    DESCRIPTIONS,
    KEYS,
    LABOUR,
    NOW,
    OTHER,
    REGISTRATION,
    SALTS,
    SUPERVISOR,
    TAX,
    VERSIONS,
    WHY,
    Clock,
    Market,
    counter_offer,
    grant,
    open_market,
    terms,
)
from money import AUTHORITY, NEGOTIATED, PER_USE, at, description, enrol_authority, mandate, use
from office import CHIEF, HANDLER, a_step
from PIL import Image
from subjects import telephone

from catalog.field import FieldType
from compute.agreement.documents import amended
from compute.market.consent_requests import ConsentRequestDraft
from compute.market.contracts import DestructionCertificate, Kept
from compute.market.demands import DemandRequest, ResponseRequest, WantedField
from compute.market.interventions import AdministratorProposal
from compute.market.statements import DisputeReason, StatementCorrection, StatementDispute
from compute.permit import permit_name
from compute.records import (
    ConsentDecision,
    ConsentStanding,
    DisputeMatter,
    PartyKind,
    SubjectType,
    contract_name,
    opening,
)
from compute.signing import digest, sign
from marketplace import matrix
from marketplace.calling import Caller
from marketplace.command import ApprovalStarted
from marketplace.errors import NotFoundError, NotProvenError
from marketplace.flow import consent_text
from marketplace.flow.actor import Principal
from marketplace.flow.notice import Topic
from marketplace.flow.office import Matter, Rule
from marketplace.flow.permission import AccessRole
from marketplace.flow.statement import statement_name
from marketplace.flow.states import ResourceState
from marketplace.flow.webhook import Address
from marketplace.once import WANTED, Answer, Once
from marketplace.store.approval_rules import revision

PASSWORD = "Regen auf Hainan im Juni"  # noqa: S105 -- of accounts that are made here
COMPANY, RIVAL = "91460100MAQBDL395F", "91330106MA2CFLDG4R"
VISIT, SOURCE = "v" * 43, "192.0.2.7"


def lived_in(store: Path | str) -> None:
    """It began a month ago: the clock of who opens it next may stand at `NOW`."""
    with open_market(store, Clock(NOW - 30 * DAY)) as market:
        market.enrol()
        market.publish()
        market.offer(TAX, derived(VERSIONS[TAX], "general_2"))
        _money(market)
        market.clock.now = NOW
        name = market.active()
        market.exchange.consents.register(BANK, market.registration(name, "batch-1", ["a", "b", "c"]))
        market.exchange.consents.withdraw(BANK, market.withdrawal(name, ["b"]))
        case = market.exchange.cases.open(SUPERVISOR, "GZ-2026-118", market.clock.now + 1000).id
        market.exchange.cases.approve("operator", case)
        market.exchange.contracts.load(SUPERVISOR, name, case)
        market.exchange.permits.revoke(TAX, permit_name(name, TAX), WHY)
        _subjects(market, name)
        _offices(market)
        _bargains(market)
        _demands(market)
        _interventions(market)
        with contextlib.suppress(NotFoundError):  # a refusal of this hour
            market.exchange.demands.post(BANK, "demand-of-nobody")


def _subjects(market: Market, contract: str) -> None:
    """One subject grants what it is asked, one is asked still; the first withdraws, objects, and is answered."""
    exchange = market.exchange
    links = [_asked(market, contract, subject) for subject in (COMPANY, RIVAL)]
    exchange.identification.send_code(VISIT, SOURCE, COMPANY, telephone(COMPANY), None)
    exchange.messenger.deliver()
    acting = exchange.identification.verify_code(VISIT, SOURCE, market.mailbox.code(COMPANY)).acting
    _, clauses = exchange.subject_consents.shown(links[0], acting)
    exchange.subject_consents.decide(links[0], acting, ConsentDecision.GRANTED, consent_text.digest(clauses))
    market.clock.now += 1
    exchange.consents.register(BANK, market.registration(contract, "batch-2", [COMPANY]))
    exchange.subject_consents.end(acting, contract, ConsentStanding.WITHDRAWN)
    dispute = exchange.subject_consents.dispute(
        acting, contract, DisputeMatter.USE, BANK, "We never asked for it."
    )
    assert dispute is not None
    exchange.disputes.answer(BANK, dispute.number, "You did, on Monday.")
    exchange.identification.send_code(VISIT, SOURCE, RIVAL, telephone(RIVAL), None)
    exchange.identification.challenge(VISIT, SOURCE, "/")


def _asked(market: Market, contract: str, subject: str) -> str:
    """The token of a new request's link."""
    draft = ConsentRequestDraft(
        contract=contract,
        reference=f"ask-{subject[-1].lower()}",
        subject=subject,
        opening=opening(SALTS.salt(subject)),
        subject_type=SubjectType.ENTERPRISE,
        expires=NOW + 20 * DAY,
        hours=72,
        contact="Harbour Bank, +86 898 0000 0000",
    )
    _, url = market.exchange.consent_requests.ask(BANK, draft)
    return url.rpartition("/")[2]


def _offices(market: Market) -> None:
    """A department's people decide in two steps; one has a deputy, mail and a key, and has failed to log in."""
    exchange = market.exchange
    exchange.organisations.found_operator(profile_of("operator", PartyKind.OPERATOR), "first", "甲")
    administrator = Principal(TAX, "member-0", permissions=matrix.load().permissions([AccessRole.ADMINISTRATOR]))
    people = []
    for login in ("li", "wang"):
        invited = exchange.members.invite(administrator, login, "乙", ["handler", "section_chief"], None)
        exchange.members.take(invited.token, PASSWORD, SOURCE)
        exchange.members.confirm("operator", invited.member.id, TAX)
        people.append(Principal(TAX, invited.member.id))
    li, wang = people
    rules = exchange.approval_rules
    steps = (a_step(HANDLER), a_step(CHIEF))
    rule = Rule(Matter.APPLICATION_APPROVE, steps, node=True)
    rules.put(administrator, rule, revision(rules.load(administrator, rule.matter)))
    contract = market.applied("loans-3")
    read = digest(exchange.applications.load(TAX, contract).terms).hex()
    try:
        exchange.applications.approve(li, contract, read)
    except ApprovalStarted as waits:
        approval = waits.approval
    image = io.BytesIO()
    Image.new("L", (8, 8)).save(image, "PNG")
    exchange.attachments.add(li, approval.id, "letter.png", image.getvalue())
    exchange.deputies.name(wang, li.member or "", market.clock.now, market.clock.now + DAY)
    exchange.approvals.pass_step(wang, approval.id)
    _sessions(market, li)
    _notices(market, wang)


def _sessions(market: Market, person: Principal) -> None:
    """Somebody's session, one failure, a machine's key; and a request that is known by its sender's key."""
    exchange, machine = market.exchange, matrix.load().permissions([AccessRole.MACHINE])
    invited = exchange.members.invite(
        Principal(TAX, "member-0", permissions=matrix.load().permissions([AccessRole.ADMINISTRATOR])),
        "zhao",
        "丁",
        ["handler"],
        None,
    )
    taken = exchange.members.take(invited.token, PASSWORD, SOURCE)
    code = pyotp.TOTP(taken.totp).at(market.clock.now // 1000)
    exchange.sessions.login(TAX, "zhao", PASSWORD, code, SOURCE)
    with contextlib.suppress(NotProvenError):
        exchange.sessions.login(TAX, "li", "a guess of mine", "000000", SOURCE)
    exchange.api_keys.issue(replace(person, permissions=machine), "对账", machine, 30)
    once = Once(TAX, "key-1", b"\1" * 32)
    WANTED.set(once)
    exchange.resources.enter(TAX, "DEMO-MR-0002", REGISTRATION, ResourceState.REGISTERED)
    exchange.keep_answer(once, Answer(201, "application/json", None, b"{}"))


def _notices(market: Market, person: Principal) -> None:
    """One is read; one goes by mail, if there is a server, and to a webhook that nobody reaches."""
    exchange = market.exchange
    wish = exchange.notices.prefer(person, "wang@example.cn", "zh", frozenset({Topic.APPROVAL_WAITING}))
    exchange.addresses.draw(wish)  # as the worker does that sends it
    exchange.notices.add_webhook(TAX, "https://hooks.example/market", frozenset())
    held = exchange.notices.page(TAX, None, 1, unread=True)
    exchange.notices.read(TAX, held[0].id)
    caller = Caller("market", KEYS["market"], allow_private=False, resolve=_here)
    with ThreadPoolExecutor(1) as pool:
        exchange.deliverer(caller, None).step(pool)


def _here(_host: str, _port: int) -> list[Address]:
    return [ipaddress.ip_address("127.0.0.1")]


def _bargains(market: Market) -> None:
    """One application has a counter-offer; one contract is amended, one stopped by one side still, one revoked."""
    exchange = market.exchange
    exchange.applications.counter(TAX, market.applied("loans-4"), counter_offer())
    amending, stopped, over = (market.active(f"loans-{number}") for number in (5, 6, 7))
    held = exchange.contracts.load(BANK, amending).terms
    narrower = amended(held, version=2, max_uses=held.max_uses - 1)
    exchange.amendments.propose(BANK, amending, narrower)
    exchange.amendments.sign(BANK, sign(narrower, BANK, KEYS[BANK]))
    for side in (LABOUR, "operator"):
        exchange.contracts.suspend(side, stopped, WHY)
    exchange.contracts.reinstate("operator", stopped)
    exchange.contracts.revoke(TAX, over, WHY)
    destroyed = DestructionCertificate(
        contract=over,
        party=TAX,
        at=market.clock.now,
        destroyed=dict.fromkeys(Kept, 0),
        retained=(),
        retained_until=None,
    )
    exchange.contracts.certify(TAX, sign(destroyed, TAX, KEYS[TAX]))
    high = (
        DESCRIPTIONS[TAX].replace(b'"1.0.0"', b'"2.0.0"').replace(b'grade = "general_2"', b'grade = "general_4"')
    )
    market.offer(TAX, high)
    asked = terms("loans-8", grants=(grant(TAX, "naics", product_version="2.0.0"),))
    exchange.applications.apply(BANK, "loans-8", asked)


def _demands(market: Market) -> None:
    """A demand that departments see is answered and followed, another is a draft."""
    exchange = market.exchange
    wanted = DemandRequest(
        title="小微企业用工数据",
        description="用于贷前审批，需要企业的用工规模。",
        fields=(WantedField(words="从业人数", field_type=FieldType.INTEGER),),
        purpose="credit_approval",
        until="2026-12-31",
        audience=(PartyKind.PROVIDER,),
    )
    exchange.demands.write(OTHER, wanted)
    name = exchange.demands.write(BANK, wanted).demand.name
    exchange.demands.post(BANK, name)
    exchange.demands.follow(TAX, name)
    exchange.demands.answer(LABOUR, name, ResponseRequest(text="我们可以提供，请看产品目录。"))


def _money(market: Market) -> None:
    """A contract at a price and a negotiated one; its first month is stated, disputed, corrected and confirmed."""
    exchange, name = market.exchange, contract_name(BANK, "loans-9")
    enrol_authority(market)
    exchange.mandates.enter(AUTHORITY, mandate())
    for provider, price in ((TAX, PER_USE), (LABOUR, NEGOTIATED)):
        market.offer(provider, description(provider, price).replace(b'"1.0.0"', b'"1.1.0"', 1))
    grants = (
        grant(TAX, "naics", product_version="1.1.0"),
        grant(LABOUR, "employees", product_version="1.1.0"),
    )
    exchange.applications.apply(BANK, "loans-9", terms("loans-9", grants=grants, not_before=market.clock.now))
    exchange.prices.offer(LABOUR, name, 990_000)
    exchange.prices.accept(BANK, name, LABOUR, 990_000)
    for provider in (TAX, LABOUR):
        market.approve(provider, name)
    for party in (BANK, TAX, LABOUR):
        exchange.contracts.sign(party, market.signed(party, name))
    use(market, name, TAX, "one", 40)
    market.clock.now = at("2026-11-01T00:00+08:00")
    exchange.expire()
    stated = statement_name(name, TAX, "2026-10")
    issued = exchange.statements.load(BANK, stated)
    said = StatementDispute(digest=issued.digest, reason=DisputeReason.USES, text="我们只用了 30 次。")
    exchange.statements.dispute(BANK, stated, said)
    correction = StatementCorrection(digest=issued.digest, note="按日志重新计数。")
    corrected = exchange.statements.correct("operator", stated, correction)
    exchange.statements.confirm(BANK, stated, corrected.digest)


def _interventions(market: Market) -> None:
    """An administrator is proposed for a department, and told of; another proposal was taken back."""
    exchange, asked = market.exchange, "operator-clerk"
    first = Principal(
        "operator", "member-0", permissions=matrix.load().permissions([AccessRole.OPERATOR_ADMINISTRATOR])
    )
    invited = exchange.members.invite(first, asked, "戊", ["operator_clerk"], None)
    exchange.members.take(invited.token, PASSWORD, SOURCE)
    exchange.members.confirm("operator", invited.member.id)
    clerk = Principal("operator", invited.member.id)
    for organisation in (LABOUR, OTHER):
        proposal = AdministratorProposal(
            login="chen", name="己", reason="administrators_left", evidence="7" * 64, invitation="6" * 64
        )
        made = exchange.interventions.readminister(clerk, organisation, proposal)
    exchange.interventions.reject(clerk, made.id, "来函系误发。")
