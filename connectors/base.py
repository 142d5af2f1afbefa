"""What a source gives: a table that was read once, checked, and does not change.

Every connector loads its source into an in-memory DuckDB of its own, in a table `DATA` whose rows stand in the
source's order, and wraps it in a `Table`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self

import duckdb
import numpy as np
import pandas as pd

from connectors.errors import ClosedError, DeclarationError, UnknownColumnError, shown

DATA = "data"
DIGITS = 18  # of an integer, or of a decimal with all its decimals: the most that always fits 64 bits

_NAME = re.compile("[a-z][a-z0-9_-]{0,63}")


class ColumnType(StrEnum):
    """What a column may hold."""

    KEY = "key"  # the subject's USCC; never missing, unique
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"  # exact, with `scale` decimals
    DATE = "date"  # ISO 8601, 1000-01-01 to 9999-12-31


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, type, and for a decimal its number of decimals (`scale`, 1 to 17)."""

    name: str
    type: ColumnType
    scale: int = 0

    def __post_init__(self) -> None:
        """Raise `DeclarationError` for a name or scale that cannot be."""
        if _NAME.fullmatch(self.name) is None:
            raise DeclarationError(f"column {shown(self.name)!r}: name it with {_NAME.pattern}")
        scales = range(1, DIGITS) if self.type is ColumnType.DECIMAL else range(1)
        if self.scale not in scales:
            raise DeclarationError(
                f"column {self.name}: a scale of {self.scale} does not fit the type {self.type}; "
                f"give {scales.start} to {scales.stop - 1}"
            )

    @property
    def sql(self) -> str:
        """The name as an identifier of SQL; `_NAME` has no quote, so nothing needs escaping."""
        return f'"{self.name}"'


def key_of(columns: Sequence[Column]) -> Column:
    """Give the key among the columns of one table.

    Raises `DeclarationError` if there is not exactly one key, or if a name is repeated.
    """
    names = [column.name for column in columns]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DeclarationError(f"columns {', '.join(repeated)} are declared more than once; declare each once")
    keys = [column for column in columns if column.type is ColumnType.KEY]
    if len(keys) != 1:
        raise DeclarationError(f"{len(keys)} columns are of type key; declare exactly one")
    return keys[0]


class Table:
    """A source's rows as they were at one moment.

    `snapshot` is the SHA-256 of the source's bytes in hexadecimal and names that moment; `columns` are the
    declared ones in the source's order; `rows` counts the rows. A context manager: leaving it frees the rows.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, columns: Sequence[Column], snapshot: str, rows: int
    ) -> None:
        self._connection = connection
        self._by_name = {column.name: column for column in columns}
        self._key = key_of(columns)
        self.columns: Final = tuple(columns)
        self.snapshot: Final = snapshot
        self.rows: Final = rows

    def keys(self) -> list[str]:
        """Give the key of every row, in the source's order."""
        query = f"SELECT {self._key.sql} FROM {DATA} ORDER BY rowid"  # noqa: S608 - identifiers of _NAME only
        keys: list[str] = self._fetch(query)[self._key.name].tolist()
        return keys

    def select(self, keys: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
        """Give one row per given key, in the given order, under the plain index 0, 1, 2.

        A key that the table lacks has all its columns missing. Key and text are of dtype object (str, or None
        for missing); integer and decimal are Int64 in units of 10^-scale (`pd.NA`); a date is datetime64[us]
        (`pd.NaT`). Missing and empty are one: a source's empty text comes back as None.

        Raises `UnknownColumnError` for a column that the table does not have.
        """
        if unknown := [name for name in columns if name not in self._by_name]:
            raise UnknownColumnError(
                f"the table has no column {', '.join(map(shown, unknown))}; it has {', '.join(self._by_name)}"
            )
        asked = [self._by_name[name] for name in dict.fromkeys(columns)]
        wanted = pd.DataFrame({"position": np.arange(len(keys)), "key": pd.Series(list(keys), dtype=object)})
        query = (
            f"SELECT {', '.join(['position', *(f'{DATA}.{column.sql}' for column in asked)])} FROM wanted "  # noqa: S608 - identifiers of _NAME only
            f"LEFT JOIN {DATA} ON {DATA}.{self._key.sql} = CAST(wanted.key AS VARCHAR) ORDER BY position"
        )
        cells = self._fetch(query, wanted)
        frame = pd.DataFrame({column.name: _series(column, cells[column.name]) for column in asked}, wanted.index)
        return frame[list(columns)]

    def close(self) -> None:
        """Free the rows; asking for them afterwards raises `ClosedError`. Closing twice does nothing."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fetch(self, query: str, wanted: pd.DataFrame | None = None) -> dict[str, Any]:
        failure = ""
        try:
            # A cursor per call has views of its own, so that threads may share a table.
            with self._connection.cursor() as cursor:
                if wanted is not None:
                    cursor.register("wanted", wanted)
                return cursor.execute(query).fetchnumpy()
        except (duckdb.Error, UnicodeError) as error:
            failure = type(error).__name__  # its text may hold a value: errors.py
        raise ClosedError(f"the table gave no answer ({failure}); open the source again")


def _series(column: Column, cells: Any) -> pd.Series:  # noqa: ANN401 - fetchnumpy's arrays, masked if need be
    values, missing = np.ma.getdata(cells), np.ma.getmaskarray(cells)
    match column.type:
        case ColumnType.INTEGER | ColumnType.DECIMAL:
            return pd.Series(pd.arrays.IntegerArray(values.astype(np.int64, copy=False), missing))
        case ColumnType.DATE:
            return pd.Series(values.astype("datetime64[us]", copy=False)).mask(missing)
        case ColumnType.KEY | ColumnType.TEXT:
            values[missing] = None
            return pd.Series(values, dtype=object)
