"""An office over the API: people of a department log in, decide step by step, and their department acts."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from market import TAX, Market
from marketplace_api.principals import context_of
from office_app import Office, opened_office, outside
from PIL import Image
from postbox import Postbox

from compute.client.base import WaitingError
from compute.market.approvals import ApprovalStep
from compute.market.notices import NoticePreference
from compute.signing import digest
from compute.web.errors import PeerProblemError
from marketplace.errors import ConflictError


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return opened_office(tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="module")
def market(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Market:
    return outside(office, tmp_path_factory.mktemp("unused"))


def refused(status: int, call: Callable[..., object], *args: object, **more: object) -> dict[str, Any]:
    with pytest.raises(PeerProblemError) as found:
        call(*args, **more)
    assert found.value.status == status, found.value.problem
    return dict(found.value.problem)


STEPS = tuple(
    ApprovalStep(working_days=days, role=role)  # type: ignore[arg-type]
    for days, role in ((1, "handler"), (2, "section_chief"), (3, "leader"))
)


def waiting(office: Office, contract: str, login: str = "li") -> str:
    """The approval that a member's command has started."""
    client = office.market(login)
    with pytest.raises(WaitingError) as started:
        client.approve(contract, digest(client.application(contract).terms).hex())
    last = office.people[login].last
    assert last is not None
    assert last.status_code == 202
    return str(started.value.approval.id)


@pytest.fixture(scope="module")
def stepped(office: Office, market: Market) -> Market:
    """The department has three steps before it approves an application."""
    rule = office.approvals("wu").rule("application_approve")
    assert rule.steps == ()
    office.approvals("wu").put_rule("application_approve", STEPS, rule.revision)
    return market


def test_the_department_approves_once_its_leader_has(office: Office, stepped: Market) -> None:
    contract = stepped.applied("api-1")
    name = waiting(office, contract)
    image = io.BytesIO()
    Image.new("L", (4, 4)).save(image, "PNG")
    kept = office.approvals("li").attach(name, "签报.png", image.getvalue())
    assert (kept.name, kept.media_type, kept.number) == ("签报.png", "image/png", 1)
    office.approvals("li").pass_step(name, "材料齐全\n请审批")
    refused(403, office.approvals("sun").pass_step, name)
    office.approvals("zhao").pass_step(name)
    assert office.market("li").application(contract).parts[TAX] == "submitted"
    done = office.approvals("sun").pass_step(name, "同意")
    assert (done.state, done.waits_for) == ("completed", ())
    assert [each.member for each in done.history] == [office.ids[each] for each in ("li", "li", "zhao", "sun")]
    assert done.history[1].opinion == "材料齐全\n请审批"
    assert office.market("li").application(contract).parts[TAX] == "approved"
    assert office.approvals("sun").attachment(name, 1) == image.getvalue()
    last = office.people["sun"].last
    assert last is not None
    assert last.headers["Content-Disposition"] == ("attachment; filename*=UTF-8''%E7%AD%BE%E6%8A%A5.png")
    assert last.headers["X-Content-Type-Options"] == "nosniff"
    assert last.content_type == "application/octet-stream"
    assert refused(409, office.approvals("li").withdraw, name)["allowed"] == []


@pytest.mark.usefixtures("stepped")
def test_steps_are_edited_by_who_has_read_them(office: Office) -> None:
    rule = office.approvals("wu").rule("contract_end")
    office.approvals("wu").put_rule("contract_end", STEPS[:1], rule.revision)
    refused(412, office.approvals("wu").put_rule, "contract_end", STEPS, rule.revision)
    refused(403, office.approvals("li").put_rule, "contract_end", (), rule.revision)
    refused(404, office.approvals("wu").rule, "nothing")
    last = office.people["wu"].last
    named = office.approvals("wu").rule("contract_end")
    last = office.people["wu"].last
    assert last is not None
    assert last.headers["ETag"] == f'"{named.revision}"'
    found = refused(
        422, office.approvals("wu").put_rule, "contract_end", (ApprovalStep(working_days=1),), named.revision
    )
    assert found["errors"] == [
        {"location": "json", "field": "steps.0", "message": "Name either a role or members."}
    ]
    wrong = office.people["wu"].request
    bad = refused(
        422,
        wrong,
        "PUT",
        "/approval-rules/contract_end",
        expected=bytes,
        content=b'{"steps":[{"working_days":0,"role":"king"}]}',
        headers={"If-Match": f'"{named.revision}"'},
    )
    assert {each["field"] for each in bad["errors"]} == {"steps.0.working_days", "steps.0.role"}


@pytest.mark.parametrize("text", ["", " ", "a\u202eb", "x" * 4001, "\x00"])
@pytest.mark.usefixtures("stepped")
def test_an_opinion_is_a_readable_text(office: Office, text: str) -> None:
    found = refused(422, office.approvals("li").pass_step, "approval-any", text)
    assert [each["field"] for each in found["errors"]] == ["opinion"]


def test_a_returned_command_is_sent_again(office: Office, stepped: Market) -> None:
    contract = stepped.applied("api-2")
    name = waiting(office, contract)
    found = refused(
        422, office.people["li"].request, "POST", f"/approvals/{name}/return", expected=bytes, content=b"{}"
    )
    assert [each["field"] for each in found["errors"]] == ["opinion"]
    office.approvals("li").return_for_correction(name, "先自查")
    assert waiting(office, contract) == name
    held = office.approvals("li").load(name)
    assert (held.round, held.state) == (2, "running")
    assert office.approvals("li").withdraw(name, "不再办理").state == "withdrawn"


