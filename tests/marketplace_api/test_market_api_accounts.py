"""From nothing to a person at work, by the commands that people type and a server in its own process."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pyotp
import pytest
from click.testing import CliRunner, Result
from entry import SIGNATORY, TEXTS, code_of
from marketplace_api.process import Server

from compute.web import secret
from veilmart.cli import main

PASSWORD = "Regen auf Hainan im Juni"  # noqa: S105 -- of accounts that are made here
PROFILE = """
title_zh = "海港银行"
title_en = "Harbour Bank"
code = "{code}"
kind = "{kind}"
address = "海口市"
desk = {{ title = "数据部", email = "data@bank.example", phone = "0898-6500 0000" }}
"""


class Desk:
    """A person's folder, with an account at this server."""

    def __init__(self, server: Server, folder: Path, organisation: str, login: str, kind: str) -> None:
        self.folder, self.config = (
            folder / f"{organisation}-{login}",
            folder / f"{organisation}-{login}" / "account.toml",
        )
        self.folder.mkdir()
        self.profile = self.folder / "organisation.toml"
        self.profile.write_text(PROFILE.format(code=code_of(organisation), kind=kind), "utf-8")
        self.config.write_text(
            f'organisation = "{organisation}"\nlogin = "{login}"\nsession = "session.token"\n'
            f'authority = "{server.folder / "ca.pem"}"\n'
            f'marketplace = {{ name = "market", url = "{server.url}" }}\n'
        )
        self.totp = ""

    def run(self, *arguments: object, answer: str | None = None) -> Result:
        head, *rest = [str(each) for each in arguments]
        words = [*head.split(), "--config", str(self.config), *rest]
        return CliRunner().invoke(main, ["market", *words], input=answer)

    def does(self, *arguments: object, answer: str | None = None) -> str:
        result = self.run(*arguments, answer=answer)
        assert result.exit_code == 0, result.output
        return result.stdout

    def take(self, invitation: str) -> None:
        shown = self.does("take", answer=f"{invitation}\n{PASSWORD}\n{PASSWORD}\n")
        uri = next(line for line in shown.splitlines() if line.startswith("otpauth://"))
        self.totp = parse_qs(urlparse(uri).query)["secret"][0]

    def leaves(self) -> None:
        self.does("logout")
        assert not (self.folder / "session.token").exists()

    def login(self) -> None:
        self.does("login", answer=f"{PASSWORD}\n{pyotp.TOTP(self.totp).now()}\n")


@pytest.fixture
def fresh(own_server: Callable[..., Server]) -> Server:
    return own_server()


def cells(table: str) -> set[str]:
    """What stands in the cells of a table on a terminal."""
    return {cell.strip() for line in table.splitlines() for cell in line.split("│")}


def test_from_nothing_to_people_at_work(fresh: Server, tmp_path: Path) -> None:
    def desk(organisation: str, login: str, kind: str = "buyer") -> Desk:
        return Desk(fresh, tmp_path, organisation, login, kind)

    first = desk("operator", "administrator", "operator")
    words = ["--config", str(fresh.folder / "marketplace.toml"), "--name", "甲", str(first.profile)]
    invited = CliRunner().invoke(main, ["marketplace", "init-operator", *words])
    assert invited.exit_code == 0, invited.output
    first.take(invited.stdout.strip())
    assert first.run("whoami").exit_code == 1  # not logged in
    secret.put(first.folder / "session.token", b"vms_" + b"A" * 43)
    assert "veilmart market login" in first.run("whoami").output  # a session that is over
    first.login()
    assert (first.folder / "session.token").stat().st_mode & 0o777 == 0o600
    assert "any:agreement:publish" in first.does("whoami")
    reviewer = desk("operator", "reviewer")
    reviewer.take(first.does("member invite", "reviewer", "乙", "--role", "operator_reviewer").strip())
    reviewer.login()

    texts = [first.folder / name for name in ("zh.txt", "en.txt")]
    for path, text in zip(texts, TEXTS, strict=True):
        path.write_text(text, "utf-8")
    assert "version 版本 1" in first.does("agreement publish", *texts)

    bank = desk("harbour-bank", "zhang")
    assert bank.does("apply", bank.profile) == "harbour-bank: 待审核 Applied\n"
    digest = bank.does("agreement show").strip().rpartition(" ")[2]
    assert (
        "not that of version 1"
        in bank.run("agreement accept", "--digest", "00" * 32, "--signatory", SIGNATORY).output
    )
    bank.does("agreement accept", "--digest", digest, "--signatory", SIGNATORY)
    assert {"harbour-bank", "采购商 Buyer", "待审核 Applied"} <= cells(reviewer.does("organisation list"))
    shown = json.loads(reviewer.does("organisation show --json", "harbour-bank"))
    read = ("harbour-bank", "--revision", shown["revision"])
    denied = first.run("organisation admit", *read)
    assert "this needs the permission organisation:review" in denied.output
    assert "operator_reviewer 运营审核" in denied.output
    reviewer.does("organisation admit", *read)
    bank.take(bank.does("claim", "zhang", "张三").strip())
    bank.login()

    clerk = desk("harbour-bank", "li")
    invitation = bank.does("member invite", "li", "李四", "--role", "handler").strip()
    weak = clerk.run("take", answer=f"{invitation}\npassword1234\npassword1234\n")
    assert "password: It is among the first that are tried" in weak.output
    clerk.take(invitation)
    clerk.login()
    program = desk("harbour-bank", "program")
    key = clerk.does("key issue", "对账", "--permission", "own:organisation:list").strip()
    (program.folder / "session.token").touch(0o600)
    (program.folder / "session.token").write_text(key)
    assert {"harbour-bank", "采购商 Buyer", "已准入 Admitted"} <= cells(program.does("organisation list"))
    assert "permission member:list" in program.run("member list").output
    listed = json.loads(bank.does("member list --json"))["items"]
    assert [(each["login"], each["state"], each["roles"]) for each in listed] == [
        ("li", "active", ["handler"]),
        ("zhang", "active", ["administrator"]),
    ]
    assert {listed[0]["member"], "经办 Handler", "有效 Active"} <= cells(bank.does("member list"))
    bank.does("member remove", listed[0]["member"])
    for gone in (clerk, program):
        assert gone.run("whoami").exit_code == 1
    bank.leaves()
