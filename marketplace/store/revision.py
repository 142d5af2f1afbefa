"""Which revision the marketplace's tables are of: a process works on those of its own version only.

A new database is made at `HEAD`. One of another revision is taken there by `marketplace.store.migration`, which is
not needed here: a marketplace that serves loads no migrations. Every transaction of a command asks again, one row
by its key, so a process that goes on across a migration is refused and changes nothing in tables that it does not
know. The log's tables are the log's own, and no migration touches them.
"""

from sqlalchemy import Column, Connection, MetaData, Table, Text, insert, inspect, select

from marketplace.errors import RevisionError
from marketplace.store.schema import metadata

FIRST = "0001"
"""Of databases from before revisions were written down."""
HEAD = "0004"
"""Of the tables in `marketplace.store.schema`."""

versions = Table(
    "alembic_version",  # Alembic's own name for it
    MetaData(),
    Column("version_num", Text, primary_key=True),  # one row
    sqlite_strict=True,
)
_REVISION = select(versions.c.version_num)


def present(connection: Connection) -> str | None:
    """Give the revision of the tables that are there; None if there are none."""
    names = set(inspect(connection).get_table_names())
    if versions.name in names:
        return connection.scalar(_REVISION)
    return FIRST if "parties" in names else None


def prepare(connection: Connection) -> None:
    """Make the tables where there are none; raise `RevisionError` where they are of another revision."""
    found = present(connection)
    if found is None:
        versions.create(connection, checkfirst=True)
        metadata.create_all(connection, checkfirst=False)
        connection.execute(insert(versions).values(version_num=HEAD))
    elif found != HEAD:
        raise _other(found)


def require(connection: Connection) -> None:
    """Return if the tables, which `prepare` has seen, are still of this version; raise `RevisionError` if not."""
    found = connection.scalar(_REVISION)
    if found != HEAD:
        raise _other(found)


def _other(found: str | None) -> RevisionError:
    if found is not None and found > HEAD:
        problem = f"its tables are of revision {found}, of a later Veilmart than this one, which has {HEAD}"
        return RevisionError(f"{problem}; start the later version")
    problem = f"its tables are of revision {found or 'none'}, and this version of Veilmart needs {HEAD}"
    return RevisionError(f"{problem}; stop what serves it, back it up, and run `veilmart marketplace migrate`")
