"""A provider's node starts with a grid whose cells hold a cohort each, and with no other."""

from pathlib import Path

import pytest

from catalog.description import load_product, parse_product
from compute.grid import require_union
from compute.node.grids import published_grids, require_cohorts
from compute.node.holding import scales
from compute.protocols.holding import Holding
from compute.protocols.risk_score.scorecard import parse_scorecard
from compute.settings import SettingsError
from connectors.base import Column, ColumnType
from connectors.files import open_csv

EXAMPLES = Path(__file__).parents[2] / "examples" / "sba"
SOURCES = {"market-registration": "market_regulation.csv", "social-insurance": "social_security.csv"}


def check(description: str, source: Path, min_cohort: int = 10) -> None:
    product = parse_product(description.encode())
    columns = [Column(field.name, ColumnType(field.type), field.scale) for field in product.fields]
    with open_csv(source, columns) as table:
        keys, grids = table.keys(), published_grids(product)
        holding = Holding(product.id, "1.0.0", "", "", scales(table.columns), keys, table.select, grids)
        require_cohorts(holding, min_cohort)


def described(name: str) -> str:
    return (EXAMPLES / f"{name}.toml").read_text("utf-8")


@pytest.mark.parametrize("name", SOURCES)
def test_the_shipped_grids_hold_a_cohort_in_every_cell_and_the_shipped_card_keeps_to_them(name: str) -> None:
    check(described(name), EXAMPLES / SOURCES[name])
    grids = published_grids(load_product(EXAMPLES / f"{name}.toml"))
    for feature in parse_scorecard((EXAMPLES / "scorecard.json").read_bytes()).sources[name]:
        require_union(feature.bins, grids[feature.bins.column])


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("social-insurance", '"100", "150"]', '"100", "150", "5000"]', "employees: the cell 5000 ≤ x holds"),
        (
            "social-insurance",
            '["1", "2", "3", "4", "5"',
            '["-1", "1", "2", "3", "4", "5"',
            "the cell x < -1 holds",
        ),
        ("market-registration", '"53", "54",', '"53", "54", "55",', "naics: the cell 55 holds fewer than 10"),
        # 55 and 92 are together those in no cell; with 92 a cell, 55 would be left alone.
        ("market-registration", '"81",', '"81", "92",', "naics: the cell other or missing holds fewer than 10"),
    ],
)
def test_a_cell_of_few_companies_is_named(name: str, old: str, new: str, told: str) -> None:
    text = described(name)
    assert old in text
    with pytest.raises(SettingsError, match=told):
        check(text.replace(old, new), EXAMPLES / SOURCES[name])


def test_a_larger_cohort_asks_for_a_coarser_grid() -> None:
    with pytest.raises(SettingsError, match="holds fewer than 60 companies; merge it"):
        check(described("market-registration"), EXAMPLES / SOURCES["market-registration"], 60)
