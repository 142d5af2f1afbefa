"""What is counted of the log, written in the transaction that appends the events: the log's own count, kept."""

from sqlalchemy import Column, Index, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

usage = Table(
    "usage",
    metadata,
    # A contract that only its nodes know of is none here, so these refer to nothing.
    Column("contract", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("job", Text, primary_key=True),  # SHA-256, in hex
    Column("uses", Big),  # null until the provider has answered
    Column("at", Big),  # when it did
    Column("is_asked", Big, nullable=False),  # 1 once the consumer has told that it asked
    Column("is_abandoned", Big, nullable=False),  # 1 once the provider has told that the job was given up
    Index("usage_by_time", "contract", "provider", "at"),
    sqlite_strict=True,
)

standings = Table(
    "standings",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("active_from", Big, nullable=False),
    Column("active_until", Big),  # null while it is in force
    sqlite_strict=True,
)
