"""Organisations without a node: what their people do, and that nothing which rests on a key is theirs."""

import ast
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from market import (
    BANK,
    DAY,
    DESCRIPTIONS,
    KEYS,
    LABOUR,
    NOW,
    REGISTRATION,
    STOP,
    TAX,
    VERSIONS,
    WHY,
    Market,
    counter_offer,
    passing,
    terms,
)
from money import mandate
from office import HANDLER, LEADER, a_step, started
from store_contents import rows
from without_node import BUREAU, OFFICE, PARK, STATISTICS, THINK_TANK, admit_all, person

from audit.entry import EntryKind
from compute.market.consent_requests import ConsentRequestDraft
from compute.market.contracts import DestructionCertificate
from compute.market.demands import CloseReason, DemandRequest, ResponseRequest, WantedField
from compute.market.products import Review
from compute.permit import permit_name
from compute.records import SubjectType
from compute.signing import digest, sign
from marketplace.commands import deadlines
from marketplace.errors import ForbiddenError, InvalidError, NodeRequiredError, NotFoundError, RevisionError
from marketplace.flow.actor import Principal
from marketplace.flow.notice import Notice, Topic
from marketplace.flow.office import Matter, Rule
from marketplace.flow.states import ResourceState
from marketplace.gate import Gate
from marketplace.notice_texts import sentence
from marketplace.store.approval_rules import revision
from marketplace.store.migration import migrate

COMMANDS = Path(deadlines.__file__).parent
WANTED = DemandRequest(
    title="园区企业用工",
    description="招商前评估,需要从业人数。",
    fields=(WantedField(words="从业人数"),),
    purpose="public_governance",
    until="2026-12-31",
)
FREE = {
    "accept_agreement",
    "answer_demand",
    "attach",
    "change_member",
    "close_demand",
    "confirm_address",
    "confirm_member",
    "edit_demand",
    "end_deputy",
    "end_mandate",
    "enter_mandate",
    "follow_demand",
    "invite_member",
    "issue_api_key",
    "name_deputy",
    "pass_approval",
    "post_demand",
    "prefer_notices",
    "put_approval_rule",
    "read_notice",
    "read_notices",
    "reinvite_member",
    "reject_approval",
    "reject_intervention",
    "relocate_organisation",
    "remove_member",
    "remove_webhook",
    "resubmit_approval",
    "return_approval",
    "revoke_api_key",
    "start_approval",
    "unfollow_demand",
    "withdraw_approval",
    "write_demand",
    "add_webhook",
}
"""Every command that rests on no key. Whoever adds one says here that nobody relies on a signature for it."""


@pytest.fixture
def without(market: Market) -> Market:
    """A market in which some organisations have no node."""
    admit_all(market)
    return market


def told(market: Market, who: Principal) -> list[tuple[Topic, str]]:
    """What somebody finds in the inbox, the oldest first."""
    held = market.exchange.notices.page(who, None, 50, unread=True)
    return [(each.notice.topic, each.notice.about) for each in reversed(held)]


@pytest.mark.both_databases
def test_a_park_posts_a_demand_and_a_think_tank_follows_and_answers_it(without: Market) -> None:
    demands, park, think_tank = without.exchange.demands, person(PARK), person(THINK_TANK)
    draft = demands.write(park, WANTED).demand
    edited = demands.edit(park, draft.name, msgspec.structs.replace(WANTED, title="用工规模"), draft.revision)
    assert edited.demand.wanted.title == "用工规模"
    demands.post(park, draft.name)
    assert [each.provider for each in demands.matches(park, draft.name)] == [LABOUR]
    assert demands.follow(think_tank, draft.name).followers == 1
    demands.answer(think_tank, draft.name, ResponseRequest(text="我院可提供分析。"))
    demands.answer(LABOUR, draft.name, ResponseRequest(text="见产品目录。"))
    assert [each.by for each in demands.answers(park, draft.name)] == [THINK_TANK, LABOUR]
    demands.close(park, draft.name, CloseReason.SATISFIED, 2)
    assert told(without, park)[1:] == [(Topic.DEMAND_ANSWERED, draft.name)] * 2
    assert told(without, think_tank)[1:] == [
        (Topic.DEMAND_ANSWERED, draft.name),
        (Topic.DEMAND_CLOSED, draft.name),
    ]
    demands.unfollow(think_tank, draft.name)
    logged = [entry for entry in without.exchange.log.entries() if entry.detail.get("demand") == draft.name]
    assert [(entry.kind, entry.node, entry.counterparty) for entry in logged] == [
        (EntryKind.DEMAND_POSTED, "market", PARK),
        (EntryKind.DEMAND_ANSWERED, "market", THINK_TANK),
        (EntryKind.DEMAND_ANSWERED, "market", LABOUR),
        (EntryKind.DEMAND_CLOSED, "market", PARK),
    ]
    without.check()


