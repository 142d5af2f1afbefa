"""Parties to cases."""

import sqlalchemy as sa
from alembic import op

from audit.storage.tables import Big

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Go from nothing to 0001."""
    op.create_table(
        "parties",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("application", sa.LargeBinary(), nullable=False),
        sa.Column("admission", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sa.UniqueConstraint("public_key"),
        sqlite_strict=True,
    )
    op.create_table(
        "applications",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["consumer"], ["parties.name"]),
        sa.PrimaryKeyConstraint("contract"),
        sqlite_strict=True,
    )
    op.create_index("ix_applications_consumer", "applications", ["consumer"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("opener", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("until", Big, nullable=False),
        sa.ForeignKeyConstraint(["opener"], ["parties.name"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sqlite_strict=True,
    )
    op.create_index("cases_by_end", "cases", ["state", "until"], unique=False)
    op.create_table(
        "products",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["provider"], ["parties.name"]),
        sa.PrimaryKeyConstraint("provider", "id", "version"),
        sqlite_strict=True,
    )
    op.create_table(
        "approvals",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["contract"], ["applications.contract"]),
        sa.ForeignKeyConstraint(["provider"], ["parties.name"]),
        sa.PrimaryKeyConstraint("contract", "provider"),
        sqlite_strict=True,
    )
    op.create_table(
        "case_reads",
        sa.Column("index", Big, autoincrement=False, nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case"], ["cases.id"]),
        sa.PrimaryKeyConstraint("index"),
        sqlite_strict=True,
    )
    op.create_index("ix_case_reads_case", "case_reads", ["case"], unique=False)
    op.create_table(
        "contracts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("not_after", Big, nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["name"], ["applications.contract"]),
        sa.PrimaryKeyConstraint("name"),
        sqlite_strict=True,
    )
    op.create_index("contracts_by_end", "contracts", ["state", "not_after"], unique=False)
    op.create_table(
        "batches",
        sa.Column("id", Big, nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("expires", Big, nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["contract"], ["contracts.name"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("batches_by_contract", "batches", ["contract", "batch"], unique=True)
    op.create_table(
        "signatures",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["contract"], ["contracts.name"]),
        sa.ForeignKeyConstraint(["party"], ["parties.name"]),
        sa.PrimaryKeyConstraint("contract", "party"),
        sqlite_strict=True,
    )
    op.create_table(
        "withdrawals",
        sa.Column("id", Big, nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("withdrawal", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["contract"], ["contracts.name"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("ix_withdrawals_contract", "withdrawals", ["contract"], unique=False)
    op.create_table(
        "commitments",
        sa.Column("batch", Big, autoincrement=False, nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("withdrawn_at", Big, nullable=True),
        sa.ForeignKeyConstraint(["batch"], ["batches.id"]),
        sa.PrimaryKeyConstraint("batch", "commitment"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "permits",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("not_after", Big, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["contract", "provider"], ["signatures.contract", "signatures.party"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("permits_by_contract", "permits", ["contract", "provider"], unique=True)
    op.create_index("permits_by_end", "permits", ["state", "not_after"], unique=False)


def downgrade() -> None:
    """Go back."""
    op.drop_table("permits")
    op.drop_table("commitments")
    op.drop_table("withdrawals")
    op.drop_table("signatures")
    op.drop_table("batches")
    op.drop_table("contracts")
    op.drop_table("case_reads")
    op.drop_table("approvals")
    op.drop_table("products")
    op.drop_table("cases")
    op.drop_table("applications")
    op.drop_table("parties")
