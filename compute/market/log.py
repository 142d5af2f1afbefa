"""What is told of the log."""

from typing import Annotated

from msgspec import Meta

from compute.canonical import Message, Name
from compute.market.count import Count

MAX_ENTRIES = 256
"""Entries that a node sends at once: an entry bundle of C2SP tlog-tiles, at most 16 MiB."""
MAX_TRACE = 1000
"""Entries of a trace in one answer."""


class EntryIndices(Message, frozen=True):
    """Where in the log entries stand, in the order in which they came."""

    indices: Annotated[tuple[Count, ...], Meta(min_length=1, max_length=MAX_ENTRIES)]


class LogEntry(Message, frozen=True):
    """An entry of the log and its index."""

    index: Count
    entry: str
    """The canonical JSON of `audit.entry`, whose UTF-8 bytes the leaf's hash covers."""


class Trace(Message, frozen=True):
    """Entries about a contract, in the order of the log; with fewer than MAX_TRACE there are no later ones."""

    contract: Name
    entries: Annotated[tuple[LogEntry, ...], Meta(max_length=MAX_TRACE)]
