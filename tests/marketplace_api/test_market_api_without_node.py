"""Organisations without a node over the whole app: their people do what rests on no key, and no more."""

import json
import time
from collections.abc import Callable

import msgspec
import pytest
from apiflask import APIFlask
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from market import BANK, DESCRIPTIONS, KEYS, NOW, TAX, WHY, Market, terms
from marketplace_api.principals import URL, Place, Sender, context_of, enter, made_app
from money import mandate
from office_app import AppPeer
from without_node import BUREAU, OFFICE, PARK, STATISTICS, WITHOUT, admit_all, person

from audit.entry import EntryKind
from compute.client.marketplace import MarketplaceClient
from compute.market.consent_requests import ConsentRequestDraft
from compute.market.demands import CloseReason, DemandRequest, ResponseRequest, WantedField
from compute.market.resources import ResourceEntry
from compute.records import SubjectType
from compute.web import messages
from compute.web.errors import PeerProblemError
from marketplace import matrix
from marketplace.flow.member import roles_of
from marketplace.flow.permission import AccessRole

EVER = "2099-12-31"
WANTED = DemandRequest(
    title="园区企业用工",
    description="招商前评估,需要从业人数。",
    fields=(WantedField(words="从业人数"),),
    purpose="public_governance",
    until=EVER,
)
CONTRACT = terms().contract


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> APIFlask:
    folder = tmp_path_factory.mktemp("without-node")
    app = made_app(folder)
    context = context_of(app)
    admit_all(Market(context.exchange, folder, context.setting))
    return app


@pytest.fixture(scope="module")
def logged_in(app: APIFlask) -> Callable[..., Sender]:
    """Have somebody with these roles, or all that the organisation has, log in."""
    found: dict[tuple[str, ...], Sender] = {}

    def log_in(organisation: str, *roles: str) -> Sender:
        key = (organisation, *roles)
        if key not in found:
            exchange, name = context_of(app).exchange, f"is-{len(found)}"
            everything = sorted(roles_of(WITHOUT[organisation]))
            invited = exchange.members.invite(person(organisation), name, "乙", roles or everything, None)
            found[key] = enter(app, invited)
            exchange.members.confirm("operator", invited.member.id, organisation)
        return found[key]

    return log_in


@pytest.fixture
def client(app: APIFlask, logged_in: Callable[..., Sender]) -> Callable[..., MarketplaceClient]:
    """The marketplace as somebody of an organisation asks it."""

    def of(organisation: str, *roles: str) -> MarketplaceClient:
        token = logged_in(organisation, *roles).token
        assert token is not None
        return MarketplaceClient(AppPeer(app, token))

    return of


Client = Callable[..., MarketplaceClient]


def refused(call: Callable[[], object]) -> tuple[int, str]:
    """The status and the kind of problem that a call ends in."""
    with pytest.raises(PeerProblemError) as error:
        call()
    return error.value.status, error.value.slug


def test_a_park_government_uses_the_board_and_its_inbox(app: APIFlask, client: Client) -> None:
    handler, leader, researcher = client(PARK, "handler"), client(PARK, "leader"), client("think-tank", "handler")
    assert [each.topic for each in handler.notices.page().items] == ["organisation_admitted"]
    draft = handler.demands.write(WANTED)
    edited = handler.demands.edit(draft.demand, msgspec.structs.replace(WANTED, title="用工规模"), draft.revision)
    assert leader.demands.post(edited.demand).state == "posted"
    assert researcher.demands.follow(draft.demand).followers == 1
    researcher.demands.answer(draft.demand, ResponseRequest(text="我院可提供分析。"))
    (told, _) = handler.notices.page(unread=True).items
    assert (told.topic, told.about) == ("demand_answered", draft.demand)
    assert handler.notices.read(told.id).is_read
    assert handler.demands.close(draft.demand, CloseReason.SATISFIED, 1).state == "closed"
    assert researcher.demands.unfollow(draft.demand).followers == 0
    assert PARK not in {each.statement.name for each in handler.directory()}
    assert handler.organisations.load(PARK).is_enrolled is False
    assert handler.organisations.load(BANK).is_enrolled is True
    kinds = [e.kind for e in context_of(app).exchange.log.entries() if e.detail.get("demand") == draft.demand]
    assert kinds == [EntryKind.DEMAND_POSTED, EntryKind.DEMAND_ANSWERED, EntryKind.DEMAND_CLOSED]


def test_an_authority_s_leader_sets_ceilings_and_its_handler_does_not(app: APIFlask, client: Client) -> None:
    leader, handler, strangers = client(BUREAU, "leader"), client(BUREAU, "handler"), client(PARK, "leader")
    asked = mandate("mandate-http", ends="2028-12-31")
    assert refused(lambda: handler.mandates.enter(asked)) == (403, "permission-denied")
    assert refused(lambda: strangers.mandates.enter(asked)) == (403, "forbidden")
    assert leader.mandates.enter(asked).authority == BUREAU
    assert handler.mandates.revenue("mandate-http", 2026).charged_fen == 0
    assert refused(lambda: strangers.mandates.end("mandate-http", "no more")) == (403, "forbidden")
    assert refused(lambda: handler.mandates.end("mandate-http", "no more")) == (403, "permission-denied")
    assert leader.mandates.end("mandate-http", "期满不再续签").state == "ended"
    log = [e.kind for e in context_of(app).exchange.log.entries() if e.counterparty == BUREAU]
    assert [kind for kind in log if kind.value.startswith("mandate")] == [
        EntryKind.MANDATE_ENTERED,
        EntryKind.MANDATE_ENDED,
    ]


