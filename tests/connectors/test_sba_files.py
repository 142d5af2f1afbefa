"""The real files, opened with the columns that their products describe."""

from pathlib import Path

import pytest

from catalog.description import load_product
from catalog.field import FieldType
from connectors.base import Column, ColumnType
from connectors.files import open_csv

EXAMPLES = Path(__file__).parents[2] / "examples" / "sba"


def test_catalog_and_connectors_know_the_same_types() -> None:
    assert [kind.value for kind in FieldType] == [kind.value for kind in ColumnType]


@pytest.mark.parametrize(
    ("product", "file", "rows"),
    [
        ("market-registration.toml", "market_regulation.csv", 22_308),
        ("social-insurance.toml", "social_security.csv", 20_968),
    ],
)
def test_a_product_describes_its_file(product: str, file: str, rows: int) -> None:
    fields = load_product(EXAMPLES / product).fields
    with open_csv(EXAMPLES / file, [Column(f.name, ColumnType(f.type), f.scale) for f in fields]) as table:
        keys = table.keys()
        assert table.rows == len(keys) == rows
        frame = table.select(keys, [field.name for field in fields])
        lines = frame.astype(object).astype(str).agg(",".join, axis=1).tolist()
    assert lines == (EXAMPLES / file).read_text(encoding="utf-8").splitlines()[1:]


@pytest.mark.parametrize("file", ["bank_loans.csv", "bank_applicants.csv"])
def test_the_banks_files_open_too(file: str) -> None:
    numbers = ["approval_year", "term_months", "disbursed_usd", "approved_usd", "guaranteed_usd"]
    header = (EXAMPLES / file).read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    columns = [
        Column(
            name, ColumnType.KEY if name == "uscc" else ColumnType.INTEGER if name in numbers else ColumnType.TEXT
        )
        for name in header
    ]
    with open_csv(EXAMPLES / file, columns) as table:
        assert table.rows == {"bank_loans.csv": 15_652, "bank_applicants.csv": 6_656}[file]
