"""A provider's alignments: whose they are, how many ids each bank had aligned, and the cohorts that came of them.

    counted    its rows are counted for the bank, for ever, whatever becomes of it
    open       the session is kept: the secret, the order of the rows, the bank's points times the secret
    complete   the cohort is kept, and the session erased
    lapsed     nothing came back in time; the session is erased

Sessions and cohorts are sealed (`compute.at_rest`): who reads the file learns neither who is a bank's
customer nor how to find out. What is erased is overwritten (`audit.database`) once the write-ahead log is
emptied.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    select,
    update,
)
from sqlalchemy import insert as plain_insert

from audit.database import reader
from compute.at_rest import AtRest
from compute.canonical import DAY
from compute.node.wiping import wipe
from compute.protocols.alignment.messages import AlignmentStatement
from compute.protocols.alignment.points import POINT_BYTES, split
from compute.protocols.alignment.provider import Kept, Limits, Session
from compute.signing import digest

OPEN_FOR = DAY
"""Milliseconds that a session waits for the points to come back."""

_SUBJECT_BYTES = 18  # of a unified social credit code
_NONE = bytes(_SUBJECT_BYTES)
_COUNT_BYTES = 4

_METADATA = MetaData()
_ALIGNMENTS = Table(
    "alignments",
    _METADATA,
    Column("alignment", LargeBinary(32), primary_key=True),  # the digest of its statement
    Column("bank", Text, nullable=False, index=True),
    Column("contract", Text, nullable=False, index=True),
    Column("product", Text, nullable=False),
    Column("product_version", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("counted_at", BigInteger, nullable=False),  # UTC, milliseconds, as all times here
    Column("session", LargeBinary),  # sealed; while it is open
    Column("lapsed", Boolean, nullable=False, default=False),
    Column("at", BigInteger),  # when it was complete
    Column("returned", LargeBinary(32)),  # SHA-256 of the points that completed it
    Column("cohort", LargeBinary),  # sealed: the subject at each place, or zeros
)


@dataclass(frozen=True)
class Cohort:
    """What came of a complete alignment."""

    bank: str
    contract: str
    product: str
    product_version: str
    subjects: tuple[str | None, ...] = field(repr=False)
    """The provider's subject at each place of the bank's order, None where it has no row."""


class AlignmentStore:
    """The table over an engine of ``audit.database``: the alignment's ``Alignments``."""

    def __init__(self, engine: Engine, at_rest: AtRest) -> None:
        self._engine, self._reader, self._at_rest = engine, reader(engine), at_rest
        _METADATA.create_all(engine)

    def find(self, alignment: bytes) -> Kept | None:
        """Give the alignment, if it was ever counted."""
        query = select(
            _ALIGNMENTS.c.bank,
            _ALIGNMENTS.c.session,
            _ALIGNMENTS.c.returned,
            _ALIGNMENTS.c.at,
            _ALIGNMENTS.c.lapsed,
        ).where(_ALIGNMENTS.c.alignment == alignment)
        with self._reader.begin() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        session = None if row.session is None else self._opened(alignment, row.session)
        return Kept(row.bank, session, row.returned, row.at, lapsed=row.lapsed)

    def count(self, statement: AlignmentStatement, limits: Limits, now: int) -> str | None:
        """Count the alignment and its rows, once; give why not, and count nothing, where a limit has no room."""
        name = digest(statement)
        known = select(_ALIGNMENTS.c.rows).where(_ALIGNMENTS.c.alignment == name)
        under = select(func.count()).where(
            _ALIGNMENTS.c.contract == statement.contract, _ALIGNMENTS.c.bank == statement.bank
        )
        row = {
            "alignment": name,
            "bank": statement.bank,
            "contract": statement.contract,
            "product": statement.product,
            "product_version": statement.product_version,
            "rows": statement.rows,
            "counted_at": now,
        }
        with self._engine.begin() as connection:  # one writer after the other: nobody counts in between
            if connection.execute(known).first() is not None:
                return None
            if connection.execute(under).scalar_one() >= limits.contract_alignments:
                most = limits.contract_alignments
                return f"{statement.bank} has had {most} alignments under {statement.contract}, as many as may be"
            left = limits.bank_ids - _ids(connection, statement.bank)
            if statement.rows > left:
                return f"{statement.rows} ids asked, {max(left, 0)} left of {statement.bank}'s {limits.bank_ids}"
            connection.execute(plain_insert(_ALIGNMENTS).values(row))
        return None

    def aligned_ids(self, bank: str) -> int:
        """Give how many ids were counted for a bank, over all contracts."""
        with self._reader.begin() as connection:
            return _ids(connection, bank)

    def open(self, alignment: bytes, session: Session) -> Session | None:
        """Keep the first session of a counted alignment; give the one that is kept, None if it has ended."""
        sealed = self._at_rest.seal(_session_bytes(session), *_place("session", alignment))
        this = _ALIGNMENTS.c.alignment == alignment
        fresh = (_ALIGNMENTS.c.session.is_(None), _ALIGNMENTS.c.at.is_(None), _ALIGNMENTS.c.lapsed.is_(False))
        with self._engine.begin() as connection:
            connection.execute(update(_ALIGNMENTS).where(this, *fresh).values(session=sealed))
            kept = connection.execute(select(_ALIGNMENTS.c.session).where(this)).scalar_one()
        if kept == sealed:
            return session
        return None if kept is None else self._opened(alignment, kept)

    def complete(self, alignment: bytes, returned: bytes, subjects: Sequence[str | None], now: int) -> int | None:
        """Keep the cohort, the subject at each place or none, and erase the session; give the time.

        The time of the first if the very same points completed it before; None, and nothing, otherwise.
        """
        joined = b"".join(_NONE if subject is None else subject.encode("ascii") for subject in subjects)
        cohort = self._at_rest.seal(joined, *_place("cohort", alignment))
        this = _ALIGNMENTS.c.alignment == alignment
        done = update(_ALIGNMENTS).where(this, _ALIGNMENTS.c.session.is_not(None))
        first = select(_ALIGNMENTS.c.at).where(this, _ALIGNMENTS.c.returned == returned)
        with self._engine.begin() as connection:
            connection.execute(done.values(session=None, cohort=cohort, returned=returned, at=now))
            at: int | None = connection.execute(first).scalar_one_or_none()
        wipe(self._engine)
        return at

    def destroy(self, contract: str) -> int:
        """Delete whom the alignments of a contract found, and give how many told; that they were made stays."""
        told = _ALIGNMENTS.c.session.is_not(None) | _ALIGNMENTS.c.cohort.is_not(None)
        gone = update(_ALIGNMENTS).where(_ALIGNMENTS.c.contract == contract, told)
        with self._engine.begin() as connection:
            return connection.execute(gone.values(session=None, cohort=None, lapsed=True)).rowcount

    def lapse(self, now: int) -> int:
        """Erase the sessions for which nothing came back in time; give their number. For upkeep."""
        old = (_ALIGNMENTS.c.session.is_not(None), _ALIGNMENTS.c.counted_at < now - OPEN_FOR)
        with self._engine.begin() as connection:
            ended = connection.execute(update(_ALIGNMENTS).where(*old).values(session=None, lapsed=True)).rowcount
        if ended:
            wipe(self._engine)
        return ended

    def cohort(self, alignment: bytes) -> Cohort | None:
        """Give the cohort of an alignment that is complete."""
        query = select(_ALIGNMENTS).where(_ALIGNMENTS.c.alignment == alignment, _ALIGNMENTS.c.at.is_not(None))
        with self._reader.begin() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        joined = self._at_rest.open(row.cohort, *_place("cohort", alignment))
        subjects = tuple(None if each == _NONE else each.decode("ascii") for each in _cut(joined, _SUBJECT_BYTES))
        return Cohort(row.bank, row.contract, row.product, row.product_version, subjects)

    def _opened(self, alignment: bytes, sealed: bytes) -> Session:
        return _session(self._at_rest.open(sealed, *_place("session", alignment)))


def _ids(connection: Connection, bank: str) -> int:
    rows = select(func.coalesce(func.sum(_ALIGNMENTS.c.rows), 0)).where(_ALIGNMENTS.c.bank == bank)
    return int(connection.execute(rows).scalar_one())


def _session_bytes(session: Session) -> bytes:
    """Secret ‖ number of own rows ‖ their subjects ‖ the products."""
    order = "".join(session.order).encode("ascii")
    count = len(session.order).to_bytes(_COUNT_BYTES, "big")
    return b"".join([session.secret, count, order, *session.products])


def _session(data: bytes) -> Session:
    start = POINT_BYTES + _COUNT_BYTES
    end = start + _SUBJECT_BYTES * int.from_bytes(data[POINT_BYTES:start], "big")
    order = tuple(each.decode("ascii") for each in _cut(data[start:end], _SUBJECT_BYTES))
    return Session(data[:POINT_BYTES], order, tuple(split(data[end:])))


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _place(column: str, alignment: bytes) -> tuple[str, ...]:
    return _ALIGNMENTS.name, column, alignment.hex()
