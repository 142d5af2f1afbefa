"""Interventions of the operator, what products were derived from, and the clocks of disputes."""

import sqlalchemy as sa
from alembic import op

from audit.storage.tables import Big
from marketplace.store.migrations.r0003_rows import link_sources, start_clocks, stop_clocks

revision = "0003"
down_revision = "0002"

_STRICT = {"sqlite_strict": True}


def upgrade() -> None:
    """Go from 0002 to 0003."""
    op.create_table(
        "interventions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposal", sa.LargeBinary(), nullable=False),
        sa.Column("read", sa.Text(), nullable=False),
        sa.Column("proposer", sa.Text(), nullable=False),
        sa.Column("proposed_at", Big, nullable=False),
        sa.Column("not_before", Big, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decider", sa.Text(), nullable=True),
        sa.Column("decided_at", Big, nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("open", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.name"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("open"),
        sqlite_strict=True,
    )
    op.create_index(
        "interventions_by_organisation", "interventions", ["organisation", "proposed_at", "id"], unique=False
    )
    op.create_index("interventions_by_time", "interventions", ["proposed_at", "id"], unique=False)
    op.create_table(
        "product_sources",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("source_provider", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("source_version", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider", "id", "version"], ["products.provider", "products.id", "products.version"]
        ),
        sa.ForeignKeyConstraint(
            ["source_provider", "source_id", "source_version"],
            ["products.provider", "products.id", "products.version"],
        ),
        sa.PrimaryKeyConstraint("provider", "id", "version", "source_provider", "source_id", "source_version"),
        sqlite_strict=True,
    )
    op.create_index(
        "product_sources_by_source",
        "product_sources",
        ["source_provider", "source_id", "source_version"],
        unique=False,
    )
    with op.batch_alter_table("disputes", table_kwargs=_STRICT) as batch_op:
        batch_op.drop_column("escalated")
    link_sources(op.get_bind())
    start_clocks(op.get_bind())


def downgrade() -> None:
    """Go back."""
    stop_clocks(op.get_bind())
    with op.batch_alter_table("disputes", table_kwargs=_STRICT) as batch_op:
        batch_op.add_column(sa.Column("escalated", Big, nullable=False, server_default="0"))
    op.drop_table("product_sources")
    op.drop_table("interventions")
