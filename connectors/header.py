"""The check of a CSV file's first line, before anything is loaded.

DuckDB with declared columns ignores the header's names: two swapped columns would load without a word.
"""

import csv
from collections.abc import Sequence

from connectors.base import Column
from connectors.errors import (
    HeaderError,
    MissingHeaderError,
    RepeatedHeaderError,
    SwappedHeaderError,
    UnknownHeaderError,
    shown,
)

SHOWN_NAMES = 5  # in one message


def check_header(source: str, line: str, columns: Sequence[Column]) -> None:
    """Return if the line names exactly the declared columns in their order.

    Raises `HeaderError`, or the one of its four kinds that fits. Names of a header are metadata and are shown;
    but where no name is a declared one the line is taken for data, of which nothing is shown.
    """
    declared = [column.name for column in columns]
    names = _split(line)
    advice = f"write as first line: {','.join(declared)}"
    if not set(names) & set(declared):
        raise HeaderError(source, f"the first line names none of the declared columns; {advice}", line=1)
    if repeated := [name for name in declared if names.count(name) > 1]:
        raise RepeatedHeaderError(source, f"repeated columns {_listed(repeated)}; {advice}", line=1)
    if unknown := [name for name in names if name not in declared]:
        raise UnknownHeaderError(source, f"unknown columns {_listed(unknown)}; {advice}", line=1)
    if missing := [name for name in declared if name not in names]:
        raise MissingHeaderError(source, f"missing columns {_listed(missing)}; {advice}", line=1)
    if swapped := [name for name, place in zip(names, declared, strict=True) if name != place]:
        raise SwappedHeaderError(source, f"columns in another order: {_listed(swapped)}; {advice}", line=1)


def _split(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return []  # not a list of names at all: refused as a line that names no column


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(map(shown, names[:SHOWN_NAMES])) + more
