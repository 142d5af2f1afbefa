"""A provider's answers, stored durably before they are sent (PROTOCOLS.md §4.4), and with them the uses counted.

A use is a row of a stored answer: there is no second count that could differ.
"""

from sqlalchemy import (
    BigInteger,
    Column,
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
from compute.protocols.risk_score.messages import Answer, JobStatement
from compute.signing import Signed

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


class AnswerStore:
    """The table of answers; an engine of ``audit.database`` makes each commit durable."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reader = engine, reader(engine)
        _METADATA.create_all(engine)

    def by_nonce(self, bank: str, nonce: bytes) -> Signed[Answer] | None:
        """Give the answer to the bank's job that used this nonce."""
        return self._find(_named(bank, nonce))

    def by_job(self, job: bytes) -> Signed[Answer] | None:
        """Give the answer to the job with this digest."""
        return self._find(_ANSWERS.c.job == job)

    def put(self, job: JobStatement, answer: Signed[Answer], max_uses: int) -> Signed[Answer] | None:
        """Store the answer unless its bank's nonce has one; give the one that is stored, durably.

        None, and nothing, if its rows and those of the permit's other answers are more than ``max_uses``.
        """
        bank, permit = answer.statement.bank, job.permit_at(answer.statement.provider)
        row = {
            "bank": bank,
            "nonce": job.nonce,
            "job": answer.statement.job,
            "answer": encode(answer),
            "permit": permit,
            "rows": job.rows,
        }
        stored = select(_ANSWERS.c.answer).where(_named(bank, job.nonce))
        with self._engine.begin() as connection:
            kept = connection.execute(stored).scalar_one_or_none()
            if kept is None:
                if connection.execute(_uses(permit)).scalar_one() + job.rows > max_uses:
                    return None
                kept = connection.execute(insert(_ANSWERS).values(row).returning(_ANSWERS.c.answer)).scalar_one()
        return decode(kept, Signed[Answer])

    def used(self, permit: str) -> int:
        """Give how many uses were counted under this permit."""
        with self._reader.begin() as connection:
            return connection.execute(_uses(permit)).scalar_one()

    def permit_of(self, job: bytes) -> str | None:
        """Give the permit under which the job with this digest was answered."""
        with self._reader.begin() as connection:
            return connection.execute(select(_ANSWERS.c.permit).where(_ANSWERS.c.job == job)).scalar_one_or_none()

    def acknowledge(self, job: bytes, now: int) -> int:
        """Note that the answer to this job was acknowledged; give the time at which it first was."""
        first = update(_ANSWERS).where(_ANSWERS.c.job == job, _ANSWERS.c.acknowledged_at.is_(None))
        with self._engine.begin() as connection:
            connection.execute(first.values(acknowledged_at=now))
            return int(
                connection.execute(select(_ANSWERS.c.acknowledged_at).where(_ANSWERS.c.job == job)).scalar_one()
            )

    def _find(self, condition: ColumnElement[bool]) -> Signed[Answer] | None:
        with self._reader.begin() as connection:
            stored = connection.execute(select(_ANSWERS.c.answer).where(condition)).scalar_one_or_none()
        return None if stored is None else decode(stored, Signed[Answer])


def _named(bank: str, nonce: bytes) -> ColumnElement[bool]:
    return and_(_ANSWERS.c.bank == bank, _ANSWERS.c.nonce == nonce)


def _uses(permit: str | None) -> Select[int]:
    return select(func.coalesce(func.sum(_ANSWERS.c.rows), 0)).where(_ANSWERS.c.permit == permit)
