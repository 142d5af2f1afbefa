"""A log verified from outside: every way to cheat is found, by kind and first entry."""

from collections.abc import Sequence

import pytest

from audit.entry import Entry, EntryKind, encode
from audit.errors import TamperingError
from audit.merkle import closed_by, consistency_proof, leaf_hash, root_of
from audit.verify import Damage, Head, Prove, verified, verify_growth, verify_selection

SIZES = [1, 2, 3, 7, 8, 13]
HASH = b"\7" * 32


def entry(index: int, node: str = "market") -> Entry:
    return Entry(id=f"{index:032x}", kind=EntryKind.REFUSED, time=index, node=node)


def entries(size: int) -> list[tuple[int, Entry]]:
    return [(index, entry(index)) for index in range(size)]


class Tree:
    """A log that proves what it holds."""

    def __init__(self, found: Sequence[tuple[int, Entry]]) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        leaves = [leaf_hash(encode(each)) for _, each in found]
        for index, leaf in enumerate(leaves):
            self.nodes.update({(level, at): node for level, at, node in closed_by(index, leaf, self.node)})
        self.head = Head(len(leaves), root_of(leaves))

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def consistency(self, old: int, new: int) -> Sequence[bytes]:
        return consistency_proof(old, new, self.node)


def verify_entries(head: Head, found: Sequence[tuple[int, Entry]], prove: Prove) -> None:
    assert list(verified(head, found, prove)) == found


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
    found[3] = (3, entry(3, "another"))
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
            found[last], found[first] = (last, entry(last, "changed-too")), (first, entry(first, "changed"))
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


# --- a selection --------------------------------------------------------------------------------------------


def test_a_selection_that_is_the_same_is_believed() -> None:
    for found in ([], entries(1), entries(8)[::2]):
        verify_selection(found, list(found))


@pytest.mark.parametrize(
    ("shown", "damage", "index"),
    [
        ([1, 3, 5], Damage.LEFT_OUT, 7),
        ([3, 5, 7], Damage.LEFT_OUT, 1),
        ([1, 5, 7], Damage.LEFT_OUT, 3),
        ([], Damage.LEFT_OUT, 1),
        ([7, 1, 3, 5], Damage.LEFT_OUT, 1),
        ([0, 1, 3, 5, 7], Damage.ADDED, 0),
        ([1, 3, 4, 5, 7], Damage.ADDED, 4),
        ([1, 3, 5, 7, 8], Damage.ADDED, 8),
        ([1, 3, 3, 5, 7], Damage.ADDED, 3),
    ],
)
def test_the_first_entry_left_out_or_added_is_named(shown: list[int], damage: Damage, index: int) -> None:
    found = entries(9)
    with pytest.raises(TamperingError, match=f"entry {index} ") as raised:
        verify_selection(found[1::2], [found[at] for at in shown])
    assert (raised.value.damage, raised.value.index) == (damage, index)


def test_an_entry_shown_otherwise_is_named() -> None:
    shown = entries(8)
    shown[5] = (5, entry(5, "another"))
    with pytest.raises(TamperingError, match="entry 5 is shown otherwise") as raised:
        verify_selection(entries(8), shown)
    assert (raised.value.damage, raised.value.index) == (Damage.CHANGED, 5)
