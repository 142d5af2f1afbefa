"""Puts a backup into an empty database, and only leaves it there if everything in it holds together.

The numbers stand again at the lines that check it:

 1. the file is whole, and a backup of this marketplace's log;
 2. the database is empty, and the tables are those of the backup's revision;
 3. the log is whole: `audit.storage.check` reads all of it again, every signature included;
 4. it has all that witnesses were shown: a log that went on from an older backup would be a fork
    (`audit.storage.watermark`);
 5. what stands in the tables is what the log tells (`marketplace.store.agreement`).

All in one transaction: where something is wrong the database is empty again.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, ForeignKeyConstraint, Table, func, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import AddConstraint, DropConstraint

from audit.entry import Entry
from audit.errors import DamageError
from audit.log import parse_stored, root_of
from audit.policy import Policy
from audit.storage.check import check
from audit.storage.tables import entries
from audit.storage.tables import metadata as log_metadata
from audit.storage.watermark import Watermark
from marketplace.errors import BackupError
from marketplace.store import backup_file, migration, product_search, revision, schema
from marketplace.store.agreement import disagreements
from marketplace.store.backup import held
from marketplace.store.backup_file import Header

SHOWN = 5
"""Disagreements that an error names; the others are counted."""

Progress = Callable[[str, int, int], None]
"""Told the step, how much of it is done, and of how much."""


def restore(
    path: Path,
    store: Path | str,
    policy: Policy,
    watermark: Watermark,
    progress: Progress = lambda _step, _done, _total: None,
) -> Header:
    """Restore the backup at this path; give its header. Tables of an earlier revision are migrated.

    `policy` is that of the marketplace's own log. Raises `BackupError`, saying what is wrong, or `LogError`, and
    has left nothing in the database.
    """
    header = backup_file.verify(path)  # 1
    if header.origin != policy.log.name:
        raise BackupError(
            f"{path}: of the log {header.origin}, not of {policy.log.name}; name one of its own"
        )  # 1
    try:
        with migration.changing(store) as connection:
            _require_empty(connection)  # 2
            _fill(connection, path, header, progress)
            _check_log(connection, policy, watermark, progress)
            _check_states(connection, policy.party, progress)  # 5
    except SQLAlchemyError as error:
        raise BackupError(f"it cannot be restored: {getattr(error, 'orig', None) or error}") from error
    return header


def _require_empty(connection: Connection) -> None:
    ours = {*log_metadata.tables, *schema.metadata.tables, revision.versions.name}
    if there := sorted(ours.intersection(inspect(connection).get_table_names())):
        raise BackupError(
            f"the database is not empty: it has {', '.join(there[:3])} and more; "
            "name a new file, or a new database, in the configuration"
        )


def _fill(connection: Connection, path: Path, header: Header, progress: Progress) -> None:
    if header.revision not in migration.revisions():
        raise BackupError(f"{path}: of revision {header.revision}, of a later Veilmart; restore with that")  # 2
    log_metadata.create_all(connection)
    migration.migrate_within(connection, header.revision)
    tables = {table.name: table for table in held(connection, header.revision)}
    for told in header.tables:
        if told.name not in tables or {*told.columns} != {*tables[told.name].columns.keys()}:
            raise BackupError(f"{path}: its table {told.name} is none of revision {header.revision}")  # 2
    if missing := sorted({*tables} - {told.name for told in header.tables}):
        raise BackupError(f"{path}: without {', '.join(missing)}, which revision {header.revision} has")  # 2
    references = _without_references(connection, tables)
    done, total = 0, sum(told.rows for told in header.tables)
    _, pieces = backup_file.read(path)
    for piece in pieces:
        told = header.tables[piece.table]
        rows = [dict(zip(told.columns, row, strict=True)) for row in piece.rows]
        connection.execute(insert(tables[told.name]), rows)
        done += len(rows)
        progress("rows 行", done, total)
    for reference in references:
        connection.execute(AddConstraint(reference))
    _count_on(connection, tables)
    migration.migrate_within(connection, revision.HEAD)
    product_search.renew(connection)


def _without_references(connection: Connection, tables: dict[str, Table]) -> list[ForeignKeyConstraint]:
    """Have PostgreSQL too not look at references until all rows are there; give what to add again."""
    if connection.dialect.name == "sqlite":
        return []
    found = [key for table in tables.values() for key in table.foreign_key_constraints]
    for reference in found:
        connection.execute(DropConstraint(reference))
    return found


def _count_on(connection: Connection, tables: dict[str, Table]) -> None:
    """Have PostgreSQL number new rows behind those that are there; SQLite does by itself."""
    if connection.dialect.name == "sqlite":
        return
    for table in tables.values():
        if len(table.primary_key) == 1:
            (column,) = table.primary_key
            named = {"table": f'"{table.name}"', "column": column.name}
            sequence = connection.scalar(text("SELECT pg_get_serial_sequence(:table, :column)"), named)
            last = None if sequence is None else connection.scalar(select(func.max(column)))
            if last is not None:
                connection.execute(text("SELECT setval(:name, :last)"), {"name": sequence, "last": last})


def _check_log(connection: Connection, policy: Policy, watermark: Watermark, progress: Progress) -> None:
    total = connection.scalar(select(func.count()).select_from(entries)) or 0
    keys = [witness.key for witness in policy.witnesses]
    try:
        check(
            connection,
            policy.log,
            policy.party,
            policy.operator,
            lambda done: progress("log 日志", done, total),
            witnesses=keys,
        )  # 3
    except DamageError as error:
        raise BackupError(f"its log is damaged: {error}; use another backup") from error
    watermark.check_root(lambda size: root_of(connection, size))  # 4


def _check_states(connection: Connection, market: str, progress: Progress) -> None:
    total = connection.scalar(select(func.count()).select_from(entries)) or 0
    wrong = disagreements(connection, _counted(connection, total, progress), market)
    shown = list(islice(wrong, SHOWN))
    if shown:
        more = sum(1 for _ in wrong)
        others = f"; and {more} more" if more else ""
        raise BackupError(f"the tables are not what the log tells: {'; '.join(shown)}{others}; use another backup")


def _counted(connection: Connection, total: int, progress: Progress) -> Iterator[Entry]:
    rows = select(entries.c["index"], entries.c.data).order_by(entries.c["index"])
    for index, data in connection.execute(rows.execution_options(yield_per=1000)):
        yield parse_stored(index, data)
        progress("states 状态", index + 1, total)
