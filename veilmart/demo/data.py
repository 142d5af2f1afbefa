"""The demo's real data: who holds which file of ``examples/sba``."""

from pathlib import Path

import pandas as pd

from compute.protocols.risk_score.scorecard import Scorecard, ScorecardError, parse_scorecard
from connectors.base import Column, ColumnType
from connectors.errors import ConnectorError
from connectors.files import open_csv

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "sba"

PROVIDERS = {
    "market-regulation": ("market-registration.toml", "market_regulation.csv"),
    "social-security": ("social-insurance.toml", "social_security.csv"),
}
"""Provider → its product's description, and the table behind it."""

APPLICANTS_FILE = "bank_applicants.csv"
REGISTER = "register.csv"
"""The public register: every company of either department."""
DISCLOSURE = "disclosure.toml"
"""The departments' policy of statistics, of examples/config."""
SCORECARD_FILE = "scorecard.json"
"""A card that was fitted in the clear, for trials without joint statistics."""
LOANS_FILE = "bank_loans.csv"
"""The bank's loans; the last column is their outcome."""
OUTCOME, OUTCOMES = "defaulted", {"0": "good", "1": "bad"}
RECIPE_FILE = "recipe.toml"
APPLICANT_COLUMNS = {
    "uscc": "key",
    "approval_year": "integer",
    "term_months": "integer",
    "disbursed_usd": "integer",
    "approved_usd": "integer",
    "guaranteed_usd": "integer",
    "revolving": "text",
    "low_doc": "text",
}
"""The bank's table: column → type."""


class DemoError(Exception):
    """The demo cannot run on these files, or its result is not what it must be."""


def load_scorecard(examples: Path) -> Scorecard:
    """Give the bank's scorecard."""
    try:
        return parse_scorecard(existing(examples / SCORECARD_FILE).read_bytes())
    except ScorecardError as error:
        raise DemoError(f"{SCORECARD_FILE}: {error}") from error


def load_labels(examples: Path) -> pd.Series:
    """Give the outcomes of the bank's loans, good or bad, by USCC."""
    columns = [*APPLICANT_COLUMNS.items(), (OUTCOME, "integer")]
    try:
        with open_csv(
            existing(examples / LOANS_FILE), [Column(name, ColumnType(of)) for name, of in columns]
        ) as loans:
            subjects = loans.keys()
            outcomes = loans.select(subjects, [OUTCOME])[OUTCOME].astype(str)
    except ConnectorError as error:
        raise DemoError(f"{LOANS_FILE}: {error}") from error
    if unknown := sorted(set(outcomes.unique()) - OUTCOMES.keys()):
        raise DemoError(f"{LOANS_FILE}: the outcome {unknown[0]} is neither 0 nor 1; correct it")
    return pd.Series(outcomes.map(OUTCOMES).tolist(), index=pd.Index(subjects), dtype=object)


def existing(path: Path) -> Path:
    """Give the path of a file that is there."""
    if not path.is_file():
        raise DemoError(f"{path.name} is missing in {path.parent}; --data names a folder like examples/sba")
    return path
