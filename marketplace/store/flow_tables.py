"""What the flow keeps beside applications and contracts: parts, offers, moves, versions, certificates.

Times are UTC, milliseconds since 1970-01-01; BLOBs of messages are in canonical form (`compute.canonical`).
"""

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, Table, Text

from audit.storage.tables import Big
from marketplace.store.tables import metadata

operator_parts = Table(
    "operator_parts",
    metadata,
    Column("contract", Text, ForeignKey("applications.contract"), primary_key=True),
    Column("operator", Text, nullable=False),  # no party, so it has no row in approvals
    Column("state", Text, nullable=False),
    sqlite_strict=True,
)

counter_offers = Table(
    "counter_offers",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("offer", LargeBinary, nullable=False),  # CounterOffer
    ForeignKeyConstraint(["contract", "provider"], ["approvals.contract", "approvals.provider"]),
    sqlite_strict=True,
)

lapses = Table(
    "lapses",
    metadata,
    Column("noun", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("at", Big, nullable=False),  # when it comes to nothing unless somebody has moved it
    Index("lapses_by_time", "noun", "at"),
    sqlite_strict=True,
)

moves = Table(
    "moves",
    metadata,
    Column("id", Big, primary_key=True),
    Column("noun", Text, nullable=False),
    Column("name", Text, nullable=False),  # of the contract that it is or would become
    Column("part", Text),  # whose part of it moved
    Column("move", Text, nullable=False),
    Column("state", Text, nullable=False),  # that it led to
    Column("actor", Text, nullable=False),
    Column("member", Text),  # who of the organisation
    Column("reason", Text),
    Column("note", Text),
    Column("at", Big, nullable=False),
    Index("moves_by_name", "name", "id"),
    sqlite_strict=True,
)

contract_versions = Table(
    "contract_versions",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("version", Big, primary_key=True, autoincrement=False),
    Column("terms", LargeBinary, nullable=False),  # Terms
    Column("policy", LargeBinary, nullable=False),  # ODRL, as it was when the version was drafted
    Column("zh", LargeBinary, nullable=False),  # Markdown, UTF-8
    Column("en", LargeBinary, nullable=False),
    sqlite_strict=True,
)

amendments = Table(
    "amendments",
    metadata,
    Column("contract", Text, ForeignKey("contracts.name"), primary_key=True),
    Column("version", Big, primary_key=True, autoincrement=False),
    Column("attempt", Big, primary_key=True, autoincrement=False),  # of this version: earlier ones came to nothing
    Column("proposer", Text, ForeignKey("parties.name"), nullable=False),
    Column("state", Text, nullable=False),
    Column("terms", LargeBinary, nullable=False),  # Terms
    sqlite_strict=True,
)

amendment_signatures = Table(
    "amendment_signatures",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("version", Big, primary_key=True, autoincrement=False),
    Column("attempt", Big, primary_key=True, autoincrement=False),
    Column("party", Text, ForeignKey("parties.name"), primary_key=True),
    Column("suite", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    ForeignKeyConstraint(
        ["contract", "version", "attempt"],
        ["amendments.contract", "amendments.version", "amendments.attempt"],
    ),
    sqlite_strict=True,
)

suspensions = Table(
    "suspensions",
    metadata,
    Column("contract", Text, ForeignKey("contracts.name"), primary_key=True),
    Column("side", Text, primary_key=True),  # a party, or the operator
    sqlite_strict=True,
)

certificates = Table(
    "certificates",
    metadata,
    Column("contract", Text, ForeignKey("contracts.name"), primary_key=True),
    Column("party", Text, ForeignKey("parties.name"), primary_key=True),
    Column("certificate", LargeBinary, nullable=False),  # Signed[DestructionCertificate]
    sqlite_strict=True,
)
