"""`veilmart audit trace|chain|uses|timeline|findings|dispose|export` over a marketplace that runs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ledger import hex_of
from locks import unlock
from market import BANK, DAY, INSPECTOR, LABOUR, ORIGIN, REVIEWER, SUPERVISOR, TAX
from marketplace_api.process import now
from trace_command.conftest import ANSWER, JOBS, MODEL, Audited, write_config

from audit.checkpoint import signed
from audit.entry import EntryKind
from compute.signing import LOG_KEY, derived_key
from compute.web.keyfile import load_or_make
from veilmart.cli import main

STALE = 3
"""No witness cosigns here: the log is intact, and that is all that is known."""


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["audit", *arguments, "--config", str(config)])


def ran(audited: Audited, *arguments: str) -> str:
    result = run(audited.config, *arguments)
    assert result.exit_code == STALE, result.output
    return result.stdout


def told(audited: Audited, *arguments: str) -> Any:
    found = json.loads(ran(audited, *arguments, "--json"))
    assert found["log"]["outcome"] == "stale"
    return found


def entries(audited: Audited, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(audited, *arguments)["entries"]
    own = audited.server.entries()
    for each in found:
        assert own[each["index"]].id == each["id"]
    return found


def test_a_contract_is_traced_in_order_and_in_both_languages(audited: Audited) -> None:
    shown = ran(audited, "trace", "--contract", audited.contract)
    rows = re.findall(r"^│ +(\d+) +│ (\S+Z) +│.*\n│ +│ (\w+)", shown, re.MULTILINE)
    assert [int(row[0]) for row in rows] == sorted(int(row[0]) for row in rows)
    assert rows[0][2] == "application_submitted"
    assert "使用申请提交" in shown
    assert "STALE 过期: The log is intact 日志完整" in shown
    found = entries(audited, "trace", "--contract", audited.contract)
    assert [each["index"] for each in found] == [int(row[0]) for row in rows]
    assert found[-1]["kind"] == "query_received"
    assert shown.count(audited.contract) >= len(rows)  # unbroken in each row: a model has none, the title has it


@pytest.mark.parametrize(
    ("option", "value", "jobs"),
    [
        ("--organisation", LABOUR, {JOBS[1]}),
        ("--product", "market-registration", {JOBS[0], JOBS[2]}),
        ("--product", "market-registration@1.0.0", {JOBS[0], JOBS[2]}),
        ("--product", "market-registration@9.9.9", set()),
        ("--field", "naics", {JOBS[0], JOBS[2]}),
        ("--model", MODEL.upper(), {JOBS[0], JOBS[1], JOBS[2]}),
        ("--result", ANSWER, {JOBS[0]}),
        ("--job", JOBS[2], {JOBS[2]}),
    ],
)
def test_whatever_is_asked_for_is_found(audited: Audited, option: str, value: str, jobs: set[str]) -> None:
    found = entries(audited, "trace", option, value)
    assert {each["job"] for each in found} - {None} == jobs


def test_a_subject_s_jobs_are_read_from_a_file(audited: Audited, tmp_path: Path) -> None:
    path = tmp_path / "jobs.txt"
    path.write_text(f"{JOBS[0].upper()}\n\n{hex_of('no job')}\n")
    assert {each["job"] for each in entries(audited, "trace", "--subject-jobs", str(path))} == {JOBS[0]}
    path.write_text(f"{JOBS[0]}\n91350200MA2Y8QJX3K\n")
    result = run(audited.config, "trace", "--subject-jobs", str(path))
    assert (result.exit_code, "line 2 is not 64" in result.output) == (2, True)
    assert "91350200" not in result.output
    result = run(audited.config, "trace", "--subject-jobs", str(tmp_path / "absent"))
    assert "absent: No such file" in result.output


def test_a_trace_says_what_is_asked_for(audited: Audited) -> None:
    assert "Say what to trace" in run(audited.config, "trace").output
    assert "not 64 hexadecimal digits" in run(audited.config, "trace", "--job", "5e").output


def test_a_result_is_led_back_to_its_source(audited: Audited) -> None:
    (chain,) = told(audited, "chain", ANSWER)["chains"]
    assert chain["complete"]
    assert [link["link"] for link in chain["links"]] == [
        "result",
        "job",
        "model",
        "permit",
        "contract",
        "consent",
        "product",
        "source",
    ]
    shown = ran(audited, "chain", ANSWER)
    assert "数据来源" in shown
    assert hex_of("snapshot")[:20] in shown
    (refused,) = told(audited, "chain", JOBS[1])["chains"]
    assert not refused["complete"]
    assert refused["links"][0]["missing"] == ["answer_sent", "answer_received"]
    assert "answer_sent" in ran(audited, "chain", JOBS[1])
    assert told(audited, "chain", hex_of("no result"))["chains"] == []
    for digest in (ANSWER, JOBS[0], MODEL, audited.contract):
        assert f" {digest} " in shown  # none is broken
    assert "日志中没有该结果或任务" in ran(audited, "chain", hex_of("no result"))


def test_who_used_what(audited: Audited) -> None:
    found = told(audited, "uses")["uses"]
    assert [(use["job"], use["provider"]) for use in found] == [(JOBS[0], TAX), (JOBS[1], LABOUR), (JOBS[2], TAX)]
    assert found[0]["missing"] == []
    assert found[1]["refused"] is not None
    assert found[2]["missing"] == ["query_sent", "answer_sent", "answer_received"]
    shown = ran(audited, "uses", "--organisation", BANK)
    for words in ("matched", "相符", "refused", "已拒绝", "缺", "naics"):
        assert words in shown
    for name in (BANK, TAX, audited.contract, f"Answer 答复 {ANSWER},"):
        assert f"{name} " in shown
    assert len(told(audited, "uses", "--field", "naics")["uses"]) == 2


def test_the_timeline_by_kind_and_time(audited: Audited) -> None:
    size = len(audited.server.entries())
    assert [each["index"] for each in entries(audited, "timeline")][: size - 1] == list(range(size - 1))
    models = entries(audited, "timeline", "--kind", "model_approved", "--kind", "model_registered")
    assert [each["node"] for each in models] == [REVIEWER, TAX]
    assert entries(audited, "timeline", "--until", "2020-01-01") == []
    assert entries(audited, "timeline", "--since", "2020-01-01T00:00:00", "--kind", "party_enrolled") != []
    assert entries(audited, "timeline", "--since", "2999-01-01") == []
    assert "时间线" in ran(audited, "timeline", "--kind", "product_published")
    assert "日志中没有相关记录" in ran(audited, "timeline", "--since", "2999-01-01")


def test_a_finding_is_disposed_in_the_log(audited: Audited) -> None:
    found = told(audited, "findings")["findings"]
    beyond = [each for each in found if each["tag"] == "beyond_minimum"]
    (finding,) = beyond
    assert finding["en"] == "used for 2000 subjects, of whom 3 consents stood"
    assert finding["disposed"] is None
    index = str(finding["indices"][0])
    arguments = ("dispose", "--index", index, "--tag", "beyond_minimum", "--as")
    for disposition in ("warned", "escalated"):  # a second one counts on
        result = run(audited.config, *arguments, disposition)
        assert result.exit_code == 0, result.output
        entry = audited.server.entries()[-1]
        assert (entry.kind, entry.node) == (EntryKind.FINDING_DISPOSED, SUPERVISOR)
        assert entry.detail == {"index": int(index), "tag": "beyond_minimum", "disposition": disposition}
    (finding,) = told(audited, "findings", "--tag", "beyond_minimum")["findings"]
    assert finding["disposed"]["disposition"] == "escalated"
    assert "上报" in ran(audited, "findings")
    assert told(audited, "findings", "--open", "--tag", "beyond_minimum")["findings"] == []

    # A journal that was lost counts on from where the log stands.
    for path in audited.server.folder.glob("auditor-journal.db*"):
        path.unlink()
    assert run(audited.config, *arguments, "justified").exit_code == 0
    assert [entry.counter for entry in audited.server.entries() if entry.node == SUPERVISOR] == [1, 2, 3]

    # Whom it is about cannot.
    bank = write_config(audited.server.folder, audited.server, BANK, 'journal = "bank-journal.db"')
    result = run(bank, *arguments, "justified")
    assert (result.exit_code, "about bank itself" in result.output) == (2, True)


def test_reads_under_a_case_are_told_with_the_findings(audited: Audited) -> None:
    assert told(audited, "findings")["cases"] == {"open": 0, "sealed": 0, "flaws": []}
    with audited.server.client(SUPERVISOR) as supervisor, audited.server.client(INSPECTOR) as inspector:
        case = supervisor.open_case("2026/1", now() + DAY).case
        inspector.approve_case(case)
        supervisor.contract(audited.contract, case)
        assert told(audited, "findings")["cases"] == {"open": 1, "sealed": 1, "flaws": []}
        assert "Open cases 未结案件 1, reads under seal 密封查阅 1" in ran(audited, "findings")
        supervisor.close_case(case)
    assert told(audited, "findings")["cases"] == {"open": 0, "sealed": 0, "flaws": []}
    (unsealed,) = entries(audited, "trace", "--contract", audited.contract, "--organisation", SUPERVISOR)
    assert (unsealed["kind"], unsealed["detail"]["read"]) == ("case_unsealed", "contract")


def test_what_cannot_be_disposed_is_said(audited: Audited, tmp_path: Path) -> None:
    result = run(audited.config, "dispose", "--index", "0", "--tag", "burst", "--as", "warned")
    assert (result.exit_code, "没有这项发现" in result.output) == (2, True)
    finding = told(audited, "findings", "--tag", "beyond_minimum")["findings"][0]
    arguments = ("--index", str(finding["indices"][0]), "--tag", "beyond_minimum", "--as", "warned")
    without = write_config(tmp_path, audited.server, INSPECTOR)
    assert "names no journal" in run(without, "dispose", *arguments).output
    nowhere = write_config(tmp_path, audited.server, INSPECTOR, 'journal = "absent/journal.db"')
    assert "name an SQLite file in a folder" in run(nowhere, "dispose", *arguments).output
    node = write_config(tmp_path, audited.server, REVIEWER, 'journal = "own.db"')
    assert "reviewer has a node" in run(node, "dispose", *arguments).output


def test_rules_that_cannot_be_used_are_named(audited: Audited, tmp_path: Path) -> None:
    config = write_config(tmp_path, audited.server, INSPECTOR, 'rules = "rules.toml"')
    assert "rules.toml: No such file" in run(config, "findings").output
    (tmp_path / "rules.toml").write_text("burst = 1")
    result = run(config, "findings")
    assert (result.exit_code, "'burst': unknown; correct it as examples/" in result.output) == (2, True)


def test_the_log_is_exported_in_every_format(audited: Audited, tmp_path: Path) -> None:
    for form in ("parquet", "csv"):
        shown = ran(audited, "export", "--format", form, "--out", str(tmp_path / form))
        assert "Written 已写入" in shown
        assert {path.stem for path in (tmp_path / form).iterdir()} == {
            "timeline",
            "uses",
            "who_used_what",
            "refusals",
            "findings",
        }
    lines = (tmp_path / "csv" / "uses.csv").read_text("utf-8").splitlines()
    assert len(lines) == 1 + 3
    ran(audited, "export", "--format", "prov", "--out", str(tmp_path / "prov.json"), "--job", JOBS[0])
    document = json.loads((tmp_path / "prov.json").read_bytes())
    assert [name for name in document["entity"] if name.startswith("answer:")] == [f"answer:{ANSWER}"]
    ran(audited, "export", "--format", "openlineage", "--out", str(tmp_path / "events.ndjson"))
    events = [json.loads(line) for line in (tmp_path / "events.ndjson").read_text("utf-8").splitlines()]
    assert [event["eventType"] for event in events].count("COMPLETE") == 1
    result = run(audited.config, "export", "--format", "prov", "--out", str(tmp_path / "absent" / "prov.json"))
    assert (result.exit_code, "make its folder" in result.output) == (2, True)


def test_an_auditor_without_duckdb_is_told_what_to_install(
    audited: Audited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_name: str) -> None:
        raise ModuleNotFoundError("duckdb")

    monkeypatch.setattr("veilmart.audit.export.import_module", fail)
    result = run(audited.config, "export", "--format", "csv", "--out", str(tmp_path))
    assert (result.exit_code, "install veilmart[audit] 需要安装 DuckDB" in result.output) == (2, True)


def test_nothing_is_shown_of_a_log_that_was_tampered_with(audited: Audited, tmp_path: Path) -> None:
    """The party has seen a larger log, signed by its key, than it is shown now."""
    config = write_config(tmp_path, audited.server, INSPECTOR)
    key = derived_key(load_or_make(audited.server.folder / "identity.jwe", unlock), LOG_KEY)
    (tmp_path / f"{INSPECTOR}.checkpoint").write_bytes(signed(ORIGIN, 10_000, bytes(32), key))
    out = tmp_path / "out"
    for command in (
        ["timeline"],
        ["trace", "--contract", audited.contract],
        ["chain", ANSWER],
        ["uses", "--json"],
        ["findings"],
        ["export", "--format", "csv", "--out", str(out)],
    ):
        result = run(config, *command)
        assert result.exit_code == 1, result.output
        told = '"damage": "rolled_back"' if "--json" in command else "TAMPERED 被篡改, rolled back"
        assert told in result.stdout
        assert audited.contract not in result.stdout
    assert not out.exists()


def test_what_each_command_is_for_is_listed_in_both_languages() -> None:
    for group in ([], ["audit"], ["key"], ["node"], ["marketplace"]):
        listed = CliRunner().invoke(main, [*group, "--help"]).stdout.partition("Commands:")[2]
        commands = re.split(r"^  (?=\w)", listed, flags=re.MULTILINE)[1:]
        assert len(commands) > 2
        for each in commands:
            assert re.search("[a-z] .*[一-鿿]{2}", each, re.DOTALL), each
            assert "..." not in each


def test_help_is_in_both_languages() -> None:
    chinese = {
        "trace": "溯源对象|存证",
        "chain": "回溯",
        "uses": "用数",
        "timeline": "日志顺序",
        "findings": "风险",
        "dispose": "处置",
        "export": "导出",
    }
    for command, words in chinese.items():
        result = CliRunner().invoke(main, ["audit", command, "--help"])
        assert result.exit_code == 0
        assert re.search(words, result.output), command
