"""``veilmart bank``: files and options become requests, results become tables and files."""

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from told import cross_table, histogram, moments, told
from world import EXAMPLES, SUBJECTS

from compute.binning import CategoryBins, NumberBins
from compute.canonical import decode
from compute.node.console.messages import JobView
from compute.node.console.statistics_messages import (
    LabelRegistration,
    LabelSetHeld,
    LabelsRegistered,
    Prechecks,
    ProviderPrecheck,
    StatisticsRequest,
    StatisticsResult,
    VectorHeld,
)
from compute.protocols.joint_statistics.messages import Precheck
from veilmart.bank import labels, statistics
from veilmart.bank.label_files import LabelError, registration_of
from veilmart.bank.requests import RequestError, milliepsilon_of, read_request, request_of
from veilmart.cli import main
from veilmart.notebook import Bank

RESULT = told(histogram(), cross_table(), *moments())
STATS = ("--contract", "loans-2026", "--labels", "loans", "--epsilon", "3")


def job(state: str = "done", reason: str | None = None) -> JobView:
    return JobView(
        job="a" * 32,
        reference="r",
        kind="statistics",
        state=state,
        size=1,
        estimated_milliseconds=1,
        created_at=1,
        started_at=1,
        finished_at=1,
        step="providers compute",
        done=1,
        total=1,
        milliseconds_left=None,
        error=None,
        reason=reason,
        remedy="ask again" if reason else None,
        subjects=(),
    )


