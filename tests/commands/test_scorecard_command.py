"""``veilmart bank scorecard``: from statistics to a card that a reviewer approves; to other tools and back."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from loan_tables import bad, codes, loans
from told_loans import loan_result, reviewed

from compute.canonical import encode
from compute.protocols.risk_score.scorecard import Scorecard, parse_scorecard
from veilmart.bank.building import NOISY
from veilmart.cli import main
from veilmart.demo.data import EXAMPLES, LOANS_FILE, RECIPE_FILE

SEEDS = range(3)
FROM_TABLES = ("--base-score", "500", "--base-odds", "4", "--least-information", "0.01")
Run = Callable[..., Result]


def run(command: str, *arguments: object) -> Result:
    return CliRunner().invoke(main, ["bank", "scorecard", command, *map(str, arguments)])


def built(folder: Path, *arguments: object, recipe: bool = True) -> tuple[Result, Path]:
    """A card of the folder's statistics."""
    output = folder / "card.json"
    said = ("--recipe", EXAMPLES / RECIPE_FILE) if recipe else ()
    given = ("--statistics", folder / "statistics.json", *said, "--name", "joint", "--output", output)
    return run("build", *given, *FROM_TABLES, *arguments), output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Statistics and labels of the loans."""
    (tmp_path / "statistics.json").write_bytes(encode(loan_result(seed=1)))
    write_labels(tmp_path, np.where(bad() == 1, "bad", "good"))
    return tmp_path


def write_labels(folder: Path, names: np.ndarray) -> None:
    labels = pd.DataFrame({"uscc": loans()["uscc"], "class": names})
    labels.to_csv(folder / "labels.csv", index=False, lineterminator="\n")


def own(folder: Path) -> tuple[object, ...]:
    return ("--own", EXAMPLES / LOANS_FILE, "--labels", folder / "labels.csv")


def totals(card: Scorecard) -> np.ndarray:
    features = [*card.local, *(each for features in card.sources.values() for each in features)]
    return card.base_points + sum(np.array(each.points)[codes(each.bins)] for each in features)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_card_fitted_to_its_review_passes_it(tmp_path: Path, seed: int) -> None:
    (tmp_path / "statistics.json").write_bytes(encode(loan_result(seed)))
    write_labels(tmp_path, np.where(bad() == 1, "bad", "good"))
    result, output = built(tmp_path, *own(tmp_path), "--max-bits", 8)
    assert result.exit_code == 0, result.output
    assessment = reviewed(parse_scorecard(output.read_bytes()))
    assert assessment.findings == ()
    assert 2 < assessment.reachable_totals <= 256


def test_a_card_on_the_usual_scale_is_foretold_to_be_refused_and_is(folder: Path) -> None:
    result, output = built(folder, *own(folder))
    assert result.exit_code == 0, result.output
    assert "a reviewer is expected to refuse" in result.output
    assert json.loads(output.read_bytes())["points_to_double_odds"] == 40
    assert reviewed(parse_scorecard(output.read_bytes())).findings


def test_what_was_chosen_and_why_is_told(folder: Path) -> None:
    report = folder / "report.csv"
    result, output = built(folder, *own(folder), "--max-bits", 8, "--report", report)
    card = parse_scorecard(output.read_bytes())
    assert output.stat().st_mode & 0o077 == 0
    assert {each.bins.column for each in card.local} == {"revolving", "low_doc", "approved_usd"}
    for said in ("urban_rural", "精确 exact", "below 0.01", "worst rounding", "market-regulation"):
        assert said in result.output
    with report.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = {name for name in {row["feature"] for row in rows} if "." in name}
    assert chosen == {f"{of}.{each.bins.column}" for of, found in card.sources.items() for each in found}
    low_doc = [row for row in rows if row["feature"] == "low_doc"]
    assert [(row["good"], row["bad"]) for row in low_doc] == [("11074", "3182"), ("1305", "91"), ("0", "0")]
    points = sorted(int(row["points"]) for row in rows)
    features = [*card.local, *(each for found in card.sources.values() for each in found)]
    assert points == sorted(each for feature in features for each in feature.points)


def test_the_dossier_tells_the_sample_and_that_nothing_of_the_total_is_measured(folder: Path) -> None:
    _, output = built(folder, *own(folder))
    dossier = parse_scorecard(output.read_bytes()).dossier
    assert dossier is not None
    sample = dossier.development
    assert (sample.rows, sample.bad, sample.auc, sample.ks) == (15_652, 3_273, None, None)
    assert (dossier.stability_index, dossier.validation) == (None, None)
    assert NOISY not in dossier.population
    _, output = built(folder)
    dossier = parse_scorecard(output.read_bytes()).dossier
    assert dossier is not None
    assert dossier.population.endswith(NOISY)
    assert (dossier.development.rows, dossier.development.bad) != (15_652, 3_273)
    assert abs(dossier.development.rows - 15_652) < 500
    _, output = built(folder, recipe=False)
    assert parse_scorecard(output.read_bytes()).dossier is None


def test_features_are_tried_on_later_loans(folder: Path) -> None:
    late = (loans()["approval_year"] >= 2005).to_numpy()
    classes = ("good-dev", "bad-dev", "good-oot", "bad-oot")
    labels = bad() + 2 * late
    (folder / "statistics.json").write_bytes(encode(loan_result(3, labels, classes)))
    write_labels(folder, np.array(classes)[labels])
    periods = ("--development", "good-dev,bad-dev", "--out-of-time", "good-oot,bad-oot")
    result, output = built(folder, *own(folder), *periods)
    assert result.exit_code == 0, result.output
    assert "跨期验证 Out of time" in result.output
    dossier = parse_scorecard(output.read_bytes()).dossier
    assert dossier is not None
    assert (dossier.development.rows, dossier.development.bad) == (int((~late).sum()), int(bad()[~late].sum()))
    for pair in ("good-dev", "good-dev,", "a,b,c"):
        result, _ = built(folder, "--development", pair)
        assert result.exit_code == 1
        assert "write a class of good ones, a comma, a class of bad ones" in result.output
    result, _ = built(folder, "--development", "good-dev,bad-dev", "--out-of-time", "good-dev,bad-oot")
    assert "the class good-dev is of both periods" in result.output


def test_statistics_that_make_no_card_are_refused(folder: Path) -> None:
    statistics = folder / "statistics.json"
    statistics.write_bytes(encode(loan_result(1, is_present_only=True)))
    result, output = built(folder)
    assert result.exit_code == 1
    assert "market-regulation told current values, not for model development" in result.output
    assert not output.exists()
    unweighted = msgspec.structs.replace(loan_result(1), weighted=False)
    statistics.write_bytes(encode(unweighted))
    assert "these statistics are not under labels; ask for weighted ones" in built(folder)[0].output
    statistics.write_text("{}")
    assert "give the statistics.json that a job left" in built(folder)[0].output
    assert run("build", "--name", "joint").exit_code == 2
    assert run("build", "--name", "joint", "--job", "1").exit_code == 2
    statistics.write_bytes(encode(loan_result(1)))
    assert "has no class good-2004" in built(folder, "--development", "good-2004,bad-2004")[0].output
    assert "tell more than 1 bits" in built(folder, "--max-bits", "1")[0].output
    assert "lower the least information value" in built(folder, "--least-information", "9")[0].output


WRONG_OWN = [
    (lambda lines: lines[:-1], "1 labelled companies are not in it"),
    (lambda lines: ["code" + lines[0][4:], *lines[1:]], "there is no column uscc"),
    (lambda lines: [lines[0].replace("low_doc", "low"), *lines[1:]], "there is no column low_doc"),
    (lambda lines: [lines[0], lines[1].replace("40000,40000", "40000,40000.5"), *lines[2:]], "line 2"),
]


@pytest.mark.parametrize(("change", "said"), WRONG_OWN)
def test_own_columns_that_cannot_be_counted_are_named(
    folder: Path, change: Callable[[list[str]], list[str]], said: str
) -> None:
    lines = (EXAMPLES / LOANS_FILE).read_text("utf-8").splitlines(keepends=True)
    (folder / "loans.csv").write_text("".join(change(lines)), "utf-8")
    result, _ = built(folder, "--own", folder / "loans.csv", "--labels", folder / "labels.csv")
    assert result.exit_code == 1
    assert said in result.output


def test_labels_and_own_columns_go_together(folder: Path) -> None:
    assert built(folder, "--labels", folder / "labels.csv")[0].exit_code == 2
    write_labels(folder, np.where(bad() == 1, "late", "good"))
    result, _ = built(folder, *own(folder))
    assert "the label late is none of the statistics' classes, good, bad" in result.output


WRONG_RECIPES = [
    ("[[own]]", "[[mine]]", "unknown field mine"),
    ('groups = [["no"], ["yes"]]', 'groups = [["no"]]\nedges = ["1"]', "either the edges"),
    ('"revolving"', '"low_doc"', "low_doc stands twice among the own columns"),
    ('first_day = "1972-01-01"', 'first_day = "1972-13-01"', "first_day"),
    ("[dossier]", "[dossier", "recipe.toml"),
]


@pytest.mark.parametrize(("old", "new", "said"), WRONG_RECIPES)
def test_a_faulty_recipe_is_named(folder: Path, old: str, new: str, said: str) -> None:
    text = (EXAMPLES / RECIPE_FILE).read_text("utf-8")
    assert old in text
    (folder / "recipe.toml").write_text(text.replace(old, new, 1), "utf-8")
    result, _ = built(folder, "--recipe", folder / "recipe.toml", *own(folder))
    assert result.exit_code == 1
    assert said in result.output


PRODUCTS = ("market-registration", "social-insurance")


def imported(folder: Path, file: Path, tool: str, *arguments: object) -> tuple[Result, Path]:
    output = folder / "imported.json"
    products = [part for each in PRODUCTS for part in ("--product", EXAMPLES / f"{each}.toml")]
    named = ("--name", "back", "--points-to-double-odds", "40", "--output", output)
    return run("import", file, "--from", tool, *products, *named, *arguments), output


@pytest.mark.parametrize("tool", ["optbinning", "toad"])
def test_a_card_goes_out_to_another_tool_and_comes_back(folder: Path, tool: str) -> None:
    _, card = built(folder, *own(folder))
    file = folder / ("card.csv" if tool == "optbinning" else "out.json")
    result = run("export", card, "--to", tool, "--output", file)
    assert result.exit_code == 0, result.output
    rules = ("--rules", folder / "out.rules.json") if tool == "toad" else ()
    own_columns = [part for each in ("revolving", "low_doc", "approved_usd") for part in ("--own", each)]
    result, back = imported(folder, file, tool, *own_columns, *rules)
    assert result.exit_code == 0, result.output
    assert "worst rounding 0.000" in result.output
    scored, again = (totals(parse_scorecard(path.read_bytes())) for path in (card, back))
    assert (scored == again).all()
    assert len(np.unique(scored)) > 100
    result, _ = imported(folder, file, tool, *rules)
    assert "say which product has this column, or that it is the bank's own" in result.output


def test_what_a_table_leaves_open_is_asked_for(folder: Path) -> None:
    table = folder / "table.csv"
    table.write_text(',Variable,Bin,Points\n0,employees,"(-inf, 5.00)",1.5\n1,employees,"[5.00, inf)",7\n')
    result, _ = imported(folder, table, "optbinning")
    assert "employees: the table has no bin for missing values; give missing_points for it" in result.output
    result, output = imported(folder, table, "optbinning", "--missing", "employees=3")
    assert result.exit_code == 0, result.output
    (feature,) = parse_scorecard(output.read_bytes()).sources["social-insurance"]
    assert feature.points == (2, 7, 3)
    for wrong in ("--missing", "employees=x"), ("--base-points", "nan"):
        assert imported(folder, table, "optbinning", *wrong)[0].exit_code == 1
    assert "is a column of two" in imported(folder, table, "optbinning", "--own", "employees")[0].output


@pytest.mark.parametrize(("tool", "content"), [("optbinning", '{"a": 1}'), ("toad", "a,b\n"), ("toad", "[1]")])
def test_a_file_of_another_kind_is_named(folder: Path, tool: str, content: Any) -> None:
    file = folder / "other"
    file.write_text(content)
    result, output = imported(folder, file, tool)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert not output.exists()
