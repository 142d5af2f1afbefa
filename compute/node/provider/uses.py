"""The uses of a provider's data: for each job the values that commit to its subjects, and when it was answered.

Without the salts of the contract they name nobody: what is kept after an erasure still proves its root, and every
other subject's presence or absence.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Engine, LargeBinary, MetaData, Table, Text, select
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from audit.merkle import HASH_SIZE
from audit.presence import Absence, Presence
from audit.salts import SaltTree
from audit.subjects import SubjectTree, use_value

_METADATA = MetaData()
_USES = Table(
    "use_trees",
    _METADATA,
    Column("job", LargeBinary(32), primary_key=True),  # the digest of its statement
    Column("contract", Text, nullable=False, index=True),
    Column("at", BigInteger, nullable=False),  # UTC, milliseconds
    Column("root", LargeBinary(32), nullable=False),  # over the values: what each event of the use commits to
    Column("values", LargeBinary, nullable=False),  # audit.subjects.SubjectTree.encode
)


@dataclass(frozen=True)
class Shown:
    """A use, and whether a subject was among those asked about."""

    job: bytes
    at: int
    tree: SubjectTree
    value: bytes
    """The subject's value in it."""
    proof: Presence | Absence


class UseStore:
    """The table over an engine of ``audit.database``."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reader = engine, reader(engine)
        _METADATA.create_all(engine)

    def put(self, job: bytes, contract: str, tree: SubjectTree, at: int) -> None:
        """Keep the tree over the subjects of the job with this digest; the same again changes nothing."""
        row = {"job": job, "contract": contract, "at": at, "root": tree.root, "values": tree.encode()}
        with self._engine.begin() as connection:
            connection.execute(insert(_USES).values(row).on_conflict_do_nothing())

    def of(self, contract: str) -> list[bytes]:
        """Give the jobs under a contract, in the order of time."""
        query = select(_USES.c.job).where(_USES.c.contract == contract).order_by(_USES.c.at, _USES.c.job)
        with self._reader.begin() as connection:
            return list(connection.scalars(query))

    def contracts(self) -> list[str]:
        """Give the contracts under which there are uses."""
        with self._reader.begin() as connection:
            return list(connection.scalars(select(_USES.c.contract).distinct().order_by(_USES.c.contract)))

    def root(self, job: bytes) -> bytes | None:
        """Give the root over the subjects of a job, as it was computed when its tree was kept."""
        with self._reader.begin() as connection:
            return connection.execute(select(_USES.c.root).where(_USES.c.job == job)).scalar_one_or_none()

    def tree(self, job: bytes) -> SubjectTree | None:
        """Give the tree of a job, of which its root and its proofs follow."""
        with self._reader.begin() as connection:
            found = connection.execute(select(_USES.c["values"]).where(_USES.c.job == job)).scalar_one_or_none()
        return None if found is None else SubjectTree.parse(found)

    def prove(self, salts: SaltTree, contract: str, subject: str) -> Iterator[Shown]:
        """Give for each job under the contract the proof that it asked about the subject, or did not.

        Raises ErasedError if the subject's salt was erased.
        """
        salt = salts.salt(subject)
        for job in self.of(contract):
            with self._reader.begin() as connection:
                row = connection.execute(select(_USES).where(_USES.c.job == job)).one()
            tree, value = SubjectTree.parse(row.values), use_value(salt, job, subject)
            yield Shown(job, row.at, tree, value, tree.prove(value))


def last_use(connection: Connection, salts: SaltTree, contract: str, subject: str) -> int | None:
    """Give when the subject was last asked about under the contract; None if it never was.

    Raises ErasedError if its salt was erased.
    """
    salt = salts.salt(subject)
    query = select(_USES).where(_USES.c.contract == contract).order_by(_USES.c.at.desc())
    for row in connection.execute(query):
        if _has(row.values, use_value(salt, row.job, subject)):
            return int(row.at)
    return None


def _has(values: bytes, value: bytes) -> bool:
    def at(index: int) -> bytes:
        return values[index * HASH_SIZE : (index + 1) * HASH_SIZE]

    return at(bisect_left(range(len(values) // HASH_SIZE), value, key=at)) == value
