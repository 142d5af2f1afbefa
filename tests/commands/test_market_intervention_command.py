"""`veilmart market intervention`, as the operator's people and an administrator type it, over every route."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from entry import profile_of
from market import KINDS, LABOUR, SUPERVISOR, TAX
from marketplace_api.principals import administrators, context_of, enter, made_app
from office_app import AppPeer

from compute.client.marketplace import MarketplaceClient
from compute.web.errors import PeerProblemError
from marketplace.flow.organisation import UNKNOWN_CODE, complete
from marketplace.store import organisations
from veilmart.market import interventions, opening
from veilmart.market.interventions import intervention

Type = Callable[..., Result]
PEOPLE = {
    "clerk": ("operator", "operator_clerk"),
    "reviewer": ("operator", "operator_reviewer"),
    "officer": (SUPERVISOR, "supervisor_officer"),
}
PROFILE = """title_zh = "市场监督管理局"
title_en = "Market Regulation"
code = "{code}"
kind = "provider"
address = "海口市"
[desk]
title = "数据科"
email = "data@example.cn"
phone = "0898-6500 0000"
"""


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MarketplaceClient]:
    """The operator's people and a supervisor's, and an organisation that an upgrade has left."""
    app = made_app(tmp_path_factory.mktemp("interventions"))
    exchange, first = context_of(app).exchange, administrators(app)
    with exchange.log.transaction() as batch:
        found = organisations.load(batch.connection, TAX)
        assert found is not None
        unknown = msgspec.structs.replace(found.profile, code=UNKNOWN_CODE, title_zh="待补录")
        organisations.replace(batch.connection, found, complete(found, unknown))
    made = {}
    for login, (organisation, role) in PEOPLE.items():
        invited = exchange.members.invite(first[organisation], login, login, [role], None)
        sender = enter(app, invited)
        exchange.members.confirm("operator", invited.member.id, organisation)
        assert sender.token is not None
        made[login] = MarketplaceClient(AppPeer(app, sender.token))
    return made


@pytest.fixture
def typed(clients: dict[str, MarketplaceClient], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Type:
    """Types a command as the one whose configuration bears the login's name."""

    @contextmanager
    def open_market(file: Path, *, proven: bool = True) -> Iterator[MarketplaceClient]:
        assert proven
        with opening.telling():
            yield clients[file.stem]

    monkeypatch.setattr(interventions, "open_market", open_market)

    def run(login: str, command: str, *arguments: str, code: int = 0) -> Result:
        config = tmp_path / f"{login}.toml"
        config.touch()
        result = CliRunner().invoke(intervention, [command, "--config", str(config), *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def letter(tmp_path: Path) -> str:
    path = tmp_path / "来函.pdf"
    path.write_bytes(b"%PDF-1.7 a letter")
    return str(path)


def test_records_are_completed(
    clients: dict[str, MarketplaceClient], typed: Type, letter: str, tmp_path: Path
) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(PROFILE.format(code="9" * 18), "utf-8")
    assert "profile.code" in typed("clerk", "complete", TAX, str(profile), "--evidence", letter, code=1).output
    right = profile_of(TAX, KINDS[TAX])
    profile.write_text(PROFILE.format(code=right.code), "utf-8")
    proposed = typed("clerk", "complete", TAX, str(profile), "--evidence", letter).output
    assert "补录机构信息" in proposed
    assert "待复核" in proposed
    name = proposed.partition(" ")[0]
    revision = clients["reviewer"].interventions.load(name).revision
    assert "intervention:confirm" in typed("clerk", "confirm", name, "--revision", revision, code=1).output
    assert "has changed since" in typed("reviewer", "confirm", name, "--revision", "0" * 64, code=1).output
    assert "已办理" in typed("reviewer", "confirm", name, "--revision", revision).output
    assert clients["officer"].organisations.load(TAX).profile.title_zh == "市场监督管理局"
    assert '"state":"confirmed"' in typed("officer", "show", "--json", name).output
    assert revision not in typed("officer", "show", name).output  # by what was read it is confirmed once
    assert "已办理 Carried out" in typed("officer", "show", name).output


def test_an_administrator_is_invited(clients: dict[str, MarketplaceClient], typed: Type, letter: str) -> None:
    drawn, shown = CliRunner().invoke(intervention, ["token"]).stdout.splitlines()
    token, hashed = drawn.rpartition(" ")[2], shown.rpartition(" ")[2]
    why = ("--reason", "administrators_left", "--evidence", letter)
    asked = (LABOUR, "chen", "己", *why, "--invitation", hashed)
    name = typed("clerk", "administrator", *asked).output.partition(" ")[0]
    assert "is open" in typed("reviewer", "administrator", *asked, code=1).output
    assert "重设机构管理员" in typed("officer", "list").output
    assert typed("officer", "list", "--json").output.count('"type":"intervention_record"') >= 1
    typed("officer", "reject", name, "--opinion", "不应由我", code=1)
    revision = clients["reviewer"].interventions.load(name).revision
    assert "管理员离任" in typed("reviewer", "confirm", name, "--revision", revision).output
    assert clients["officer"].members.take(token, "Regen auf Hainan im Juni").organisation == LABOUR
    assert typed("clerk", "administrator", LABOUR, "li", "庚", *why, "--invitation", "x", code=1).output
    refused = typed("clerk", "administrator", LABOUR, "li", "庚", *why, "--invitation", "6" * 64)
    assert "未办理" in typed("clerk", "reject", refused.output.partition(" ")[0], "--opinion", "来函有误").output


def test_pages_go_on_behind_the_last_one(clients: dict[str, MarketplaceClient]) -> None:
    market = clients["clerk"].interventions
    for login in ("a", "b"):
        made = market.readminister(SUPERVISOR, login, "甲", "other", "7" * 64, "6" * 64)
        market.reject(made.intervention, "试办。")
    first = market.page(limit=1)
    assert first.next is not None
    both = [each.intervention for each in market.all()]
    assert [first.items[0].intervention, market.page(first.next, 1).items[0].intervention] == both[:2]
    with pytest.raises(PeerProblemError) as refused:
        market.page("x" * 8)
    assert refused.value.status == 422