@pytest.mark.both_databases
def test_an_authority_sets_ceilings_and_the_log_proves_who_did(without: Market) -> None:
    mandates, bureau = without.exchange.mandates, person(BUREAU)
    made = mandates.enter(bureau, mandate())
    assert (made.authority, mandates.load("mandate-2026").authority) == (BUREAU, BUREAU)
    assert mandates.revenue(bureau, "mandate-2026", 2026)[1] == 0
    for stranger in (person(PARK), person(STATISTICS), BANK):
        with pytest.raises(ForbiddenError, match="is no mandating authority"):
            mandates.enter(stranger, mandate("mandate-2027", begins="2029-01-01", ends="2029-12-31"))
        with pytest.raises(NotFoundError):
            mandates.revenue(stranger, "mandate-2026", 2026)
        with pytest.raises(ForbiddenError):
            mandates.end(stranger, "mandate-2026", "no more")
    mandates.end(bureau, "mandate-2026", "期满不再续签")
    # As of any other: the marketplace's signed entry names the organisation, and one before it says what that is.
    log = [entry for entry in without.exchange.log.entries() if entry.counterparty == BUREAU]
    assert [entry.kind for entry in log] == [
        EntryKind.ORGANISATION_ADMITTED,
        EntryKind.MANDATE_ENTERED,
        EntryKind.MANDATE_ENDED,
    ]
    assert log[0].detail["party_kind"] == "authority"
    assert log[1].detail == {"mandate": "mandate-2026", "terms": digest(mandate()).hex()}
    assert {entry.node for entry in log} == {"market"}
    without.check()


def test_reading_needs_no_node(without: Market) -> None:
    exchange, park = without.exchange, person(PARK)
    assert BANK in {each.statement.name for each in exchange.directory(park)}
    assert PARK not in {each.statement.name for each in exchange.directory(park)}
    assert exchange.organisations.load(park, PARK)[0].is_enrolled is False
    assert exchange.organisations.load(park, BANK)[0].is_enrolled is True
    enrolled = {each.name: each.is_enrolled for each, _ in exchange.organisations.page(park, "", 100)}
    assert (enrolled[PARK], enrolled[BUREAU], enrolled[BANK]) == (False, False, True)
    assert exchange.applications.page(park, "", 10) == []
    assert exchange.deadlines(park) == []


def test_what_is_secret_stays_so_without_a_node(without: Market) -> None:
    """Reading is open, and shows no more than it showed: contracts, cases and permits of others are not there."""
    exchange, name = without.exchange, without.active()
    for who in (person(PARK), person(BUREAU), person(STATISTICS)):
        for read in (exchange.contracts.load, exchange.applications.load, exchange.consents.of):
            with pytest.raises(NotFoundError):
                read(who, name)
        with pytest.raises(ForbiddenError):
            exchange.cases.all_of(who)
        with pytest.raises(NotFoundError):
            exchange.permits.status(who, permit_name(name, TAX), b"\1" * 32)
    with pytest.raises(ForbiddenError, match="case"):
        exchange.contracts.load(person(OFFICE), name)


def test_at_admission_it_is_told_what_it_can_do_and_what_takes_a_node(without: Market) -> None:
    park = person(PARK)
    assert told(without, park) == [(Topic.ORGANISATION_ADMITTED, PARK)]
    notice = Notice(PARK, Topic.ORGANISATION_ADMITTED, PARK, NOW)
    for language, words in (("zh", ("需求", "授权运营", "签约")), ("en", ("demands", "mandates", "contracts"))):
        said = sentence(notice, language)  # type: ignore[arg-type]
        assert all(word in said for word in (*words, "veilmart marketplace enrol", PARK)), said
    without.exchange.organisations.suspend("operator", PARK, "breach")
    without.exchange.organisations.reinstate("operator", PARK)
    assert len(told(without, park)) == 1


