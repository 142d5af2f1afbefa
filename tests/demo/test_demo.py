"""``veilmart demo`` as a user runs it."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from veilmart.cli import COMMANDS, main
from veilmart.demo.data import EXAMPLES


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own command line
        [sys.executable, "-m", "veilmart", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def few(target: Path, rows: int = 30) -> Path:
    """The example data with few applicants, so that a run takes a second."""
    shutil.copytree(EXAMPLES, target)
    lines = (target / "bank_applicants.csv").read_text("utf-8").splitlines(keepends=True)
    (target / "bank_applicants.csv").write_text("".join(lines[: rows + 1]), "utf-8")
    return target


def test_once_writes_the_scores_and_stops(tmp_path: Path) -> None:
    data = few(tmp_path / "data")
    result = run("demo", "--once", "--dir", str(tmp_path / "work"), "--data", str(data), "--bits", "2048")
    assert result.returncode == 0, result.stderr
    with (tmp_path / "work" / "harbour-bank" / "scores.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["uscc", "score"]
    assert len(lines) == 31
    assert lines[1] == ["91460100MAG8UND7X2", "517"]
    assert "Seconds" in result.stdout
    assert "Bytes bank → market-regulation" in result.stdout


def test_each_party_has_only_its_own_files(tmp_path: Path) -> None:
    work = tmp_path / "work"
    result = run("demo", "--once", "--dir", str(work), "--data", str(few(tmp_path / "data", 3)), "--bits", "2048")
    assert result.returncode == 0, result.stderr
    assert {str(path.relative_to(work)) for path in work.rglob("*.csv")} == {
        "harbour-bank/bank_applicants.csv",
        "harbour-bank/scores.csv",
        "market-regulation/market_regulation.csv",
        "social-security/social_security.csv",
    }


def test_without_once_it_answers_look_ups_until_an_empty_line(tmp_path: Path) -> None:
    arguments = ("demo", "--dir", str(tmp_path / "w"), "--data", str(few(tmp_path / "data", 3)), "--bits", "2048")
    result = run(*arguments, stdin="91460100MAG8UND7X2\nnobody\n\n")
    assert result.returncode == 0, result.stderr
    assert "517" in result.stdout
    assert "not an applicant" in result.stdout


def test_the_log_goes_on_in_the_next_run(tmp_path: Path) -> None:
    arguments = (
        "demo",
        "--once",
        "--dir",
        str(tmp_path / "w"),
        "--data",
        str(few(tmp_path / "data", 3)),
        "--bits",
        "2048",
    )
    assert run(*arguments).returncode == 0
    assert "9, root" in run(*arguments).stdout


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("market_regulation.csv", "existing,rural", "existing,rural,CANARY", "line 2"),
        ("social_security.csv", ",3,0,0\n", ",3_CANARY,0,0\n", "line 2"),
        ("bank_applicants.csv", "uscc,approval_year", "approval_year,uscc", "another order"),
        ("scorecard.json", '"edges": [', '"edges": [99,', "sources.social-insurance[0]"),
        ("market-registration.toml", 'kind = "dataset"', 'kind = "CANARY"', "kind"),
    ],
)
def test_bad_files_are_named_without_their_values(
    tmp_path: Path, name: str, old: str, new: str, expected: str
) -> None:
    data = few(tmp_path / "data", 3)
    text = (data / name).read_text("utf-8")
    assert old in text
    (data / name).write_text(text.replace(old, new, 1), "utf-8")
    result = run("demo", "--once", "--dir", str(tmp_path / "w"), "--data", str(data), "--bits", "2048")
    assert result.returncode == 1
    assert expected in result.stderr
    assert "Traceback" not in result.stderr
    assert "CANARY" not in result.stderr or name.endswith(".toml")
    assert not (tmp_path / "w" / "harbour-bank" / "scores.csv").exists()


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_everywhere(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    assert any("一" <= character <= "鿿" for character in result.output)


def test_an_unknown_command_is_named() -> None:
    result = CliRunner().invoke(main, ["demos"])
    assert result.exit_code == 2
    assert "demos" in result.output


@pytest.mark.parametrize("bits", ["2047", "1024", "3073"])
def test_a_weak_or_odd_key_length_is_refused(tmp_path: Path, bits: str) -> None:
    result = run("demo", "--once", "--dir", str(tmp_path / "w"), "--bits", bits)
    assert result.returncode in {1, 2}
    assert "bits" in result.stderr
    assert "Traceback" not in result.stderr
