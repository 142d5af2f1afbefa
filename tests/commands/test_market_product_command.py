"""`veilmart market product` and `resource`: a department's clerk and the operator, on the command line."""

import json
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result
from commands.conftest import Desk
from market import DESCRIPTIONS, TAX

from veilmart.market.products import product
from veilmart.market.resources import resource

VERSION = (TAX, "market-registration", "5.0.0")
FULL = DESCRIPTIONS[TAX].replace(b'version = "1.0.0"', b'version = "5.0.0"')
BARE = FULL.replace(b'theme = "legal_entity"\n', b"")


def run(desk: Desk, party: str, group: click.Group, command: str, *arguments: str) -> Result:
    return CliRunner().invoke(group, [command, "--config", str(desk.person(party)), *arguments])


def done(desk: Desk, party: str, command: str, *arguments: str, group: click.Group = product) -> str:
    result = run(desk, party, group, command, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def record(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done(desk, TAX, "show", *VERSION, "--json"))
    return found


def reviewed(desk: Desk, review: str, outcome: str, *why: str) -> Result:
    digest = record(desk)["entry"]["digest"]
    arguments = (*VERSION, "--review", review, "--outcome", outcome, "--digest", digest, *why)
    return run(desk, "operator", product, "review", *arguments)


def test_a_product_s_life(desk: Desk) -> None:
    bare, full = desk.write("bare.toml", BARE), desk.write("full.toml", FULL)
    lacking = run(desk, TAX, product, "check", bare)
    assert lacking.exit_code == 1
    assert "缺主题" in lacking.stdout
    assert "consumers look for products by theme" in lacking.stdout.replace("\n", " ")
    assert "可提交审核" in done(desk, TAX, "check", full)
    assert "草稿 Draft" in done(desk, TAX, "draft", bare)
    digest = record(desk)["entry"]["digest"]
    refused = run(desk, TAX, product, "submit", *VERSION, "--digest", digest)
    assert refused.exit_code == 1
    assert "  theme: 缺主题" in refused.stderr
    done(desk, TAX, "edit", *VERSION, full, "--digest", digest)
    digest = record(desk)["entry"]["digest"]
    assert "审核中" in done(desk, TAX, "submit", *VERSION, "--digest", digest)
    assert VERSION[2] in done(desk, "operator", "list", "--state", "submitted")
    assert reviewed(desk, "quality", "returned", "--reason", "sample").exit_code == 2  # without a remark
    assert reviewed(desk, "quality", "returned", "--reason", "sample", "--remark", "样例太少").exit_code == 0
    shown = done(desk, TAX, "show", *VERSION)
    assert "样例不当" in shown
    assert "样例太少" in shown
    done(desk, TAX, "submit", *VERSION, "--digest", digest)
    assert "审核中" in reviewed(desk, "compliance", "passed").stdout
    assert "已上架 Listed" in reviewed(desk, "quality", "passed").stdout
    done(desk, "operator", "suspend", *VERSION, "--reason", "dispute")
    done(desk, "operator", "reinstate", *VERSION)
    assert "已下架" in done(desk, TAX, "delist", *VERSION, "--reason", "discontinued")


def test_a_draft_is_discarded_and_an_assessment_is_read(desk: Desk, tmp_path: Path) -> None:
    version = (*VERSION[:2], "5.1.0")
    text = FULL.replace(b'"5.0.0"', b'"5.1.0"')
    digest = done(desk, TAX, "draft", desk.write("draft.toml", text)).split()[-1]
    assessment = tmp_path / "assessment.json"
    assessment.write_text('{"reference": "A-1", "day": "2026-01-01", "conclusion": "fine"}')
    wrong = run(desk, TAX, product, "submit", *version, "--digest", digest, "--assessment", str(assessment))
    assert wrong.exit_code == 1
    assert "conclusion" in wrong.stderr
    done(desk, TAX, "discard", *version)
    assert run(desk, TAX, product, "show", *version).exit_code == 1
    done(desk, TAX, "publish", desk.write("draft.toml", text))


def test_a_resource_s_life(desk: Desk) -> None:
    words = ("--name", "小企业登记", "--from", "2026-01-01")
    entered = done(desk, TAX, "enter", "CLI-2026-0001", *words, group=resource)
    assert "首次登记" in entered
    again = run(desk, TAX, resource, "enter", "CLI-2026-0001", *words)
    assert again.exit_code == 1
    assert "entered already" in again.stderr
    key = (TAX, "CLI-2026-0001")
    assert "2030-12-31" in done(desk, TAX, "change", *key, *words, "--until", "2030-12-31", group=resource)
    assert "已更正" in done(desk, TAX, "correct", *key, *words, group=resource)
    assert run(desk, TAX, resource, "correct", *key, "--name", " ", "--from", "2026-01-01").exit_code == 2
    assert "否 no" in done(desk, "operator", "cancel", *key, group=resource)
    listed = json.loads(done(desk, TAX, "list", "--json", group=resource))
    assert "CLI-2026-0001" in [each["code"] for each in listed["items"]]
    assert "已注销" in done(desk, TAX, "list", group=resource)