def test_pages_of_approvals_go_on(office: Office, stepped: Market) -> None:
    for number in range(3):
        waiting(office, stepped.applied(f"api-page-{number}"))
    first = office.approvals("zhao").page(limit=2)
    assert first.next is not None
    rest = office.approvals("zhao").page(first.next, limit=100)
    ids = [each.id for each in (*first.items, *rest.items)]
    assert len(ids) == len(set(ids)) >= 3
    assert {each.state for each in office.approvals("zhao").page(state="running").items} == {"running"}
    refused(422, office.approvals("zhao").page, "nonsense")


def test_uploads_are_limited_and_typed(office: Office, stepped: Market) -> None:
    name = waiting(office, stepped.applied("api-upload"))
    refused(422, office.approvals("li").attach, name, "a.pdf", b"<html>")
    refused(413, office.approvals("li").attach, name, "a.pdf", b"%PDF-" + b"x" * 5 * 2**20)  # by max_body, unread
    sends = office.people["li"].request
    path = f"/approvals/{name}/attachments"
    refused(415, sends, "POST", path, expected=bytes, query={"name": "a"}, content=b"x", content_type="text/html")
    refused(422, sends, "POST", path, expected=bytes, content=b"x", content_type="application/octet-stream")


def test_the_inbox_says_what_waits_in_both_languages(office: Office, stepped: Market) -> None:
    name = waiting(office, stepped.applied("api-notice"))
    notices, before = office.notices("li"), office.notices("li").unread()
    newest = notices.page(limit=1, unread=True).items[0]
    assert (newest.topic, newest.about, newest.is_read) == ("approval_waiting", name, False)
    assert name in newest.zh
    assert name in newest.en
    assert notices.read(newest.id).is_read
    assert notices.unread() == before - 1
    assert notices.read_all(newest.id) == before - 1
    assert notices.unread() == 0
    refused(404, notices.read, 2**40)
    assert office.approvals("li").deadlines().items
    refused(404, notices.preference)
    wish = NoticePreference(email="li@tax.example", language="zh", topics=("approval_waiting",))
    asked = notices.prefer(wish)
    assert asked == notices.preference()
    assert (asked.email, asked.topics, asked.is_confirmed) == (wish.email, wish.topics, False)
    bad = NoticePreference(email="li@tax.example", language="zh", topics=("nothing",))
    assert refused(422, notices.prefer, bad)["errors"][0]["field"] == "topics"


def test_an_address_is_confirmed_by_its_code_and_by_nobody_else_s(office: Office) -> None:
    exchange, postbox, clients = context_of(office.app).exchange, Postbox(), {}
    for login in ("zhao", "sun"):
        clients[login] = office.notices(login)
        clients[login].prefer(NoticePreference(email=f"{login}@tax.example", language="zh", topics=()))
    postbox.deliver(exchange)
    code = postbox.code("zhao@tax.example")
    told = refused(422, clients["sun"].confirm, code)
    assert [each["field"] for each in told["errors"]] == ["code"]
    assert code not in str(told)
    refused(422, clients["zhao"].confirm, "1234567")  # no code at all
    assert clients["zhao"].confirm(code).is_confirmed
    assert clients["zhao"].preference().is_confirmed
    assert not clients["sun"].preference().is_confirmed
    refused(422, clients["zhao"].confirm, code)
    said = [each for each in exchange.log.entries() if each.detail.get("command") == "confirm_address"]
    assert [(each.counterparty, each.detail["reason"]) for each in said] == [(TAX, "invalid")] * 2
    assert code not in str([dict(each.detail) for each in exchange.log.entries()])


@pytest.mark.usefixtures("stepped")
def test_a_deputy_is_named_over_the_api(office: Office) -> None:
    now = context_of(office.app).setting.clock()
    made = office.approvals("sun").name_deputy(office.ids["zhao"], now, now + 86_400_000)
    assert [each.id for each in office.approvals("li").deputies()] == [made.id]
    refused(422, office.approvals("sun").name_deputy, office.ids["sun"], now, now + 86_400_000)
    refused(403, office.approvals("zhao").end_deputy, made.id)
    office.approvals("sun").end_deputy(made.id)
    assert office.approvals("li").deputies() == ()


@pytest.mark.usefixtures("stepped")
def test_webhooks_are_for_administrators_and_public_addresses(office: Office) -> None:
    made = office.notices("wu").add_webhook("https://hook.example/in", ["contract_drafted"])
    assert [each.id for each in office.notices("wu").webhooks()] == [made.id]
    assert office.notices("wu").deliveries(made.id) == ()
    refused(403, office.notices("li").add_webhook, "https://hook.example/in")
    for url in ("https://10.0.0.1/", "http://hook.example/", "https://[::1]/"):
        assert refused(422, office.notices("wu").add_webhook, url)["errors"][0]["field"] == "url"
    office.notices("wu").remove_webhook(made.id)
    assert office.notices("wu").webhooks() == ()


def test_a_node_is_told_what_to_do_and_a_ready_contract_is_signed(office: Office, stepped: Market) -> None:
    contract = stepped.applied("api-node")
    with pytest.raises(ConflictError, match="have a member send this"):
        stepped.approve(TAX, contract)
    terms = office.market("li").application(contract).terms
    refused(409, office.approvals("li").ready, contract, digest(terms).hex())  # there is no contract yet
