"""A log verified from outside: every way to cheat is found, by kind and first entry."""

from collections.abc import Sequence

import pytest

from audit.errors import TamperingError
from audit.merkle import closed_by, consistency_proof, inclusion_proof, leaf_hash, root_of
from audit.verify import Damage, Head, verify_entries, verify_growth, verify_included

SIZES = [1, 2, 3, 7, 8, 13]
HASH = b"\7" * 32


def entries(size: int) -> list[tuple[int, bytes]]:
    return [(index, b"entry %d" % index) for index in range(size)]


class Tree:
    """A log that proves what it holds."""

    def __init__(self, found: Sequence[tuple[int, bytes]]) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        leaves = [leaf_hash(data) for _, data in found]
        for index, leaf in enumerate(leaves):
            self.nodes.update({(level, at): node for level, at, node in closed_by(index, leaf, self.node)})
        self.head = Head(len(leaves), root_of(leaves))

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def consistency(self, old: int, new: int) -> Sequence[bytes]:
        return consistency_proof(old, new, self.node)

    def inclusion(self, index: int, size: int) -> Sequence[bytes]:
        return inclusion_proof(index, size, self.node)


def no_proof(_one: int, _other: int) -> Sequence[bytes]:
    raise AssertionError("no proof is needed")


# --- growth -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("new", [*SIZES, 0])
def test_a_log_that_grows_is_believed(new: int) -> None:
    tree = Tree(entries(new))
    for old in range(new + 1):
        verify_growth(Tree(entries(old)).head, tree.head, tree.consistency)


def test_a_log_that_shrank_was_rolled_back() -> None:
    with pytest.raises(TamperingError, match="had 8 entries and now has 7") as raised:
        verify_growth(Tree(entries(8)).head, Tree(entries(7)).head, no_proof)
    assert (raised.value.damage, raised.value.index) == (Damage.ROLLED_BACK, 7)


def test_another_root_at_one_size_is_a_fork() -> None:
    old = Tree(entries(8)).head
    with pytest.raises(TamperingError, match="another root than before at size 8") as raised:
        verify_growth(old, Head(8, HASH), no_proof)
    assert (raised.value.damage, raised.value.index) == (Damage.FORKED, None)


def test_a_log_that_grew_from_something_else_was_rewritten() -> None:
    found = entries(13)
    found[3] = (3, b"another")
    tree = Tree(found)
    with pytest.raises(TamperingError, match="the first 8 entries") as raised:
        verify_growth(Tree(entries(8)).head, tree.head, tree.consistency)
    assert raised.value.damage is Damage.REWRITTEN


# --- entries ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [*SIZES, 0])
def test_all_entries_of_a_log_are_believed_without_a_proof(size: int) -> None:
    verify_entries(Tree(entries(size)).head, entries(size), no_proof)


@pytest.mark.parametrize("size", SIZES)
def test_the_first_changed_entry_is_named(size: int) -> None:
    tree = Tree(entries(size))
    for first in range(size):
        for last in {first, size - 1}:
            found = entries(size)
            found[last], found[first] = (last, b"changed too"), (first, b"changed")
            with pytest.raises(TamperingError) as raised:
                verify_entries(tree.head, found, tree.consistency)
            assert (raised.value.damage, raised.value.index) == (Damage.CHANGED, first)


def test_a_log_that_proves_nothing_is_not_believed() -> None:
    with pytest.raises(TamperingError, match="entry 0 is the first"):
        verify_entries(Head(8, HASH), entries(8), lambda _old, _new: [HASH])


@pytest.mark.parametrize("missing", [0, 4, 7])
def test_a_dropped_entry_is_named(missing: int) -> None:
    found = entries(8)
    del found[missing]
    with pytest.raises(TamperingError, match=f"entry {missing} is missing") as raised:
        verify_entries(Tree(entries(8)).head, found, no_proof)
    assert (raised.value.damage, raised.value.index) == (Damage.DROPPED, missing)


def test_an_entry_too_many_is_named() -> None:
    with pytest.raises(TamperingError, match="entry 8 lies beyond"):
        verify_entries(Tree(entries(8)).head, entries(9), no_proof)


# --- some of them -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_each_of_some_entries_is_proven(size: int) -> None:
    tree = Tree(entries(size))
    assert verify_included(tree.head, entries(size)[::2], tree.inclusion) == len(range(0, size, 2))


def test_an_entry_that_is_not_in_the_log_is_named() -> None:
    tree = Tree(entries(8))
    for found in ([(2, b"entry 2"), (5, b"entry 4")], [(5, b"")]):
        with pytest.raises(TamperingError, match="entry 5 is not shown") as raised:
            verify_included(tree.head, found, tree.inclusion)
        assert (raised.value.damage, raised.value.index) == (Damage.NOT_INCLUDED, 5)
    with pytest.raises(TamperingError, match="entry 8 is not shown"):
        verify_included(tree.head, [(8, b"entry 8")], lambda _index, _size: [])


def test_entries_out_of_order_are_named() -> None:
    tree = Tree(entries(8))
    for second in (3, 2):
        with pytest.raises(TamperingError, match=f"entry {second} comes after entry 3"):
            verify_included(tree.head, [entries(8)[3], entries(8)[second]], tree.inclusion)
