"""CSV files (RFC 4180, UTF-8, comma, header) as tables.

Two passes: `connectors.lines` proves that a row is a line, DuckDB then loads every cell as text and takes the
values by the rules of `connectors.cells`. A cell that is empty, in quotes or not, is missing: DuckDB does not
tell them apart, and neither do the sources.
"""

import glob
import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import duckdb

from connectors.base import DATA, Column, Table, key_of
from connectors.cells import rule, value_sql
from connectors.errors import CellError, ChangedError, RepeatedKeyError, UnreadableError
from connectors.lines import Scan, scan
from connectors.uscc import wrong_checks

MEMORY = "4GB"  # of one table; a million rows of 20 columns take 0.6 GB
KEY_BATCH = 100_000  # keys checked at a time

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": MEMORY,
    "temp_directory": "",  # rows are not spilled to a disk
    "preserve_insertion_order": True,
    "python_enable_replacements": False,  # SQL does not see Python's variables
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def open_csv(path: Path, columns: Sequence[Column]) -> Table:
    """Give the file's rows as a checked table; `columns` are the file's, in its order.

    The table's DuckDB can reach no file, network or extension from then on, this file included.

    Raises `DeclarationError` for columns that make no table and the `SourceError` that fits for everything
    wrong with the file; the first fault found is the one told.
    """
    key = key_of(columns)
    try:
        before = scan(path, columns)
    except OSError as error:  # holds a path and no value
        raise UnreadableError(path.name, f"{error.strerror}; check the path and its permissions") from error
    with ExitStack() as stack:
        connection = stack.enter_context(duckdb.connect(config=CONFIG))
        try:
            _load(connection, path, columns)
            _check_unchanged(path, before)
            _check_rows(connection, path.name, before)
            _check_cells(connection, path.name, columns)
            _check_keys(connection, path.name, key)
        except duckdb.Error as error:
            failure = type(error).__name__  # its text may hold a row: errors.py
        else:
            stack.pop_all()  # the connection now is the table's to close
            return Table(connection, columns, before.digest, before.rows)
    _check_unchanged(path, before)
    raise UnreadableError(path.name, f"not loaded ({failure}, with {MEMORY} of memory); split a large file")


def _load(connection: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[Column]) -> None:
    """Fill `DATA` with the columns and "#fault", then close the connection to the world outside.

    "#fault" is the position (from 1) of the row's first column whose cell breaks its rule, 0 where the key is
    missing, else NULL. No column can be called so.
    """
    values = ", ".join(f"{value_sql(column, f'cells.{column.sql}')} AS {column.sql}" for column in columns)
    given = ", ".join(f'cells.{column.sql} IS NOT NULL AS "#given {column.name}"' for column in columns)
    faults = " ".join(
        f'WHEN "#given {column.name}" AND {column.sql} IS NULL THEN {position}'
        for position, column in enumerate(columns, 1)
    )
    query = f"""
        CREATE TABLE {DATA} AS
        WITH cells AS (
            FROM read_csv($path, columns = $types, auto_detect = false, header = true,
                delim = ',', quote = '"', escape = '"', nullstr = '', strict_mode = true,
                compression = 'none', encoding = 'utf-8', hive_partitioning = false)
        ), typed AS (SELECT {values}, {given} FROM cells)
        SELECT {", ".join(column.sql for column in columns)},
            CASE WHEN NOT "#given {key_of(columns).name}" THEN 0 {faults} END AS "#fault"
        FROM typed
    """  # noqa: S608 - identifiers of Column only
    # DuckDB takes a path for a pattern: a[1].csv would read a1.csv.
    pattern = glob.escape(str(path.resolve()))
    connection.execute(query, {"path": pattern, "types": {column.name: "VARCHAR" for column in columns}})
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _check_unchanged(path: Path, before: Scan) -> None:
    """Raise if the file is not what was digested; one that was changed and changed back meanwhile passes."""
    try:
        with path.open("rb") as stream:
            after = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        after = "gone"  # which is a change as well
    if after != before.digest:
        raise ChangedError(path.name, "the file changed while it was read; open it again when it is written")


def _check_rows(connection: duckdb.DuckDBPyConnection, source: str, before: Scan) -> None:
    ((rows,),) = connection.execute(f"SELECT count(*) FROM {DATA}").fetchall()  # noqa: S608 - a constant
    if rows != before.rows:
        raise UnreadableError(source, f"{rows} rows loaded from {before.rows} lines; report this file's shape")


def _check_cells(connection: duckdb.DuckDBPyConnection, source: str, columns: Sequence[Column]) -> None:
    fault = connection.execute(
        f'SELECT rowid, "#fault" FROM {DATA} WHERE "#fault" IS NOT NULL ORDER BY rowid LIMIT 1'  # noqa: S608 - a constant
    ).fetchone()
    if fault is None:
        connection.execute(f'ALTER TABLE {DATA} DROP COLUMN "#fault"')
        return
    row, position = fault
    if position == 0:
        raise CellError(
            source, "the key is missing; every row needs one", line=_line(row), column=key_of(columns).name
        )
    column = columns[position - 1]
    raise CellError(source, f"not {rule(column)}; correct the cell", line=_line(row), column=column.name)


def _check_keys(connection: duckdb.DuckDBPyConnection, source: str, key: Column) -> None:
    """Raise for the first key with a wrong check character, then for the first that stands twice."""
    stored = connection.execute(f"SELECT {key.sql} FROM {DATA} ORDER BY rowid")  # noqa: S608 - an identifier of Column
    first = 0
    while batch := stored.fetchmany(KEY_BATCH):
        wrong = wrong_checks([code for (code,) in batch])
        if wrong.any():
            row = int(wrong.nonzero()[0][0])
            raise CellError(
                source,
                f"check character {wrong[row]} of the USCC does not match; look for a typing mistake",
                line=_line(first + row),
                column=key.name,
            )
        first += len(batch)
    repeated = connection.execute(
        f"SELECT min(rowid, 2) AS places FROM {DATA} GROUP BY {key.sql} HAVING count(*) > 1 "  # noqa: S608 - an identifier of Column
        "ORDER BY places LIMIT 1"
    ).fetchone()
    if repeated is not None:
        one, other = map(_line, repeated[0])
        raise RepeatedKeyError(
            source, f"the same key as on line {one}; keep one of the two", line=other, column=key.name
        )


def _line(row: int) -> int:
    """Give the line of a row counted from 0: lines count from 1, and the header is one."""
    return row + 2