def test_an_authority_s_administrator_makes_no_leader_who_sets_ceilings(app: APIFlask) -> None:
    """Who invites an account can take it: it acts once somebody else has confirmed whose it is."""
    exchange = context_of(app).exchange
    invited = exchange.members.invite(person(BUREAU), "puppet", "丙", ["leader"], None)
    token = enter(app, invited).token
    assert token is not None
    puppet, asked = MarketplaceClient(AppPeer(app, token)), mandate("mandate-puppet", ends="2027-12-31")
    assert refused(lambda: puppet.mandates.enter(asked)) == (403, "forbidden")
    held = exchange.mandates.enter(BUREAU, asked).terms.mandate  # as its node might
    assert refused(lambda: puppet.mandates.end(held, "no more")) == (403, "forbidden")
    exchange.members.confirm("operator", invited.member.id, BUREAU)
    assert puppet.mandates.end(held, "期满不再续签").state == "ended"


def _ask(market: MarketplaceClient) -> object:
    draft = ConsentRequestDraft(
        contract=CONTRACT,
        reference="ask-1",
        subject="91460100MAQBDL395F",
        opening=b"\1" * 32,
        subject_type=SubjectType.ENTERPRISE,
        expires=NOW,
        hours=72,
        contact="Park",
    )
    return market.consent_requests.ask(draft)


ENTRY = ResourceEntry(code="DEMO-1", name="公共数据资源登记", state="registered", first_day="2026-01-01")
OWN = DESCRIPTIONS[TAX].replace(TAX.encode(), STATISTICS.encode())
ATTACKS: dict[str, Callable[[MarketplaceClient], object]] = {
    "enter_resource": lambda market: market.resources.enter(ENTRY),
    "draft_product": lambda market: market.product_desk.draft(OWN),
    "publish_product": lambda market: market.publish(OWN),
    "precheck": lambda market: market.bargaining.precheck("loans-1", terms()),
    "apply": lambda market: market.apply("loans-1", terms()),
    "approve": lambda market: market.approve(CONTRACT, "0" * 64),
    "offer_price": lambda market: market.prices.offer(CONTRACT, 1),
    "ready_to_sign": lambda market: market.approvals.ready(CONTRACT, "0" * 64),
    "terminate": lambda market: market.contracts.terminate(CONTRACT, WHY),
    "revoke_permit": lambda market: market.revoke_permit("permit-1", WHY),
    "ask_consent": _ask,
    "answer_dispute": lambda market: market.disputes.answer("dispute-1", "words"),
    "confirm_statement": lambda market: market.statements.confirm("statement-1", "0" * 64),
}


@pytest.mark.parametrize("organisation", [PARK, BUREAU, STATISTICS])
def test_what_rests_on_a_key_is_refused_with_what_to_do_next(
    app: APIFlask, client: Client, organisation: str
) -> None:
    log, market = context_of(app).exchange.log, client(organisation)
    before = len(list(log.entries()))
    for name, attack in ATTACKS.items():
        with pytest.raises(PeerProblemError) as error:
            attack(market)
        assert (error.value.status, error.value.slug) == (403, "node-required"), name
        assert error.value.detail == f"{organisation} has no node yet, and this rests on a node's key"
        assert "veilmart marketplace enrol" in error.value.remedy
    made = list(log.entries())[before:]
    assert {(entry.kind, entry.counterparty, entry.detail["reason"]) for entry in made} == {
        (EntryKind.REFUSED, organisation, "node_required")
    }
    assert len(made) == len(ATTACKS)


def test_a_supervisor_s_case_takes_a_node(client: Client) -> None:
    officer = client(OFFICE, "supervisor_officer")
    assert officer.cases() == ()
    assert refused(lambda: officer.open_case("GZ-1", NOW)) == (403, "node-required")


def test_a_program_s_key_opens_no_more_than_its_people(app: APIFlask, client: Client) -> None:
    issued = client(PARK).api_keys.issue("对账", sorted(matrix.load().permissions([AccessRole.MACHINE])), 30)
    program = MarketplaceClient(AppPeer(app, issued.secret))
    assert [each.topic for each in program.notices.page().items]
    assert refused(lambda: program.apply("loans-1", terms())) == (403, "node-required")
    assert refused(lambda: program.demands.write(WANTED)) == (403, "permission-denied")


def test_a_key_that_nobody_enrolled_signs_for_nobody(app: APIFlask, logged_in: Callable[..., Sender]) -> None:
    """It is no proof, with a session beside it neither; and whoever signs as another is that other or nobody."""
    log, place = context_of(app).exchange.log, Place("parties.directory", "GET", "/parties")
    before, own = len(list(log.entries())), Ed25519PrivateKey.from_private_bytes(b"\x55" * 32)
    token = logged_in(PARK, "handler").token
    for sender in (
        Sender(app.test_client(), PARK, own),
        Sender(app.test_client(), PARK, own, token=token),
        Sender(app.test_client(), BUREAU, KEYS[BANK], token=token),
    ):
        assert sender.send(place).status_code == 401
    assert len(list(log.entries())) == before


def test_a_signature_on_a_mandate_by_a_key_of_another_is_that_other_s(
    app: APIFlask, logged_in: Callable[..., Sender]
) -> None:
    """A bank that signs what an authority's session carries enters nothing in the authority's name."""
    content = json.dumps({"type": "mandate_request", **msgspec.to_builtins(mandate("mandate-forged"))}).encode()
    request = messages.Request("POST", f"{URL}/mandates", {"Content-Type": "application/json"})
    messages.sign(request, BANK, KEYS[BANK], content, time.time())
    token = logged_in(BUREAU, "leader").token
    headers = {**request.headers, "Authorization": f"Bearer {token}"}
    answer = app.test_client().post("/mandates", base_url=URL, headers=headers, data=content)
    assert answer.status_code == 403
    assert BANK in answer.get_json()["detail"]
