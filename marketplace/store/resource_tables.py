"""Resources as departments entered them, and which versions of products come from them."""

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

resources = Table(
    "resources",
    metadata,
    Column("provider", Text, ForeignKey("parties.name"), primary_key=True),
    Column("code", Text, primary_key=True),  # the registrar's number
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("first_day", Text, nullable=False),  # YYYY-MM-DD
    Column("last_day", Text),  # none: it has no end
    Column("ended_at", Big),  # when the marketplace stated that it ended
    Index("resources_by_end", "ended_at", "last_day"),
    sqlite_strict=True,
)

product_lineage = Table(
    "product_lineage",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    ForeignKeyConstraint(["provider", "code"], ["resources.provider", "resources.code"]),
    ForeignKeyConstraint(["provider", "id", "version"], ["products.provider", "products.id", "products.version"]),
    sqlite_strict=True,
)