# --- the attack: each thing that rests on a key ---------------------------------------------------------------

Attack = Callable[[Market, Principal, str], object]


def _ask(market: Market, who: Principal, contract: str) -> object:
    draft = ConsentRequestDraft(
        contract=contract,
        reference="ask-1",
        subject="91460100MAQBDL395F",
        opening=b"\1" * 32,
        subject_type=SubjectType.ENTERPRISE,
        expires=NOW + DAY,
        hours=72,
        contact="Park",
    )
    return market.exchange.consent_requests.ask(who, draft)


def _certify(market: Market, who: Principal, contract: str) -> object:
    said = DestructionCertificate(
        contract=contract, party=BANK, at=NOW, destroyed={}, retained=(), retained_until=None
    )
    return market.exchange.contracts.certify(who, sign(said, BANK, KEYS[BANK]))


ATTACKS: dict[str, Attack] = {
    "enter_resource": lambda m, w, _: m.exchange.resources.enter(w, "R-1", REGISTRATION, ResourceState.REGISTERED),
    "draft_product": lambda m, w, _: m.exchange.products.draft(w, DESCRIPTIONS[TAX]),
    "publish_product": lambda m, w, _: m.exchange.products.publish(w, DESCRIPTIONS[TAX]),
    "delist_product": lambda m, w, _: m.exchange.products.delist(w, VERSIONS[TAX], STOP),
    "review_product": lambda m, w, _: m.exchange.products.review(
        w, VERSIONS[TAX], passing("0" * 64, Review.COMPLIANCE)
    ),
    "precheck": lambda m, w, _: m.exchange.applications.precheck(w, "loans-9", terms()),
    "apply": lambda m, w, _: m.exchange.applications.apply(w, "loans-9", terms()),
    "withdraw_application": lambda m, w, c: m.exchange.applications.withdraw(w, c, WHY),
    "approve": lambda m, w, c: m.exchange.applications.approve(w, c, "0" * 64),
    "counter": lambda m, w, c: m.exchange.applications.counter(w, c, counter_offer()),
    "offer_price": lambda m, w, c: m.exchange.prices.offer(w, c, 1),
    "accept_price": lambda m, w, c: m.exchange.prices.accept(w, c, TAX, 1),
    "declare_ready": lambda m, w, c: m.exchange.readiness.declare(w, c, "0" * 64),
    "sign_contract": lambda m, w, c: m.exchange.contracts.sign(w, m.signed(BANK, c)),
    "terminate_contract": lambda m, w, c: m.exchange.contracts.terminate(w, c, WHY),
    "certify_destruction": _certify,
    "propose_amendment": lambda m, w, c: m.exchange.amendments.propose(w, c, terms()),
    "revoke_permit": lambda m, w, c: m.exchange.permits.revoke(w, permit_name(c, TAX), WHY),
    "register_consents": lambda m, w, c: m.exchange.consents.register(w, m.registration(c, "batch-1", ["a"])),
    "withdraw_consent": lambda m, w, c: m.exchange.consents.withdraw(w, m.withdrawal(c, ["a"])),
    "ask_consent": _ask,
    "answer_dispute": lambda m, w, _: m.exchange.disputes.answer(w, "dispute-1", "words"),
    "confirm_statement": lambda m, w, _: m.exchange.statements.confirm(w, "statement-1", "0" * 64),
    "open_case": lambda m, w, _: m.exchange.cases.open(w, "GZ-1", NOW + DAY),
    "approve_case": lambda m, w, _: m.exchange.cases.approve(w, "case-1"),
    "read_under_a_case": lambda m, w, c: m.exchange.contracts.load(w, c, "case-1"),
}


@pytest.mark.parametrize("organisation", [PARK, BUREAU, OFFICE, STATISTICS])
def test_whatever_rests_on_a_key_is_refused_and_recorded(without: Market, organisation: str) -> None:
    contract, who = without.active(), person(organisation)
    for name, attack in ATTACKS.items():
        before = len(without.refusals())
        with pytest.raises(NodeRequiredError, match=f"{organisation} has no node yet.*veilmart marketplace enrol"):
            attack(without, who, contract)
        ((by, _, reason),) = without.refusals()[before:]
        assert (by, reason) == (organisation, "node_required"), name
    without.check()


