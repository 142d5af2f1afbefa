"""Reads a whole log again, in its database, and recomputes it: `veilmart audit fsck`.

The numbers stand again at the lines that do it:

 1. the entries are numbered 0, 1, 2, … without a gap, as many as the head says;
 2. every entry's bytes are the canonical form of an entry, filed under its own id and contract;
 3. every entry keeps to the rules of `audit.replay`, and is signed by its node;
 4. every tile, complete or not, holds the hashes that follow from the entries, and there is no other;
 5. every node's last counter is the one stored, and there is no other;
 6. the head is as it was stored, its edge and its checkpoint are those of the tree, and the log has signed it; the
    checkpoints that were shown to witnesses are of this tree too, and each line on them is of the log or, where
    the witnesses are known, of a witness;
 7. the database agrees with itself (SQLite's integrity check: indices, pages, types), and holds no trigger and no
    rule, which could drop or change what is appended.

What this cannot find is a log that was rewritten or cut off as a whole, with the log's own key: it is compared
with a checkpoint that a witness or somebody else outside has kept.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, CursorResult, select
from sqlalchemy.exc import SQLAlchemyError

from audit import checkpoint
from audit.checkpoint import Checkpoint
from audit.cosignature import cosigners
from audit.entry import Entry, parse, verify_signature
from audit.errors import DamageError, FormatError, SignatureError, TamperingError
from audit.merkle import HASH_SIZE, Frontier, leaf_hash, root
from audit.note import VerifierKey
from audit.policy import Operator
from audit.replay import Replay
from audit.storage import head as heads
from audit.storage import tables
from audit.storage.batch import Stream
from audit.tile import FULL_WIDTH, HEIGHT, MAX_LEVEL, Tile, TileNodes, split_hashes

_STAGES = frozenset({"candidate", "published"})


def check(
    connection: Connection,
    log: VerifierKey,
    party: str,
    operator: Operator | None = None,
    progress: Callable[[int], None] = lambda _entries: None,
    *,
    witnesses: Collection[VerifierKey] = (),
) -> Checkpoint:
    """The log's checkpoint, everything under which was recomputed, in one pass and little memory.

    `log` is the log's key, `party` who runs it, `operator` who admits parties, if that is known; `witnesses` are
    their keys, without which cosignatures are not checked. `progress` gets the number of entries that are done.
    Raises DamageError naming the first bad index and what is wrong there. The connection's transaction is the
    snapshot that is checked.
    """
    frontier = Frontier()
    try:
        _check_entries(connection, frontier, Replay(party, log.public_key, operator), progress)
        made = _check_heads(connection, frontier, log, witnesses)
        _check_database(connection)
    except (SQLAlchemyError, UnicodeDecodeError) as error:
        cause = getattr(error, "orig", None) or error
        raise DamageError(f"entry {frontier.size} or what follows: {cause}", frontier.size) from error
    return made


def _check_entries(
    connection: Connection, frontier: Frontier, replay: Replay, progress: Callable[[int], None]
) -> None:
    expected, last = _Tiles(connection), dict[Stream, int]()
    with _entries(connection) as rows:
        _check_rows(rows, frontier, replay, expected, last, progress)
    size = heads.load(connection).size  # 6
    if size != frontier.size:
        first = min(size, frontier.size)
        raise DamageError(f"entry {first}: missing or surplus; the head says {size}", first)  # 1
    expected.end(size)  # 4
    _check_counters(connection, replay.counters, last, size)  # 5


def _check_rows(
    rows: Iterable[Any],
    frontier: Frontier,
    replay: Replay,
    expected: "_Tiles",
    last: dict[Stream, int],
    progress: Callable[[int], None],
) -> None:
    for index, entry_id, contract, data in rows:
        if index < frontier.size:
            raise DamageError(f"entry {index}: surplus", index)  # 1
        if index > frontier.size:
            raise DamageError(f"entry {frontier.size}: missing", frontier.size)  # 1
        entry = _checked(index, data, replay)  # 2, 3
        if (entry.id, entry.contract) != (entry_id, contract):
            raise DamageError(f"entry {index}: filed under the id or contract of another entry", index)  # 2
        last[entry.stream] = index
        for level, position, node in frontier.append(leaf_hash(data)):
            if level % HEIGHT == 0:
                expected.take(level // HEIGHT, position, node)  # 4
        progress(frontier.size)


def _checked(index: int, data: bytes, replay: Replay) -> Entry:
    try:
        entry = parse(data)  # 2
        verify_signature(entry, replay.take(index, entry))  # 3
    except TamperingError as error:
        raise DamageError(str(error), index) from error
    except (FormatError, SignatureError) as error:
        raise DamageError(f"entry {index}: {error}", index) from error
    return entry


def _check_counters(
    connection: Connection, counters: Mapping[Stream, int], last: Mapping[Stream, int], size: int
) -> None:
    rows = connection.execute(select(tables.streams))
    stored = {(str(node), contract or None): counter for node, contract, counter in rows}
    wrong = {stream for stream, _ in stored.items() ^ counters.items()}
    if wrong:
        node, contract = stream = min(wrong, key=lambda each: last.get(each, size))
        index = last.get(stream, size)
        about = contract or "no contract"
        raise DamageError(f"entry {index}: the last counter of {node} about {about} is not stored as it is", index)


class _Tiles:
    """The stored tiles, compared with the hashes that entries give in the order in which they give them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open: dict[int, tuple[int, bytearray]] = {}

    def take(self, level: int, position: int, node: bytes) -> None:
        """Take the next hash of a level; compare its tile once that is full."""
        index, offset = divmod(position, FULL_WIDTH)
        if offset == 0:
            self._open[level] = index, bytearray()
        self._open[level][1].extend(node)
        if offset == FULL_WIDTH - 1:
            self._compare(level)

    def end(self, size: int) -> None:
        """Compare the last tile of each level, and see that there are no others than those over `size` entries."""
        for level in sorted(self._open):
            self._compare(level)
        tiles = tables.tiles.c
        for level, index in self._connection.execute(select(tiles.level, tiles["index"])):
            hashes = size >> HEIGHT * level if 0 <= level <= MAX_LEVEL else 0
            if not 0 <= index * FULL_WIDTH < hashes:
                raise DamageError(f"from entry {size} on: surplus, tile {index} of level {level}", size)

    def _compare(self, level: int) -> None:
        index, hashes = self._open.pop(level)
        tiles = tables.tiles.c
        stored = self._connection.scalar(select(tiles.hashes).where(tiles.level == level, tiles["index"] == index))
        if stored == bytes(hashes):
            return
        has, due = (
            [each[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
            for each in (stored or b"", hashes)
        )
        wrong = next((at for at, (one, other) in enumerate(zip(has, due, strict=True)) if one != other), len(due))
        first = (index * FULL_WIDTH + wrong) << HEIGHT * level
        path = Tile(level, index, len(due)).path
        problem = "missing" if stored is None else "not the hashes of what it covers"
        raise DamageError(f"{path}, from entry {first} on: {problem}", first)


def _check_heads(
    connection: Connection, frontier: Frontier, log: VerifierKey, witnesses: Collection[VerifierKey]
) -> Checkpoint:
    head = heads.load(connection)  # 6
    made = _signed(head.checkpoint, log, "the head")
    if head.edge != b"".join(frontier.edge) or (made.size, made.root) != (frontier.size, frontier.root()):  # 6
        raise DamageError("the head is not that of the tree over the entries", frontier.size)
    for stage, size, stored in connection.execute(select(tables.cosigned)):
        shown = _signed(stored, log, f"the {stage} checkpoint")
        is_ours = (shown.size, shown.root) == (size, _root(connection, frontier.size, shown.size))
        if stage not in _STAGES or not is_ours:  # 6
            raise DamageError(f"the {stage} checkpoint is not of this log", min(shown.size, frontier.size))
        if witnesses:
            _check_lines(stage, shown, [log, *witnesses])
    return made


def _check_lines(stage: str, shown: Checkpoint, keys: Collection[VerifierKey]) -> None:
    """Check each cosignature (6): one whose name or key id was damaged would only seem to be another's."""
    log, *witnesses = keys
    try:
        cosigners(shown.note, witnesses)
    except SignatureError as error:
        raise DamageError(f"the {stage} checkpoint: {error}", shown.size) from error
    known = {(key.name, key.key_id) for key in keys}
    for line in shown.note.signatures:
        if (line.name, line.key_id) not in known:
            raise DamageError(
                f"the {stage} checkpoint: a line of {line.name!r:.80}, which is neither {log.name} nor a witness",
                shown.size,
            )


def _root(connection: Connection, present: int, size: int) -> bytes | None:
    tiles = tables.tiles.c

    def read(tile: Tile) -> list[bytes]:
        stored = connection.scalar(
            select(tiles.hashes).where(tiles.level == tile.level, tiles["index"] == tile.index)
        )
        return split_hashes((stored or b"")[: tile.width * 32], tile.width)

    return root(size, TileNodes(read, size)) if size <= present else None


def _signed(stored: bytes, log: VerifierKey, name: str) -> Checkpoint:
    try:
        return checkpoint.parse_signed(stored, log)
    except (FormatError, SignatureError) as error:
        raise DamageError(f"{name}: {error}") from error


def _check_database(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        report = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        if report != ["ok"]:  # 7
            raise DamageError(f"the database file is damaged: {report[0]}")
        triggers = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"
    else:
        triggers = (
            "SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal) + (SELECT count(*) FROM pg_rules"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema'))"
        )
    if connection.exec_driver_sql(triggers).scalar_one():  # 7
        raise DamageError("the database holds a trigger or a rule, which nobody may put there")


def _entries(connection: Connection) -> CursorResult[Any]:
    entries = tables.entries.c
    rows = select(entries["index"], entries.id, entries.contract, entries.data).order_by(entries["index"])
    if connection.dialect.name != "sqlite":  # which gives them one by one: the first that cannot be read is known
        rows = rows.execution_options(yield_per=1000)
    return connection.execute(rows)
