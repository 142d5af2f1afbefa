"""Takes a database from the tables of one version to those of another, by Alembic.

    write lock → revision → each migration on the way → references still hold → COMMIT

All in one transaction under the log's write lock: writers wait for it, and a crash or a failure in the middle
leaves what was there before. A process of the old version that still runs is refused at its next transaction
(`marketplace.store.revision`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, inspect, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from audit.database import insert, open_engine
from audit.log import parse_stored
from audit.storage.tables import entries
from marketplace.errors import RevisionError
from marketplace.store import counting, organisations, revision

FOLDER = Path(__file__).parent / "migrations"
BASE = "base"
"""What comes before the first revision: no tables."""

Progress = Callable[[int, int], None]
"""Told how many migrations are done, and of how many."""


class Migrated(NamedTuple):
    """From which revision to which; None for no tables."""

    old: str | None
    new: str | None


def revisions() -> list[str]:
    """Give all revisions, the first one first."""
    scripts = ScriptDirectory.from_config(config())
    return [script.revision for script in scripts.walk_revisions()][::-1]


def migrate(
    store: Path | str, to: str = revision.HEAD, progress: Progress = lambda _done, _total: None
) -> Migrated:
    """Take the database to a revision, forwards or back, or make it at that; give what was done.

    To go back drops what the revisions that are left have added, with what it holds; to `BASE`, all. Raises
    `RevisionError`, and has changed nothing, for a revision that is not there, one of a later version, or a
    migration that fails.
    """
    try:
        with changing(store) as connection:
            return migrate_within(connection, to, progress)
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise RevisionError(f"it cannot be migrated to {to}: {cause}; it is as it was") from error


@contextmanager
def changing(store: Path | str) -> Iterator[Connection]:
    """Open a transaction in which tables may change; what refers to what is only checked at its end."""
    engine = open_engine(store)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _without_references)
    try:
        with engine.begin() as connection:
            yield connection
            _check_references(connection)
    finally:
        engine.dispose()


def migrate_within(connection: Connection, to: str, progress: Progress = lambda _done, _total: None) -> Migrated:
    """Do what `migrate` does within a transaction of `changing`; raises SQLAlchemy's errors as they are."""
    old = revision.present(connection)
    path = [BASE, *revisions()]
    for name in (to, old or BASE):
        if name not in path:
            raise RevisionError(f"this version of Veilmart has no revision {name}; it has {', '.join(path[1:])}")
    _write_down(connection, old)
    start, end = path.index(old or BASE), path.index(to)
    total, done = abs(end - start), 0

    def applied(**_: object) -> None:
        nonlocal done
        done += 1
        progress(done, total)

    settings = config(connection=connection, applied=applied)
    progress(0, total)
    if total:
        (command.upgrade if end > start else command.downgrade)(settings, to)
    if old == revision.FIRST and end > start:
        _count(connection)
    return Migrated(old, None if to == BASE else to)


def _write_down(connection: Connection, old: str | None) -> None:
    """Write down the revision of a database from before that was done."""
    revision.versions.create(connection, checkfirst=True)
    if old is not None:
        row = insert(connection, revision.versions).values(version_num=old)
        connection.execute(row.on_conflict_do_nothing())


def _count(connection: Connection) -> None:
    """Count what the log tells, which is older than the count: revision 0001 kept none."""
    if inspect(connection).has_table(entries.name):
        told = connection.execute(select(entries.c["index"], entries.c.data).order_by(entries.c["index"]))
        counting.rebuild(connection, [parse_stored(index, data) for index, data in told])


def incomplete(store: Path | str) -> list[str]:
    """Give the organisations that nobody has said anything of yet, by name; the tables are of this version."""
    engine = open_engine(store)
    try:
        with engine.connect() as connection:
            return organisations.incomplete(connection)
    finally:
        engine.dispose()


def config(**attributes: object) -> Config:
    """Alembic's configuration, without a file."""
    made = Config(attributes=attributes)
    made.set_main_option("script_location", str(FOLDER))
    made.set_main_option("path_separator", "newline")
    return made


def _without_references(connection: DBAPIConnection, _record: object) -> None:
    """Let a table be dropped and made anew under those that refer to it, as SQLite says (ALTER TABLE, 7).

    It cannot be said within a transaction; `_check_references` looks at its end.
    """
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = OFF")
    cursor.close()


def _check_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise RevisionError(f"a row of {broken[0]} would refer to a row of {broken[2]} that is not there")
