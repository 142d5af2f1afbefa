"""``veilmart demo`` as a user runs it: real processes, from onboarding to scores."""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from compute.protocols.risk_score.scorecard import parse_scorecard
from veilmart.cli import COMMANDS, main
from veilmart.demo.clear import scores_in_the_clear
from veilmart.demo.data import EXAMPLES
from veilmart.demo.sites import claimed

VEILMART = [sys.executable, "-m", "veilmart"]


def run(*arguments: str) -> Result:
    """The command line in this process; what it does not catch, a traceback for its user, fails the test."""
    result = CliRunner().invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def few(target: Path, rows: int = 30) -> Path:
    """The example data with few applicants."""
    shutil.copytree(EXAMPLES, target)
    lines = (target / "bank_applicants.csv").read_text("utf-8").splitlines(keepends=True)
    (target / "bank_applicants.csv").write_text("".join(lines[: rows + 1]), "utf-8")
    return target


def edit(data: Path, name: str, old: str, new: str) -> None:
    text = (data / name).read_text("utf-8")
    assert old in text
    (data / name).write_text(text.replace(old, new, 1), "utf-8")


def processes_in(folder: Path) -> list[str]:
    """Command lines of all processes that were started with a file of this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode().replace("\0", " ")
        except OSError:
            continue  # it ended meanwhile
        if f"--config {folder}" in line:
            found.append(line)
    return found


@contextmanager
def demo_that_stays(work: Path, data: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """The demo once it has walked its story, and the file of its output."""
    output = work.with_suffix(".out")
    with output.open("w") as file:
        command = [*VEILMART, "demo", "--dir", str(work), "--data", str(data), "--bits", "2048"]
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, text=True)  # noqa: S603 -- our own command
    try:
        deadline = time.monotonic() + 600
        while "Ctrl-C" not in output.read_text("utf-8"):
            assert process.poll() is None, output.read_text("utf-8")
            assert time.monotonic() < deadline, output.read_text("utf-8")
            time.sleep(0.1)
        yield process, output
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@pytest.mark.long
def test_the_demo_scores_stays_up_answers_by_hand_and_stops_in_order(tmp_path: Path) -> None:
    work, data = tmp_path / "work", few(tmp_path / "data")
    for path in data.iterdir():
        path.chmod(0o444)  # a user's checkout may be read-only

    def call(person: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*VEILMART, "call", "--config", str(work / person), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 -- our own command

    with demo_that_stays(work, data) as (process, output):
        assert len(processes_in(work)) >= 12
        said = output.read_text("utf-8")
        ((scores,),) = [re.findall(r"^Scores .* (\S+)$", said, re.MULTILINE)]
        with Path(scores).open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
        assert lines[0] == ["uscc", "score"]
        assert len(lines) == 31
        assert lines[1][0] == "91460100MAG8UND7X2"
        card = parse_scorecard((work / "harbour-bank" / "scorecard.json").read_bytes())
        assert card.sources.keys() == {"market-registration", "social-insurance"}
        applicants = scores_in_the_clear(data, card)  # the card of this run: noise makes each another one
        assert {subject: Decimal(score) for subject, score in lines[1:]} == applicants
        assert len(set(applicants.values())) > 5
        assert Path(scores).with_name("scores.parquet").read_bytes()[:4] == b"PAR1"
        for expected in (
            "Information values (IV)",
            "urban_rural",
            "The log is intact",
            "Bytes bank → market-regulation",
            "/docs",
            "Who used what",
            "verify.pyz",
        ):
            assert expected in said
        (contract,) = set(re.findall(r"contract-[0-9a-f]{32}", said))  # the one of the scores

        clerk = call("market-regulation/clerk.toml", "GET", f"/contracts/{contract}")
        assert clerk.returncode == 0, clerk.stderr
        assert '"state":"active"' in clerk.stdout
        stranger = call("market-regulation/clerk.toml", "GET", "/jobs/1")
        assert (stranger.returncode, stranger.stdout) == (1, "")
        assert '"status": 404' in stranger.stderr
        market = call("operator/operator.toml", "GET", "/parties")
        assert market.returncode == 0, market.stderr
        assert "social-security" in market.stdout

        for line in re.findall(r"^  veilmart (market .*)$", said, re.MULTILINE):  # what it offers to try works
            command = [*VEILMART, *line.split()]
            tried = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 -- our own command
            assert tried.returncode == 0, tried.stderr
            assert "登记" in tried.stdout or "合约" in tried.stdout

        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert processes_in(work) == []
    assert files_of(work) == {
        "harbour-bank": {"bank_applicants.csv", "scores.csv", "scores.parquet", "register.csv"}
        | DEVELOPED
        | PAILLIER
        | ACCOUNTS,
        "market-regulation": {"market_regulation.csv", "market-registration.toml"} | DISCLOSING | ACCOUNTS,
        "social-security": {"social_security.csv", "social-insurance.toml"} | DISCLOSING | ACCOUNTS,
        "model-review-office": {"points.jwe", "second-examiner.jwe", "second-examiner.toml"},
        "supervisor": set(),
        "anybody": {"verify.pyz"},
        "market": {"market.sqlite", "subjects.csv"} | outbox(work),
        "operator": {"operator.jwe", "operator.toml"},
        "authority": {"ca.key", "ca.pem"},
    }
    for folder in work.iterdir():
        assert folder.is_file() or folder.stat().st_mode & 0o077 == 0, folder
    for name in ("*.jwe", "*.key", "node.sqlite", "scores.csv", "scorecard.json", "statistics.json"):
        assert all(path.stat().st_mode & 0o077 == 0 for path in work.rglob(name)), name


def outbox(work: Path) -> set[str]:
    """The days on which messages were sent: one, or two where midnight came between."""
    found = {path.name for path in (work / "market" / "outbox").iterdir()}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d\.jsonl", name) for name in found)
    return found


PAILLIER = {"paillier.jwe", "paillier-unlock.key"}
DEVELOPED = {"scorecard.json", "statistics.json"}
DISCLOSING = {"disclosure.toml", "register.csv"}
ACCOUNTS = {f"{login}.{kind}" for login in ("administrator", "handler") for kind in ("toml", "token", "login")}
SHARED = {
    "application.token",
    "address.json",
    "authority.pem",
    "config.toml",
    "identity.jwe",
    "node.sqlite",
    "nonces.sqlite",
    "staff.jwe",
    "unlock.key",
}
SHARED |= {
    "policy.toml",
    "watermark.checkpoint",
    "inspector.toml",
    "node.sqlite.turn",
    "tls.pem",
    "tls.key",
    "seen.checkpoint",
    "clerk.toml",
    "analyst.toml",
    "examiner.toml",
}


def files_of(work: Path) -> dict[str, set[str]]:
    """What each party has beyond what every node has, its logs, SQLite's own files and what can be made again."""
    return {
        folder.name: {
            path.name
            for path in folder.rglob("*")
            if path.is_file()
            and path.name not in SHARED
            and path.relative_to(folder).parts[0] != "computing"
            and path.suffix not in {".log", ".sqlite-wal", ".sqlite-shm"}
        }
        for folder in work.iterdir()
        if folder.is_dir()
    }


