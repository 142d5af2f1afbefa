"""Label vectors at a provider, in the node's database: the statement, and each part's ciphertexts as one value.

    vector    opened with its first part, before the proof is looked at: so a refused one is counted too
    part      proven; 4 MiB at 2048 bits, and read one after another

Ciphertexts are under the bank's key and tell this node nothing, so they are not sealed.
"""

from collections.abc import Iterator

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from compute.canonical import decode, encode
from compute.protocols.label_vector.messages import LabelStatement
from compute.protocols.label_vector.provider import KeptVector
from compute.signing import Signed, digest

_METADATA = MetaData()
_VECTORS = Table(
    "label_vectors",
    _METADATA,
    Column("vector", LargeBinary(32), primary_key=True),
    Column("bank", Text, nullable=False),
    Column("contract", Text, nullable=False),
    Column("statement", LargeBinary, nullable=False),  # as the bank signed it
    Column("opened_at", BigInteger, nullable=False),  # UTC, milliseconds, as all times here
    Column("refused_at", BigInteger),  # null unless a proof of it was false
    Index("label_vectors_by_contract", "bank", "contract"),
)
_PARTS = Table(
    "label_vector_parts",
    _METADATA,
    Column("vector", LargeBinary(32), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("ciphertexts", LargeBinary, nullable=False),
)


class LabelVectorStore:
    """The tables over an engine of ``audit.database``: the role's ``LabelVectors``."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reader = engine, reader(engine)
        _METADATA.create_all(engine)

    def find(self, vector: bytes) -> KeptVector | None:
        """Give what is kept of this vector."""
        parts = select(_PARTS.c.part).where(_PARTS.c.vector == vector).order_by(_PARTS.c.part)
        with self._reader.begin() as connection:
            row = connection.execute(select(_VECTORS).where(_VECTORS.c.vector == vector)).one_or_none()
            if row is None:
                return None
            registered = tuple(connection.scalars(parts))
        return KeptVector(decode(row.statement, Signed[LabelStatement]), row.opened_at, row.refused_at, registered)

    def open(self, statement: Signed[LabelStatement], now: int, most: int) -> bool:
        """Count the vector under its contract, once; False, and no count, if the contract has ``most`` others."""
        content = statement.statement
        vector, of_contract = digest(content), (content.bank, content.contract)
        named = (_VECTORS.c.bank == of_contract[0], _VECTORS.c.contract == of_contract[1])
        row = {
            "vector": vector,
            "bank": content.bank,
            "contract": content.contract,
            "statement": encode(statement),
            "opened_at": now,
        }
        with self._engine.begin() as connection:
            if _is_open(connection, vector):
                return True
            if connection.execute(select(func.count()).select_from(_VECTORS).where(*named)).scalar_one() >= most:
                return False
            connection.execute(insert(_VECTORS).values(row))
            return True

    def registered(self, vector: bytes, part: int) -> int | None:
        """Give when this part was registered; None if it is not, or if the vector was refused."""
        at = select(_PARTS.c.at).where(_PARTS.c.vector == vector, _PARTS.c.part == part)
        with self._reader.begin() as connection:
            return connection.execute(at).scalar_one_or_none()

    def register(self, vector: bytes, part: int, ciphertexts: bytes, now: int) -> int | None:
        """Keep a part and give when it was first registered; None, and nothing, if the vector was refused."""
        standing = select(_VECTORS.c.vector).where(_VECTORS.c.vector == vector, _VECTORS.c.refused_at.is_(None))
        at = select(_PARTS.c.at).where(_PARTS.c.vector == vector, _PARTS.c.part == part)
        row = {"vector": vector, "part": part, "at": now, "ciphertexts": ciphertexts}
        with self._engine.begin() as connection:
            if connection.execute(standing).first() is None:
                return None
            connection.execute(insert(_PARTS).values(row).on_conflict_do_nothing())
            return int(connection.execute(at).scalar_one())

    def refuse(self, vector: bytes, now: int) -> None:
        """Take no part of this vector any more, and drop the ciphertexts of those that were taken."""
        refused = update(_VECTORS).where(_VECTORS.c.vector == vector, _VECTORS.c.refused_at.is_(None))
        with self._engine.begin() as connection:
            connection.execute(refused.values(refused_at=now))
            connection.execute(delete(_PARTS).where(_PARTS.c.vector == vector))

    def destroy(self, contract: str) -> int:
        """Delete the ciphertexts of all vectors of a contract; give how many vectors had some.

        The statements stay, which tell nothing of a company: they count against the contract's number of vectors.
        """
        vectors = select(_VECTORS.c.vector).where(_VECTORS.c.contract == contract)
        held = select(func.count(func.distinct(_PARTS.c.vector))).where(_PARTS.c.vector.in_(vectors))
        with self._engine.begin() as connection:
            count = int(connection.execute(held).scalar_one())
            connection.execute(delete(_PARTS).where(_PARTS.c.vector.in_(vectors)))
            return count

    def ciphertexts(self, vector: bytes) -> Iterator[bytes]:
        """Give the ciphertexts of the registered parts, in order, one part in memory at a time."""
        kept = self.find(vector)
        for part in () if kept is None else kept.parts:
            query = select(_PARTS.c.ciphertexts).where(_PARTS.c.vector == vector, _PARTS.c.part == part)
            with self._reader.begin() as connection:
                yield connection.execute(query).scalar_one()


def _is_open(connection: Connection, vector: bytes) -> bool:
    return connection.execute(select(_VECTORS.c.vector).where(_VECTORS.c.vector == vector)).first() is not None
