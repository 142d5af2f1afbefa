"""Audit: the log, which every enrolled party may read and verify; an entry names no person.

A suspended party may too: the proofs are its own evidence of what was recorded.
"""

from apiflask import APIBlueprint

from audit.entry import Entry, encode
from compute.market import Checkpoint, EventReceipt, LogEntry, Proof, Trace
from compute.signing import Signed
from compute.signing import sign as sign_statement
from marketplace.api.body import EVENT, gives, takes
from marketplace.api.context import actor, context, exchange, expire_due
from marketplace.api.queries import Consistency, Inclusion
from marketplace.errors import missing

routes = APIBlueprint("audit", __name__, url_prefix="/audit")
routes.before_request(expire_due)


@routes.post("/events")
@takes(EVENT)
@gives(EventReceipt, 201)
def append(event: Entry) -> EventReceipt:
    """Record an event of the sender's own node, durably; a retry gets the same index."""
    return EventReceipt(index=exchange().append_event(actor(), event))


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
@gives(Trace)
def trace(contract: str) -> Trace:
    """Every entry about a contract since its application, for its parties, the operator and the supervisor."""
    found = exchange().trace(actor(), contract)
    return Trace(contract=contract, entries=tuple(_logged(*each) for each in found))


def _logged(index: int, found: Entry) -> LogEntry:
    return LogEntry(index=index, entry=encode(found).decode())
