"""`veilmart audit` over a log that is intact, and over none at all."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from audit_command.market_log import ANSWERS, JOB, Market, audit, load_public, write_config
from click.testing import CliRunner
from market import LABOUR, TAX
from marketplace_api.process import Server, applied

from audit.entry import Entry, EntryKind
from compute.web.tls import make_ca
from veilmart.audit_command import _watched
from veilmart.cli import main


@pytest.fixture(scope="module")
def server(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with market.copy(tmp_path_factory.mktemp("intact")).running() as running:
        yield running


def test_an_intact_log_is_verified_and_its_checkpoint_kept(server: Server, market: Market) -> None:
    config = server.folder / "auditor.toml"
    applied(server, "later")  # so that a proof of consistency is needed
    before = json.loads(market.kept)["statement"]
    result = audit(config, "verify")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""  # quick, so no progress is shown
    kept = json.loads((server.folder / "checkpoint.json").read_bytes())["statement"]
    assert before["size"] == market.size < kept["size"] == market.size + 1
    shown = dict(line.rsplit(" ", 1) for line in result.stdout.splitlines())
    assert shown["Size 条目数"] == str(kept["size"])
    assert re.fullmatch("[0-9a-f]{64}", shown["Root 根哈希"])
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown["Time 时间"])
    assert "The log is intact 日志完整" in result.stdout


def test_a_trace_is_shown_in_order_proven_and_its_lone_half_named(server: Server, market: Market) -> None:
    result = audit(server.folder / "auditor.toml", "trace", "--contract", market.contract)
    assert result.returncode == 0, result.stderr
    rows = re.findall(r"^│ +(\d+) +│ (\S+Z) +│ (\w+) +│ (\S+)", result.stdout, re.MULTILINE)
    assert [int(row[0]) for row in rows] == sorted(int(row[0]) for row in rows)
    assert rows[0][2] == "application_submitted"
    assert [row[2] for row in rows[-3:]] == ["answer_released", "answer_released", "answer_acknowledged"]
    assert f"已证明包含于日志的条目 {len(rows)}/{len(rows)}" in result.stdout
    alone = [line for line in result.stdout.splitlines() if "has not acknowledged" in line]
    assert len(alone) == 1
    assert f"the answer of {LABOUR} to job {JOB}" in alone[0]
    assert f"Entry 条目 {rows[-2][0]}:" in alone[0]
    assert ANSWERS[TAX][:40] in result.stdout


# --- what could not be found out ----------------------------------------------------------------------------


def unknown(config: Path, *arguments: str) -> str:
    """Run it in this process, and give the one line of its failure."""
    result = CliRunner().invoke(main, ["audit", *arguments, "--config", str(config)])
    assert result.exit_code == 2, result.output
    assert result.output.count("\n") == 1
    assert result.output.startswith("Error: not verified 未能验证: ")
    return result.output


def test_a_server_that_cannot_be_trusted_leaves_it_unknown(server: Server, market: Market, tmp_path: Path) -> None:
    make_ca(tmp_path)  # not the one of the server
    write_config(tmp_path, market.port, load_public(server.folder))
    assert "no answer of market" in unknown(tmp_path / "auditor.toml", "verify")


def test_a_contract_that_is_none_leaves_it_unknown(server: Server) -> None:
    assert "contract-0" in unknown(server.folder / "auditor.toml", "trace", "--contract", "contract-0")


def test_a_party_that_is_not_enrolled_leaves_it_unknown(server: Server, market: Market, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes((server.folder / "ca.pem").read_bytes())
    write_config(tmp_path, market.port, load_public(server.folder), name="stranger")
    assert "No key of stranger is pinned" in unknown(tmp_path / "auditor.toml", "verify")


def test_files_that_cannot_be_used_are_named(server: Server, market: Market, tmp_path: Path) -> None:
    assert "absent.toml: No such file" in unknown(tmp_path / "absent.toml", "verify")
    config = tmp_path / "auditor.toml"
    write_config(tmp_path, market.port, load_public(server.folder))
    assert "ca.pem: No such file or directory; name the authority's certificate" in unknown(config, "verify")
    (tmp_path / "ca.pem").write_bytes((server.folder / "ca.pem").read_bytes())
    (tmp_path / "checkpoint.json").write_text("{}")
    assert "checkpoint.json: no checkpoint of market: " in unknown(config, "verify")
    (tmp_path / "checkpoint.json").write_bytes(market.kept.replace(b'"size":', b'"size":1'))
    assert "checkpoint.json: no checkpoint of market: the signature" in unknown(config, "verify")
    (tmp_path / "auditor-key.jwe").unlink()
    assert "auditor-key.jwe: No such file" in unknown(config, "verify")


# --- what is shown ------------------------------------------------------------------------------------------


def test_progress_is_shown_once_it_takes_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    items = [(index, Entry(id="0" * 32, kind=EntryKind.REFUSED, time=1, node="bank")) for index in range(3)]
    assert list(_watched("Entries 条目", items, 3)) == items
    assert capsys.readouterr().err == ""

    def slow() -> Iterator[tuple[int, Entry]]:
        for item in items:
            time.sleep(0.01)
            yield item

    assert list(_watched("Entries 条目", slow(), 3, patience=0.001)) == items
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Entries 条目" in shown.err
    assert "3/3" in shown.err


def test_help_is_in_both_languages() -> None:
    for arguments, chinese in (([], "审计日志"), (["verify"], "根哈希"), (["trace"], "存证")):
        result = CliRunner().invoke(main, ["audit", *arguments, "--help"])
        assert result.exit_code == 0
        assert chinese in result.output
