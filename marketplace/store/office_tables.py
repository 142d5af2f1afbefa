"""Organisations' own steps: their rules, the approvals under way or over, what is attached, who is whose deputy.

Members are named by their ids within the organisation.
"""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

approval_rules = Table(
    "approval_rules",
    metadata,
    Column("organisation", Text, primary_key=True),  # a party, or the operator
    Column("matter", Text, primary_key=True),
    Column("node", Big, nullable=False),  # 1: the organisation's node may act without the steps
    Column("steps", LargeBinary, nullable=False),  # canonical JSON
    sqlite_strict=True,
)

approval_processes = Table(
    "approval_processes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("matter", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("arguments", LargeBinary, nullable=False),  # canonical JSON, sealed
    Column("initiator", Text, nullable=False),
    Column("steps", LargeBinary, nullable=False),  # canonical JSON: as the rule was at the start
    Column("state", Text, nullable=False),
    Column("step", Big, nullable=False),
    Column("round", Big, nullable=False),
    Column("at", Big, nullable=False),  # of its start
    # What there may be only one open approval of; NULL once it is over, and NULLs are all different.
    Column("open", Text, unique=True),
    Index("approval_processes_by_organisation", "organisation", "at", "id"),
    sqlite_strict=True,
)

approval_opinions = Table(
    "approval_opinions",
    metadata,
    Column("approval", Text, ForeignKey("approval_processes.id"), primary_key=True),
    Column("number", Big, primary_key=True, autoincrement=False),  # from 0
    Column("round", Big, nullable=False),
    Column("step", Big, nullable=False),
    Column("move", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("on_behalf_of", Text),
    Column("text", Text),
    Column("at", Big, nullable=False),
    sqlite_strict=True,
)

approval_attachments = Table(
    "approval_attachments",
    metadata,
    Column("approval", Text, ForeignKey("approval_processes.id"), primary_key=True),
    Column("number", Big, primary_key=True, autoincrement=False),  # from 1
    Column("name", Text, nullable=False),  # sanitised
    Column("media_type", Text, nullable=False),
    Column("digest", Text, nullable=False),  # SHA-256 of the content, in hex
    Column("size", Big, nullable=False),  # bytes
    Column("member", Text, nullable=False),
    Column("at", Big, nullable=False),
    Column("content", LargeBinary, nullable=False),
    sqlite_strict=True,
)

deputies = Table(
    "deputies",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("deputy", Text, nullable=False),
    Column("not_before", Big, nullable=False),
    Column("not_after", Big, nullable=False),
    Index("deputies_by_deputy", "organisation", "deputy", "not_after"),
    sqlite_strict=True,
)
