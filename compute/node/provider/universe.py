"""The rows of a provider, numbered once for ever in the order in which they were first seen.

A number stays with its enterprise over refreshes and cohorts: what was told of a row is told of it still. They are
kept in pieces, one for each time that new ones came, each sealed for its place.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, func, insert, select

from compute.at_rest import AtRest

METADATA = MetaData()
_PIECES = Table(
    "disclosure_rows",
    METADATA,
    Column("first", Integer, primary_key=True, autoincrement=False),  # the number of the piece's first row
    Column("rows", Integer, nullable=False),
    Column("subjects", LargeBinary, nullable=False),  # sealed: codes in ASCII, one a line
)


def rows(connection: Connection, at_rest: AtRest, subjects: Sequence[str]) -> NDArray[np.int64]:
    """Give the number of each subject's row; those never seen before get the next ones, in this transaction.

    Raises :class:`compute.at_rest.AtRestError` for a piece that was altered.
    """
    number_of: dict[str, int] = {}
    for piece in connection.execute(select(_PIECES).order_by(_PIECES.c.first)):
        seen = at_rest.open(piece.subjects, *_place(piece.first)).decode("ascii").split("\n")
        number_of.update(zip(seen, range(piece.first, piece.first + len(seen)), strict=True))
    first = len(number_of)
    for subject in subjects:
        number_of.setdefault(subject, len(number_of))
    if len(number_of) > first:
        new = list(number_of)[first:]
        sealed = at_rest.seal("\n".join(new).encode("ascii"), *_place(first))
        connection.execute(insert(_PIECES).values(first=first, rows=len(new), subjects=sealed))
    return np.fromiter((number_of[subject] for subject in subjects), dtype=np.int64, count=len(subjects))


def count(connection: Connection) -> int:
    """Give how many rows are numbered."""
    return int(connection.execute(select(func.coalesce(func.sum(_PIECES.c.rows), 0))).scalar_one())


def _place(first: int) -> tuple[str, ...]:
    return _PIECES.name, "subjects", str(first)
