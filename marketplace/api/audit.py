"""Audit: the log, which every enrolled party may read and verify; an entry names no person.

A suspended party may too: the proofs are its own evidence of what was recorded.
"""

import itertools

from apiflask import APIBlueprint

from audit.entry import Entry, encode, parse
from compute.market import (
    MAX_ENTRIES,
    MAX_TRACE,
    Checkpoint,
    EventBatch,
    EventReceipt,
    EventReceipts,
    LogEntries,
    LogEntry,
    Proof,
    Trace,
)
from compute.signing import Signed
from compute.signing import sign as sign_statement
from compute.web.body import gives, message, takes
from marketplace.api.context import actor, context, exchange, expire_due
from marketplace.api.forms import EVENT
from marketplace.api.queries import After, Consistency, Inclusion, Range
from marketplace.errors import InvalidError, missing

routes = APIBlueprint("audit", __name__, url_prefix="/audit")
routes.before_request(expire_due)


@routes.post("/events")
@takes(EVENT)
@gives(EventReceipt, 201)
def append(event: Entry) -> EventReceipt:
    """Record an event of the sender's own node, durably; a retry gets the same index."""
    return EventReceipt(index=exchange().append_event(actor(), event))


@routes.post("/event-batches")
@takes(message(EventBatch))
@gives(EventReceipts, 201)
def append_batch(batch: EventBatch) -> EventReceipts:
    """Record events of the sender's own node in this order, all or none; a retry gets the same indices."""
    events = [parse(event.encode()) for event in batch.events]
    return EventReceipts(indices=tuple(exchange().append_events(actor(), events)))


@routes.get("/checkpoint")
@gives(Signed[Checkpoint])
def checkpoint() -> Signed[Checkpoint]:
    """The size and root of the log now, signed by the marketplace."""
    log, setting = exchange().log, context().setting
    size = log.size()
    made = Checkpoint(size=size, root=log.root(size), at=setting.clock())
    return sign_statement(made, setting.market, setting.key)


@routes.get("/entries/<int:index>")
@gives(LogEntry)
def entry(index: int) -> LogEntry:
    """The entry at an index."""
    try:
        return _logged(index, exchange().log.entry(index))
    except IndexError as error:
        raise missing("entry", str(index)) from error


@routes.get("/entries")
@routes.input(Range, location="query", arg_name="query")
@gives(LogEntries)
def entries(query: dict[str, int]) -> LogEntries:
    """The entries of a range, or the first of them if there are many."""
    start, stop = query["start"], query["stop"]
    try:
        found = exchange().log.entries(start, stop)
    except IndexError as error:
        raise InvalidError(str(error), "ask for a range within the latest checkpoint") from error
    page = enumerate(itertools.islice(found, MAX_ENTRIES), start)
    return LogEntries(entries=tuple(_logged(*each) for each in page))


@routes.get("/inclusion")
@routes.input(Inclusion, location="query", arg_name="query")
@gives(Proof)
def inclusion(query: dict[str, int]) -> Proof:
    """The hashes from a leaf to the root at a size."""
    return Proof(hashes=tuple(exchange().log.inclusion_proof(query["index"], query["size"])))


@routes.get("/consistency")
@routes.input(Consistency, location="query", arg_name="query")
@gives(Proof)
def consistency(query: dict[str, int]) -> Proof:
    """The hashes that show one size to be a prefix of another."""
    return Proof(hashes=tuple(exchange().log.consistency_proof(query["old"], query["new"])))


@routes.get("/trace/<contract>")
@routes.input(After, location="query", arg_name="query")
@gives(Trace)
def trace(contract: str, query: dict[str, int | None]) -> Trace:
    """The entries about a contract since its application, for its parties, the operator and the supervisor."""
    after = query["after"]
    found = exchange().trace(actor(), contract, after=-1 if after is None else after, limit=MAX_TRACE)
    return Trace(contract=contract, entries=tuple(_logged(*each) for each in found))


def _logged(index: int, found: Entry) -> LogEntry:
    return LogEntry(index=index, entry=encode(found).decode())
