"""Rows by many keys of several columns at once."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, false, or_

AT_ONCE = 200
"""Keys in one condition: SQLite takes expressions of a depth up to 1,000."""


def has_any(columns: Sequence[ColumnElement[str]], keys: Collection[Sequence[str]]) -> ColumnElement[bool]:
    """Say that the columns together are one of at most `AT_ONCE` keys.

    Not by `(a, b) IN (…)`: SQLite reads the whole table for that, where it looks each of these up by its index.
    """
    each = (and_(*(column == part for column, part in zip(columns, key, strict=True))) for key in keys)
    return or_(false(), *each)
