"""Verifies a whole log from outside: whoever holds its policy needs nobody's word for anything in it.

The numbers stand again at the lines that do it:

 1. the log that the policy names has signed the checkpoint, and no signature on it by the log or a witness is
    false;
 2. the checkpoint is not of a smaller tree than the one last seen, nor has it another root at the same size;
 3. every bundle has its entries, and their hashes are those in the tiles, full and partial, of every level; also
    in what still lies there from when a tile or bundle was not as wide;
 4. the root over all entries is the one that was signed;
 5. the tree over as many entries as the checkpoint last seen had, has the root of that one;
 6. every entry is the canonical form of one;
 7. its node was enrolled before, by the log's party and on the operator's word, and it is the next of that node
    about its contract: `audit.replay`;
 8. its node has signed it;
 9. the halves of each use meet: where not, that is a finding, and no damage (`audit.verifying.halves`);
10. as many witnesses as the policy asks for stand behind the checkpoint, and lately. Where not, the log may be
    intact, and be another one than others are shown.

A log that was made anew as a whole, with its own key, passes all but 2, 5 and 10: it is known by what others keep
of it. Memory stays small: one tile of each level, and of the entries what 7 and 9 need, which is a number for each
node and contract, a key for each party, and the halves that are still alone.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context

from audit.checkpoint import Checkpoint
from audit.errors import Damage, SignatureError, TamperingError, UnavailableError
from audit.merkle import root
from audit.policy import Policy, Standing
from audit.replay import Replay
from audit.tile import FULL_WIDTH, HEIGHT, Bundle, Tile, TileNodes, split_hashes
from audit.verifying.growth import check_sizes, verify_growth
from audit.verifying.halves import Finding, Halves
from audit.verifying.pieces import Piece, Task, begin, check, check_here, check_older_tiles, read, require_signed
from audit.verifying.served import Commitment, Served, first_entry, subtree
from audit.verifying.source import Source

FEW = 4 * FULL_WIDTH
"""Entries that one process checks before others have started."""
_AHEAD = 4  # bundles for each process that wait or are being checked

Taker = Callable[[int, bytes], None]
"""Gets the index and the bytes of an entry."""


@dataclass(frozen=True)
class Verified:
    """What was found of a log that is not damaged."""

    checkpoint: Checkpoint
    standing: Standing
    is_fresh: bool
    """Whether a quorum stood behind it within the policy's `max_age` (10)."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Scope:
    """How far a verification goes, and who hears of it."""

    entries: bool = True
    """Whether entries are looked into (6 to 9), which takes most of the time, or only the tree is."""
    contract: str | None = None
    """Whose entries `take` gets."""
    take: Taker = lambda _index, _data: None
    """Gets every enrolment and the contract's entries, in order. They are to be believed once `verify` returns."""
    progress: Callable[[int], None] = lambda _entries: None
    """Gets the number of entries that are done."""
    processes: int | None = None
    """None for as many as there are processors."""


def verify(
    source: Source,
    checkpoint: Checkpoint,
    policy: Policy,
    now: int,
    last: Checkpoint | None = None,
    scope: Scope | None = None,
) -> Verified:
    """What is found in the log of this source under its checkpoint, at `now`, in seconds since 1970-01-01.

    `last` is the checkpoint last seen of the log, if it was seen before. Raises TamperingError naming the kind of
    damage and the first entry concerned, and UnavailableError for a source that cannot be read.
    """
    scope, served = scope or Scope(), Served(source)
    standing = stand(policy, checkpoint, now)  # 1
    if last is not None:
        check_sizes(last, checkpoint, policy, now)  # 2
        if last.size > checkpoint.size:  # an older one, which has a quorum, and the one last seen had none yet
            _check_still_there(checkpoint, last, served)  # 2
    walk = _Walk(served, checkpoint, policy, last, scope)
    for piece in _pieces(source, checkpoint.size, walk, scope):
        walk.take(piece)
    findings = walk.end()
    return Verified(checkpoint, standing, standing.is_fresh(now, policy.max_age), findings)  # 10


def stand(policy: Policy, checkpoint: Checkpoint, now: int) -> Standing:
    """Who stands behind the checkpoint: `Policy.judge`, with TamperingError instead of its SignatureError."""
    try:
        return policy.judge(checkpoint, now)
    except SignatureError as error:
        raise TamperingError(Damage.NOT_SIGNED, None, str(error)) from error


def _check_still_there(older: Checkpoint, last: Checkpoint, served: Served) -> None:
    """Check that a log which shows an older checkpoint than the one last seen serves the tree of both."""
    try:
        verify_growth(older, last, served)
    except TamperingError as error:
        problem = f"the log had {last.size} entries, shows {older.size}, and does not serve what is between them"
        raise TamperingError(Damage.ROLLED_BACK, older.size, problem) from error


