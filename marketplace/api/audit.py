"""The trace of a contract, for those whose business it is: an index into the log, which has all that it shows."""

from typing import Any

from apiflask import APIBlueprint

from audit.entry import Entry, encode
from compute.market.log import MAX_TRACE, LogEntry, Trace
from compute.web.body import gives
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange, expire_due
from marketplace.api.queries import After

routes = APIBlueprint("audit", __name__, url_prefix="/audit")
routes.before_request(expire_due)


@routes.get("/trace/<contract>")
@needs("log:trace")
@routes.input(After, location="query", arg_name="query")
@gives(Trace)
def trace(contract: str, query: dict[str, Any]) -> Trace:
    """The entries about a contract since its application, for its parties and the operator.

    And for a supervisor, under a case.
    """
    after = -1 if query["after"] is None else query["after"]
    found = exchange().trace(actor(), contract, query["case"], after=after, limit=MAX_TRACE)
    return Trace(contract=contract, entries=tuple(_logged(*each) for each in found))


def _logged(index: int, found: Entry) -> LogEntry:
    return LogEntry(index=index, entry=encode(found).decode())
