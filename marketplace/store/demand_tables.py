"""Demands, their answers, and who follows them."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

demands = Table(
    "demands",
    metadata,
    Column("number", Big, primary_key=True),  # in the order in which they were written
    Column("name", Text, nullable=False, unique=True),
    Column("poster", Text, ForeignKey("organisations.name"), nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("until", Text, nullable=False),  # YYYY-MM-DD
    Column("theme", Text),
    Column("wanted", LargeBinary, nullable=False),  # DemandRequest
    Column("changed_at", Big, nullable=False),
    Column("matched_to", Big, nullable=False),  # products up to this number of the index are looked at
    Column("close_reason", Text),
    Column("response", Big),
    Index("demands_by_end", "state", "until"),
    sqlite_strict=True,
)

demand_kinds = Table(
    "demand_kinds",
    metadata,
    Column("demand", Text, ForeignKey("demands.name"), primary_key=True),
    Column("party_kind", Text, primary_key=True),  # that sees it; without any, all do
    sqlite_strict=True,
)

responses = Table(
    "responses",
    metadata,
    Column("demand", Text, ForeignKey("demands.name"), primary_key=True),
    Column("number", Big, primary_key=True, autoincrement=False),
    Column("by", Text, ForeignKey("organisations.name"), nullable=False),
    Column("at", Big, nullable=False),
    Column("answer", LargeBinary, nullable=False),  # ResponseRequest
    sqlite_strict=True,
)

followers = Table(
    "followers",
    metadata,
    Column("demand", Text, ForeignKey("demands.name"), primary_key=True),
    Column("organisation", Text, ForeignKey("organisations.name"), primary_key=True),
    sqlite_strict=True,
)
