"""From the catalog to statements."""

import sqlalchemy as sa
from alembic import op

from audit.storage.tables import Big
from marketplace.store.migrations.r0002_rows import add_organisations, name_signers, restore_party_states

revision = "0002"
down_revision = "0001"

_STRICT = {"sqlite_strict": True}
_PARTY_IS = "parties_name_fkey"
"""PostgreSQL gives a reference this name by itself; SQLite gives none, so that there it goes by `_NAMES`."""
_NAMES = {"fk": "%(table_name)s_%(column_0_name)s_fkey"}


def upgrade() -> None:
    """Go from 0001 to 0002."""
    op.create_table(
        "agreements",
        sa.Column("version", Big, autoincrement=False, nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("published", Big, nullable=False),
        sa.Column("due", Big, nullable=False),
        sa.PrimaryKeyConstraint("version"),
        sqlite_strict=True,
    )
    op.create_table(
        "approval_processes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("arguments", sa.LargeBinary(), nullable=False),
        sa.Column("initiator", sa.Text(), nullable=False),
        sa.Column("steps", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step", Big, nullable=False),
        sa.Column("round", Big, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("open", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("open"),
        sqlite_strict=True,
    )
    op.create_index(
        "approval_processes_by_organisation", "approval_processes", ["organisation", "at", "id"], unique=False
    )
    op.create_table(
        "approval_rules",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("node", Big, nullable=False),
        sa.Column("steps", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "matter"),
        sqlite_strict=True,
    )
    op.create_table(
        "contract_versions",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("version", Big, autoincrement=False, nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("policy", sa.LargeBinary(), nullable=False),
        sa.Column("zh", sa.LargeBinary(), nullable=False),
        sa.Column("en", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "version"),
        sqlite_strict=True,
    )
    op.create_table(
        "deadlines",
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("contract", sa.Text(), nullable=True),
        sa.Column("started", Big, nullable=False),
        sa.Column("due", Big, nullable=False),
        sa.Column("term", Big, nullable=False),
        sa.Column("level", Big, nullable=False),
        sa.PrimaryKeyConstraint("noun", "name", "holder"),
        sqlite_strict=True,
    )
    op.create_index("deadlines_by_due", "deadlines", ["level", "due"], unique=False)
    op.create_table(
        "deputies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("deputy", sa.Text(), nullable=False),
        sa.Column("not_before", Big, nullable=False),
        sa.Column("not_after", Big, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("deputies_by_deputy", "deputies", ["organisation", "deputy", "not_after"], unique=False)
    op.create_table(
        "failures",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("count", Big, nullable=False),
        sa.Column("last", Big, nullable=False),
        sa.PrimaryKeyConstraint("subject"),
        sqlite_strict=True,
    )
    op.create_index("ix_failures_last", "failures", ["last"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("status", Big, nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("owner", "key"),
        sqlite_strict=True,
    )
    op.create_index("ix_idempotency_keys_at", "idempotency_keys", ["at"], unique=False)
    op.create_table(
        "identity_attempts",
        sa.Column("id", Big, nullable=False),
        sa.Column("whom", sa.LargeBinary(), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("identity_attempts_by_whom", "identity_attempts", ["whom", "at"], unique=False)
    op.create_table(
        "identity_challenges",
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("visit", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("until", Big, nullable=False),
        sa.PrimaryKeyConstraint("challenge"),
        sqlite_strict=True,
    )
    op.create_table(
        "identity_codes",
        sa.Column("visit", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=True),
        sa.Column("tries", Big, nullable=False),
        sa.Column("until", Big, nullable=False),
        sa.PrimaryKeyConstraint("visit"),
        sqlite_strict=True,
    )
    op.create_table(
        "lapses",
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("noun", "name"),
        sqlite_strict=True,
    )
    op.create_index("lapses_by_time", "lapses", ["noun", "at"], unique=False)
    op.create_table(
        "moves",
        sa.Column("id", Big, nullable=False),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=True),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("moves_by_name", "moves", ["name", "id"], unique=False)
    op.create_table(
        "notice_preferences",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "member"),
        sqlite_strict=True,
    )
    op.create_table(
        "notices",
        sa.Column("id", Big, nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("member", sa.Text(), nullable=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("spread", Big, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("notices_by_organisation", "notices", ["organisation", "id"], unique=False)
    op.create_index("notices_by_spread", "notices", ["spread", "id"], unique=False)
    op.create_table(
        "organisations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("profile", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", Big, nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("kept_half", sa.LargeBinary(), nullable=True),
        sa.Column("claimed_at", Big, nullable=True),
        sa.PrimaryKeyConstraint("name"),
        sqlite_strict=True,
    )
    op.create_index("organisations_by_code", "organisations", ["code", "state"], unique=False)
    op.create_index("organisations_by_state", "organisations", ["state", "name"], unique=False)
    op.create_table(
        "refusals",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("hour", Big, autoincrement=False, nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("recorded", Big, nullable=False),
        sa.Column("counted", Big, nullable=False),
        sa.PrimaryKeyConstraint("source", "hour", "command", "reason"),
        sqlite_strict=True,
    )
    op.create_index("refusals_by_hour", "refusals", ["hour", "party"], unique=False)
    op.create_table(
        "search_state",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("revision", Big, nullable=False),
        sa.Column("numbers", Big, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_table(
        "search_terms",
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("piece", Big, autoincrement=False, nullable=False),
        sa.Column("title", sa.LargeBinary(), nullable=False),
        sa.Column("fields", sa.LargeBinary(), nullable=False),
        sa.Column("rest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("term", "piece"),
        sqlite_strict=True,
    )
    op.create_table(
        "standings",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("active_from", Big, nullable=False),
        sa.Column("active_until", Big, nullable=True),
        sa.PrimaryKeyConstraint("contract"),
        sqlite_strict=True,
    )
    op.create_table(
        "statement_months",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("month"),
        sqlite_strict=True,
    )
    op.create_table(
        "subject_messages",
        sa.Column("id", Big, nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", Big, nullable=False),
        sa.Column("due", Big, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("ix_subject_messages_due", "subject_messages", ["due"], unique=False)
    op.create_table(
        "subject_sessions",
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("tag", sa.LargeBinary(), nullable=False),
        sa.Column("capacity", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("until", Big, nullable=False),
        sa.PrimaryKeyConstraint("session"),
        sqlite_strict=True,
    )
    op.create_table(
        "usage",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("uses", Big, nullable=True),
        sa.Column("at", Big, nullable=True),
        sa.Column("is_asked", Big, nullable=False),
        sa.Column("is_abandoned", Big, nullable=False),
        sa.PrimaryKeyConstraint("contract", "provider", "job"),
        sqlite_strict=True,
    )
    op.create_index("usage_by_time", "usage", ["contract", "provider", "at"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("created", Big, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("ix_webhooks_organisation", "webhooks", ["organisation"], unique=False)
    op.create_table(
        "acceptances",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("version", Big, autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("signatory", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=True),
        sa.Column("at", Big, nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.name"]),
        sa.ForeignKeyConstraint(["version"], ["agreements.version"]),
        sa.PrimaryKeyConstraint("organisation", "version"),
        sqlite_strict=True,
    )
    op.create_table(
        "approval_attachments",
        sa.Column("approval", sa.Text(), nullable=False),
        sa.Column("number", Big, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", Big, nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["approval"], ["approval_processes.id"]),
        sa.PrimaryKeyConstraint("approval", "number"),
        sqlite_strict=True,
    )
    op.create_table(
        "approval_opinions",
        sa.Column("approval", sa.Text(), nullable=False),
        sa.Column("number", Big, autoincrement=False, nullable=False),
        sa.Column("round", Big, nullable=False),
        sa.Column("step", Big, nullable=False),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("at", Big, nullable=False),
        sa.ForeignKeyConstraint(["approval"], ["approval_processes.id"]),
        sa.PrimaryKeyConstraint("approval", "number"),
        sqlite_strict=True,
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("notice", Big, nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", Big, nullable=False),
        sa.Column("created", Big, nullable=False),
        sa.Column("due", Big, nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["notice"], ["notices.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("deliveries_by_due", "deliveries", ["state", "due"], unique=False)
    op.create_index("ix_deliveries_notice", "deliveries", ["notice"], unique=False)
    op.create_table(
        "members",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("unconfirmed_by", sa.Text(), nullable=False),
        sa.Column("invitation", sa.Text(), nullable=True),
        sa.Column("invited_until", Big, nullable=True),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", Big, nullable=True),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.name"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("invitation"),
        sqlite_strict=True,
    )
    op.create_index("members_by_login", "members", ["organisation", "login"], unique=True)
    op.create_table(
        "notice_reads",
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("notice", Big, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["notice"], ["notices.id"]),
        sa.PrimaryKeyConstraint("reader", "notice"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("created", Big, nullable=False),
        sa.Column("expires", Big, nullable=False),
        sa.Column("revoked", Big, nullable=True),
        sa.Column("last_used", Big, nullable=True),
        sa.ForeignKeyConstraint(["issuer"], ["members.id"]),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.name"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret"),
        sqlite_strict=True,
    )
    op.create_index("api_keys_by_organisation", "api_keys", ["organisation", "id"], unique=False)
    op.create_index("ix_api_keys_issuer", "api_keys", ["issuer"], unique=False)
    op.create_table(
        "demands",
        sa.Column("number", Big, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("poster", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=True),
        sa.Column("wanted", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", Big, nullable=False),
        sa.Column("matched_to", Big, nullable=False),
        sa.Column("close_reason", sa.Text(), nullable=True),
        sa.Column("response", Big, nullable=True),
        sa.ForeignKeyConstraint(["poster"], ["parties.name"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("name"),
        sqlite_strict=True,
    )
    op.create_index("demands_by_end", "demands", ["state", "until"], unique=False)
    op.create_index("ix_demands_poster", "demands", ["poster"], unique=False)
    op.create_table(
        "mandates",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("entered_at", Big, nullable=False),
        sa.Column("ended_at", Big, nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["authority"], ["parties.name"]),
        sa.PrimaryKeyConstraint("name"),
        sqlite_strict=True,
    )
    op.create_table(
        "known_devices",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("used", Big, nullable=False),
        sa.ForeignKeyConstraint(["member"], ["members.id"]),
        sa.PrimaryKeyConstraint("device"),
        sqlite_strict=True,
    )
    op.create_index("ix_known_devices_member", "known_devices", ["member"], unique=False)
    op.create_index("ix_known_devices_used", "known_devices", ["used"], unique=False)
    op.create_table(
        "recovery_codes",
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member"], ["members.id"]),
        sa.PrimaryKeyConstraint("member", "digest"),
        sqlite_strict=True,
    )
    op.create_table(
        "resources",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Text(), nullable=False),
        sa.Column("last_day", sa.Text(), nullable=True),
        sa.Column("ended_at", Big, nullable=True),
        sa.ForeignKeyConstraint(["provider"], ["parties.name"]),
        sa.PrimaryKeyConstraint("provider", "code"),
        sqlite_strict=True,
    )
    op.create_index("resources_by_end", "resources", ["ended_at", "last_day"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("created", Big, nullable=False),
        sa.Column("used", Big, nullable=False),
        sa.ForeignKeyConstraint(["member"], ["members.id"]),
        sa.PrimaryKeyConstraint("token"),
        sqlite_strict=True,
    )
    op.create_index("ix_sessions_created", "sessions", ["created"], unique=False)
    op.create_index("ix_sessions_member", "sessions", ["member"], unique=False)
    op.create_table(
        "demand_kinds",
        sa.Column("demand", sa.Text(), nullable=False),
        sa.Column("party_kind", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["demand"], ["demands.name"]),
        sa.PrimaryKeyConstraint("demand", "party_kind"),
        sqlite_strict=True,
    )
    op.create_table(
        "followers",
        sa.Column("demand", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["demand"], ["demands.name"]),
        sa.ForeignKeyConstraint(["organisation"], ["parties.name"]),
        sa.PrimaryKeyConstraint("demand", "organisation"),
        sqlite_strict=True,
    )
    op.create_table(
        "mandate_providers",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("mandate", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["mandate"], ["mandates.name"]),
        sa.ForeignKeyConstraint(["provider"], ["parties.name"]),
        sa.PrimaryKeyConstraint("provider", "mandate"),
        sqlite_strict=True,
    )
    op.create_table(
        "operator_parts",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["contract"], ["applications.contract"]),
        sa.PrimaryKeyConstraint("contract"),
        sqlite_strict=True,
    )
    op.create_table(
        "price_agreements",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("agreed_at", Big, nullable=False),
        sa.Column("agreement", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["contract"], ["applications.contract"]),
        sa.ForeignKeyConstraint(["provider"], ["parties.name"]),
        sa.PrimaryKeyConstraint("contract", "provider"),
        sqlite_strict=True,
    )
    op.create_index("ix_price_agreements_agreed_at", "price_agreements", ["agreed_at"], unique=False)
    op.create_table(
        "price_offers",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("offer", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["contract"], ["applications.contract"]),
        sa.ForeignKeyConstraint(["provider"], ["parties.name"]),
        sa.PrimaryKeyConstraint("contract", "provider"),
        sqlite_strict=True,
    )
    op.create_table(
        "product_lineage",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["provider", "code"], ["resources.provider", "resources.code"]),
        sa.ForeignKeyConstraint(
            ["provider", "id", "version"], ["products.provider", "products.id", "products.version"]
        ),
        sa.PrimaryKeyConstraint("provider", "code", "id", "version"),
        sqlite_strict=True,
    )
    op.create_table(
        "product_steps",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("number", Big, autoincrement=False, nullable=False),
        sa.Column("step", sa.LargeBinary(), nullable=False),
        sa.Column("member", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["provider", "id", "version"], ["products.provider", "products.id", "products.version"]
        ),
        sa.PrimaryKeyConstraint("provider", "id", "version", "number"),
        sqlite_strict=True,
    )
    op.create_table(
        "responses",
        sa.Column("demand", sa.Text(), nullable=False),
        sa.Column("number", Big, autoincrement=False, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["parties.name"]),
        sa.ForeignKeyConstraint(["demand"], ["demands.name"]),
        sa.PrimaryKeyConstraint("demand", "number"),
        sqlite_strict=True,
    )
    op.create_table(
        "search_documents",
        sa.Column("number", Big, autoincrement=False, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("is_listed", Big, nullable=False),
        sa.Column("is_latest", Big, nullable=False),
        sa.Column("revision", Big, nullable=False),
        sa.Column("facets", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.LargeBinary(), nullable=False),
        sa.Column("title_en", sa.LargeBinary(), nullable=False),
        sa.Column("price", Big, nullable=False),
        sa.Column("card", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider", "product", "version"], ["products.provider", "products.id", "products.version"]
        ),
        sa.PrimaryKeyConstraint("number"),
        sqlite_strict=True,
    )
    op.create_index("search_documents_by_key", "search_documents", ["provider", "product", "version"], unique=True)
    op.create_index("search_documents_by_revision", "search_documents", ["revision"], unique=False)
    op.create_table(
        "statements",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", Big, autoincrement=False, nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("mandate", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("uses", Big, nullable=False),
        sa.Column("total_fen", Big, nullable=False),
        sa.Column("disputed_by", sa.Text(), nullable=True),
        sa.Column("dispute_reason", sa.Text(), nullable=True),
        sa.Column("dispute_text", sa.Text(), nullable=True),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["consumer"], ["parties.name"]),
        sa.ForeignKeyConstraint(["contract"], ["applications.contract"]),
        sa.ForeignKeyConstraint(["mandate"], ["mandates.name"]),
        sa.ForeignKeyConstraint(["provider"], ["parties.name"]),
        sa.PrimaryKeyConstraint("name", "version"),
        sqlite_strict=True,
    )
    op.create_index("statements_by_consumer", "statements", ["consumer", "month", "name"], unique=False)
    op.create_index("statements_by_contract", "statements", ["contract", "provider", "month"], unique=False)
    op.create_index("statements_by_mandate", "statements", ["mandate", "month"], unique=False)
    op.create_index("statements_by_month", "statements", ["month", "name"], unique=False)
    op.create_index("statements_by_provider", "statements", ["provider", "month", "name"], unique=False)
    op.create_table(
        "amendments",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("version", Big, autoincrement=False, nullable=False),
        sa.Column("attempt", Big, autoincrement=False, nullable=False),
        sa.Column("proposer", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["contract"], ["contracts.name"]),
        sa.ForeignKeyConstraint(["proposer"], ["parties.name"]),
        sa.PrimaryKeyConstraint("contract", "version", "attempt"),
        sqlite_strict=True,
    )
    op.create_table(
        "certificates",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["contract"], ["contracts.name"]),
        sa.ForeignKeyConstraint(["party"], ["parties.name"]),
        sa.PrimaryKeyConstraint("contract", "party"),
        sqlite_strict=True,
    )
    op.create_table(
        "consent_requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("tag", sa.LargeBinary(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("until", Big, nullable=False),
        sa.Column("expires", Big, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_at", Big, nullable=False),
        sa.ForeignKeyConstraint(["consumer"], ["parties.name"]),
        sa.ForeignKeyConstraint(["contract"], ["contracts.name"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token"),
        sqlite_strict=True,
    )
    op.create_index(
        "consent_requests_by_change", "consent_requests", ["consumer", "changed_at", "id"], unique=False
    )
    op.create_index("consent_requests_by_end", "consent_requests", ["state", "until"], unique=False)
    op.create_index("consent_requests_by_tag", "consent_requests", ["tag"], unique=False)
    op.create_table(
        "consent_subjects",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("tag", sa.LargeBinary(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("granted_at", Big, nullable=True),
        sa.Column("ended_at", Big, nullable=True),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["contract"], ["contracts.name"]),
        sa.PrimaryKeyConstraint("contract", "commitment"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("consent_subjects_by_tag", "consent_subjects", ["tag"], unique=False)
    op.create_table(
        "counter_offers",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("offer", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["contract", "provider"], ["approvals.contract", "approvals.provider"]),
        sa.PrimaryKeyConstraint("contract", "provider"),
        sqlite_strict=True,
    )
    op.create_table(
        "disputes",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("respondent", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("tag", sa.LargeBinary(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("due", Big, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("snapshot_date", sa.Text(), nullable=True),
        sa.Column("escalated", Big, nullable=False),
        sa.ForeignKeyConstraint(["contract"], ["contracts.name"]),
        sa.ForeignKeyConstraint(["respondent"], ["parties.name"]),
        sa.PrimaryKeyConstraint("number"),
        sqlite_strict=True,
    )
    op.create_index("disputes_by_end", "disputes", ["state", "due"], unique=False)
    op.create_index("disputes_by_respondent", "disputes", ["respondent", "at", "number"], unique=False)
    op.create_index("disputes_by_tag", "disputes", ["tag"], unique=False)
    op.create_table(
        "statement_confirmations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", Big, autoincrement=False, nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.ForeignKeyConstraint(["name", "version"], ["statements.name", "statements.version"]),
        sa.PrimaryKeyConstraint("name", "version", "party"),
        sqlite_strict=True,
    )
    op.create_table(
        "suspensions",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["contract"], ["contracts.name"]),
        sa.PrimaryKeyConstraint("contract", "side"),
        sqlite_strict=True,
    )
    op.create_table(
        "amendment_signatures",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("version", Big, autoincrement=False, nullable=False),
        sa.Column("attempt", Big, autoincrement=False, nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract", "version", "attempt"], ["amendments.contract", "amendments.version", "amendments.attempt"]
        ),
        sa.ForeignKeyConstraint(["party"], ["parties.name"]),
        sa.PrimaryKeyConstraint("contract", "version", "attempt", "party"),
        sqlite_strict=True,
    )
    op.create_table(
        "consent_receipts",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("attorney", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["consent_requests.id"]),
        sa.PrimaryKeyConstraint("code"),
        sa.UniqueConstraint("request"),
        sqlite_strict=True,
    )
    op.create_table(
        "dispute_words",
        sa.Column("id", Big, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("at", Big, nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["disputes.number"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("ix_dispute_words_number", "dispute_words", ["number"], unique=False)
    connection = op.get_bind()
    add_organisations(connection)
    with op.batch_alter_table("parties", table_kwargs=_STRICT) as parties:
        parties.create_foreign_key(_PARTY_IS, "organisations", ["name"], ["name"])
        parties.drop_column("state")
    op.add_column("withdrawals", sa.Column("signer", sa.Text(), nullable=True))
    name_signers(connection)
    with op.batch_alter_table("withdrawals", table_kwargs=_STRICT) as withdrawals:
        withdrawals.alter_column("signer", existing_type=sa.Text(), nullable=False)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("withdrawals", table_kwargs=_STRICT) as withdrawals:
        withdrawals.drop_column("signer")
    op.add_column("parties", sa.Column("state", sa.Text(), nullable=True))
    restore_party_states(op.get_bind())
    with op.batch_alter_table("parties", table_kwargs=_STRICT, naming_convention=_NAMES) as parties:
        parties.drop_constraint(_PARTY_IS, type_="foreignkey")
        parties.alter_column("state", existing_type=sa.Text(), nullable=False)
    op.drop_table("dispute_words")
    op.drop_table("consent_receipts")
    op.drop_table("amendment_signatures")
    op.drop_table("suspensions")
    op.drop_table("statement_confirmations")
    op.drop_table("disputes")
    op.drop_table("counter_offers")
    op.drop_table("consent_subjects")
    op.drop_table("consent_requests")
    op.drop_table("certificates")
    op.drop_table("amendments")
    op.drop_table("statements")
    op.drop_table("search_documents")
    op.drop_table("responses")
    op.drop_table("product_steps")
    op.drop_table("product_lineage")
    op.drop_table("price_offers")
    op.drop_table("price_agreements")
    op.drop_table("operator_parts")
    op.drop_table("mandate_providers")
    op.drop_table("followers")
    op.drop_table("demand_kinds")
    op.drop_table("sessions")
    op.drop_table("resources")
    op.drop_table("recovery_codes")
    op.drop_table("known_devices")
    op.drop_table("mandates")
    op.drop_table("demands")
    op.drop_table("api_keys")
    op.drop_table("notice_reads")
    op.drop_table("members")
    op.drop_table("deliveries")
    op.drop_table("approval_opinions")
    op.drop_table("approval_attachments")
    op.drop_table("acceptances")
    op.drop_table("webhooks")
    op.drop_table("usage")
    op.drop_table("subject_sessions")
    op.drop_table("subject_messages")
    op.drop_table("statement_months")
    op.drop_table("standings")
    op.drop_table("refusals")
    op.drop_table("search_terms")
    op.drop_table("search_state")
    op.drop_table("organisations")
    op.drop_table("notices")
    op.drop_table("notice_preferences")
    op.drop_table("moves")
    op.drop_table("lapses")
    op.drop_table("identity_codes")
    op.drop_table("identity_challenges")
    op.drop_table("identity_attempts")
    op.drop_table("idempotency_keys")
    op.drop_table("failures")
    op.drop_table("deputies")
    op.drop_table("deadlines")
    op.drop_table("contract_versions")
    op.drop_table("approval_rules")
    op.drop_table("approval_processes")
    op.drop_table("agreements")