@pytest.mark.long
def test_a_faulty_table_stops_the_demo_with_its_line_and_leaves_no_process(tmp_path: Path) -> None:
    work, data = tmp_path / "work", few(tmp_path / "data", 3)
    edit(data, "market_regulation.csv", "existing,rural", "existing,rural,CANARY")
    result = run("demo", "--once", "--dir", str(work), "--data", str(data), "--bits", "2048")
    assert result.exit_code == 1
    assert "market-regulation-serve did not start" in result.stderr
    assert "line 2" in result.stderr
    assert "CANARY" not in result.stderr
    assert "Traceback" not in "".join(path.read_text("utf-8") for path in work.rglob("*.log"))
    assert processes_in(work) == []


BAD_LOANS = [
    ("bank_loans.csv", ",no,yes,0\n", ",no,yes,2\n", "bank_loans.csv: the outcome 2 is neither 0 nor 1"),
    ("bank_loans.csv", ",low_doc,", ",lowdoc,", "bank_loans.csv"),
    ("recipe.toml", "[[own]]", "[[own", "recipe.toml"),
]


@pytest.mark.parametrize(("name", "old", "new", "expected"), BAD_LOANS)
def test_bad_loans_are_named_before_anything_starts(
    tmp_path: Path, name: str, old: str, new: str, expected: str
) -> None:
    data = few(tmp_path / "data", 3)
    edit(data, name, old, new)
    result = run("demo", "--once", "--dir", str(tmp_path / "w"), "--data", str(data))
    assert result.exit_code == 1
    assert expected in result.stderr
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    "name",
    ["bank_loans.csv", "recipe.toml", "bank_applicants.csv", "social_security.csv", "social-insurance.toml"],
)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    data = few(tmp_path / "data", 3)
    (data / name).unlink()
    result = run("demo", "--once", "--dir", str(tmp_path / "w"), "--data", str(data))
    assert result.exit_code == 1
    assert f"{name} is missing" in result.stderr


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    result = run("demo", "--once", "--dir", str(tmp_path))
    assert result.exit_code == 1
    assert "holds other files" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_in_which_a_demo_runs_is_left_alone(tmp_path: Path) -> None:
    with claimed(tmp_path):
        (tmp_path / "market").mkdir()
        result = run("demo", "--once", "--dir", str(tmp_path))
        assert result.exit_code == 1
        assert f"another demo runs in {tmp_path}; stop it, or name another folder" in result.stderr
        assert (tmp_path / "market").exists()
    with claimed(tmp_path):
        assert (tmp_path / "market").exists()


def test_an_impossible_directory_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("demo", "--once", "--dir", str(tmp_path / "file" / "below"))
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("Error: ")


@pytest.mark.parametrize("bits", ["2047", "1024", "3073"])
def test_a_weak_or_odd_key_length_is_refused(tmp_path: Path, bits: str) -> None:
    result = run("demo", "--once", "--dir", str(tmp_path / "w"), "--bits", bits)
    assert result.exit_code in {1, 2}
    assert "bits" in result.stderr


COMMAND_LINES = [
    [],
    *([name] for name in COMMANDS),
    *(["marketplace", name] for name in ("enrol", "key", "serve", "work")),
    *(["key", name] for name in ("change", "encrypt", "make", "show")),
]
COMMAND_LINES += [["node", name] for name in ("key", "serve", "work")] + [
    ["audit", name] for name in ("identity", "trace", "verify")
]
COMMAND_LINES += [["bank", "scorecard", *name] for name in ([], ["build"], ["export"], ["import"])]


@pytest.mark.parametrize("arguments", COMMAND_LINES, ids=" ".join)
def test_help_everywhere_in_both_languages(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, [*arguments, "--help"])
    assert result.exit_code == 0
    assert any("一" <= character <= "鿿" for character in result.output)


def test_an_unknown_command_is_named() -> None:
    result = CliRunner().invoke(main, ["demos"])
    assert result.exit_code == 2
    assert "demos" in result.output


def test_the_module_is_the_command() -> None:
    environment = {**os.environ, "COLUMNS": "100"}
    result = subprocess.run(  # noqa: S603 -- our own command
        [*VEILMART, "demo", "--help"], capture_output=True, text=True, check=True, timeout=60, env=environment
    )
    assert "--once" in result.stdout
