"""The log's checkpoints that a node has verified to have a quorum of witnesses, until they are old."""

from sqlalchemy import BigInteger, Column, Engine, LargeBinary, MetaData, Table, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from audit import checkpoint as checkpoints
from audit.checkpoint import Checkpoint
from audit.database import reader

_METADATA = MetaData()
_QUORUMS = Table(
    "quorums",
    _METADATA,
    Column("size", BigInteger, primary_key=True),
    Column("checkpoint", LargeBinary, nullable=False),  # with the cosignatures
    Column("at", BigInteger, nullable=False),  # audit.policy.Standing.at: UTC, seconds since 1970-01-01
)


class QuorumStore:
    """The checkpoints over an engine of ``audit.database``.

    Several are kept: the newest may have a quorum without the witness outside one contract, and an earlier one,
    which is not yet old, with that witness.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reader = engine, reader(engine)
        _METADATA.create_all(engine)

    def has(self, checkpoint: Checkpoint) -> bool:
        """Whether exactly this one, with these cosignatures, is kept."""
        with self._reader.begin() as connection:
            kept = connection.scalar(select(_QUORUMS.c.checkpoint).where(_QUORUMS.c.size == checkpoint.size))
        return kept == checkpoint.encode()

    def put(self, checkpoint: Checkpoint, at: int, oldest: int) -> None:
        """Keep a checkpoint whose quorum stood at this time; forget those before `oldest`, but for the newest."""
        row = {"checkpoint": checkpoint.encode(), "at": at}
        with self._engine.begin() as connection:
            write = insert(_QUORUMS).values(size=checkpoint.size, **row)
            connection.execute(write.on_conflict_do_update(index_elements=["size"], set_=row))
            newest = select(func.max(_QUORUMS.c.size)).scalar_subquery()
            connection.execute(delete(_QUORUMS).where(_QUORUMS.c.at < oldest, _QUORUMS.c.size != newest))

    def all(self) -> list[Checkpoint]:
        """Give what is kept, the newest first."""
        with self._reader.begin() as connection:
            kept = connection.scalars(select(_QUORUMS.c.checkpoint).order_by(_QUORUMS.c.size.desc())).all()
        return [checkpoints.parse(each) for each in kept]
