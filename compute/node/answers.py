"""A provider's answers, stored durably before they are sent (PROTOCOLS.md §4.4)."""

from sqlalchemy import BigInteger, Column, Engine, LargeBinary, MetaData, Table, Text, and_, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.elements import ColumnElement

from compute.canonical import decode, encode
from compute.protocols.risk_score.messages import Answer
from compute.signing import Signed

_METADATA = MetaData()
_ANSWERS = Table(
    "answers",
    _METADATA,
    Column("bank", Text, primary_key=True),
    Column("nonce", LargeBinary(32), primary_key=True),
    Column("job", LargeBinary(32), nullable=False, unique=True),
    Column("answer", LargeBinary, nullable=False),
    Column("acknowledged_at", BigInteger),  # UTC, milliseconds; null until the bank's receipt came
)


class AnswerStore:
    """The table of answers; an engine of ``audit.database`` makes each commit durable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        _METADATA.create_all(engine)

    def by_nonce(self, bank: str, nonce: bytes) -> Signed[Answer] | None:
        """Give the answer to the bank's job that used this nonce."""
        return self._find(_named(bank, nonce))

    def by_job(self, job: bytes) -> Signed[Answer] | None:
        """Give the answer to the job with this digest."""
        return self._find(_ANSWERS.c.job == job)

    def put(self, nonce: bytes, answer: Signed[Answer]) -> Signed[Answer]:
        """Store the answer unless its bank's nonce has one; give the one that is stored, durably."""
        bank = answer.statement.bank
        row = {"bank": bank, "nonce": nonce, "job": answer.statement.job, "answer": encode(answer)}
        with self._engine.begin() as connection:
            connection.execute(insert(_ANSWERS).values(row).on_conflict_do_nothing())
            stored = connection.execute(select(_ANSWERS.c.answer).where(_named(bank, nonce))).scalar_one()
        return decode(stored, Signed[Answer])

    def acknowledge(self, job: bytes, now: int) -> int:
        """Note that the answer to this job was acknowledged; give the time at which it first was."""
        first = update(_ANSWERS).where(_ANSWERS.c.job == job, _ANSWERS.c.acknowledged_at.is_(None))
        with self._engine.begin() as connection:
            connection.execute(first.values(acknowledged_at=now))
            return int(
                connection.execute(select(_ANSWERS.c.acknowledged_at).where(_ANSWERS.c.job == job)).scalar_one()
            )

    def _find(self, condition: ColumnElement[bool]) -> Signed[Answer] | None:
        with self._engine.begin() as connection:
            stored = connection.execute(select(_ANSWERS.c.answer).where(condition)).scalar_one_or_none()
        return None if stored is None else decode(stored, Signed[Answer])


def _named(bank: str, nonce: bytes) -> ColumnElement[bool]:
    return and_(_ANSWERS.c.bank == bank, _ANSWERS.c.nonce == nonce)
