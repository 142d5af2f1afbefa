"""What one transaction appends: collected while it runs, written and signed at its end.

    add → add → … → seal:  entries, the tiles they fill, the counters of their nodes, the head with its checkpoint

However many events come in one transaction, each tile is written once and one checkpoint signed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, bindparam, func, insert, select, tuple_, update

from audit import checkpoint, database
from audit.entry import Entry, Event, encode, sign
from audit.errors import CounterError, DamageError, IdTakenError, LogError
from audit.merkle import HASH_SIZE, leaf_hash
from audit.storage import head as heads
from audit.storage import tables
from audit.storage.head import Head
from audit.tile import FULL_WIDTH, HEIGHT

CLOCK_TOLERANCE = 60_000
"""Milliseconds that a clock may be set back: more, and the log signs nothing until it is right again."""

_PER_QUERY = 1000  # ids or streams: below SQLite's limit of 32,766 parameters
# Made once: making one takes longer than SQLite needs to run it.
_COLUMNS = select(tables.entries.c.id, tables.entries.c["index"], tables.entries.c.data)
_KNOWN_ONE = _COLUMNS.where(tables.entries.c.id == bindparam("one"))
_KNOWN = _COLUMNS.where(tables.entries.c.id.in_(bindparam("ids", expanding=True)))
_APPEND = insert(tables.entries)
_LAST = select(func.max(tables.entries.c["index"]))
_MOVE = update(tables.head).where(tables.head.c.size == bindparam("before"))
_COUNTERS_ONE = select(tables.streams).where(
    tables.streams.c.node == bindparam("node"), tables.streams.c.contract == bindparam("about")
)
_COUNTERS = select(tables.streams).where(
    tuple_(tables.streams.c.node, tables.streams.c.contract).in_(bindparam("streams", expanding=True))
)
_TILE = select(tables.tiles.c.hashes).where(
    tables.tiles.c.level == bindparam("level"), tables.tiles.c["index"] == bindparam("index")
)

T = TypeVar("T")
Stream = tuple[str, str | None]
"""A node, and the contract about which it counts, or none."""


@dataclass(frozen=True)
class Signer:
    """Who signs a log's checkpoints and the log's own events."""

    origin: str
    """The log's name, the first line of its checkpoints."""
    node: str
    """The party that runs the log."""
    key: Ed25519PrivateKey
    clock: Callable[[], int]
    """UTC, milliseconds since 1970-01-01."""


