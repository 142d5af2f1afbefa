"""`veilmart market approval|notice|webhook`, as the people of a department type them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from market import TAX, Market
from marketplace_api.principals import context_of
from office_app import Office, opened_office, outside
from PIL import Image
from postbox import Postbox

from compute.client.base import WaitingError
from compute.client.marketplace import MarketplaceClient
from compute.market.approvals import ApprovalStep
from compute.signing import digest
from veilmart.market import approvals, notices, opening
from veilmart.market.approvals import approval
from veilmart.market.notices import notice, webhook

Type = Callable[..., Result]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return opened_office(tmp_path_factory.mktemp("office-command"))


@pytest.fixture(scope="module")
def market(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Market:
    made = office.approvals("wu")
    steps = [ApprovalStep(working_days=1, role=role) for role in ("handler", "section_chief", "leader")]
    made.put_rule("application_approve", steps, made.rule("application_approve").revision)
    return outside(office, tmp_path_factory.mktemp("unused"))


@pytest.fixture
def typed(office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Type:
    """Types a command as one of the department's people, whose configuration bears the login's name."""

    @contextmanager
    def open_market(file: Path, *, proven: bool = True) -> Iterator[MarketplaceClient]:
        assert proven
        with opening.telling():
            yield office.market(file.stem)

    for module in (approvals, notices):
        monkeypatch.setattr(module, "open_market", open_market)

    def run(
        login: str, group: click.Group, command: str, *arguments: str, code: int = 0, answer: str | None = None
    ) -> Result:
        config = tmp_path / f"{login}.toml"
        config.touch()
        result = CliRunner().invoke(group, [command, "--config", str(config), *arguments], input=answer)
        assert result.exit_code == code, result.output
        return result

    return run


def started(office: Office, contract: str) -> str:
    client = office.market("li")
    with pytest.raises(WaitingError) as waits:
        client.approve(contract, digest(client.application(contract).terms).hex())
    return str(waits.value.approval.id)


def test_an_office_decides_by_its_steps(office: Office, market: Market, typed: Type, tmp_path: Path) -> None:
    shown = typed(
        "wu", approval, "steps", "application_approve", "handler:1", "section_chief:2", "leader:3"
    ).output
    assert shown == "批准使用申请 Approve an application: handler:1 → section_chief:2 → leader:3\n"
    contract = market.applied("cli-1")
    name = started(office, contract)
    image = tmp_path / "签报.png"
    Image.new("L", (4, 4)).save(image)
    assert typed("li", approval, "attach", name, str(image)).output.startswith("1. 签报.png sha256 ")
    assert f"waits for {office.ids['zhao']}" in typed("li", approval, "pass", name, "--opinion", "齐全").output
    assert "Error" in typed("sun", approval, "pass", name, code=1).output
    typed("zhao", approval, "pass", name)
    assert "已办结" in typed("sun", approval, "pass", name).output
    history = typed("sun", approval, "show", name).output
    assert "齐全" in history
    assert "1. 签报.png" in history
    out = tmp_path / "out.png"
    typed("sun", approval, "fetch", name, "1", str(out))
    assert out.read_bytes() == image.read_bytes()
    assert office.market("li").application(contract).parts[TAX] == "approved"


@pytest.mark.usefixtures("market")
def test_steps_are_written_in_one_form(typed: Type) -> None:
    for wrong in ("leader", "leader:x", "leader:1:all", "leader:1_0", ":"):
        assert "is no step" in typed("wu", approval, "steps", "product_submit", wrong, code=2).output
    refused = typed("wu", approval, "steps", "product_submit", "leader:1", "leader:1", code=1).output
    assert "steps.1: Nobody is left for it" in refused
    assert typed("wu", approval, "rules").output.count("→") == 2


def test_what_waits_is_no_failure(office: Office, market: Market) -> None:
    contract = market.applied("cli-2")

    @click.command()
    def approve() -> None:
        with opening.telling():
            office.market("li").approve(contract, digest(office.market("li").application(contract).terms).hex())

    result = CliRunner().invoke(approve)
    assert result.exit_code == 0
    assert "尚未执行" in result.output
    assert "waits as approval-" in result.output


def test_a_deputy_is_named_for_days(office: Office, typed: Type) -> None:
    options = ("--from", "2026-11-01", "--until", "2027-01-01")
    name = typed("sun", approval, "deputise", office.ids["zhao"], *options).output.strip()
    listed = typed("li", approval, "deputies").output
    assert f"{name}  {office.ids['sun']} → {office.ids['zhao']}  2026-11-01 00:00 – 2027-01-01 00:00" in listed
    typed("sun", approval, "end-deputy", name)
    assert typed("li", approval, "deputies").output == ""


def test_notices_are_read_in_both_languages(office: Office, market: Market, typed: Type) -> None:
    name = started(office, market.applied("cli-3"))
    shown = typed("li", notice, "list", "--unread").output
    assert f"内部审批 {name} 待您办理" in shown
    assert f"Approval {name} waits for you" in shown
    newest = office.notices("li").page(limit=1).items[0]
    assert name in typed("li", notice, "read", str(newest.id)).output
    typed("li", notice, "read", str(newest.id), "--all")
    assert typed("li", notice, "list", "--unread").output == ""
    asked = typed("li", notice, "email", "li@tax.example", "--topic", "approval_waiting").output
    told = "li@tax.example: 内部审批待办 Approval waits for you"
    assert asked == f"{told}  unconfirmed, a code is on its way 待确认,验证码已发出\n"
    postbox = Postbox()
    postbox.deliver(context_of(office.app).exchange)
    wrong = typed("li", notice, "confirm", code=1, answer="00000000\n").output
    assert "used up or too old" in wrong
    assert "veilmart market notice email" in wrong
    sure = typed("li", notice, "confirm", answer=f"{postbox.code('li@tax.example')}\n").output
    assert sure.endswith(f"{told}\n")
    assert name in typed("li", approval, "due").output
    assert name in typed("li", approval, "list", "--state", "running").output


def test_webhooks_come_and_go(typed: Type) -> None:
    name = typed("wu", webhook, "add", "https://hook.example/in", "--topic", "contract_drafted").output.strip()
    assert f"{name}  https://hook.example/in  contract_drafted" in typed("wu", webhook, "list").output
    assert typed("wu", webhook, "deliveries", name).output == ""
    assert "url: " in typed("wu", webhook, "add", "https://10.0.0.1/", code=1).output
    typed("wu", webhook, "remove", name)
    assert typed("wu", webhook, "list").output == ""
