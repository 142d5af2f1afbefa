"""Erasing a subject under a contract at one node: its salt goes, and with it whatever could name it.

    not before   retention is over: some days after the subject's last use under the contract, as far as this node
                 keeps uses, or else after the contract's end; and no legal hold stands
    then         in one transaction the tree of salts is replaced by one without the subject's, and the old bytes
                 are overwritten (`audit.database`); at once or soon after the write-ahead log is emptied. That the
                 tree is sealed does not spare this: the node's own key would open what is left of it

What was committed to stays and stays true: consents at the marketplace, roots in the log, values in the use trees.
Nobody can tell any more from this node's files whom they are about. Only the shape of the tree still tells that
somebody was erased (`audit.salts`), so that nobody is asked about again under the same contract.

Each party erases at its own node. What else it has of the subject, a table's row or a score, is not the log's.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    MetaData,
    Table,
    Text,
    insert,
    select,
    update,
)

from audit.database import reader
from audit.salts import SaltTree
from compute.at_rest import AtRest
from compute.canonical import DAY
from compute.node.legal_holds import Hold, HoldStore, holds_in
from compute.node.salts import SaltStore, replace_in, tree_in
from compute.node.wiping import wipe

_METADATA = MetaData()
_ERASURES = Table(
    "erasures",
    _METADATA,
    Column("id", Text, primary_key=True),
    Column("contract", Text, nullable=False),
    Column("at", BigInteger, nullable=False),  # UTC, milliseconds
    Column("recorded", Boolean, nullable=False),  # whether it stands in the audit log, or will
)

LastUse = Callable[[Connection, SaltTree, str, str], int | None]
"""Gives when a subject was last asked about under a contract, of the contract's salts."""


class ErasureRefusedError(Exception):
    """The subject must not be erased yet: why, and from when on it may be (UTC, milliseconds)."""

    def __init__(self, reasons: Sequence[str], until: int) -> None:
        super().__init__("; ".join(reasons))
        self.reasons, self.until = tuple(reasons), until


class NoSaltsError(Exception):
    """There are no salts of the contract at this node, so there is nothing to erase."""


@dataclass(frozen=True)
class Erasure:
    """That a subject was erased under a contract, and not which: what may be told."""

    id: str
    """Drawn at random; the same however often it is told."""
    contract: str
    at: int


@dataclass(frozen=True)
class Erased:
    """What came of an erasure."""

    is_new: bool
    """False if the subject had been erased before."""
    is_wiped: bool
    """Whether no file has the old bytes any more; they are overwritten soon otherwise."""


def require_erasable(
    now: int, *, last_use: int | None, contract_end: int, retention_days: int, holds: Sequence[Hold]
) -> None:
    """Raise ErasureRefusedError unless the rules let the subject be erased now; times in UTC, milliseconds.

    1. So many days have passed since the subject's last use or, if this node knows of none, since the contract's
       end.
    2. No legal hold on the contract stands.
    """
    start, event = (contract_end, "the contract's end") if last_use is None else (last_use, "the last use")
    waits = [(start + retention_days * DAY, f"it is retained for {retention_days} days after {event}")]  # 1
    waits += [(hold.until, f"a legal hold stands for {hold.case_number}") for hold in holds]  # 2
    if open_ := [(until, reason) for until, reason in waits if now < until]:
        raise ErasureRefusedError([reason for _, reason in open_], max(until for until, _ in open_))


class Eraser:
    """Erasures at one node, over its engine and what opens its trees; `last_use` where the node keeps uses.

    `record` is told of every erasure once it is done, in the order of time, and again until it returns: an event
    with an id that follows from the erasure's is recorded once. Without it erasures wait to be told.
    """

    def __init__(
        self,
        engine: Engine,
        at_rest: AtRest,
        retention_days: int,
        clock: Callable[[], int],
        last_use: LastUse | None = None,
        record: Callable[[Erasure], None] | None = None,
    ) -> None:
        self._engine, self._reader, self._at_rest = engine, reader(engine), at_rest
        self._retention_days, self._clock = retention_days, clock
        self._last_use, self._record = last_use, record
        SaltStore(engine, at_rest), HoldStore(engine)  # make their tables
        _METADATA.create_all(engine)

    def erase(self, subject: str, contract: str, contract_end: int) -> Erased:
        """Erase a subject under a contract, for good; again it changes nothing.

        Raises ErasureRefusedError while it must not be, NoSaltsError, and what `record` raises: then the subject
        is erased, and it is told at the next erasure or by `tell`.
        """
        with self._engine.begin() as connection:
            is_new = self._erase_in(connection, subject, contract, contract_end)
        is_wiped = wipe(self._engine)
        self.tell()
        return Erased(is_new, is_wiped)

    def tell(self) -> None:
        """Tell `record` of the erasures that it does not know of."""
        if self._record is None:
            return
        waiting = select(_ERASURES).where(_ERASURES.c.recorded.is_(False)).order_by(_ERASURES.c.at, _ERASURES.c.id)
        with self._reader.begin() as connection:
            erasures = [Erasure(row.id, row.contract, row.at) for row in connection.execute(waiting)]
        for erasure in erasures:
            self._record(erasure)
            told = update(_ERASURES).where(_ERASURES.c.id == erasure.id).values(recorded=True)
            with self._engine.begin() as connection:
                connection.execute(told)

    def _erase_in(self, connection: Connection, subject: str, contract: str, contract_end: int) -> bool:
        salts, now = tree_in(connection, self._at_rest, contract), self._clock()
        if salts is None:
            raise NoSaltsError(f"this node holds no salts of {contract}")
        if salts.is_erased(subject):
            return False
        require_erasable(
            now,
            last_use=self._last_use and self._last_use(connection, salts, contract, subject),
            contract_end=contract_end,
            retention_days=self._retention_days,
            holds=holds_in(connection, contract),
        )
        replace_in(connection, self._at_rest, contract, salts.erase(subject))
        row = {"id": secrets.token_hex(16), "contract": contract, "at": now, "recorded": False}
        connection.execute(insert(_ERASURES).values(row))
        return True
