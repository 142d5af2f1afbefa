"""Prices as offered and agreed, mandates, and statements with what both sides have said to them."""

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

price_offers = Table(
    "price_offers",
    metadata,
    Column("contract", Text, ForeignKey("applications.contract"), primary_key=True),
    Column("provider", Text, ForeignKey("parties.name"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("offer", LargeBinary, nullable=False),  # PriceOffer
    sqlite_strict=True,
)

price_agreements = Table(
    "price_agreements",
    metadata,
    Column("contract", Text, ForeignKey("applications.contract"), primary_key=True),
    Column("provider", Text, ForeignKey("parties.name"), primary_key=True),
    Column("agreed_at", Big, nullable=False, index=True),
    Column("agreement", LargeBinary, nullable=False),  # PriceAgreement
    sqlite_strict=True,
)

mandates = Table(
    "mandates",
    metadata,
    Column("name", Text, primary_key=True),
    Column("authority", Text, ForeignKey("organisations.name"), nullable=False),
    Column("state", Text, nullable=False),
    Column("entered_at", Big, nullable=False),
    Column("ended_at", Big),
    Column("end_reason", Text),
    Column("terms", LargeBinary, nullable=False),  # MandateRequest
    sqlite_strict=True,
)

mandate_providers = Table(
    "mandate_providers",
    metadata,
    Column("provider", Text, ForeignKey("parties.name"), primary_key=True),
    Column("mandate", Text, ForeignKey("mandates.name"), primary_key=True),
    sqlite_strict=True,
)

statements = Table(
    "statements",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Big, primary_key=True, autoincrement=False),
    Column("contract", Text, ForeignKey("applications.contract"), nullable=False),
    Column("consumer", Text, ForeignKey("parties.name"), nullable=False),
    Column("provider", Text, ForeignKey("parties.name"), nullable=False),
    Column("month", Text, nullable=False),  # YYYY-MM
    Column("mandate", Text, ForeignKey("mandates.name")),
    Column("state", Text, nullable=False),
    Column("uses", Big, nullable=False),
    Column("total_fen", Big, nullable=False),
    Column("disputed_by", Text),
    Column("dispute_reason", Text),
    Column("dispute_text", Text),
    Column("statement", LargeBinary, nullable=False),  # Statement
    Index("statements_by_contract", "contract", "provider", "month"),
    Index("statements_by_consumer", "consumer", "month", "name"),
    Index("statements_by_provider", "provider", "month", "name"),
    Index("statements_by_month", "month", "name"),
    Index("statements_by_mandate", "mandate", "month"),
    sqlite_strict=True,
)

statement_confirmations = Table(
    "statement_confirmations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Big, primary_key=True, autoincrement=False),
    Column("party", Text, primary_key=True),
    Column("at", Big, nullable=False),
    ForeignKeyConstraint(["name", "version"], ["statements.name", "statements.version"]),
    sqlite_strict=True,
)

statement_months = Table(
    "statement_months",
    metadata,
    Column("month", Text, primary_key=True),  # all of whose statements are issued
    Column("at", Big, nullable=False),
    sqlite_strict=True,
)
