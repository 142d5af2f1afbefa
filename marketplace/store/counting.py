"""Counts the whole log anew: the uses of each contract, and since when each is in force."""

from collections.abc import Sequence

from sqlalchemy import Connection

from audit.entry import Entry
from marketplace.flow.metering import agreements_of, merged, observed, standing
from marketplace.store import usage

_AT_ONCE = 10_000
"""Observations that are written in one piece."""


def rebuild(connection: Connection, entries: Sequence[Entry]) -> None:
    """Put what these entries, all of the log, tell in place of what is kept."""
    agreements = agreements_of(entries)
    seen = [found for each in entries if (found := observed(each, agreements.get)) is not None]
    usage.clear(connection)
    known = list(merged(seen).values())
    for start in range(0, len(known), _AT_ONCE):
        usage.take(connection, known[start : start + _AT_ONCE])
    for entry in entries:
        if (stood := standing(entry)) is not None:
            usage.stand(connection, stood)
