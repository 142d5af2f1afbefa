"""A provider's ring-Pedersen parameters, in the node's database: made once, the same ever after."""

from collections.abc import Callable

from sqlalchemy import CheckConstraint, Column, Engine, Integer, LargeBinary, MetaData, Table, select
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from compute.canonical import decode, encode
from compute.protocols.key_enrolment.ring_pedersen import RingPedersenStatement
from compute.protocols.key_enrolment.ring_pedersen_maker import make_ring_pedersen

_METADATA = MetaData()
_PARAMETERS = Table(
    "ring_pedersen",
    _METADATA,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True),
    Column("statement", LargeBinary, nullable=False),  # public: what it was made from is forgotten
)


class RingPedersenStore:
    """The one row over an engine of ``audit.database``."""

    def __init__(self, engine: Engine, provider: str) -> None:
        self._engine, self._reader, self._provider = engine, reader(engine), provider
        _METADATA.create_all(engine)

    def find(self) -> RingPedersenStatement | None:
        """Give the parameters, if they have been made."""
        with self._reader.begin() as connection:
            kept = connection.execute(select(_PARAMETERS.c.statement)).scalar_one_or_none()
        return None if kept is None else decode(kept, RingPedersenStatement)

    def find_or_make(self, progress: Callable[[int, int], None] | None = None) -> RingPedersenStatement:
        """Give the parameters, made now if need be, which takes seconds; of two made at once one is kept."""
        return self.find() or self.keep(make_ring_pedersen(self._provider, progress=progress))

    def keep(self, made: RingPedersenStatement) -> RingPedersenStatement:
        """Keep these unless there are some, and give those that are kept."""
        with self._engine.begin() as connection:
            connection.execute(insert(_PARAMETERS).values(id=1, statement=encode(made)).on_conflict_do_nothing())
            kept = connection.execute(select(_PARAMETERS.c.statement)).scalar_one()
        return decode(kept, RingPedersenStatement)
