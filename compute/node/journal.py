"""A node's journal: every event is kept here, then signed and appended to the log; its index is the receipt.

    event → journal, durably → its counter, signature → the log, durably → index → reply

The node's processes send one after the other, in the order in which events came, whatever waits at once. An event
is numbered and signed when its turn has come, so one that the log will never take leaves no gap; then it keeps its
bytes, so that it is one entry however often it is sent.
"""

import dataclasses
import fcntl
import hashlib
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from audit.entry import Entry, EntryKind, Event, encode, new_id, parse, parse_event, sign
from audit.errors import IdTakenError
from compute.log_client import LogClient
from compute.web.errors import PeerProblemError, PeerUnreachableError

logger = logging.getLogger(__name__)

LOST = "lost"
"""In the detail of an event: SHA-256 of another one that the log did not take."""
_PAUSE = 0.5
"""Seconds between two attempts to append."""
_BATCH = 100

_MEMBERS = tuple(member.name for member in dataclasses.fields(Event))

_METADATA = MetaData()
_EVENTS = Table(
    "events",
    _METADATA,
    Column("number", Integer, primary_key=True),  # in the order in which they came
    Column("id", Text, nullable=False, unique=True),
    Column("event", LargeBinary, nullable=False),
    Column("contract", Text, nullable=False, index=True),  # empty for none
    Column("counter", BigInteger),  # once its turn has come
    Column("entry", LargeBinary),  # as it was signed then
    Column("index", BigInteger),  # where it stands in the log
    Column("problem", Text),  # why the log will never take it
)
_KEPT = update(_EVENTS).where(_EVENTS.c.id == bindparam("kept"))
_UNSENT = update(_EVENTS).where(_EVENTS.c["index"].is_(None), _EVENTS.c.problem.is_(None))
_WAITING = (
    select(_EVENTS).where(_EVENTS.c["index"].is_(None), _EVENTS.c.problem.is_(None)).order_by(_EVENTS.c.number)
)
_COUNTED = select(func.coalesce(func.max(_EVENTS.c.counter), 0)).where(_EVENTS.c.contract == bindparam("about"))


