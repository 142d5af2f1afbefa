"""What the operator is to do, or did, for organisations that cannot by themselves."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

interventions = Table(
    "interventions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation", Text, ForeignKey("organisations.name"), nullable=False),
    Column("matter", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposal", LargeBinary, nullable=False),  # ProfileProposal or AdministratorProposal
    Column("read", Text, nullable=False),  # the organisation's revision then
    Column("proposer", Text, nullable=False),  # a member of the operator
    Column("proposed_at", Big, nullable=False),
    Column("not_before", Big, nullable=False),
    Column("state", Text, nullable=False),
    Column("decider", Text),  # a member of the operator, or of the organisation
    Column("decided_at", Big),
    Column("opinion", Text),
    # What there may be only one open proposal of; NULL once it is over, and NULLs are all different.
    Column("open", Text, unique=True),
    Index("interventions_by_time", "proposed_at", "id"),
    Index("interventions_by_organisation", "organisation", "proposed_at", "id"),
    sqlite_strict=True,
)
