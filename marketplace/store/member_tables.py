"""People and machines of organisations: what proves who they are is here as a hash, or sealed."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

members = Table(
    "members",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation", Text, ForeignKey("organisations.name"), nullable=False),
    Column("login", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("roles", Text, nullable=False),  # with a space between
    Column("email", Text),
    Column("state", Text, nullable=False),
    Column("unconfirmed_by", Text, nullable=False),  # with a space between
    Column("invitation", Text, unique=True),  # SHA-256 of the token, in hex
    Column("invited_until", Big),
    Column("password", Text),  # argon2id, with its parameters and salt
    Column("totp", LargeBinary),  # sealed
    Column("totp_step", Big),  # the last that was used, RFC 6238
    Index("members_by_login", "organisation", "login", unique=True),
    sqlite_strict=True,
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("member", Text, ForeignKey("members.id"), primary_key=True),
    Column("digest", Text, primary_key=True),  # SHA-256, in hex
    sqlite_strict=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("token", Text, primary_key=True),  # SHA-256, in hex
    Column("member", Text, ForeignKey("members.id"), nullable=False, index=True),
    Column("created", Big, nullable=False, index=True),
    Column("used", Big, nullable=False),
    sqlite_strict=True,
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret", Text, nullable=False, unique=True),  # SHA-256, in hex
    Column("organisation", Text, ForeignKey("organisations.name"), nullable=False),
    Column("label", Text, nullable=False),
    Column("permissions", Text, nullable=False),  # with a space between
    Column("issuer", Text, ForeignKey("members.id"), nullable=False, index=True),
    Column("created", Big, nullable=False),
    Column("expires", Big, nullable=False),
    Column("revoked", Big),
    Column("last_used", Big),
    Index("api_keys_by_organisation", "organisation", "id"),
    sqlite_strict=True,
)

known_devices = Table(
    "known_devices",
    metadata,
    Column("device", Text, primary_key=True),  # SHA-256 of its token, in hex
    Column("member", Text, ForeignKey("members.id"), nullable=False, index=True),
    Column("used", Big, nullable=False, index=True),
    sqlite_strict=True,
)

failures = Table(
    "failures",
    metadata,
    Column("subject", Text, primary_key=True),  # of what: account or source, as SHA-256, in hex
    Column("count", Big, nullable=False),
    Column("last", Big, nullable=False, index=True),
    sqlite_strict=True,
)
