"""A node's journal: every event is kept here, then appended to the marketplace's log; its index is the receipt.

    event → journal, durably → marketplace's log, durably → receipt → reply

What the marketplace has not taken is sent again: an event has one id, so it is one entry however often it comes.
"""

import logging
import time
from collections.abc import Sequence
from http import HTTPStatus

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from audit.entry import Entry, encode, parse
from compute.client import MarketplaceClient
from compute.web.errors import PeerProblemError, PeerUnreachableError

logger = logging.getLogger(__name__)

_PAUSE = 0.5
"""Seconds between two attempts to append."""
_BATCH = 100

_METADATA = MetaData()
_EVENTS = Table(
    "events",
    _METADATA,
    Column("number", Integer, primary_key=True),  # in the order in which they came
    Column("id", Text, nullable=False, unique=True),
    Column("entry", LargeBinary, nullable=False),
    Column("index", BigInteger),  # the receipt: where it stands in the marketplace's log
    Column("problem", Text),  # why the marketplace will never take it
)
_STORED = select(_EVENTS.c.entry, _EVENTS.c["index"]).where(_EVENTS.c.id == bindparam("kept"))
_KEPT = update(_EVENTS).where(_EVENTS.c.id == bindparam("kept"))


class EventJournal:
    """The journal over an engine of ``audit.database``; `patience` is in seconds, for each append."""

    def __init__(self, engine: Engine, market: MarketplaceClient, patience: float = 0) -> None:
        self._engine, self._reader, self._market, self._patience = engine, reader(engine), market, patience
        _METADATA.create_all(engine)

    def append(self, *events: Entry) -> None:
        """Record the events here and in the marketplace's log, in this order.

        Raises PeerUnreachableError if the marketplace does not answer, PeerProblemError if it refuses one.
        """
        if waiting := [event for event, index in self._keep(events) if index is None]:
            self._send(waiting)

    def note(self, event: Entry) -> None:
        """Record the event here, and in the marketplace's log as soon as it answers."""
        self._keep([event])
        self.flush()

    def flush(self) -> None:
        """Send what waits, in order, until the marketplace does not answer."""
        waiting = select(_EVENTS.c.entry).where(_EVENTS.c["index"].is_(None), _EVENTS.c.problem.is_(None))
        with self._reader.begin() as connection:
            entries = connection.scalars(waiting.order_by(_EVENTS.c.number).limit(_BATCH)).all()
        for entry in entries:
            try:
                self._append([parse(entry)])
            except PeerUnreachableError as error:
                logger.warning("events wait here: %s", error)
                return
            except PeerProblemError as error:
                if _passes(error):
                    return
                # else it is written down as its problem, and told in the log

    def receipts(self) -> dict[str, int]:
        """Give the index in the marketplace's log of every event that it has taken, by id."""
        query = select(_EVENTS.c.id, _EVENTS.c["index"]).where(_EVENTS.c["index"].is_not(None))
        with self._reader.begin() as connection:
            return dict(connection.execute(query).all())

    def _keep(self, events: Sequence[Entry]) -> list[tuple[Entry, int | None]]:
        """Give each event as it was first kept under its id, and its receipt if there is one."""
        if not events:
            return []
        kept = []
        with self._engine.begin() as connection:
            for event in events:
                row = {"id": event.id, "entry": encode(event)}
                connection.execute(insert(_EVENTS).values(row).on_conflict_do_nothing())
                entry, index = connection.execute(_STORED, {"kept": event.id}).one()
                kept.append((parse(entry), index))
        return kept

    def _send(self, events: Sequence[Entry]) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return self._append(events)
            except PeerUnreachableError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE)

    def _append(self, events: Sequence[Entry]) -> None:
        """Have the marketplace take the events, all or none; if it refuses some, one by one, to learn which."""
        try:
            if len(events) == 1:
                indices: Sequence[int] = [self._market.append_event(events[0])]
            else:
                indices = self._market.append_events(events)
        except PeerProblemError as error:
            if len(events) > 1 and not _passes(error):
                for event in events:
                    self._append([event])
                return
            for event in events:
                logger.error("the marketplace does not take the event %s: %s", event.id, error)  # noqa: TRY400 -- the error is told whole
                if not _passes(error):
                    self._write([event], "problem", [error.detail])
            raise
        self._write(events, "index", indices)

    def _write(self, events: Sequence[Entry], column: str, values: Sequence[int | str]) -> None:
        rows = [{"kept": event.id, "value": value} for event, value in zip(events, values, strict=True)]
        with self._engine.begin() as connection:
            connection.execute(_KEPT.values({column: bindparam("value")}), rows)


def _passes(error: PeerProblemError) -> bool:
    """Whether the event was not judged: the marketplace failed, or does not know (yet) who sends it."""
    return error.status == HTTPStatus.UNAUTHORIZED or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
