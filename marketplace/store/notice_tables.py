"""What organisations are told: written in the transaction of what they are told about, delivered later."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

notices = Table(
    "notices",
    metadata,
    Column("id", Big, primary_key=True),
    Column("organisation", Text, nullable=False),  # a party, or the operator
    Column("role", Text),  # for those who have it in the organisation; NULL for all
    Column("member", Text),  # for this one; NULL for all
    Column("topic", Text, nullable=False),
    Column("about", Text, nullable=False),  # the name of what it is about
    Column("data", LargeBinary, nullable=False),  # canonical JSON: text → text or integer
    Column("at", Big, nullable=False),
    Column("spread", Big, nullable=False),  # 1: its deliveries are made
    Index("notices_by_organisation", "organisation", "id"),
    Index("notices_by_spread", "spread", "id"),
    sqlite_strict=True,
)

notice_reads = Table(
    "notice_reads",
    metadata,
    Column("reader", Text, primary_key=True),  # a member; for an organisation's node and machines its name, and /
    Column("notice", Big, ForeignKey("notices.id"), primary_key=True, autoincrement=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

notice_preferences = Table(
    "notice_preferences",
    metadata,
    Column("organisation", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("topics", Text, nullable=False),  # with spaces between
    Column("confirmed", Big),  # when who reads the address said so; until then nothing goes there
    sqlite_strict=True,
)

address_codes = Table(
    "address_codes",
    metadata,
    Column("organisation", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),  # keyed: of the address and the code that was sent there
    Column("until", Big, nullable=False),
    Column("tries", Big, nullable=False),
    sqlite_strict=True,
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation", Text, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("topics", Text, nullable=False),  # with spaces between; none: all
    Column("created", Big, nullable=False),
    sqlite_strict=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("notice", Big, ForeignKey("notices.id"), nullable=False, index=True),
    Column("organisation", Text, nullable=False),
    Column("channel", Text, nullable=False),  # Channel
    Column("target", Text, nullable=False),  # a member, or a webhook
    Column("state", Text, nullable=False),
    Column("attempts", Big, nullable=False),
    Column("created", Big, nullable=False),
    Column("due", Big, nullable=False),  # of the next attempt; while one goes on, of its end at the latest
    Column("problem", Text),  # of the last attempt
    Index("deliveries_by_due", "state", "due"),
    sqlite_strict=True,
)
