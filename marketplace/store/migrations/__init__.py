"""The revisions of the marketplace's tables, as Alembic keeps them: `env.py` runs them, `versions/` has each."""
