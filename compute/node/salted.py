"""What follows from a contract's salts for a large job's subjects, kept from its first check to its answer.

A job is checked when it comes, and again when it is answered, in another process. Which consents stand, and who
was erased, is found anew each time. The commitments and values themselves, ten hashes for each subject, stay what
they are while the contract's salts do; so they are kept beside these and go with them: the transaction that erases
a salt deletes all that was derived under its contract. They are sealed for their job (`compute.at_rest`): who
alters the file gets no other subject admitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    or_,
    select,
)

from audit.salts import KEY_SIZE, SaltTree
from audit.subjects import use_values
from compute.at_rest import AtRest
from compute.canonical import DAY
from compute.records import commitments

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
    """For each of a job's subjects, in their order: 32 bytes, or None for one whose salt was erased."""

    commitments: Sequence[bytes | None]
    """To the consent: `compute.records.commitment`."""
    values: Sequence[bytes | None]
    """In the use: `audit.subjects.use_value`."""

    @classmethod
    def of(cls, tree: SaltTree, job: bytes, subjects: Sequence[str]) -> "Salted":
        """Derive it from a contract's salts, for the job with this digest."""
        found = tree.salts(subjects)
        salts = [salt for salt in found if salt is not None]
        left = [subject for subject, salt in zip(subjects, found, strict=True) if salt is not None]
        whole = cls(commitments(salts, left), use_values(salts, job, left))
        if len(left) == len(subjects):
            return whole
        given, values = iter(whole.commitments), iter(whole.values)
        return cls(
            [None if salt is None else next(given) for salt in found],
            [None if salt is None else next(values) for salt in found],
        )

    @property
    def present(self) -> list[bytes] | None:
        """The values if no subject's salt was erased, None otherwise."""
        values = [value for value in self.values if value is not None]
        return values if len(values) == len(self.values) else None


def find_in(connection: Connection, at_rest: AtRest, contract: str, job: bytes) -> Salted | None:
    """Give what is kept for the job with this digest; None if nothing is, or a salt of its contract was erased."""
    query = select(_SALTED.c.salted).where(_SALTED.c.job == job, _SALTED.c.contract == contract)
    sealed = connection.execute(query).scalar_one_or_none()
    if sealed is None:
        return None
    data = at_rest.open(sealed, *_place(contract, job))
    parts = [data[start : start + KEY_SIZE] for start in range(0, len(data), KEY_SIZE)]
    return Salted(parts[: len(parts) // 2], parts[len(parts) // 2 :])


def keep_in(connection: Connection, at_rest: AtRest, contract: str, job: bytes, salted: Salted, now: int) -> None:
    """Keep what was derived from the contract's present salts, unless one was erased."""
    given, values = [each for each in salted.commitments if each is not None], salted.present
    if values is None:
        return
    sealed = at_rest.seal(b"".join([*given, *values]), *_place(contract, job))
    row = {"job": job, "contract": contract, "at": now, "salted": sealed}
    connection.execute(delete(_SALTED).where(or_(_SALTED.c.at < now - KEPT_FOR, _SALTED.c.job == job)))
    connection.execute(insert(_SALTED).values(row))


def drop_in(connection: Connection, job: bytes) -> None:
    """Delete what is kept for the job with this digest."""
    connection.execute(delete(_SALTED).where(_SALTED.c.job == job))


def forget_in(connection: Connection, contract: str) -> None:
    """Delete all that was derived under a contract."""
    connection.execute(delete(_SALTED).where(_SALTED.c.contract == contract))


def _place(contract: str, job: bytes) -> tuple[str, ...]:
    return _SALTED.name, "salted", contract, job.hex()
