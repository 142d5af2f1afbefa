"""Steps that are due."""

from sqlalchemy import Column, Index, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

deadlines = Table(
    "deadlines",
    metadata,
    Column("noun", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("holder", Text, primary_key=True),  # a party, or the operator
    Column("role", Text),  # in the holder's office
    Column("contract", Text),
    Column("started", Big, nullable=False),
    Column("due", Big, nullable=False),  # or escalated next
    Column("term", Big, nullable=False),  # milliseconds
    Column("level", Big, nullable=False),  # marketplace.flow.deadline.Level
    Index("deadlines_by_due", "level", "due"),
    sqlite_strict=True,
)