class Node:
    """A bank's node that notes what it is asked; its jobs are over at once."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.ended = job()

    def register_labels(self, asked: LabelRegistration) -> JobView:
        self.asked.append(asked)
        return self.ended

    def ask_statistics(self, asked: StatisticsRequest) -> JobView:
        self.asked.append(asked)
        return self.ended

    def precheck_statistics(self, asked: StatisticsRequest) -> Prechecks:
        self.asked.append(asked)
        found = Precheck(
            question=bytes(32),
            cells=174,
            bound=110,
            milliepsilon=0,
            bank_left=9500,
            is_stored=True,
            snapshot="c" * 64,
            snapshot_date="2026-11-01",
            is_present_only=True,
            milliseconds=3200,
        )
        refused = ProviderPrecheck(provider="land", precheck=None, reason="no budget", remedy="ask for less")
        answered = ProviderPrecheck(provider="tax", precheck=found, reason=None, remedy=None)
        return Prechecks(providers=(answered, refused), estimated_milliseconds=4500)

    def labels(self) -> list[LabelSetHeld]:
        vector = VectorHeld(provider="tax", vector="d" * 64, alignment=None, parts=3, registered=2)
        return [
            LabelSetHeld(
                contract="loans-2026",
                name="loans",
                kind="hidden",
                classes=("good", "bad"),
                width=64,
                subjects=40,
                at=1,
                vectors=(vector,),
            )
        ]

    def follow(self, given: JobView, watch: Callable[[JobView], None]) -> JobView:
        watch(given)
        return given

    def result(self, _job: str) -> LabelsRegistered:
        return LabelsRegistered(
            name="loans",
            contract="loans-2026",
            vectors={"tax": "d" * 64},
            rows=40,
            milliseconds=1500,
            sent={},
            received={},
        )

    def statistics(self, _job: str) -> StatisticsResult:
        return RESULT


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    found = Node()

    @contextmanager
    def open_node(_config: Path) -> Iterator[Node]:
        yield found

    for module in (labels, statistics):
        monkeypatch.setattr(module, "open_node", open_node)
    return found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["bank", *arguments, "--config", "analyst.toml"])


def csv_of(path: Path, *lines: str) -> str:
    path.write_text("\n".join(["uscc,class", *lines]) + "\n")
    return str(path)


def test_a_file_s_classes_become_numbers_in_the_order_given(node: Node, tmp_path: Path) -> None:
    file = csv_of(tmp_path / "l.csv", f"{SUBJECTS[0]},paid", f"{SUBJECTS[1]},bad", f"{SUBJECTS[2]},paid")
    common = ("labels", "register", "--contract", "c", "--name", "loans", "--provider", "tax", file)
    result = run(*common)
    assert result.exit_code == 0, result.output
    assert "40 rows" in result.output
    assert run(*common, "--classes", "paid,late,bad").exit_code == 0
    first, second = node.asked
    assert (first.classes, first.labels, first.legal_basis) == (("bad", "paid"), (2, 1, 2), None)
    assert (second.classes, second.labels) == (("paid", "late", "bad"), (1, 3, 1))
    assert second.subjects == tuple(SUBJECTS[:3])


def test_a_disclosed_cohort_needs_the_rows_that_each_department_declared(node: Node, tmp_path: Path) -> None:
    file = csv_of(tmp_path / "l.csv", f"{SUBJECTS[0]},good")
    common = ("labels", "register", "--contract", "c", "--name", "n", "--provider", "tax", file)
    refused = run(*common, "--legal-basis", "contract")
    assert refused.exit_code == 1
    assert "needs the rows" in refused.output
    assert run(*common, "--legal-basis", "contract", "--declared-rows", "tax=many").exit_code == 1
    assert run(*common, "--legal-basis", "contract", "--declared-rows", "tax=900").exit_code == 0
    (asked,) = node.asked
    assert (asked.legal_basis, asked.declared_rows) == ("contract", {"tax": 900})


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((f"{SUBJECTS[0]},",), "1 companies have no class"),
        ((f"{SUBJECTS[0]},good", f"{SUBJECTS[0]},good"), "the same key as on line 2"),
        ((f"{SUBJECTS[0][:-1]}!,good",), "line 2"),
    ],
)
def test_labels_that_cannot_be_used_are_told_with_their_place(
    node: Node, tmp_path: Path, lines: tuple[str, ...], said: str
) -> None:
    file = csv_of(tmp_path / "l.csv", *lines)
    result = run("labels", "register", "--contract", "c", "--name", "n", "--provider", "tax", file)
    assert result.exit_code == 1
    assert said in result.output
    assert not node.asked


def test_labels_are_listed_without_a_label(node: Node) -> None:
    result = run("labels", "list")
    assert result.exit_code == 0
    assert all(word in result.output for word in ("loans-2026", "hidden", "good, bad", "tax 2/3"))
    assert '"registered":2' in run("labels", "list", "--json").output
    assert not node.asked


def test_options_become_one_part_for_each_department(node: Node) -> None:
    given = (
        "--histogram",
        "tax:age",
        "--histogram",
        "land:area",
        "--cross",
        "tax:age,region",
        "--moments",
        "tax:age",
    )
    assert run("stats", *STATS, *given, "--as-of", "2026-11-01").exit_code == 0
    (asked,) = node.asked
    tax, land = asked.parts
    assert (tax.provider, tax.histograms, tax.moments) == ("tax", ("age",), ("age",))
    assert (tax.crosses[0].first, tax.crosses[0].second) == ("age", "region")
    assert (land.provider, land.histograms) == ("land", ("area",))
    assert (asked.milliepsilon, asked.weighted, asked.as_of) == (3000, True, "2026-11-01")


def test_the_example_of_a_request_lacks_the_contract_alone() -> None:
    with pytest.raises(RequestError, match="contract"):
        read_request(EXAMPLES / "statistics.toml")


def test_a_request_file_may_have_bins_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "request.toml"
    text = (EXAMPLES / "statistics.toml").read_text("utf-8")
    file.write_text(text.replace("put the contract's name here", "loans-2026"), "utf-8")
    asked = read_request(file)
    registered, insured = asked.parts
    grouped = registered.histograms[1]
    assert isinstance(grouped, CategoryBins)
    assert (grouped.groups[0], grouped.prefix) == (("31", "32", "33"), 2)
    assert insured.histograms == (NumberBins(column="employees", edges=("5", "20")),)
    assert asked.milliepsilon == 3000


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ('epsilon = "3"', 'epsilon = "three"'),
        ('as_of = "2026-11-22"', 'as_of = "2026-02-30"'),
        ('edges = ["5", "20"]', 'edges = ["20", "5"]'),
        ('edges = ["5", "20"]', 'edges = ["5"], groups = [["a"]]'),
        ("weighted = true", "heavy = true"),
        ('provider = "social-security"', 'provider = "market-regulation"'),
    ],
)
def test_a_wrong_request_file_is_refused_with_its_name(tmp_path: Path, changed: str, said: str) -> None:
    text = (EXAMPLES / "statistics.toml").read_text("utf-8").replace("put the contract's name here", "loans-2026")
    assert changed in text
    file = tmp_path / "request.toml"
    file.write_text(text.replace(changed, said), "utf-8")
    with pytest.raises(RequestError, match=r"request\.toml"):
        read_request(file)


@pytest.mark.parametrize(("text", "thousandths"), [("3", 3000), ("0.5", 500), ("0.001", 1), ("100", 100_000)])
def test_epsilon_is_exact_in_thousandths(text: str, thousandths: int) -> None:
    assert milliepsilon_of(text) == thousandths


@pytest.mark.parametrize("text", ["0.0005", "-1", "nan", "inf", "100.001", "x", ""])
def test_what_is_no_epsilon_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="ε"):
        milliepsilon_of(text)


def test_a_result_is_printed_with_its_noise_and_what_was_withheld(node: Node) -> None:
    result = run("stats", *STATS, "--histogram", "tax:employees")
    assert result.exit_code == 0, result.output
    for word in ("x < 1", "—", "not for model development", "± 6", "Fewer enterprises", "east", "mean"):
        assert word in result.output, word
    assert decode(run("stats", *STATS, "--histogram", "tax:a", "--json").stdout.strip().encode(), StatisticsResult)
    assert len(node.asked) == 2


def test_a_dry_run_shows_what_each_department_says_and_asks_nothing(node: Node) -> None:
    result = run("stats", *STATS, "--histogram", "tax:employees", "--dry-run")
    assert result.exit_code == 0
    for word in ("174", "110", "9.5", "4.5 s", "at no cost", "no budget;"):
        assert word in " ".join(result.output.split()), word
    assert len(node.asked) == 1


def test_a_job_that_fails_is_the_last_line_and_nothing_is_written(node: Node, tmp_path: Path) -> None:
    node.ended = job("failed", "tax refused at check 9: the privacy budget has no room for this")
    result = run("stats", *STATS, "--histogram", "tax:a", "--output", str(tmp_path / "x.csv"))
    assert result.exit_code == 1
    assert "no room for this; ask again" in result.output.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx", "json"])
@pytest.mark.usefixtures("node")
def test_results_are_written_for_nobody_else_to_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"stats.{suffix}"
    assert run("stats", *STATS, "--histogram", "tax:employees", "--output", str(path)).exit_code == 0
    assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 for each in tmp_path.iterdir())
    match suffix:
        case "json":
            assert decode(path.read_bytes(), StatisticsResult) == RESULT
            return
        case "xlsx":
            sheets = pd.read_excel(path, sheet_name=None)
            counts, found = sheets["counts"], sheets["moments"]
        case "csv":
            counts, found = pd.read_csv(path), pd.read_csv(tmp_path / "stats.moments.csv")
        case _:
            counts, found = (
                duckdb.sql(f"FROM '{tmp_path}/{name}.parquet'").df() for name in ("stats", "stats.moments")
            )
    assert len(counts) == 32
    assert counts["count"].isna().sum() == 4
    assert found["figure"].tolist() == ["rows", "mean", "variance"] * 2


def test_a_form_that_cannot_be_written_is_refused_before_anybody_is_asked(node: Node, tmp_path: Path) -> None:
    for name in ("stats.txt", "missing/stats.csv"):
        assert run("stats", *STATS, "--histogram", "tax:a", "--output", str(tmp_path / name)).exit_code == 2
    assert not node.asked


def test_a_notebook_has_labels_from_a_series_and_counts_in_long_form(tmp_path: Path) -> None:
    node: Any = Node()
    bank = Bank(node, lambda _, given: given)
    series = pd.Series(["good", "bad"], index=SUBJECTS[:2])
    done = bank.register_labels(series, contract="c", name="loans", providers=["tax"])
    assert done.vectors == {"tax": "d" * 64}
    frame = bank.statistics(contract="c", labels="loans", epsilon="1", histograms=["tax:employees"])
    assert set(frame.columns) >= {
        "provider",
        "column",
        "bin",
        "label",
        "class",
        "count",
        "low",
        "high",
        "withheld",
    }
    given = bank.ask(request_of(contract="c", labels="loans", epsilon="1", histograms=["tax:employees"]))
    assert len(given.tables()) == 4
    assert [path.name for path in given.save(tmp_path / "s.csv")] == ["s.csv", "s.moments.csv"]
    with pytest.raises(LabelError, match="not among good"):
        registration_of(series, contract="c", name="n", providers=["tax"], classes=["good"])
    assert given.result == RESULT
