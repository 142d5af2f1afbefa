"""`veilmart bank measures` and a notebook's measures: of results in files and of a node's jobs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner
from loan_results import GRIDS, Told

from compute.canonical import encode
from compute.node.console.statistics_messages import StatisticsResult
from veilmart.bank import measures as measures_command
from veilmart.bank import statistics as statistics_command
from veilmart.bank.measuring import MeasuringError
from veilmart.cli import main
from veilmart.notebook import Bank, Statistics

SCALE = 6
"""Of the noise of what the node has told."""


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["bank", "measures", *arguments, "--config", "analyst.toml"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    told = Told(SCALE, 1).companies(GRIDS["business_age"]).moments("employees", 0, 100).result(present_only=True)
    path = tmp_path / "statistics.json"
    path.write_bytes(encode(told))
    return path


def test_a_file_s_measures_are_printed_with_noise_and_interval(file: Path) -> None:
    shown = run(str(file), "--good", "good", "--bad", "bad", "--class-value", "good=0", "--class-value", "bad=1")
    assert shown.exit_code == 0, shown.output
    text = " ".join(shown.output.split())
    for part in (
        "not for model development",
        "不得用于建模",
        "ε 3, b 6",
        "WOE",
        "95%",
        "信息值 IV",
        "Pearson",
        "KS",
    ):
        assert part in text, part
    exact = run(str(file), "--good", "good", "--bad", "worse")
    assert exact.exit_code == 1
    assert "no class worse" in exact.output


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx", "json"])
def test_measures_are_written_as_they_are(file: Path, suffix: str) -> None:
    path = file.with_name(f"found.{suffix}")
    done = run(str(file), "--good", "good", "--bad", "bad", "--output", str(path))
    assert done.exit_code == 0, done.output
    match suffix:
        case "json":
            told = json.loads(path.read_text("utf-8"))
            figures, bins = pd.DataFrame(told["figures"]), pd.DataFrame(told["bins"])
        case "xlsx":
            sheets = pd.read_excel(path, sheet_name=None)
            figures, bins = sheets["figures"], sheets["bins"]
        case "csv":
            figures, bins = pd.read_csv(path), pd.read_csv(path.with_suffix(".bins.csv"))
        case _:
            figures, bins = (
                duckdb.sql(f"FROM '{path.with_suffix(end)}'").df() for end in (".parquet", ".bins.parquet")
            )
    assert {"information_value", "ks", "auc", "mean"} <= set(figures["figure"])
    assert bins["rows"].notna().sum() > 1
    assert path.stat().st_mode & 0o777 == 0o600


class Node:
    """Has one result under a job and a reference, and labels; what is asked for is noted."""

    def __init__(self, result: StatisticsResult) -> None:
        self._result, self.asked = result, 0

    def jobs(self, before: str | None = None) -> list[Any]:
        view: Any = type("View", (), {"job": "e" * 32, "kind": "statistics", "reference": "stats"})
        return [] if before else [view]

    def statistics(self, job: str) -> StatisticsResult:
        assert job == "e" * 32
        return self._result

    def labels(self) -> list[Any]:
        view: Any = type("View", (), {"contract": "c", "name": "loans", "classes": ("good", "bad")})
        return [view]

    def ask_statistics(self, _asked: object) -> Any:
        self.asked += 1
        raise AssertionError("nothing may be asked")


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    found = Node(Told(SCALE, 1).companies(GRIDS["business_age"]).result())

    @contextmanager
    def open_node(_config: Path) -> Iterator[Node]:
        yield found

    for module in (measures_command, statistics_command):
        monkeypatch.setattr(module, "open_node", open_node)
    return found


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("name", ["e" * 32, "stats"])
def test_a_job_or_a_reference_will_do(name: str) -> None:
    shown = run(name, "--good", "good", "--bad", "bad", "--json")
    assert shown.exit_code == 0, shown.output
    assert {each["column"] for each in json.loads(shown.output)["bins"]} == {"business_age"}


@pytest.mark.usefixtures("node")
def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    assert "is no file, and no statistics" in run("elsewhere").output
    (tmp_path / "x.json").write_text("{}")
    assert "give the statistics.json" in run(str(tmp_path / "x.json")).output


def test_an_unknown_class_is_found_before_anything_is_paid_for(node: Node) -> None:
    asked = ("--contract", "c", "--labels", "loans", "--epsilon", "3", "--histogram", "departments:business_age")
    named = ("--good", "good", "--bad", "worse", "--config", "a.toml")
    done = CliRunner().invoke(main, ["bank", "stats", *asked, *named])
    assert done.exit_code == 1
    assert "no class worse" in done.output
    assert not node.asked


def test_a_notebook_has_the_measures_as_data_frames(node: Node) -> None:
    bank = Bank(node)  # type: ignore[arg-type]
    found = bank.measures(bank.result("stats"), good=["good"], bad=["bad"], merge=["monotonic"])
    assert found.bins["woe"].notna().any()
    later = Statistics(Told(SCALE, 2).companies(GRIDS["business_age"]).result())
    moved = bank.measures(node.statistics("e" * 32), later).figures
    assert moved[moved["figure"] == "stability_index"]["low"].iloc[0] < 0.001
    with pytest.raises(MeasuringError, match="no histogram of business_age"):
        bank.measures(later, Statistics(Told().moments("employees", 0, 100).result()))
