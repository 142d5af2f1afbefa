"""The tables. Signed statements are kept as what they consist of and put together again byte for byte.

Times are UTC, milliseconds since 1970-01-01; BLOBs of messages are in canonical form (`compute.canonical`).
"""

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, MetaData, Table, Text

from audit.storage.tables import Big

metadata = MetaData()

parties = Table(
    "parties",
    metadata,
    # Its state is the organisation's.
    Column("name", Text, ForeignKey("organisations.name"), primary_key=True),
    Column("public_key", LargeBinary, nullable=False, unique=True),  # one key under two names would be one party
    Column("application", LargeBinary, nullable=False),  # Signed[PartyRecord], by the party
    Column("admission", LargeBinary, nullable=False),  # Signed[PartyRecord], by the operator
    sqlite_strict=True,
)

products = Table(
    "products",
    metadata,
    Column("provider", Text, ForeignKey("parties.name"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("digest", Text, nullable=False),  # SHA-256 of the description, in hex
    Column("description", Text, nullable=False),  # TOML
    sqlite_strict=True,
)

applications = Table(
    "applications",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("consumer", Text, ForeignKey("parties.name"), nullable=False, index=True),
    Column("terms", LargeBinary, nullable=False),  # Terms
    sqlite_strict=True,
)

approvals = Table(
    "approvals",
    metadata,
    Column("contract", Text, ForeignKey("applications.contract"), primary_key=True),
    Column("provider", Text, ForeignKey("parties.name"), primary_key=True),
    Column("state", Text, nullable=False),
    sqlite_strict=True,
)

contracts = Table(
    "contracts",
    metadata,
    Column("name", Text, ForeignKey("applications.contract"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("not_after", Big, nullable=False),
    Column("terms", LargeBinary, nullable=False),  # Terms
    Index("contracts_by_end", "state", "not_after"),
    sqlite_strict=True,
)

signatures = Table(
    "signatures",
    metadata,
    Column("contract", Text, ForeignKey("contracts.name"), primary_key=True),
    Column("party", Text, ForeignKey("parties.name"), primary_key=True),
    Column("suite", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),  # over the terms of the contract
    sqlite_strict=True,
)

batches = Table(
    "batches",
    metadata,
    Column("id", Big, primary_key=True),  # small, because every commitment repeats it
    Column("contract", Text, ForeignKey("contracts.name"), nullable=False),
    Column("batch", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("evidence", LargeBinary, nullable=False),
    Column("at", Big, nullable=False),
    Column("expires", Big, nullable=False),
    Column("signer", Text, nullable=False),
    Column("suite", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),  # over the batch with its commitments in ascending order
    Index("batches_by_contract", "contract", "batch", unique=True),
    sqlite_strict=True,
)

commitments = Table(
    "commitments",
    metadata,
    Column("batch", Big, ForeignKey("batches.id"), primary_key=True, autoincrement=False),
    Column("commitment", LargeBinary, primary_key=True),
    Column("withdrawn_at", Big),
    sqlite_strict=True,
    sqlite_with_rowid=False,  # rows are found by their key alone, so the key is the table
)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("id", Big, primary_key=True),
    Column("contract", Text, ForeignKey("contracts.name"), nullable=False, index=True),
    Column("at", Big, nullable=False),
    Column("signer", Text, nullable=False),  # the consumer, or the marketplace for a subject
    Column("withdrawal", LargeBinary, nullable=False),  # Signed[ConsentWithdrawal]
    sqlite_strict=True,
)

permits = Table(
    "permits",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contract", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("not_after", Big, nullable=False),
    Column("token", Text, nullable=False),
    # A permit is for a party that has signed the contract.
    ForeignKeyConstraint(["contract", "provider"], ["signatures.contract", "signatures.party"]),
    Index("permits_by_contract", "contract", "provider", unique=True),
    Index("permits_by_end", "state", "not_after"),
    sqlite_strict=True,
)

cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),  # SHA-256 of salt and number, in hex: what the log has of it
    Column("number", Text, nullable=False, unique=True),
    Column("salt", LargeBinary, nullable=False),
    Column("opener", Text, ForeignKey("parties.name"), nullable=False),
    Column("approver", Text),  # a party, or the operator
    Column("state", Text, nullable=False),
    Column("until", Big, nullable=False),
    Index("cases_by_end", "state", "until"),
    sqlite_strict=True,
)

case_reads = Table(
    "case_reads",
    metadata,
    Column("index", Big, primary_key=True, autoincrement=False),  # of the sealed entry
    Column("case", Text, ForeignKey("cases.id"), nullable=False, index=True),
    Column("contract", Text, nullable=False),
    Column("reader", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    sqlite_strict=True,
)