def test_no_step_of_its_own_office_gets_round_it(without: Market) -> None:
    """An approval of what takes a node is refused when it is started; of what takes none it is carried out."""
    exchange = without.exchange
    chief, staff = person(STATISTICS), []
    for login, role in (("li", "handler"), ("sun", "leader")):
        invited = exchange.members.invite(chief, login, "乙", [role], None)
        exchange.members.take(invited.token, "Regen auf Hainan im Juni", "192.0.2.7")
        exchange.members.confirm("operator", invited.member.id, STATISTICS)
        staff.append(Principal(STATISTICS, invited.member.id))
    li, sun = staff
    rules = exchange.approval_rules
    for matter in (Matter.PRODUCT_SUBMIT, Matter.DEMAND_POST):
        rule = Rule(matter, (a_step(HANDLER), a_step(LEADER)), node=True)
        rules.put(chief, rule, revision(rules.load(chief, matter)))
    with pytest.raises(NodeRequiredError):
        exchange.products.publish(li, DESCRIPTIONS[TAX].replace(TAX.encode(), STATISTICS.encode()))
    assert exchange.approvals.page(chief, None, 10) == []
    demand = exchange.demands.write(li, WANTED).demand.name
    waits = started(exchange.demands.post, li, demand)
    exchange.approvals.pass_step(li, waits.id)
    exchange.approvals.pass_step(sun, waits.id)
    assert exchange.demands.load(BANK, demand).demand.is_open


def test_an_answer_names_no_product_of_who_has_none(without: Market) -> None:
    demands = without.exchange.demands
    name = demands.write(person(PARK), WANTED).demand.name
    demands.post(person(PARK), name)
    with pytest.raises(InvalidError, match="you list no product"):
        demands.answer(
            person(STATISTICS), name, ResponseRequest(product="social-insurance", product_version="1.0.0")
        )


def test_who_is_stopped_or_never_admitted_does_nothing_without_a_node_either(without: Market) -> None:
    exchange = without.exchange
    exchange.organisations.suspend("operator", PARK, "breach")
    for command in (
        lambda: exchange.demands.write(person(PARK), WANTED),
        lambda: exchange.notices.unread(person(PARK)),
        lambda: exchange.products.draft(person(PARK), DESCRIPTIONS[TAX]),
    ):
        with pytest.raises(ForbiddenError, match="park is suspended"):
            command()
    with pytest.raises(ForbiddenError, match="does not take part"):
        exchange.demands.write("nobody", WANTED)


def test_a_supervisor_without_a_node_hears_what_supervisors_hear(without: Market) -> None:
    """What the operator leaves lying long enough comes to every supervisor that takes part."""
    with Gate(without.exchange.log, without.setting).housekeeping() as step:
        deadlines.set(step, "product", "product-1", "operator", NOW + DAY)
    for _ in range(2):
        without.clock.now += 2 * DAY
        without.exchange.expire()
    assert (Topic.STEP_OVERDUE, "product-1") in told(without, person(OFFICE))


def test_only_listed_commands_rest_on_no_key() -> None:
    found = set()
    for file in sorted(COMMANDS.glob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            is_command = isinstance(call.func, ast.Attribute) and call.func.attr == "command"
            if is_command and any(each.arg == "enrolled" for each in call.keywords):
                found.add(ast.unparse(call.args[0]).strip("'"))
    by_variable = {
        "_POST": {"post_demand"},
        "_CONFIRM": {"confirm_address"},
        "command": {"pass_approval", "return_approval", "reject_approval"},
    }
    assert {name for each in found for name in by_variable.get(each, {each})} == FREE


@pytest.mark.both_databases
def test_an_older_version_is_not_gone_back_to_while_it_could_not_hold_what_they_did(without: Market) -> None:
    without.exchange.demands.write(person(PARK), WANTED)
    without.exchange.mandates.enter(person(BUREAU), mandate())
    before = rows(without.path)
    with pytest.raises(RevisionError, match=r"demands|mandates|violates foreign key"):
        migrate(without.path, "0003")
    assert rows(without.path) == before
