"""A provider's answers, stored durably before they are sent (PROTOCOLS.md §4.4), and with them the uses counted.

A use is a row of a stored answer: there is no second count that could differ. What the answer may tell is charged
to its subjects in the same transaction (`compute.node.ledger`). An answer ends in one of two ways: acknowledged,
and its key given out; or buried with its job, and its uses and charges given back. Never both.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.elements import ColumnElement

from audit.database import reader
from compute.canonical import decode, encode
from compute.node import ledger
from compute.node.provider import disclosure_ledger
from compute.protocols.base import RefusalError
from compute.protocols.closed_answer.messages import Answer, Tombstone
from compute.protocols.risk_score.charge import Affordable, Charge
from compute.protocols.risk_score.messages import JobStatement
from compute.signing import Signed, digest

_METADATA = MetaData()
_ANSWERS = Table(
    "answers",
    _METADATA,
    Column("bank", Text, primary_key=True),
    Column("nonce", LargeBinary(32), primary_key=True),
    Column("job", LargeBinary(32), nullable=False, unique=True),
    Column("answer", LargeBinary, nullable=False),
    Column("permit", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("acknowledged_at", BigInteger),  # UTC, milliseconds; null until the bank's receipt came
    Index("answers_by_permit", "permit"),
)
_TOMBSTONES = Table(
    "tombstones",
    _METADATA,
    Column("job", LargeBinary(32), primary_key=True),
    Column("bank", Text, primary_key=True),  # another bank's word about the job counts nothing
    Column("at", BigInteger, nullable=False),  # UTC, milliseconds
    Column("tombstone", LargeBinary, nullable=False),  # as the bank signed it
)


@dataclass(frozen=True)
class Counted:
    """A job as its answer is stored: whose it is, under which permit, how many uses it counts."""

    bank: str
    nonce: bytes
    job: bytes
    permit: str
    uses: int
    check: int = ledger.CHECK
    """The number by which it is refused if the permit's count is used up."""


