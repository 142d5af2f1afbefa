"""`veilmart market demand|price|mandate|statement`, as people type them."""

import io
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from commands.conftest import Desk
from entry import admit_over
from market import BANK, KEYS, LABOUR
from money import AUTHORITY, AUTHORITY_KEY
from rich.console import Console

from catalog.price import Plan
from compute.market.statements import ChargeReason, DisputeReason, Statement, StatementLine, StatementRecord
from compute.records import PartyKind, PartyRecord
from compute.signing import sign
from veilmart.market import money_tables
from veilmart.market.demands import demand
from veilmart.market.mandates import mandate
from veilmart.market.prices import price
from veilmart.market.statements import statement

DEMAND = """
title = "用工数据"
description = "贷前审批。"
purpose = "credit_approval"
until = "2099-12-31"

[[fields]]
words = "从业人数"
"""
MANDATE = """
mandate = "mandate-cli"
operator = "operator"
providers = ["social-security"]
document = "政数授〔2026〕9号"
begins = "2026-01-01"
ends = "2099-12-31"
revenue_cap_fen = 123456

[[ceilings]]
plan = "per_use"
amount_fen = 150
theme = "industry"
"""


def run(desk: Desk, party: str, group: click.Group, command: str, *arguments: str) -> Result:
    key = AUTHORITY_KEY if party == AUTHORITY else None
    return CliRunner().invoke(group, [command, "--config", str(desk.person(party, key)), *arguments])


def done(desk: Desk, party: str, group: click.Group, command: str, *arguments: str) -> str:
    result = run(desk, party, group, command, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_demand_is_posted_answered_and_closed(desk: Desk) -> None:
    shown = done(desk, BANK, demand, "post", desk.write("demand.toml", DEMAND))
    assert "从业、业人、人数 (100.0%)" in shown
    name = next(word for word in shown.split() if word.startswith("demand-"))
    assert name in done(desk, LABOUR, demand, "list", "--state", "posted")
    done(desk, LABOUR, demand, "follow", name)
    version = ("--product", "social-insurance", "--product-version", "1.0.0")
    assert done(desk, LABOUR, demand, "answer", name, *version).endswith("#1\n")
    assert run(desk, LABOUR, demand, "answer", name).exit_code == 2
    assert "social-insurance 1.0.0" in done(desk, BANK, demand, "answers", name)
    assert json.loads(done(desk, BANK, demand, "show", name, "--json"))["followers"] == 1
    assert "已关闭 Closed" in done(desk, BANK, demand, "close", name, "--reason", "satisfied", "--response", "1")


def test_a_draft_is_edited_then_published(desk: Desk) -> None:
    file = desk.write("draft.toml", DEMAND)
    shown = done(desk, BANK, demand, "post", file, "--draft")
    name = next(word for word in shown.split() if word.startswith("demand-"))
    revision = json.loads(done(desk, BANK, demand, "show", name, "--json"))["revision"]
    other = desk.write("other.toml", DEMAND.replace("用工数据", "社保数据"))
    assert "社保数据" in done(desk, BANK, demand, "edit", name, other, "--revision", revision)
    stale = run(desk, BANK, demand, "edit", name, file, "--revision", revision)
    assert stale.exit_code == 1
    assert "已发布 Posted" in done(desk, BANK, demand, "publish", name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (DEMAND.replace("credit_approval", "curiosity"), "purpose"),
        (DEMAND.replace('words = "从业人数"', 'words = "!!"'), "fields"),
        ("title = ", "TOML"),
    ],
)
def test_a_file_that_is_no_demand_is_told(desk: Desk, text: str, told: str) -> None:
    result = run(desk, BANK, demand, "post", desk.write("wrong.toml", text))
    assert result.exit_code == 1
    assert told in result.stderr


def test_a_mandate_is_entered_read_and_ended(desk: Desk) -> None:
    key = AUTHORITY_KEY.public_key().public_bytes_raw()
    record = PartyRecord(name=AUTHORITY, kind=PartyKind.AUTHORITY, public_key=key, base_url=None)
    server = desk.server
    with server.client("operator") as operator:
        admit_over(server.url, server.folder / "ca.pem", operator, AUTHORITY, PartyKind.AUTHORITY)
        operator.enrol(sign(record, AUTHORITY, AUTHORITY_KEY), sign(record, "operator", KEYS["operator"]))
    assert "1234.56 元" in done(desk, AUTHORITY, mandate, "enter", desk.write("mandate.toml", MANDATE))
    assert "mandate-cli" in done(desk, BANK, mandate, "list")
    assert "产业发展 Industry" in done(desk, BANK, mandate, "show", "mandate-cli")
    assert done(desk, AUTHORITY, mandate, "revenue", "mandate-cli", "2026") == "0.00 元 / 1234.56 元\n"
    assert run(desk, BANK, mandate, "end", "mandate-cli", "--reason", "不要").exit_code == 1
    assert "已终止 Ended" in done(desk, AUTHORITY, mandate, "end", "mandate-cli", "--reason", "期满前收回")


def test_what_is_not_there_ends_in_one_line(desk: Desk) -> None:
    for command, arguments in (
        ("show", ("bank-1",)),
        ("offer", ("bank-1", "--amount", "5")),
        ("accept", ("bank-1", LABOUR, "--amount", "5")),
    ):
        result = run(desk, BANK, price, command, *arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.stderr


def test_statements_are_listed_and_written_to_a_file(desk: Desk, tmp_path: Path) -> None:
    assert "对账单 Statements" in done(desk, BANK, statement, "list", "--month", "2026-11")
    for name in ("november.csv", "november.xlsx"):
        written = run(desk, BANK, statement, "export", "2026-11", str(tmp_path / name))
        assert "2026-11 账期尚无对账单" in written.stderr
        assert (tmp_path / name).stat().st_size > 100
    assert run(desk, BANK, statement, "export", "2026-11", str(tmp_path / "november.exe")).exit_code == 2
    assert "write it as 2026-11" in run(desk, BANK, statement, "export", "202611", str(tmp_path / "x.csv")).stderr
    for command in ("confirm", "show"):
        digest = ("--digest", "0" * 64) if command == "confirm" else ()
        assert run(desk, BANK, statement, command, "statement-x", *digest).exit_code == 1


def test_a_statement_is_shown_in_both_languages() -> None:
    line = StatementLine(
        item="uses",
        plan=Plan.PER_USE,
        uses=40,
        unit_price_fen=105,
        cap_uses=None,
        ceiling_fen=105,
        amount_fen=4200,
        reason=ChargeReason.OVER_CEILING,
    )
    made = Statement(
        statement="statement-1",
        version=2,
        contract="bank-1",
        consumer="bank",
        provider="tax",
        product="registers",
        product_version="1.0.0",
        month="2026-11",
        mandate="m",
        uses=40,
        unmatched=3,
        carried=0,
        lines=(line,),
        total_fen=4200,
        issued_at=0,
        due="2026-12-14",
        note="核对",
        salt=b"\1" * 32,
    )
    record = StatementRecord(
        statement=made,
        digest="0" * 64,
        state="disputed",
        confirmed=(),
        disputed_by="bank",
        dispute_reason=DisputeReason.USES,
        dispute_text="少了",
    )
    shown = io.StringIO()
    Console(file=shown, width=120).print(*money_tables.statement(record), sep="\n")
    told = shown.getvalue()
    for words in ("42.00 元", "1.05 元", "按上限收费标准计", "有异议 Disputed", "用量有误", "少了", "record: 3"):
        assert words in told, words
