"""What was used of each contract, counted from the events as the log takes them, and counted anew."""

from collections.abc import Sequence

from sqlalchemy import Connection

from audit.entry import Entry
from audit.log import Log
from marketplace.flow.metering import METERED, Agreement, observed
from marketplace.gate import Gate
from marketplace.reporting import Reporting
from marketplace.store import counting, usage


class Usage:
    """The count beside the log, which is never more than what the log says."""

    def __init__(self, log: Log, gate: Gate, reporting: Reporting) -> None:
        self._log, self._gate, self._reporting = log, gate, reporting

    def take(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Count what nodes have appended, in the same transaction; nothing here refuses any of it."""

        def agreement(contract: str) -> Agreement | None:
            terms = self._reporting.terms(connection, contract)
            return None if terms is None else Agreement(terms.consumer, terms.operation)

        seen = (observed(entry, agreement) for entry in entries if entry.kind in METERED)
        usage.take(connection, [each for each in seen if each is not None])

    def recount(self) -> int:
        """Count the whole log anew in place of what is kept, and give how much of it was otherwise.

        For a database whose log is older than the count, and for whoever wants to know that they agree: then it
        gives 0, and has changed nothing.
        """
        with self._gate.housekeeping() as step:
            uses, standings = usage.totals(step.connection), usage.all_standing(step.connection)
            counting.rebuild(step.connection, list(self._log.entries()))
            other = dict(uses.items() ^ usage.totals(step.connection).items())
            moved = dict(standings.items() ^ usage.all_standing(step.connection).items())
            return len(other) + len(moved)
