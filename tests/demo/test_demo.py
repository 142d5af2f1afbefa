"""``veilmart demo`` as a user runs it."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit.database import open_engine
from audit.log import Log
from veilmart.cli import COMMANDS, main
from veilmart.demo.data import EXAMPLES


def run(*arguments: str, stdin: str = "") -> Result:
    """The command line in this process; what it does not catch, a traceback for its user, fails the test."""
    result = CliRunner().invoke(main, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def few(target: Path, rows: int = 30) -> Path:
    """The example data with few applicants, so that a run takes a second."""
    shutil.copytree(EXAMPLES, target)
    lines = (target / "bank_applicants.csv").read_text("utf-8").splitlines(keepends=True)
    (target / "bank_applicants.csv").write_text("".join(lines[: rows + 1]), "utf-8")
    return target


def test_the_module_is_the_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "veilmart", "demo", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "--once" in result.stdout


def test_once_writes_the_scores_and_stops(tmp_path: Path) -> None:
    data = few(tmp_path / "data")
    result = run("demo", "--once", "--dir", str(tmp_path / "work"), "--data", str(data), "--bits", "2048")
    assert result.exit_code == 0, result.stderr
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
    assert result.exit_code == 0, result.stderr
    assert {str(path.relative_to(work)) for path in work.rglob("*.csv")} == {
        "harbour-bank/bank_applicants.csv",
        "harbour-bank/scores.csv",
        "market-regulation/market_regulation.csv",
        "social-security/social_security.csv",
    }


def test_without_once_it_answers_look_ups_until_an_empty_line(tmp_path: Path) -> None:
    result = score(tmp_path, few(tmp_path / "data", 3), stdin="91460100MAG8UND7X2\nnobody\n\n")
    assert result.exit_code == 0, result.stderr
    assert "517" in result.stdout
    assert "not an applicant" in result.stdout


def score(tmp_path: Path, data: Path, *options: str, stdin: str = "") -> Result:
    return run("demo", "--dir", str(tmp_path / "w"), "--data", str(data), "--bits", "2048", *options, stdin=stdin)


def test_the_log_goes_on_in_the_next_run(tmp_path: Path) -> None:
    data = few(tmp_path / "data", 3)
    for events in (9, 18):
        assert score(tmp_path, data, "--once").exit_code == 0
        engine = open_engine(tmp_path / "w" / "audit.sqlite")
        assert Log(engine).check()[0] == events
        engine.dispose()


def edit(data: Path, name: str, old: str, new: str) -> None:
    text = (data / name).read_text("utf-8")
    assert old in text
    (data / name).write_text(text.replace(old, new, 1), "utf-8")


BAD_FILES = [
    ("market_regulation.csv", "existing,rural", "existing,rural,CANARY", "line 2"),
    ("social_security.csv", ",3,0,0\n", ",3_CANARY,0,0\n", "line 2"),
    ("bank_applicants.csv", "uscc,approval_year", "approval_year,uscc", "another order"),
    ("scorecard.json", '"edges": [', '"edges": [99,', "scorecard.json: sources.social-insurance[0]"),
    ("scorecard.json", "{", "[", "scorecard.json: not a scorecard"),
    ("scorecard.json", '"column": "employees"', '"column": "staff"', "no field staff"),
    ("scorecard.json", '"market-registration"', '"customs"', "no provider offers customs"),
    ("scorecard.json", '"column": "revolving"', '"column": "uscc"', "no column uscc"),
    ("scorecard.json", '"column": "revolving"', '"column": "approved_usd"', "local"),
    ("scorecard.json", '"missing_points": -3', '"missing_points": 900', "last bin lie outside"),
    ("market-registration.toml", 'kind = "dataset"', 'kind = "data"', "kind"),
    ("market-registration.toml", 'provider = "market-regulation"', 'provider = "harbour-bank"', "is taken"),
    ("social-insurance.toml", 'provider = "social-security"', 'provider = "market-regulation"', "is taken"),
]


@pytest.fixture(scope="module")
def earlier_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data, and the working directory that a good run left."""
    directory = tmp_path_factory.mktemp("earlier")
    assert score(directory, few(directory / "data", 3), "--once").exit_code == 0
    return directory


@pytest.mark.parametrize(("name", "old", "new", "expected"), BAD_FILES)
def test_bad_files_are_named_and_nothing_is_left(
    earlier_run: Path, tmp_path: Path, name: str, old: str, new: str, expected: str
) -> None:
    shutil.copytree(earlier_run, tmp_path, dirs_exist_ok=True)
    data = tmp_path / "data"
    edit(data, name, old, new)
    result = score(tmp_path, data, "--once")
    assert result.exit_code == 1, result.stdout
    assert expected in result.stderr
    assert "CANARY" not in result.stderr
    assert not list((tmp_path / "w" / "harbour-bank").glob("scores*"))  # not those of the run before either
    assert not list((tmp_path / "w").rglob("*.part"))


@pytest.mark.parametrize(
    "name", ["scorecard.json", "bank_applicants.csv", "social_security.csv", "social-insurance.toml"]
)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    data = few(tmp_path / "data", 3)
    (data / name).unlink()
    result = score(tmp_path, data, "--once")
    assert result.exit_code == 1
    assert f"{name} is missing" in result.stderr


def test_a_list_without_applicants_is_refused(tmp_path: Path) -> None:
    result = score(tmp_path, few(tmp_path / "data", 0), "--once")
    assert result.exit_code == 1
    assert "holds no applicant" in result.stderr


def test_a_card_without_local_features_scores(tmp_path: Path) -> None:
    data = few(tmp_path / "data", 3)
    card = json.loads((data / "scorecard.json").read_bytes())
    (data / "scorecard.json").write_text(json.dumps({**card, "local": []}), "utf-8")
    result = score(tmp_path, data, "--once")
    assert result.exit_code == 0, result.stderr


def test_read_only_files_are_scored_twice(tmp_path: Path) -> None:
    data = few(tmp_path / "data", 3)
    for path in data.iterdir():
        path.chmod(0o444)
    for _ in range(2):
        assert score(tmp_path, data, "--once").exit_code == 0
    assert all(path.stat().st_mode & 0o200 for path in (tmp_path / "w").rglob("*.csv"))


def test_an_impossible_directory_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("demo", "--once", "--dir", str(tmp_path / "file" / "below"))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


def test_a_damaged_log_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "audit.sqlite").write_bytes(b"no database" * 1000)
    result = score(tmp_path, few(tmp_path / "data", 3), "--once")
    assert result.exit_code == 1
    assert "Error: " in result.stderr


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
    assert result.exit_code in {1, 2}
    assert "bits" in result.stderr
