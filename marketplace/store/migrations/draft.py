"""Drafts a revision: what the metadata has and the revision before has not.

    python -m marketplace.store.migrations.draft 0003 "What it adds"

Then read the file and add what has to happen to rows that are there; `r0002_rows.py` shows how. The batch of an
altered table takes `table_kwargs={"sqlite_strict": True}`, which SQLAlchemy does not read back, and constraints
take names. Set `HEAD` in `revision.py`, run `ruff format`, and `tests/marketplace/test_market_migrations.py`: it
compares the outcome with the metadata.
"""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.script import Script

from audit.database import open_engine
from marketplace.store import migration

_BATCH = re.compile(
    r"^    with op\.batch_alter_table\('(?P<table>\w+)', schema=None\) as batch_op:\n(?P<lines>(?:        .*\n)+)",
    re.MULTILINE,
)


def draft(name: str, message: str) -> None:
    """Write `versions/NAME_message.py`."""
    with TemporaryDirectory() as folder:
        store = Path(folder) / "before.sqlite"
        migration.migrate(store, [migration.BASE, *migration.revisions()][-1])
        engine = open_engine(store)
        try:
            with engine.begin() as connection:
                settings = migration.config(connection=connection)
                settings.set_main_option("file_template", "r%%(rev)s_%%(slug)s")
                script = command.revision(settings, message, autogenerate=True, rev_id=name)
        finally:
            engine.dispose()
    if not isinstance(script, Script):
        raise TypeError(f"Alembic made {script} and not one file")
    file = Path(script.path)
    file.write_text(tidied(file.read_text("utf-8")), "utf-8")


def tidied(text: str) -> str:
    """Write indices of new tables without a batch, and leave out those that go with their table."""
    text = re.sub(r"^ *# ### .*\n", "", text, flags=re.MULTILINE)
    text = _BATCH.sub(_unbatched, text).replace("], ),\n", "]),\n")
    return re.sub(r"\n\n+(?=    )", "\n", text)


def _unbatched(found: re.Match[str]) -> str:
    table, lines = found["table"], found["lines"]
    if all("drop_index" in line for line in lines.splitlines()):
        return ""
    if all("create_index" in line for line in lines.splitlines()):
        lines = re.sub(r"batch_op\.f\(('\w+')\)", r"\1", lines)
        return re.sub(r" *batch_op\.create_index\(('\w+'), ", rf"    op.create_index(\1, '{table}', ", lines)
    return found[0]


if __name__ == "__main__":
    draft(*sys.argv[1:])
