"""How often whom was refused what within an hour: what stands in the log one by one, and what is only counted."""

from sqlalchemy import Column, Index, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

refusals = Table(
    "refusals",
    metadata,
    Column("source", Text, primary_key=True),
    Column("hour", Big, primary_key=True, autoincrement=False),  # its beginning: UTC, milliseconds
    Column("command", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("party", Text, nullable=False),  # the empty text where it is nobody in particular
    Column("recorded", Big, nullable=False),
    Column("counted", Big, nullable=False),
    Index("refusals_by_hour", "hour", "party"),
    sqlite_strict=True,
)