class AnswerStore:
    """The table of answers; an engine of ``audit.database`` makes each commit durable."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reader = engine, reader(engine)
        _METADATA.create_all(engine)
        ledger.METADATA.create_all(engine)
        disclosure_ledger.METADATA.create_all(engine)

    def by_nonce(self, bank: str, nonce: bytes) -> Signed[Answer] | None:
        """Give the answer to the bank's job that used this nonce."""
        return self._find(_named(bank, nonce))

    def by_job(self, job: bytes) -> Signed[Answer] | None:
        """Give the answer to the job with this digest."""
        return self._find(_ANSWERS.c.job == job)

    def put(
        self,
        job: JobStatement,
        answer: Signed[Answer],
        max_uses: int,
        charge: Charge,
        found: Affordable | None = None,
    ) -> Signed[Answer]:
        """Store the answer unless its bank's nonce has one; give the one that is stored, durably.

        Its uses are counted and its subjects charged with it. With ``found``, from :meth:`require_affordable`,
        budgets are looked at again only if charges have changed. Raises RefusalError, and nothing is stored: by
        check 2 if the job is buried, by 9 if its rows and those of the permit's other answers are more than
        ``max_uses``, or if a subject's budget is spent.
        """
        name = digest(job)
        counted = Counted(job.bank, job.nonce, name, job.permit_at(answer.statement.provider) or "", job.rows)
        return self.store(
            counted, answer, max_uses, lambda connection: ledger.spend(connection, charge, name, found)
        )

    def store(
        self, counted: Counted, answer: Signed[Answer], max_uses: int, spend: Callable[[Connection], None]
    ) -> Signed[Answer]:
        """As :meth:`put`, for a job of any protocol; ``spend`` charges it in the transaction, or raises."""
        row = {
            "bank": counted.bank,
            "nonce": counted.nonce,
            "job": counted.job,
            "answer": encode(answer),
            "permit": counted.permit,
            "rows": counted.uses,
        }
        stored = select(_ANSWERS.c.answer).where(_named(counted.bank, counted.nonce))
        with self._engine.begin() as connection:
            if connection.execute(_buried(counted.bank, counted.job)).first() is not None:
                raise _abandoned()
            kept = connection.execute(stored).scalar_one_or_none()
            if kept is None:
                if connection.execute(_uses(counted.permit)).scalar_one() + counted.uses > max_uses:
                    reason = "the count of the permit is used up"
                    raise RefusalError(counted.check, reason, "apply for another contract")
                spend(connection)
                kept = connection.execute(insert(_ANSWERS).values(row).returning(_ANSWERS.c.answer)).scalar_one()
        return decode(kept, Signed[Answer])

    def require_affordable(self, charge: Charge) -> Affordable:
        """Raise RefusalError by check 9 if :meth:`put` would for these charges now; what it gives is for `put`."""
        with self._engine.begin() as connection:
            return ledger.require_affordable(connection, charge)

    def require_standing(self, bank: str, job: bytes) -> None:
        """Raise RefusalError by check 2 if the bank buried the job with this digest."""
        with self._reader.begin() as connection:
            if connection.execute(_buried(bank, job)).first() is not None:
                raise _abandoned()

    def used(self, permit: str) -> int:
        """Give how many uses were counted under this permit."""
        with self._reader.begin() as connection:
            return connection.execute(_uses(permit)).scalar_one()

    def permit_of(self, job: bytes) -> str | None:
        """Give the permit under which the job with this digest was answered."""
        with self._reader.begin() as connection:
            return connection.execute(select(_ANSWERS.c.permit).where(_ANSWERS.c.job == job)).scalar_one_or_none()

    def acknowledge(self, job: bytes, now: int) -> int:
        """Note that the answer to this job was acknowledged; give the time at which it first was.

        Raises RefusalError by check 2 if the job is buried.
        """
        first = update(_ANSWERS).where(_ANSWERS.c.job == job, _ANSWERS.c.acknowledged_at.is_(None))
        found = select(_ANSWERS.c.bank, _ANSWERS.c.acknowledged_at).where(_ANSWERS.c.job == job)
        with self._engine.begin() as connection:
            if connection.execute(_buried(connection.execute(found).one().bank, job)).first() is not None:
                raise _abandoned()
            connection.execute(first.values(acknowledged_at=now))
            return int(connection.execute(found).one().acknowledged_at)

    def bury(self, tombstone: Signed[Tombstone], now: int) -> int:
        """Bury a job, answered or not, and give back what it was charged; give the time at which it first was.

        Raises RefusalError by check 2 if the key of its answer was given out.
        """
        bank, job = tombstone.statement.bank, tombstone.statement.job
        row = {"job": job, "bank": bank, "at": now, "tombstone": encode(tombstone)}
        own = and_(_ANSWERS.c.job == job, _ANSWERS.c.bank == bank)
        given_out = select(_ANSWERS.c.job).where(own, _ANSWERS.c.acknowledged_at.is_not(None))
        with self._engine.begin() as connection:
            if connection.execute(given_out).first() is not None:
                raise RefusalError(2, "the key of the answer was given out", "keep the answer: the use counts")
            connection.execute(insert(_TOMBSTONES).values(row).on_conflict_do_nothing())
            if connection.execute(update(_ANSWERS).where(own).values(rows=0)).rowcount:
                ledger.refund(connection, job)
                disclosure_ledger.refund(connection, job)
            return int(connection.execute(_buried(bank, job)).scalar_one())

    def _find(self, condition: ColumnElement[bool]) -> Signed[Answer] | None:
        with self._reader.begin() as connection:
            stored = connection.execute(select(_ANSWERS.c.answer).where(condition)).scalar_one_or_none()
        return None if stored is None else decode(stored, Signed[Answer])


def _abandoned() -> RefusalError:
    return RefusalError(2, "the job was abandoned by its bank", "score under a new job")


def _buried(bank: str, job: bytes) -> Select[int]:
    return select(_TOMBSTONES.c.at).where(_TOMBSTONES.c.job == job, _TOMBSTONES.c.bank == bank)


def _named(bank: str, nonce: bytes) -> ColumnElement[bool]:
    return and_(_ANSWERS.c.bank == bank, _ANSWERS.c.nonce == nonce)


def _uses(permit: str | None) -> Select[int]:
    return select(func.coalesce(func.sum(_ANSWERS.c.rows), 0)).where(_ANSWERS.c.permit == permit)
