"""Organisations, and what they have accepted of the entry agreement."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

organisations = Table(
    "organisations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),  # unified social credit code
    Column("profile", LargeBinary, nullable=False),  # OrganisationProfile
    Column("state", Text, nullable=False),  # also the party's, if there is one
    Column("since", Big, nullable=False),
    Column("application", Text, nullable=False),  # SHA-256 of the applicant's token, in hex
    Column("entered_by", Text),
    Column("reason", Text),
    Column("opinion", Text),
    Column(
        "kept_half", LargeBinary
    ),  # sealed: of an entered application's token, what the operator's second hands over
    Column("claimed_at", Big),  # when the first administrator was named, which the token does once
    Index("organisations_by_code", "code", "state"),
    Index("organisations_by_state", "state", "name"),
    sqlite_strict=True,
)

agreements = Table(
    "agreements",
    metadata,
    Column("version", Big, primary_key=True, autoincrement=False),
    Column("text_zh", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("published", Big, nullable=False),
    Column("due", Big, nullable=False),
    sqlite_strict=True,
)

acceptances = Table(
    "acceptances",
    metadata,
    Column("organisation", Text, ForeignKey("organisations.name"), primary_key=True),
    Column("version", Big, ForeignKey("agreements.version"), primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False),
    Column("signatory", Text, nullable=False),
    Column("member", Text),
    Column("at", Big, nullable=False),
    sqlite_strict=True,
)
