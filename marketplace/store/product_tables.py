"""How versions of products came about: every submission, review and stop; and what derived ones come from."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, LargeBinary, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

product_steps = Table(
    "product_steps",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("number", Big, primary_key=True, autoincrement=False),  # from 1, without gaps
    Column("step", LargeBinary, nullable=False),  # ProductStep
    Column("member", Text),  # who of the organisation, if a person acted
    ForeignKeyConstraint(["provider", "id", "version"], ["products.provider", "products.id", "products.version"]),
    sqlite_strict=True,
)

product_sources = Table(
    "product_sources",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("source_provider", Text, primary_key=True),
    Column("source_id", Text, primary_key=True),
    Column("source_version", Text, primary_key=True),
    ForeignKeyConstraint(["provider", "id", "version"], ["products.provider", "products.id", "products.version"]),
    ForeignKeyConstraint(
        ["source_provider", "source_id", "source_version"],
        ["products.provider", "products.id", "products.version"],
    ),
    Index("product_sources_by_source", "source_provider", "source_id", "source_version"),
    sqlite_strict=True,
)