class Batch:
    """The entries of one open write transaction, over its `connection`."""

    def __init__(self, connection: Connection, signer: Signer) -> None:
        self.connection, self._signer = connection, signer
        head = heads.load(connection)
        if head.halted is not None:
            raise LogError(f"the log is halted: {head.halted}")
        self._head = head
        self._entries: list[Entry] = []
        self._data: list[bytes] = []
        self._known: dict[str, tuple[int, bytes] | None] = {}  # None: looked for, and not there
        self._counters: dict[Stream, int] = {}

    def look_up(self, events: Sequence[Event]) -> None:
        """Read which of these ids the log has already, and their nodes' counters, all at once."""
        asked = [event.id for event in events if event.id not in self._known]
        self._known.update(dict.fromkeys(asked))
        for some in _pieces(asked):
            query, values = (_KNOWN, {"ids": some}) if some[1:] else (_KNOWN_ONE, {"one": some[0]})
            for entry_id, index, data in self.connection.execute(query, values):
                self._known[entry_id] = index, data
        self._read_counters(event.stream for event in events)

    def recorded(self, entry: Entry) -> int | None:
        """The index of the entry if it is there already; raises IdTakenError if another has its id."""
        return self._recorded(entry, encode(entry))

    def add(self, entry: Entry) -> int:
        """Take the entry and give its index; that of its first time if it is there already.

        Raises IdTakenError if its id is taken, CounterError unless its counter is the next of its stream.
        """
        data = encode(entry)
        if (index := self._recorded(entry, data)) is not None:
            return index
        expected = self._next(entry.stream)
        if entry.counter != expected:
            raise CounterError(
                f"the event has the counter {entry.counter}; the next of {entry.node} is {expected}", expected
            )
        index = self._head.size + len(self._entries)
        self._known[entry.id] = index, data
        self._counters[entry.stream] = entry.counter
        self._entries.append(entry)
        self._data.append(data)
        return index

    def report(self, event: Event) -> int:
        """Add an event of the log's own party, as its next about the contract, and give its index."""
        counter = self._next(event.stream)
        return self.add(sign(event, counter, self._signer.key))

    def mark(self) -> int:
        """A point to which `undo` goes back."""
        return len(self._entries)

    def undo(self, mark: int) -> None:
        """Forget what was added behind a mark."""
        for entry in reversed(self._entries[mark:]):
            self._known[entry.id] = None
            self._counters[entry.stream] -= 1
        del self._entries[mark:], self._data[mark:]

    def seal(self) -> None:
        """Write what was added, and sign the checkpoint over it. Raises LogError if nothing may be signed."""
        if not self._entries:
            return
        head, now = self._head, self._signer.clock()
        if now < head.signed_at - CLOCK_TOLERANCE:
            raise LogError("the clock is behind the last checkpoint: set it right, nothing is signed until then")
        rows: list[dict[str, Any]] = [
            {"index": index, "id": entry.id, "contract": entry.contract, "data": data}
            for index, (entry, data) in enumerate(zip(self._entries, self._data, strict=True), head.size)
        ]
        frontier, hashes = head.tree, defaultdict(list)
        for data in self._data:
            for level, index, node in frontier.append(leaf_hash(data)):
                if level % HEIGHT == 0:
                    hashes[level // HEIGHT, index // FULL_WIDTH].append((index % FULL_WIDTH, node))
        self.connection.execute(_APPEND, rows)
        for place, fresh in hashes.items():
            self._fill(*place, fresh)
        self._count()
        signed = checkpoint.signed(self._signer.origin, frontier.size, frontier.root(), self._signer.key)
        grown = Head(frontier.size, b"".join(frontier.edge), signed, max(now, head.signed_at))
        moved = self.connection.execute(_MOVE, {**grown.row, "before": head.size})
        if moved.rowcount != 1 or self.connection.scalar(_LAST) != frontier.size - 1:
            # A trigger in the file can swallow a write; nothing may be acknowledged that is not there.
            raise LogError("the entries were not stored; the file was tampered with: check it")

    def _recorded(self, entry: Entry, data: bytes) -> int | None:
        if entry.id not in self._known:
            self.look_up([entry])
        if (known := self._known[entry.id]) is None:
            return None
        index, recorded = known
        if recorded != data:
            raise IdTakenError(f"the id {entry.id} is taken by another event, entry {index}")
        return index

    def _next(self, stream: Stream) -> int:
        if stream not in self._counters:
            self._read_counters([stream])
        return self._counters[stream] + 1

    def _read_counters(self, streams: Iterable[Stream]) -> None:
        asked = list(dict.fromkeys(stream for stream in streams if stream not in self._counters))
        self._counters.update(dict.fromkeys(asked, 0))
        for some in _pieces([(node, contract or "") for node, contract in asked]):
            (first, about), *others = some
            one = {"node": first, "about": about}
            query, values = (_COUNTERS, {"streams": some}) if others else (_COUNTERS_ONE, one)
            for node, contract, counter in self.connection.execute(query, values):
                self._counters[node, contract or None] = counter

    def _fill(self, level: int, index: int, fresh: Sequence[tuple[int, bytes]]) -> None:
        """Write hashes behind those that a tile has."""
        place = {"level": level, "index": index}
        (first, _), *_ = fresh
        before = (self.connection.scalar(_TILE, place) or b"") if first else b""
        if len(before) != first * HASH_SIZE:
            raise DamageError(f"tile ({level}, {index}) has {len(before)} bytes and must have {first * HASH_SIZE}")
        hashes = before + b"".join(node for _, node in fresh)
        self.connection.execute(database.put(self.connection, tables.tiles), {**place, "hashes": hashes})

    def _count(self) -> None:
        last = {entry.stream: entry.counter for entry in self._entries}
        rows = [
            {"node": node, "contract": contract or "", "counter": counter}
            for (node, contract), counter in last.items()
        ]
        self.connection.execute(database.put(self.connection, tables.streams), rows)


def _pieces(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[first : first + _PER_QUERY] for first in range(0, len(values), _PER_QUERY))
