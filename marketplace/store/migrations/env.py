"""What Alembic runs for every command: over the connection, and in the transaction, of who called it."""

from alembic import context

from marketplace.store.migrations.scope import is_ours, rendered
from marketplace.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=is_ours,  # type: ignore[arg-type, unused-ignore]  # a parameter of literals, which no rule need repeat
    compare_type=True,
    render_item=rendered,
    # SQLite alters little in place: Alembic makes the table anew and copies it. PostgreSQL alters it all the same.
    render_as_batch=True,
    on_version_apply=context.config.attributes.get("applied"),
)
with context.begin_transaction():  # the caller's: all revisions are there, or none
    context.run_migrations()
