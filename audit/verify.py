"""Verifies a log from outside: that it extends what it was, and that its entries are those that it commits to.

No entry is believed that the root of a checkpoint does not cover, and no checkpoint that contradicts an earlier
one. That a checkpoint is signed by the log's owner is checked before it comes here. All that this needs is the
standard library.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from audit.errors import ProofError, TamperingError
from audit.merkle import Frontier, Nodes, closed_by, leaf_hash, root, verify_consistency, verify_inclusion

Prove = Callable[[int, int], Sequence[bytes]]
"""Asks the log for the hashes of a proof: of consistency (old size, new size), or of inclusion (index, size)."""


class Damage(StrEnum):
    """What can have been done to a log."""

    ROLLED_BACK = "rolled_back"  # it has fewer entries than it had
    FORKED = "forked"  # it has another root than it had at the same size
    REWRITTEN = "rewritten"  # it has grown, but not from what it was
    DROPPED = "dropped"  # it does not give an entry that it commits to
    CHANGED = "changed"  # an entry is not the one that it commits to
    NOT_INCLUDED = "not_included"  # an entry is shown that it does not commit to


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


def verify_entries(head: Head, entries: Iterable[tuple[int, bytes]], prove: Prove) -> None:
    """Check that these entries, with their indices and in order, are all that the log at `head` commits to.

    Raises TamperingError naming the first that is not shown to be: only to find it are proofs of consistency asked
    for. Keeps the leaf hashes in memory, some 70 bytes for each entry.
    """
    frontier, leaves = Frontier(), []
    for index, data in entries:
        if index != frontier.size:
            raise _dropped(frontier.size)
        leaves.append(leaf_hash(data))
        frontier.append(leaves[-1])
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


def verify_included(head: Head, entries: Iterable[tuple[int, bytes]], prove: Prove) -> int:
    """Check that each of these entries, by its own bytes, is in the log at `head`, and give their number.

    Raises TamperingError naming the first that is not shown to be, or that does not follow the one before it.
    """
    count, last = 0, -1
    for index, data in entries:
        if index <= last:
            problem = f"entry {index} comes after entry {last}, out of the order of the log"
            raise TamperingError(Damage.NOT_INCLUDED, index, problem)
        try:
            verify_inclusion(leaf_hash(data), index, head.size, prove(index, head.size), head.root)
        except ProofError as error:
            problem = f"entry {index} is not shown to be in the log: {error}"
            raise TamperingError(Damage.NOT_INCLUDED, index, problem) from error
        count, last = count + 1, index
    return count


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
