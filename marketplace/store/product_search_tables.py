"""The tables by which products are found: an inverted index of its own, the same in SQLite and PostgreSQL.

Neither database's full-text search is in it: they rank differently, cut Chinese differently, and count facets by
visiting every match. It all follows from `products`: `veilmart marketplace reindex` makes it anew.
"""

from sqlalchemy import Column, ForeignKeyConstraint, Index, LargeBinary, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

search_documents = Table(
    "search_documents",
    metadata,
    Column("number", Big, primary_key=True, autoincrement=False),  # in the order of first listing
    Column("provider", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("is_listed", Big, nullable=False),  # 0 or 1
    Column("is_latest", Big, nullable=False),  # 0 or 1
    Column("revision", Big, nullable=False),  # of the index, when this row changed last
    Column("facets", LargeBinary, nullable=False),  # JSON: the values of each facet
    Column("title", LargeBinary, nullable=False),  # what titles are sorted by
    Column("title_en", LargeBinary, nullable=False),
    Column("price", Big, nullable=False),  # what prices are sorted by
    Column("card", LargeBinary, nullable=False),  # ProductCard: what a list shows of it
    ForeignKeyConstraint(
        ["provider", "product", "version"], ["products.provider", "products.id", "products.version"]
    ),
    Index("search_documents_by_key", "provider", "product", "version", unique=True),
    Index("search_documents_by_revision", "revision"),
    sqlite_strict=True,
)

search_terms = Table(
    "search_terms",
    metadata,
    Column("term", Text, primary_key=True),
    Column("piece", Big, primary_key=True, autoincrement=False),
    # The numbers that have it, as catalog.search.postings packs them, for each part of a description.
    Column("title", LargeBinary, nullable=False),
    Column("fields", LargeBinary, nullable=False),
    Column("rest", LargeBinary, nullable=False),
    sqlite_strict=True,
)

search_state = Table(
    "search_state",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=False),  # 1: there is one
    Column("epoch", Text, nullable=False),  # drawn when the index is made anew
    Column("revision", Big, nullable=False),  # rises with every change
    Column("numbers", Big, nullable=False),  # given so far
    sqlite_strict=True,
)
