"""The disclosure ledger of a provider: what statistics have cost, what was answered, what can be told apart by it.

    release   a question of a bank with its stored answer and its cost; what is spent is the sum of these, there is
              no second count
    rest      a job whose answer is, or repeats, a release
    column    what a bank was told of a column: all codes that it was told from, one after another, and atoms
              (`compute.disclosure.refresh`)

Everything changes in the transaction that stores the answer (PROTOCOLS.md §6), before anything is sent: neither
two jobs at once nor a crash spends more than the budget, or draws noise twice for one question. What a job was
made from is read in an earlier transaction; a column that was written since, or a question answered since, makes
it outdated.

A release is dropped, and its cost given back, when every job that rests on it is buried: nobody has read it. The
atoms stay as they are, finer than they need be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    and_,
    delete,
    exists,
    func,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import ColumnElement

from compute.at_rest import AtRest
from compute.disclosure.policy import Policy
from compute.disclosure.refresh import KeptColumn
from compute.protocols.base import RefusalError

CHECK = 9
"""The number of this check among the provider's of a job."""

METADATA = MetaData()
_RELEASES = Table(
    "disclosure_releases",
    METADATA,
    Column("bank", Text, primary_key=True),
    Column("question", LargeBinary(32), primary_key=True),  # its digest
    Column("milliepsilon", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),  # sealed
)
_RESTS = Table(
    "disclosure_rests",
    METADATA,
    Column("job", LargeBinary(32), primary_key=True),
    Column("bank", Text, primary_key=True),
    Column("question", LargeBinary(32), primary_key=True),
    Index("disclosure_rests_by_question", "bank", "question"),
)
_COLUMNS = Table(
    "disclosure_columns",
    METADATA,
    Column("bank", Text, primary_key=True),
    Column("column", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("grid", Text, nullable=False),
    Column("codes", LargeBinary, nullable=False),  # sealed, as `_packed` has it
    Column("atoms", LargeBinary, nullable=False),  # sealed
)
Columns = ReadOnlyColumnCollection[str, Column[Any]]
_SMALLER = (np.uint8, np.uint16, np.int32)
"""In which numbers of atoms are kept, the first that fits."""


class OutdatedError(Exception):
    """What a release was made from has changed since it was read; read it again and make the release anew."""


@dataclass(frozen=True)
class Release:
    """What one question of a bank is answered with, and what it costs."""

    question: bytes
    bank: str
    job: bytes
    milliepsilon: int
    """0 for an exact answer, which is told from the others by atoms alone."""
    content: bytes
    """Final: it is what a repeated question is answered with."""
    columns: Mapping[str, KeptColumn] = field(default_factory=dict)
    """What is kept of each column that the answer tells of, with the version that was read."""


def spend(connection: Connection, at_rest: AtRest, release: Release, policy: Policy) -> None:
    """Charge a release and keep it with its columns.

    Raises RefusalError by check 9 if a budget has no room for it, without telling which budget it is nor who spent
    it, and `OutdatedError`; the caller then rolls its transaction back.
    """
    if _read(connection, release.bank, release.question) is not None:
        raise OutdatedError("the question has been answered meanwhile; give the stored answer")
    require_affordable(connection, release.bank, release.milliepsilon, policy)
    named = {"bank": release.bank, "question": release.question}
    content = at_rest.seal(release.content, *_of_release(release.bank, release.question))
    connection.execute(
        insert(_RELEASES).values(named | {"milliepsilon": release.milliepsilon, "content": content})
    )
    _rest(connection, release.bank, release.question, release.job)
    for column, kept_column in release.columns.items():
        _keep(connection, at_rest, release.bank, column, kept_column)


def require_affordable(connection: Connection, bank: str, milliepsilon: int, policy: Policy) -> None:
    """Return if the budgets have room for this cost; raise RefusalError by check 9 as :func:`spend` does."""
    by_bank, by_all = spent(connection, bank)
    if milliepsilon < 0 or milliepsilon > policy.question_milliepsilon:
        raise RefusalError(CHECK, "a question may not cost this much", "name a smaller ε")
    if (
        by_bank + milliepsilon > policy.bank_milliepsilon or by_all + milliepsilon > policy.all_milliepsilon
    ) and milliepsilon:
        raise RefusalError(
            CHECK,
            "the budget for statistics has no room for this question",
            "name a smaller ε, or ask an earlier question again: its answer costs nothing",
        )


def stored(connection: Connection, at_rest: AtRest, bank: str, question: bytes, job: bytes) -> bytes | None:
    """Give what the bank's question was answered with, on which this job rests from now; None if it was not.

    To be called in the transaction that stores the job's answer, and before it with :func:`answered`.
    """
    content = answered(connection, at_rest, bank, question)
    if content is not None:
        _rest(connection, bank, question, job)
    return content


def answered(connection: Connection, at_rest: AtRest, bank: str, question: bytes) -> bytes | None:
    """Give the content with which the bank's question was answered, None if it was not; nothing is written."""
    content = _read(connection, bank, question)
    return None if content is None else at_rest.open(content, *_of_release(bank, question))


def refund(connection: Connection, job: bytes) -> None:
    """Drop the releases that rest on this job alone, and with them their cost: it is buried, and none was read."""
    others = _RESTS.alias()
    own = and_(
        exists().where(_RESTS.c.job == job, _same(_RESTS.c, _RELEASES.c)),
        ~exists().where(others.c.job != job, _same(others.c, _RELEASES.c)),
    )
    connection.execute(delete(_RELEASES).where(own))
    connection.execute(delete(_RESTS).where(_RESTS.c.job == job))


def kept(connection: Connection, at_rest: AtRest, bank: str, column: str) -> KeptColumn | None:
    """Give what the bank was last told of a column; None if nothing yet."""
    query = select(_COLUMNS).where(_COLUMNS.c.bank == bank, _COLUMNS.c.column == column)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    atoms = _unpacked(at_rest.open(row.atoms, *_of_column("atoms", bank, column))).astype(np.int32)
    joined = _unpacked(at_rest.open(row.codes, *_of_column("codes", bank, column)))
    codes, *earlier = joined.reshape(-1, len(atoms)) if len(atoms) else [joined]
    return KeptColumn(codes, atoms, row.version, tuple(earlier), row.grid)


def spent(connection: Connection, bank: str) -> tuple[int, int]:
    """Give what the questions of this bank have cost, and those of all, in thousandths of ε."""
    cost = func.coalesce(func.sum(_RELEASES.c.milliepsilon), 0)
    of_bank = connection.execute(select(cost).where(_RELEASES.c.bank == bank)).scalar_one()
    return int(of_bank), int(connection.execute(select(cost)).scalar_one())


def _keep(connection: Connection, at_rest: AtRest, bank: str, column: str, new: KeptColumn) -> None:
    """Put a column in the place of the version that it was made from; raise `OutdatedError` if that is gone."""
    named = and_(_COLUMNS.c.bank == bank, _COLUMNS.c.column == column)
    present = connection.execute(select(_COLUMNS.c.version).where(named)).scalar_one_or_none() or 0
    if present != new.version:
        raise OutdatedError(f"{column} was told of meanwhile; read what is kept of it again")
    atoms = new.atoms.astype(next(kind for kind in _SMALLER if new.atoms.max(initial=0) <= np.iinfo(kind).max))
    row = {
        "version": present + 1,
        "grid": new.grid,
        "codes": at_rest.seal(_packed(np.concatenate(new.told)), *_of_column("codes", bank, column)),
        "atoms": at_rest.seal(_packed(atoms), *_of_column("atoms", bank, column)),
    }
    statement = insert(_COLUMNS).values(row | {"bank": bank, "column": column})
    connection.execute(statement.on_conflict_do_update(index_elements=["bank", "column"], set_=row))


def _rest(connection: Connection, bank: str, question: bytes, job: bytes) -> None:
    connection.execute(insert(_RESTS).values(job=job, bank=bank, question=question).on_conflict_do_nothing())


def _read(connection: Connection, bank: str, question: bytes) -> bytes | None:
    query = select(_RELEASES.c.content).where(_RELEASES.c.bank == bank, _RELEASES.c.question == question)
    return connection.execute(query).scalar_one_or_none()


def _same(rests: Columns, releases: Columns) -> ColumnElement[bool]:
    return and_(rests.bank == releases.bank, rests.question == releases.question)


def _packed(array: np.ndarray) -> bytes:
    """Give a type of NumPy, little-endian, and the array's bytes in it."""
    little = array.astype(array.dtype.newbyteorder("<"))
    return little.dtype.str.encode().ljust(4) + little.tobytes()


def _unpacked(packed: bytes) -> np.ndarray:
    return np.frombuffer(packed, dtype=packed[:4].decode().strip(), offset=4)


def _of_release(bank: str, question: bytes) -> tuple[str, ...]:
    return _RELEASES.name, "content", bank, question.hex()


def _of_column(part: str, bank: str, column: str) -> tuple[str, ...]:
    return _COLUMNS.name, part, bank, column