class _Walk:
    """Goes along the bundles and remembers what they add up to."""

    def __init__(
        self, served: Served, checkpoint: Checkpoint, policy: Policy, last: Checkpoint | None, scope: Scope
    ) -> None:
        self._served, self._checkpoint, self._last, self._scope = served, checkpoint, last, scope
        self._commitment = Commitment(served, checkpoint.size, checkpoint.root)
        self._rows: list[list[bytes]] = [[]]
        """Of each level the hashes since its last full tile."""
        self._replay = Replay(policy.party, policy.log.public_key, policy.operator)
        self._halves = Halves()
        self._keys = self._replay.keys

    @property
    def keys(self) -> dict[str, bytes]:
        """Those of all who are enrolled by now."""
        return self._keys

    def take(self, piece: Piece) -> None:
        """Take the next bundle."""
        bundle = piece.bundle
        if piece.tile is not None:
            raise self._commitment.blame(Tile(0, bundle.index, bundle.width), piece.tile, piece.hashes)  # 3
        self._look_into(piece)
        if piece.problem is not None:
            raise TamperingError(*piece.problem)  # 3, 6, 8
        self._compare_last(piece)
        if bundle.width < FULL_WIDTH:
            self._rows[0] = list(piece.hashes)
        else:
            self._add(1, bundle.index, subtree(piece.hashes))
        self._scope.progress(first_entry(bundle, bundle.width))

    def end(self) -> tuple[Finding, ...]:
        """Compare what is left, and the root; give the findings."""
        size = self._checkpoint.size
        for level, row in enumerate(self._rows[1:], 1):
            if row:
                self._compare(Tile(level, size >> (HEIGHT * (level + 1)), len(row)), row)
        if self._root(size) != self._checkpoint.root:  # 4
            since = "" if self._last is None else f", behind the first {self._last.size}"
            problem = f"entries and tiles fit together{since}, but not to the root that the log has signed"
            raise TamperingError(Damage.CHANGED, None, problem)
        return tuple(self._halves.findings())  # 9

    def _look_into(self, piece: Piece) -> None:
        first, unverified, replay = first_entry(piece.bundle), set(piece.unverified), self._replay
        halves = iter([*piece.halves, (FULL_WIDTH, None)])
        at, half = next(halves)
        for position, step in enumerate(piece.steps):
            index = first + position
            key = replay.count(index, *step)  # 7
            if (data := piece.whole.get(position)) is not None:
                entry = read(index, data)
                if position in unverified:
                    require_signed(index, entry, key)  # 8
                if entry.kind == "party_enrolled":
                    replay.enrol(index, entry)  # 7
                    self._keys = replay.keys
                    self._scope.take(index, data)
                elif self._scope.contract is not None and entry.contract == self._scope.contract:
                    self._scope.take(index, data)
            if position == at and half is not None:
                self._halves.take(index, half)  # 9
                at, half = next(halves)

    def _compare_last(self, piece: Piece) -> None:
        if (last := self._last) is None:
            return
        count = last.size - first_entry(piece.bundle)
        if 0 <= count < len(piece.hashes) and self._root(last.size, piece.hashes[:count]) != last.root:  # 5
            problem = f"its first {last.size} entries are not those that it had when it was last seen"
            raise TamperingError(Damage.REWRITTEN, None, problem)

    def _root(self, size: int, leaves: Sequence[bytes] | None = None) -> bytes:
        rows = [self._rows[0] if leaves is None else leaves, *self._rows[1:]]
        return root(size, TileNodes(lambda tile: rows[tile.level], size))

    def _add(self, level: int, position: int, node: bytes) -> None:
        if level == len(self._rows):
            self._rows.append([])
        row = self._rows[level]
        row.append(node)
        if len(row) == FULL_WIDTH:
            self._compare(Tile(level, position // FULL_WIDTH), row)
            self._rows[level] = []
            self._add(level + 1, position // FULL_WIDTH, subtree(row))

    def _compare(self, tile: Tile, own: list[bytes]) -> None:
        shown = split_hashes(self._served.tile(tile), tile.width)
        if shown != own:
            raise self._commitment.blame(tile, shown, own)  # 3
        check_older_tiles(self._served, tile, own)  # 3


def _pieces(source: Source, size: int, walk: _Walk, scope: Scope) -> Iterator[Piece]:
    """The bundles of a log of this size, checked, in order: by as many processes as there are processors."""

    def tasks() -> Iterator[Task]:
        for first in range(0, size, FULL_WIDTH):
            bundle = Bundle(first // FULL_WIDTH, min(FULL_WIDTH, size - first))
            # The keys of this moment: an entry of a node that is enrolled meanwhile comes back to be verified.
            yield Task(bundle, walk.keys if scope.entries else None, scope.contract)

    processes = scope.processes or _processors()
    if size <= FEW or processes == 1:
        for each in tasks():
            yield check(each, source)
        return
    # Not forked: the caller may have threads, and a fork of those can wait for ever.
    with ProcessPoolExecutor(processes, get_context("spawn"), begin, (source,)) as pool:
        waiting: deque[Future[Piece]] = deque()
        try:
            for each in tasks():
                waiting.append(pool.submit(check_here, each))
                if len(waiting) >= processes * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise UnavailableError("a process that verified was killed; give it more memory, or fewer") from error
        finally:
            pool.shutdown(cancel_futures=True)


def _processors() -> int:
    """How many this process may use; where the system does not tell, how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
