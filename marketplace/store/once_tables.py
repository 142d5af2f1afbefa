"""Idempotency keys, with the answers to the requests that they name."""

from sqlalchemy import Column, LargeBinary, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("at", Big, nullable=False, index=True),
    Column("status", Big),  # of the answer; none until it is there
    Column("content_type", Text),
    Column("etag", Text),
    Column("body", LargeBinary),
    sqlite_strict=True,
)