class EventJournal:
    """The journal over an engine of ``audit.database``; `patience` is in seconds, for each append.

    `key` is the node's identity.
    """

    def __init__(self, engine: Engine, log: LogClient, key: Ed25519PrivateKey, patience: float = 0) -> None:
        self._engine, self._reader, self._log, self._key = engine, reader(engine), log, key
        self._patience = patience
        self._turn = Lock()
        _METADATA.create_all(engine)

    def append(self, *events: Event) -> None:
        """Record the events here and in the log, in this order.

        Raises PeerUnreachableError if the log does not answer, PeerProblemError if it refuses one, IdTakenError if
        another event has the id of one.
        """
        self._keep(events)
        deadline = time.monotonic() + self._patience
        while not self._are_recorded(events):
            try:
                self._send()
            except PeerUnreachableError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE)

    def note(self, event: Event) -> None:
        """Record the event here, and in the log as soon as it answers."""
        self._keep([event])
        self.flush()

    def adopt(self, entries: Iterable[tuple[int, Entry]]) -> None:
        """Take over the node's own entries in the log, with their indices, that are not here.

        A journal that was lost goes on counting from where the log stands; what waits is numbered anew.
        """
        rows = [
            {
                "id": entry.id,
                "event": encode(Event(**{name: getattr(entry, name) for name in _MEMBERS})),
                "contract": entry.contract or "",
                "counter": entry.counter,
                "entry": encode(entry),
                "index": index,
            }
            for index, entry in entries
        ]
        if rows:
            write = insert(_EVENTS)
            taken = {name: write.excluded[name] for name in ("counter", "entry", "index")}
            with self._engine.begin() as connection:
                connection.execute(write.on_conflict_do_update(index_elements=["id"], set_=taken), rows)
                connection.execute(_UNSENT.values(counter=None, entry=None))

    def flush(self) -> None:
        """Send what waits; what the log does not answer or judge goes on waiting."""
        try:
            self._send()
        except PeerUnreachableError as error:
            logger.warning("events wait here: %s", error)
        except PeerProblemError as error:
            logger.error("the log does not take events: %s", error)  # noqa: TRY400 -- the error is told whole

    def receipts(self) -> dict[str, int]:
        """Give the index in the log of every event that it has taken, by id."""
        query = select(_EVENTS.c.id, _EVENTS.c["index"]).where(_EVENTS.c["index"].is_not(None))
        with self._reader.begin() as connection:
            return dict(connection.execute(query).all())

    def recorded(self, event_id: str) -> tuple[int, bytes] | None:
        """Give where an event stands in the log, and its entry's bytes; None if it is not there."""
        query = select(_EVENTS.c["index"], _EVENTS.c.entry).where(_EVENTS.c.id == event_id)
        with self._reader.begin() as connection:
            row = connection.execute(query.where(_EVENTS.c["index"].is_not(None))).one_or_none()
        return None if row is None else (row[0], row[1])

    def require_recorded(self, event_id: str) -> tuple[int, bytes]:
        """Give what :meth:`recorded` does of an event that was appended; LookupError if it was not."""
        found = self.recorded(event_id)
        if found is None:
            raise LookupError(f"the event {event_id} is not in the log")
        return found

    def _keep(self, events: Sequence[Event]) -> None:
        """Keep each event that is not here yet under its id."""
        if not events:
            return  # an insert of no rows would be one of a row without values
        with self._engine.begin() as connection:
            connection.execute(insert(_EVENTS).on_conflict_do_nothing(), [_row(event) for event in events])

    def _are_recorded(self, events: Sequence[Event]) -> bool:
        """Whether all of them are in the log; raises PeerProblemError if one was refused.

        Raises IdTakenError if another event is kept under the id of one: an id that follows from a fact has 96
        bits of a digest, and whoever chooses the facts may find two with the same.
        """
        facts = {event.id: (event.kind, event.job) for event in events}
        own = select(_EVENTS).where(_EVENTS.c.id.in_([event.id for event in events]))
        with self._reader.begin() as connection:
            rows = connection.execute(own).all()
        for row in rows:
            kept = parse_event(row.event)
            if (kept.kind, kept.job) != facts[row.id]:
                raise IdTakenError(f"the id {row.id} is taken by another event of this node")
            if row.problem is not None:
                raise PeerProblemError("the log", HTTPStatus.UNPROCESSABLE_ENTITY, {"detail": row.problem})
        return all(row.index is not None for row in rows)

    def _send(self) -> None:
        """Send all that waits, in order.

        Raises PeerUnreachableError, and PeerProblemError where the log judged nothing.
        """
        with self._turn, _only_one_process(self._engine):
            size = _BATCH
            while waiting := self._numbered(size):
                try:
                    indices = self._log.append([entry for _, entry in waiting])
                except PeerProblemError as error:
                    if _passes(error):
                        raise
                    if len(waiting) == 1:
                        self._give_up(waiting[0][0], error)
                    size = 1  # all or none was taken: one by one, to learn which it is
                else:
                    self._write(
                        "index", [(row.id, index) for (row, _), index in zip(waiting, indices, strict=True)]
                    )

    def _numbered(self, size: int) -> list[tuple[Row[tuple[object, ...]], Entry]]:
        """Give the first events that wait, each as the next of its contract, signed; they are kept so."""
        with self._engine.begin() as connection:
            rows = connection.execute(_WAITING.limit(size)).all()
            return [(row, parse(row.entry) if row.entry else self._sign(connection, row)) for row in rows]

    def _sign(self, connection: Connection, row: Row[tuple[object, ...]]) -> Entry:
        counter = connection.execute(_COUNTED, {"about": row.contract}).scalar_one() + 1
        entry = sign(parse_event(row.event), counter, self._key)
        connection.execute(_KEPT.values(counter=counter, entry=encode(entry)), {"kept": row.id})
        return entry

    def _give_up(self, row: Row[tuple[object, ...]], error: PeerProblemError) -> None:
        """Write down that the log will never take an event; those behind it are numbered anew.

        That it was not taken is an event of its own: whoever runs the log cannot refuse one without a trace.
        """
        logger.error("the log does not take the event %s: %s", row.id, error)
        event = parse_event(row.event)
        with self._engine.begin() as connection:
            if LOST not in event.detail:  # of that nothing is told again
                connection.execute(insert(_EVENTS).on_conflict_do_nothing(), [_row(_loss_of(event))])
            connection.execute(_KEPT.values(problem=error.detail, counter=None), {"kept": row.id})
            connection.execute(_UNSENT.values(counter=None, entry=None))

    def _write(self, column: str, values: Sequence[tuple[str, int]]) -> None:
        rows = [{"kept": event_id, "value": value} for event_id, value in values]
        with self._engine.begin() as connection:
            connection.execute(_KEPT.values({column: bindparam("value")}), rows)


def _row(event: Event) -> dict[str, object]:
    return {"id": event.id, "event": encode(event), "contract": event.contract or ""}


def _loss_of(event: Event) -> Event:
    """The event that the log did not take another one, which it commits to."""
    digest = hashlib.sha256(encode(event)).digest()
    return Event(
        id=new_id(event.node, LOST.encode() + digest),
        kind=EntryKind.REFUSED,
        time=event.time,
        node=event.node,
        detail={"message": "Event", LOST: digest.hex()},
    )


@contextmanager
def _only_one_process(engine: Engine) -> Iterator[None]:
    """Wait for the turn of this process among those of its node; the kernel gives it on, however one ends."""
    with Path(f"{engine.url.database}.turn").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _passes(error: PeerProblemError) -> bool:
    """Whether no event was judged: the log failed, does not know (yet) who sends it, or misses an earlier one."""
    return error.slug in {"bad-signature", "out-of-order"} or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
