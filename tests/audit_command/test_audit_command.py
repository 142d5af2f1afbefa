"""`veilmart audit` over a log that is intact, over one that is not, and over none at all."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from audit_command.market_log import ANSWER, JOB, Market, audit, witnessed, write_config
from click.testing import CliRunner
from log_story import without_progress
from market import BANK, LABOUR, SUPERVISOR, TAX
from marketplace_api.process import Server, applied

from audit.verifying.pack import unpack
from audit.verifying.standalone import main as alone
from audit.verifying.verifier import build
from compute.web.tls import make_ca
from veilmart.audit.command import COMMANDS
from veilmart.cli import main


@pytest.fixture(scope="module")
def server(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with market.copy(tmp_path_factory.mktemp("intact")).running() as running:
        yield running


def invoke(*arguments: str) -> tuple[int, str]:
    """Run it in this process; give its exit code and all that it prints."""
    result = CliRunner().invoke(main, ["audit", *arguments])
    return result.exit_code, result.output


@pytest.mark.long
def test_an_intact_log_is_verified_and_its_checkpoint_kept(server: Server, market: Market) -> None:
    applied(server, "later")
    head = witnessed(server, market.size + 1)
    result = audit(server.folder, "verify", "--config", "auditor.toml")
    assert (result.returncode, without_progress(result.stderr)) == (0, "")
    assert (server.folder / "seen.checkpoint").read_bytes().startswith(head.note.text.encode())
    assert result.stdout.startswith("The log is intact 日志完整\n")
    assert (
        f"Size 条目数 {market.size + 1}\nRoot 根哈希 {head.root.hex()}\nWitness 见证方 bank: 20" in result.stdout
    )
    assert f"query of bank to {LABOUR}, job 任务 {JOB}: the other side has recorded nothing" in result.stdout


def test_the_result_in_json_is_all_that_is_printed(server: Server) -> None:
    config = str(server.folder / "auditor.toml")
    for more in ([], ["--tree-only"]):
        code, output = invoke("verify", "--json", "--config", config, *more)
        assert (code, json.loads(output)["outcome"]) == (0, "intact")


def test_a_trace_is_shown_in_order_and_its_lone_half_named(server: Server, market: Market) -> None:
    result = audit(server.folder, "trace", "--contract", market.contract, "--config", "auditor.toml")
    assert result.returncode == 0, result.stderr
    rows = re.findall(r"^│ +(\d+) +│ (\S+Z) +│ (\S+) .*\n│ +│ (\w+)", result.stdout, re.MULTILINE)
    assert [int(row[0]) for row in rows] == sorted(int(row[0]) for row in rows)
    assert rows[0][3] == "application_submitted"
    assert [row[3] for row in rows[-3:]] == ["answer_sent", "answer_received", "query_sent"]
    assert rows[-3][2] == TAX
    assert ANSWER[:12] in result.stdout
    assert "The log is intact 日志完整" in result.stdout


def test_a_copy_is_verified_without_the_log(server: Server, tmp_path: Path) -> None:
    config, out = str(server.folder / "auditor.toml"), tmp_path / "copy"
    code, output = invoke("copy", "--config", config, "--out", str(out))
    assert (code, "not verified 已复制条目,未验证" in output) == (0, True)
    policy = str(server.folder / "policy.toml")
    code, output = invoke("verifier", "--out", str(tmp_path / "verify.pyz"))
    assert hashlib.sha256(build()).hexdigest() in output
    assert alone([str(out), "--policy", policy, "--processes", "1"]) == 0


def test_evidence_is_made_and_holds_elsewhere(server: Server, market: Market, tmp_path: Path) -> None:
    out, policy = tmp_path / "pack.zip", str(server.folder / "policy.toml")
    write_config(server.folder, market.port, BANK, "bank")
    for config, has_terms in (("auditor.toml", False), ("bank.toml", True)):  # a supervisor would need a case
        asked = ["--contract", market.contract, "--config", config, "--out", str(out)]
        result = audit(server.folder, "evidence", *asked)
        assert (result.returncode, without_progress(result.stderr)) == (3, "")
        assert "合约以外的见证不足" in result.stdout  # the one witness there is the bank's
        assert ("Without the terms 未附合约条款" in result.stdout) is not has_terms
        contract, files = unpack(out.read_bytes())
        assert contract == market.contract
        assert any(name.startswith("terms/") for name in files) is has_terms
        assert alone(["pack", str(out), "--policy", policy]) == 3
    whole = out.read_bytes()
    config = str(server.folder / "bank.toml")
    code, _ = invoke(
        "evidence", "--contract", market.contract, "--config", config, "--out", str(out), "--without-terms"
    )
    assert (code, len(out.read_bytes()) < len(whole)) == (3, True)
    told = unknown("evidence", "--contract", "nothing", "--config", config, "--out", str(out), "--without-terms")
    assert "the log has no entry about nothing" in told


def test_the_database_is_checked_beside_the_marketplace(server: Server, market: Market) -> None:
    folder = server.folder
    by_config = invoke("fsck", "--config", str(folder / "marketplace.toml"))
    by_policy = invoke("fsck", "--database", str(folder / "market.db"), "--policy", str(folder / "policy.toml"))
    assert by_config == by_policy
    code, output = by_config
    assert (code, output.splitlines()[0]) == (0, "The log is intact 日志完整")
    assert int(output.splitlines()[1].split()[-1]) > market.size


# --- what could not be found out ----------------------------------------------------------------------------


def unknown(*arguments: str) -> str:
    code, output = invoke(*arguments)
    assert code == 2, output
    assert output.count("\n") == 1
    assert "not verified 未能验证: " in output or "not checked 未能检查: " in output
    return output


def test_a_server_that_cannot_be_trusted_leaves_it_unknown(server: Server, market: Market, tmp_path: Path) -> None:
    make_ca(tmp_path)  # not the one of the server
    write_config(tmp_path, market.port)
    (tmp_path / "policy.toml").write_bytes((server.folder / "policy.toml").read_bytes())
    assert "name its authority's certificate" in unknown("verify", "--config", str(tmp_path / "auditor.toml"))


def test_files_that_cannot_be_used_are_named(server: Server, market: Market, tmp_path: Path) -> None:
    assert "absent.toml: No such file" in unknown("verify", "--config", str(tmp_path / "absent.toml"))
    config = tmp_path / "auditor.toml"
    write_config(tmp_path, market.port)
    assert "policy.toml: No such file" in unknown("verify", "--config", str(config))
    (tmp_path / "policy.toml").write_bytes((server.folder / "policy.toml").read_bytes())
    assert "ca.pem: No such file or directory; name the authority's" in unknown("verify", "--config", str(config))
    (tmp_path / "ca.pem").write_bytes((server.folder / "ca.pem").read_bytes())
    (tmp_path / "seen.checkpoint").write_text("{}")
    assert "seen.checkpoint: no checkpoint of " in unknown("verify", "--config", str(config))
    (tmp_path / "seen.checkpoint").write_bytes(market.kept.replace(b"\n%d\n" % market.size, b"\n99\n"))
    assert "seen.checkpoint: no checkpoint of " in unknown("trace", "--contract", "a", "--config", str(config))
    for options in ([], ["--database", "a"], ["--config", "a", "--database", "b", "--policy", "c"]):
        assert "give --config, or --database with --policy" in unknown("fsck", *options)
    policy = ["--policy", str(tmp_path / "policy.toml")]
    assert "no such file" in unknown("fsck", "--database", str(tmp_path / "absent.db"), *policy)
    assert not (tmp_path / "absent.db").exists()
    (tmp_path / "other.db").write_bytes(b"")
    assert "name the database of a marketplace" in unknown(
        "fsck", "--database", str(tmp_path / "other.db"), *policy
    )


def test_help_is_in_both_languages() -> None:
    for name in ("", *COMMANDS):
        code, output = invoke(*filter(None, [name]), "--help")
        assert code == 0
        assert re.search(r"[\u4e00-\u9fff]{4}", output), name
    code, output = invoke("verify", "--help")
    assert "签名" in output
    assert SUPERVISOR not in output
