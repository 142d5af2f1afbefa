"""The bank's own table: who applied, and the columns that its local features use."""

from contextlib import AbstractContextManager

from compute.binning import CategoryBins
from compute.node.holding import scales
from compute.node.settings import BankSettings
from compute.protocols.risk_score.scorecard import Scorecard, ScorecardError
from compute.settings import SettingsError
from connectors.base import Column, ColumnType, Table
from connectors.errors import ConnectorError
from connectors.files import open_csv


def columns(settings: BankSettings) -> tuple[Column, ...]:
    """Give the declared columns of the table, in its order."""
    try:
        return tuple(Column(name, ColumnType(type_)) for name, type_ in settings.columns.items())
    except ConnectorError as error:
        raise SettingsError(f"columns: {error}") from error


def open_applicants(settings: BankSettings) -> AbstractContextManager[Table]:
    """Open the table; raise :class:`SettingsError` if it cannot be used."""
    try:
        return open_csv(settings.applicants, columns(settings))
    except (ConnectorError, OSError) as error:
        raise SettingsError(f"{settings.applicants}: {error}") from error


def check_local(card: Scorecard, settings: BankSettings) -> None:
    """Raise :class:`ScorecardError` if a local feature does not fit the bank's own columns."""
    fields = scales(columns(settings))
    for feature in card.local:
        column = feature.bins.column
        if column not in fields or isinstance(feature.bins, CategoryBins) != (fields[column] is None):
            raise ScorecardError(f"local: the applicants have no column {column} to bin like this; correct it")
