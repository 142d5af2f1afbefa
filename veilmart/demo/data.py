"""The demo's real data: who holds which file of ``examples/sba``."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.description import load_product
from catalog.product import Product
from compute.binning import CategoryBins
from compute.protocols.risk_score.scorecard import Scorecard, ScorecardError, parse_scorecard
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


class DemoError(Exception):
    """The demo cannot run on these files, or its result is not what it must be."""


@dataclass(frozen=True)
class Department:
    """A product and its opened table."""

    product: Product
    table: Table


def load_scorecard(examples: Path) -> Scorecard:
    """Give the bank's scorecard, its local features checked against the applicants' columns."""
    try:
        card = parse_scorecard(_existing(examples / SCORECARD_FILE).read_bytes())
    except ScorecardError as error:
        raise DemoError(f"{SCORECARD_FILE}: {error}") from error
    fields = scales(APPLICANT_COLUMNS)
    for feature in card.local:
        column = feature.bins.column
        if column not in fields or isinstance(feature.bins, CategoryBins) != (fields[column] is None):
            raise DemoError(f"{SCORECARD_FILE}: local: {APPLICANTS_FILE} has no column {column} to bin like this")
    return card


def open_department(examples: Path, description: str, directory: Path) -> Department:
    """Copy a department's own file into its own folder below ``directory`` and open it there."""
    product = load_product(_existing(examples / description))
    columns = tuple(Column(field.name, ColumnType(field.type), field.scale) for field in product.fields)
    source = examples / PRODUCT_FILES[description]
    return Department(product, _open_copy(source, directory / product.provider, columns))


def open_applicants(examples: Path, folder: Path) -> Table:
    """Copy the bank's list of applicants into its own folder and open it there."""
    applicants = _open_copy(examples / APPLICANTS_FILE, folder, APPLICANT_COLUMNS)
    if not applicants.rows:
        applicants.close()
        raise DemoError(f"{APPLICANTS_FILE} holds no applicant; add one row for each")
    return applicants


def scales(columns: Sequence[Column]) -> dict[str, int | None]:
    """Give each column's decimals, None for text, as binning wants them; keys and dates are not binned."""
    numbers = {ColumnType.INTEGER, ColumnType.DECIMAL}
    return {
        column.name: column.scale if column.type in numbers else None
        for column in columns
        if column.type in numbers | {ColumnType.TEXT}
    }


def _open_copy(source: Path, folder: Path, columns: Sequence[Column]) -> Table:
    """Open a copy of the file; a faulty file never replaces the copy of an earlier run."""
    with open_csv(_existing(source), columns):
        folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{source.name}.part"
    shutil.copyfile(source, part)
    return open_csv(part.replace(folder / source.name), columns)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise DemoError(f"{path.name} is missing in {path.parent}; --data names a folder like examples/sba")
    return path
