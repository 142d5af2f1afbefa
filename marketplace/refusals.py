"""Refusals in the log: one by one up to a bound, and beyond it counted and told once for an hour.

    refused → recorded by itself, while its source and its party have few in this hour
            → else counted, in a transaction of its own, before it is told; after the hour one entry for each
              command says how many more there were, and why

So whoever asks for what it is refused fills no log, which is for ever, and no refusal is lost: the first ones
stand there with their times, the others with their number.
"""

from sqlalchemy import Connection

from audit.entry import EntryKind as Kind
from audit.entry import Event, Value
from audit.storage.batch import Batch
from compute.canonical import HOUR
from marketplace.flow.event import event
from marketplace.store import refusals
from marketplace.store.refusals import Refusal
from marketplace.transaction import Transaction

OF_SOURCE, OF_PARTY = 300, 2_000
"""Recorded one by one within an hour: of one person, program or subject; of an organisation, or all subjects."""


def record(batch: Batch, made: Event, source: str) -> None:
    """Record the event of a refusal, or count it if its source or its party has too many in this hour."""
    refusal = _refusal(made, source)
    if is_recorded := _has_room(batch.connection, refusal):
        batch.report(made)
    refusals.add(batch.connection, refusal, is_recorded=is_recorded)


def count(connection: Connection, made: Event, source: str) -> None:
    """Count a refusal that is not recorded by itself."""
    refusals.add(connection, _refusal(made, source), is_recorded=False)


def tell_counted(step: Transaction) -> int:
    """Record how many more there were in the hours that are over, and give in how many entries."""
    told = 0
    for each in refusals.take_counted(step.connection, step.now - step.now % HOUR):
        of_hour: dict[str, Value] = {"command": each.command, "since": each.hour}
        numbers: dict[str, Value] = {"more": sum(each.reasons.values()), **each.reasons}
        step.report(event(Kind.REFUSALS_COUNTED, step.market, each.party, step.now, of_hour | numbers))
        told += 1
    return told


def _refusal(made: Event, source: str) -> Refusal:
    return Refusal(
        source=source,
        party=made.counterparty,
        command=str(made.detail["command"]),
        reason=str(made.detail["reason"]),
        hour=made.time - made.time % HOUR,
    )


def _has_room(connection: Connection, refusal: Refusal) -> bool:
    of_source, of_party = refusals.recorded(connection, refusal)
    return of_source < OF_SOURCE and of_party < OF_PARTY
