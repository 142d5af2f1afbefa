"""Demands and mandates are organisations', with a node or without; members' addresses are confirmed."""

import sqlalchemy as sa
from alembic import op

from audit.storage.tables import Big

revision = "0004"
down_revision = "0003"

_STRICT = {"sqlite_strict": True}
_WHOSE = (("demands", "poster"), ("responses", "by"), ("followers", "organisation"), ("mandates", "authority"))
_NAMES = {"fk": "%(table_name)s_%(column_0_name)s_fkey"}
"""What PostgreSQL calls a reference by itself; SQLite gives no name, so that there it goes by this."""


def upgrade() -> None:
    """Go from 0003 to 0004."""
    _refer_to("organisations")
    op.create_table(
        "address_codes",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("until", Big, nullable=False),
        sa.Column("tries", Big, nullable=False),
        sa.PrimaryKeyConstraint("organisation", "member"),
        sqlite_strict=True,
    )
    op.add_column("notice_preferences", sa.Column("confirmed", Big, nullable=True))


def downgrade() -> None:
    """Go back; where an organisation without a node has one of these it is refused, since 0003 cannot hold it."""
    with op.batch_alter_table("notice_preferences", table_kwargs=_STRICT) as batch_op:
        batch_op.drop_column("confirmed")
    op.drop_table("address_codes")
    _refer_to("parties")


def _refer_to(target: str) -> None:
    for table, column in _WHOSE:
        name = f"{table}_{column}_fkey"
        with op.batch_alter_table(table, table_kwargs=_STRICT, naming_convention=_NAMES) as batch_op:
            batch_op.drop_constraint(name, type_="foreignkey")
            batch_op.create_foreign_key(name, target, [column], ["name"])
