"""Verifies a log from outside: that it extends what it was, and that its entries are those that it commits to.

No entry is believed that the root of a checkpoint does not cover, and no checkpoint that contradicts an earlier
one. That a checkpoint is signed by the log's owner is checked before it comes here. All that this needs is the
standard library.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from audit.entry import Entry, encode
from audit.errors import Damage, ProofError, TamperingError
from audit.merkle import Frontier, Nodes, closed_by, leaf_hash, root, verify_consistency

Prove = Callable[[int, int], Sequence[bytes]]
"""Asks the log for the hashes of a proof of consistency (old size, new size)."""


@dataclass(frozen=True)
class Head:
    """What a log commits to, from one signed checkpoint."""

    size: int
    root: bytes


def verify_growth(old: Head, new: Head, prove: Prove) -> None:
    """Check that the log at `new` extends what it was at `old`; raise TamperingError if that is not shown."""
    if new.size < old.size:
        raise TamperingError(
            Damage.ROLLED_BACK, new.size, f"the log had {old.size} entries and now has {new.size}"
        )
    if new.size == old.size:
        if new.root != old.root:
            raise TamperingError(Damage.FORKED, None, f"the log has another root than before at size {old.size}")
        return
    try:
        verify_consistency(old.size, new.size, old.root, new.root, prove(old.size, new.size))
    except ProofError as error:
        problem = f"nothing shows the first {old.size} entries to be those of before: {error}"
        raise TamperingError(Damage.REWRITTEN, None, problem) from error


def verified(head: Head, entries: Iterable[tuple[int, Entry]], prove: Prove) -> Iterator[tuple[int, Entry]]:
    """Pass on these entries, with their indices and in order, and check that they are all that `head` commits to.

    Nothing that was passed on is to be believed before the end, where the root is compared. Raises TamperingError
    naming the first entry that is not shown to be the log's: only to find it are proofs of consistency asked for.
    Keeps the leaf hashes in memory, some 70 bytes for each entry.
    """
    frontier, leaves = Frontier(), []
    for index, entry in entries:
        if index != frontier.size:
            raise _dropped(frontier.size)
        leaves.append(leaf_hash(encode(entry)))
        frontier.append(leaves[-1])
        yield index, entry
    if frontier.size < head.size:
        raise _dropped(frontier.size)
    if frontier.size > head.size:
        problem = f"entry {head.size} lies beyond the {head.size} that the log commits to"
        raise TamperingError(Damage.NOT_INCLUDED, head.size, problem)
    if frontier.root() != head.root:
        index = _first_changed(head, leaves, prove)
        raise TamperingError(
            Damage.CHANGED, index, f"entry {index} is the first that is not the one that the log commits to"
        )


def verify_selection(expected: Sequence[tuple[int, Entry]], shown: Sequence[tuple[int, Entry]]) -> None:
    """Check that what is shown of a log is what was found in it; raise TamperingError naming what is not."""
    for own, other in zip_longest(expected, shown):
        if own == other:
            continue
        if own is None or (other is not None and other[0] < own[0]):
            problem = f"entry {other[0]} is shown, but the log does not say that it belongs there"
            raise TamperingError(Damage.ADDED, other[0], problem)
        index = own[0]
        if other is None or other[0] > index:
            raise TamperingError(Damage.LEFT_OUT, index, f"entry {index} is in the log but is not shown")
        raise TamperingError(Damage.CHANGED, index, f"entry {index} is shown otherwise than it is in the log")


def _dropped(index: int) -> TamperingError:
    return TamperingError(Damage.DROPPED, index, f"entry {index} is missing")


def _first_changed(head: Head, leaves: Sequence[bytes], prove: Prove) -> int:
    """The first leaf that is not the log's: all before it are shown to be, as a prefix, by a proof of consistency.

    The search by halves needs a proof for each step, and not the log's own hashes.
    """
    nodes = _tree(leaves)
    intact, broken = 0, head.size
    while broken - intact > 1:
        middle = (intact + broken) // 2
        try:
            verify_consistency(middle, head.size, root(middle, nodes), head.root, prove(middle, head.size))
            intact = middle
        except ProofError:
            broken = middle
    return intact


def _tree(leaves: Sequence[bytes]) -> Nodes:
    subtrees: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        return subtrees[level, index]

    for index, leaf in enumerate(leaves):
        subtrees.update(((level, at), subtree) for level, at, subtree in closed_by(index, leaf, node))
    return node
