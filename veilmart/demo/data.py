"""The demo's real data: who holds which file of ``examples/sba``."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from catalog.description import load_product
from catalog.product import Product
from connectors.base import Column, ColumnType, Table
from connectors.files import open_csv

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "sba"

PRODUCT_FILES = {
    "market-registration.toml": "market_regulation.csv",
    "social-insurance.toml": "social_security.csv",
}
"""Product description → the table behind it."""

APPLICANTS_FILE = "bank_applicants.csv"
SCORECARD_FILE = "scorecard.json"
APPLICANT_COLUMNS = (
    Column("uscc", ColumnType.KEY),
    Column("approval_year", ColumnType.INTEGER),
    Column("term_months", ColumnType.INTEGER),
    Column("disbursed_usd", ColumnType.INTEGER),
    Column("approved_usd", ColumnType.INTEGER),
    Column("guaranteed_usd", ColumnType.INTEGER),
    Column("revolving", ColumnType.TEXT),
    Column("low_doc", ColumnType.TEXT),
)


@dataclass(frozen=True)
class Department:
    """A product and its opened table."""

    product: Product
    table: Table


def open_department(examples: Path, description: str, directory: Path) -> Department:
    """Copy a department's own file into its own folder below ``directory`` and open it there."""
    product = load_product(examples / description)
    columns = [Column(field.name, ColumnType(field.type.value), field.scale) for field in product.fields]
    return Department(
        product, open_csv(_copy(examples / PRODUCT_FILES[description], directory / product.provider), columns)
    )


def open_applicants(examples: Path, folder: Path) -> Table:
    """Copy the bank's list of applicants into its own folder and open it there."""
    return open_csv(_copy(examples / APPLICANTS_FILE, folder), APPLICANT_COLUMNS)


def scales(columns: tuple[Column, ...]) -> dict[str, int | None]:
    """Give each column's decimals, None for text, as binning wants them; keys and dates are not binned."""
    numbers = {ColumnType.INTEGER, ColumnType.DECIMAL}
    return {
        column.name: column.scale if column.type in numbers else None
        for column in columns
        if column.type in numbers | {ColumnType.TEXT}
    }


def _copy(source: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(source, folder))
