"""What follows from a contract's salts for the subjects of a large job, kept between its first check and its answer.

A job is checked when it comes and again when it is answered, in another process. Which consents stand and whether a
subject was erased is found anew each time; the commitments and values themselves, six hashes and an HMAC for each
subject, are what they were as long as the contract's salts are. So they are kept with the salts and go with them: the
transaction that erases a salt deletes all that was derived under the contract. Sealed (`compute.node.at_rest`) for
their job: who alters the file gets no other subject admitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    or_,
    select,
)

from audit.database import reader
from audit.salts import KEY_SIZE
from compute.canonical import DAY
from compute.node.at_rest import AtRest
from compute.node.salts import mark_in

KEPT_FOR = 7 * DAY
"""Of a job that was never answered: milliseconds until the next large one deletes it. Then it is derived again."""

METADATA = MetaData()
_SALTED = Table(
    "salted_jobs",
    METADATA,
    Column("job", LargeBinary(32), primary_key=True),  # the digest of its statement
    Column("contract", Text, nullable=False, index=True),
    Column("at", BigInteger, nullable=False, index=True),  # UTC, milliseconds
    Column("salted", LargeBinary, nullable=False),  # sealed: all commitments, then all values
)


@dataclass(frozen=True)
class Salted:
    """For each of a job's subjects, in their order: 32 bytes each, or None for one whose salt was erased."""

    commitments: Sequence[bytes | None]
    """To the consent: `compute.records.commitment`."""
    values: Sequence[bytes | None]
    """In the use: `audit.subjects.use_value`."""


class SaltedStore:
    """The table over an engine of ``audit.database``.

    Its methods raise :class:`compute.node.at_rest.AtRestError` for a row that was altered.
    """

    def __init__(self, engine: Engine, at_rest: AtRest) -> None:
        self._engine, self._reader, self._at_rest = engine, reader(engine), at_rest
        METADATA.create_all(engine)

    def find(self, contract: str, job: bytes) -> Salted | None:
        """Give what is kept for the job with this digest; None if nothing is, or a salt was erased since."""
        query = select(_SALTED.c.salted).where(_SALTED.c.job == job, _SALTED.c.contract == contract)
        with self._reader.begin() as connection:
            sealed = connection.execute(query).scalar_one_or_none()
        if sealed is None:
            return None
        data = self._at_rest.open(sealed, *_place(contract, job))
        parts = [data[start : start + KEY_SIZE] for start in range(0, len(data), KEY_SIZE)]
        return Salted(parts[: len(parts) // 2], parts[len(parts) // 2 :])

    def keep(self, contract: str, job: bytes, salted: Salted, mark: bytes, now: int) -> None:
        """Keep what was derived, none of it None, from the salts that have this mark; if they are others now, nothing."""
        data = b"".join([*salted.commitments, *salted.values])  # type: ignore[list-item] # as is said
        sealed = self._at_rest.seal(data, *_place(contract, job))
        row = {"job": job, "contract": contract, "at": now, "salted": sealed}
        old = or_(_SALTED.c.at < now - KEPT_FOR, _SALTED.c.job == job)
        with self._engine.begin() as connection:
            if mark_in(connection, contract) == mark:
                connection.execute(delete(_SALTED).where(old))
                connection.execute(insert(_SALTED).values(row))

    def forget(self, job: bytes) -> None:
        """Delete what is kept for the job with this digest."""
        with self._engine.begin() as connection:
            connection.execute(delete(_SALTED).where(_SALTED.c.job == job))


def forget_in(connection: Connection, contract: str) -> None:
    """Delete, within the transaction that erases a salt, all that was derived under its contract."""
    connection.execute(delete(_SALTED).where(_SALTED.c.contract == contract))


def _place(contract: str, job: bytes) -> tuple[str, ...]:
    return _SALTED.name, "salted", contract, job.hex()
