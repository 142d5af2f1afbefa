"""Cards of optbinning and toad come in as drafts that can be registered, and go out in their formats."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from loan_tables import codes, grids, table

from compute.binning import CategoryBins, NumberBins
from compute.grid import GridError
from compute.protocols.risk_score.draft_file import render
from compute.protocols.risk_score.scorecard import parse_scorecard
from compute.statistics.draft import Draft, DraftFeature
from compute.statistics.imported import ImportedTableError, MissingBinError, SpecialBinError, Target
from compute.statistics.optbinning_table import binning_table, read_scorecard_table, write_scorecard_table
from compute.statistics.outcomes import split
from compute.statistics.toad_table import read_card, write_card
from compute.statistics.woe import evidence

REFERENCE = Path(__file__).parent / "reference"
MARKET, SOCIAL = "market-registration", "social-insurance"
TARGET = Target(
    "imported",
    "1.0.0",
    40,
    {"state": MARKET, "business_age": MARKET, "employees": SOCIAL},
    {**grids()[MARKET], **grids()[SOCIAL]},
    scales={"employees": 0},
)
EDGES = NumberBins("employees", tuple(map(str, range(1, 60))))
"""A grid that has every edge of the reference cards; the published one lacks some."""
FINE = replace(TARGET, grids={**TARGET.grids, "employees": EDGES})


@pytest.fixture(scope="module")
def toad() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REFERENCE / "toad.json").read_text("utf-8"))
    return found


def detailed() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "optbinning_detailed.csv", index_col=0)


def summary() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "optbinning_summary.csv", index_col=0)


def totals(draft: Draft) -> np.ndarray:
    return sum(np.array([float(p) for p in each.points])[codes(each.bins)] for each in draft.features) + float(
        draft.base_points
    )


def test_optbinnings_card_is_read_and_registrable() -> None:
    found = read_scorecard_table(detailed(), FINE)
    parsed = parse_scorecard(render(found.draft))
    assert set(parsed.sources) == {MARKET, SOCIAL}
    rows = detailed()
    for feature in found.draft.features:
        points = rows[(rows["Variable"] == feature.bins.column) & (rows["Bin"] != "Special")]["Points"]
        assert sorted(int(p) for p in feature.points) == sorted(int(np.floor(p + 0.5)) for p in points)
    assert 0 < found.rounding.worst <= 1.5
    # 1.50 in the table is 2 for whole numbers.
    employees = next(f for f in found.draft.features if f.bins.column == "employees")
    assert isinstance(employees.bins, NumberBins)
    assert employees.bins.edges[0] == "2"


def test_more_decimals_leave_less_difference() -> None:
    whole, fine = (read_scorecard_table(detailed(), replace(FINE, decimals=d)).rounding.worst for d in (0, 3))
    assert fine < 0.002 < whole


def test_a_special_bin_that_may_hold_rows_is_asked_for() -> None:
    with pytest.raises(SpecialBinError, match="state: the bin Special"):
        read_scorecard_table(summary(), FINE)
    dropped = read_scorecard_table(summary(), replace(FINE, drop_special=True))
    assert dropped.draft == read_scorecard_table(detailed(), FINE).draft


def test_a_missing_bin_that_is_absent_is_asked_for() -> None:
    rows = detailed()
    rows = rows[~((rows["Variable"] == "employees") & (rows["Bin"] == "Missing"))]
    with pytest.raises(MissingBinError, match="employees"):
        read_scorecard_table(rows, FINE)
    given = read_scorecard_table(rows, replace(FINE, missing_points={"employees": Decimal("12.5")}))
    assert given.draft.features[-1].points[-1] == 13


def test_bins_off_the_published_grid_and_unknown_columns_are_refused() -> None:
    with pytest.raises(GridError, match="employees: the edge"):
        read_scorecard_table(detailed(), TARGET)
    with pytest.raises(ImportedTableError, match="state: say which product"):
        read_scorecard_table(detailed(), replace(FINE, sources={"employees": SOCIAL}))


def test_broken_tables_are_refused() -> None:
    rows = detailed()
    gap = rows[~((rows["Variable"] == "employees") & (rows["Bin"].str.startswith("[2.50")))]
    with pytest.raises(ImportedTableError, match="employees: the intervals have a gap"):
        read_scorecard_table(gap, FINE)
    with pytest.raises(ImportedTableError, match="no column Points"):
        read_scorecard_table(rows.drop(columns="Points"), FINE)
    cut = rows.copy()
    cut.loc[cut["Variable"] == "business_age", "Bin"] = "['new' ... 'existing']"
    with pytest.raises(ImportedTableError, match="cut short"):
        read_scorecard_table(cut, FINE)
    odd = rows.copy()
    odd["Points"] = odd["Points"].astype(object)
    odd.iloc[0, odd.columns.get_loc("Points")] = "nan"
    with pytest.raises(ImportedTableError, match="no number that points can be"):
        read_scorecard_table(odd, FINE)


def test_toads_card_scores_as_toad_does(toad: dict[str, Any]) -> None:
    target = replace(FINE, decimals=2, missing_points={"state": Decimal(90), "business_age": Decimal(100)})
    found = read_card(toad["card"], target, toad["rules"])
    assert found == read_card(toad["card"], target)
    parse_scorecard(render(found.draft))
    assert found.rounding.worst < 1e-9  # toad exports two decimals
    # toad's own scores use unrounded points: three features, each within half a hundredth.
    assert totals(found.draft)[:300] == pytest.approx(np.array(toad["first_scores"]), abs=0.0151)


def test_toads_open_cases_are_asked_for(toad: dict[str, Any]) -> None:
    with pytest.raises(MissingBinError, match="state"):
        read_card(toad["card"], FINE)
    one = replace(FINE, sources={"business_age": MARKET})
    with pytest.raises(ImportedTableError, match=r"nan has 1\.0 points and else 2\.0"):
        read_card({"business_age": {"new": 5.0, "nan": 1.0, "else": 2.0}}, one)
    alike = read_card({"business_age": {"new,nan": 5.0, "existing": 3.0}}, one).draft.features[0]
    assert alike.bins == CategoryBins("business_age", (("existing",), ("new",)))
    assert alike.points == (3, 5, 5)
    with pytest.raises(ImportedTableError, match="go from -inf"):
        read_card({"employees": {"[1.0 ~ inf)": 1.0}}, FINE)
    with pytest.raises(ImportedTableError, match="splits are not"):
        read_card({"employees": {"[-inf ~ 3.0)": 1.0, "[3.0 ~ inf)": 2.0, "nan": 0.0}}, FINE, {"employees": [4.0]})


DRAFT = Draft(
    "card",
    "1.0.0",
    40,
    Decimal(-7),
    (
        DraftFeature(
            MARKET, CategoryBins("state", (("CA", "NV"), ("TX",))), (Decimal(-16), Decimal(4), Decimal(0))
        ),
        DraftFeature(SOCIAL, NumberBins("employees", ("3", "20")), tuple(map(Decimal, (1, -2, 3, 4)))),
    ),
)


def test_an_exported_card_comes_back_with_the_same_totals() -> None:
    card, rules = write_card(DRAFT)
    assert list(card["employees"]) == ["[-inf ~ 3.0)", "[3.0 ~ 20.0)", "[20.0 ~ inf)", "nan"]
    assert re.fullmatch(r"CA,NV", next(iter(card["state"])))
    target = replace(FINE, sources={"state": MARKET, "employees": SOCIAL})
    returned = [
        read_card(card, target, rules).draft,
        read_scorecard_table(write_scorecard_table(DRAFT), target).draft,
    ]
    for each in returned:
        assert [feature.bins for feature in each.features] == [feature.bins for feature in DRAFT.features]
        assert (totals(each) == totals(DRAFT)).all()


def test_a_value_that_toad_would_split_is_refused() -> None:
    bins = CategoryBins("state", (("a,b",),))
    draft = replace(DRAFT, features=(DraftFeature(None, bins, (Decimal(1), Decimal(2))),))
    with pytest.raises(ImportedTableError, match="'a,b'"):
        write_card(draft)


def test_the_exported_binning_table_is_optbinnings() -> None:
    outcomes = split(table("clear", grids()[MARKET]["urban_rural"]), ["good"], ["bad"])
    frame = binning_table(outcomes)
    assert frame.columns.tolist() == [
        "Bin", "Count", "Count (%)", "Non-event", "Event", "Event rate", "WoE", "IV", "JS",
    ]  # fmt: skip
    assert frame["Bin"].tolist() == [["rural"], ["undefined"], ["urban"], "Special", "Missing", ""]
    assert frame.loc["Totals", "Count"] == 15652
    assert frame.loc["Totals", "IV"] == pytest.approx(evidence(outcomes).information_value)
    assert frame.loc[1, "WoE"] == pytest.approx(0.7803642408497276, rel=1e-12)
