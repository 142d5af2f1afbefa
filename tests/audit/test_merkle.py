"""Hashes, roots and proofs against RFC 6962, a naive recursion, and whoever tampers with a proof."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import merkle
from audit.errors import ProofError

# The reference vectors of the certificate-transparency project.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = 40
SETTINGS = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def mth(entries: list[bytes]) -> bytes:
    """RFC 6962 §2.1 word for word, over the entries themselves."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return hashlib.sha256(b"\1" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1 word for word."""
    if len(entries) == 1:
        return []
    k = 1
    while 2 * k < len(entries):
        k *= 2
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: list[bytes], known: bool) -> list[bytes]:  # noqa: FBT001 - the RFC's signature
    """RFC 6962 §2.1.2 word for word."""
    if m == len(entries):
        return [] if known else [mth(entries)]
    k = 1
    while 2 * k < len(entries):
        k *= 2
    if m <= k:
        return [*subproof(m, entries[:k], known), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], known=False), mth(entries[:k])]


def turns(index: int, size: int) -> list[str]:
    """The path of a leaf, from the leaf up: on which side its subtree stands at each step."""
    if size == 1:
        return []
    k = 1
    while 2 * k < size:
        k *= 2
    return [*turns(index, k), "left"] if index < k else [*turns(index - k, size - k), "right"]


def stored_nodes(entries: list[bytes]) -> tuple[dict[tuple[int, int], bytes], merkle.Nodes]:
    """Every complete subtree of a log of these entries, and a reader of them."""
    stored: dict[tuple[int, int], bytes] = {}

    def read(level: int, index: int) -> bytes:
        return stored[level, index]

    for position, entry in enumerate(entries):
        for level, index, subtree in merkle.closed_by(position, merkle.leaf_hash(entry), read):
            assert (level, index) not in stored
            stored[level, index] = subtree
    return stored, read


def entries_of(size: int) -> list[bytes]:
    return [f"entry {number}".encode() for number in range(size)]


ENTRIES = entries_of(70)
_, NODES = stored_nodes(ENTRIES)
NODE_ROOTS = [merkle.root(size, NODES) for size in range(71)]


def flips(hashes: list[bytes]) -> list[list[bytes]]:
    """The hashes with one bit of one of them changed, for each of them in turn."""
    return [
        [*hashes[:at], bytes([hashes[at][0] ^ 0x80]) + hashes[at][1:], *hashes[at + 1 :]]
        for at in range(len(hashes))
    ] + [
        [*hashes[:at], hashes[at][:-1] + bytes([hashes[at][-1] ^ 1]), *hashes[at + 1 :]]
        for at in range(len(hashes))
    ]


def other_lengths(hashes: list[bytes]) -> list[list[bytes]]:
    """The hashes with one left out, one said twice, and one foreign at either end."""
    left_out = [[*hashes[:at], *hashes[at + 1 :]] for at in range(len(hashes))]
    twice = [[*hashes[: at + 1], *hashes[at:]] for at in range(len(hashes))]
    return [*left_out, *twice, [bytes(32), *hashes], [*hashes, bytes(32)]]


def rejected(check: Callable[..., None], *arguments: object) -> bool:
    try:
        check(*arguments)
    except ProofError:
        return True
    return False


def test_the_reference_vectors() -> None:
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    hashes = [merkle.leaf_hash(leaf) for leaf in LEAVES]
    assert [merkle.root_of(hashes[:size]).hex() for size in range(1, 9)] == ROOTS
    assert merkle.root_of([]) == merkle.EMPTY_ROOT


def test_the_example_of_rfc_6962_2_1_3() -> None:
    _, nodes = stored_nodes(LEAVES[:7])
    d = [merkle.leaf_hash(leaf) for leaf in LEAVES]
    g, h, i, j = (merkle.node_hash(d[at], d[at + 1]) if at < 6 else d[6] for at in (0, 2, 4, 6))
    k, l = merkle.node_hash(g, h), merkle.node_hash(i, j)  # noqa: E741 - the RFC's letters
    a, b, c, e, f = d[0], d[1], d[2], d[4], d[5]
    assert merkle.inclusion_proof(0, 7, nodes) == [b, h, l]
    assert merkle.inclusion_proof(3, 7, nodes) == [c, g, l]
    assert merkle.inclusion_proof(4, 7, nodes) == [f, j, k]
    assert merkle.inclusion_proof(6, 7, nodes) == [i, k]
    assert merkle.consistency_proof(3, 7, nodes) == [c, d[3], g, l]
    assert merkle.consistency_proof(4, 7, nodes) == [l]
    assert merkle.consistency_proof(6, 7, nodes) == [i, j, k]
    assert merkle.node_hash(a, b) == g
    assert merkle.node_hash(e, f) == i


@pytest.mark.parametrize("size", range(71))
def test_roots_and_proofs_are_those_of_the_naive_recursion(size: int) -> None:
    entries = ENTRIES[:size]
    assert merkle.root(size, NODES) == mth(entries)
    assert merkle.root_of(merkle.leaf_hash(entry) for entry in entries) == mth(entries)
    for index in range(size):
        assert merkle.inclusion_proof(index, size, NODES) == path(index, entries)
    for old in range(1, size + 1):
        assert merkle.consistency_proof(old, size, NODES) == subproof(old, entries, known=True)
    assert merkle.consistency_proof(0, size, NODES) == []


@SETTINGS
@given(st.data())
def test_larger_trees(data: st.DataObject) -> None:
    size = data.draw(st.integers(71, 1500))
    old = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, old - 1))
    entries = entries_of(size)
    _, nodes = stored_nodes(entries)
    root1, root2 = merkle.root(old, nodes), merkle.root(size, nodes)
    assert (root1, root2) == (mth(entries[:old]), mth(entries))
    for at, root in ((old, root1), (size, root2)):
        proof = merkle.inclusion_proof(index, at, nodes)
        merkle.verify_inclusion(merkle.leaf_hash(entries[index]), index, at, proof, root)
    merkle.verify_consistency(old, size, root1, root2, merkle.consistency_proof(old, size, nodes))


def test_a_log_keeps_every_complete_subtree_and_nothing_else() -> None:
    stored, _ = stored_nodes(ENTRIES)
    assert stored == {
        (level, index): mth(ENTRIES[index << level : (index + 1) << level])
        for level in range(7)
        for index in range(70 >> level)
    }


@SETTINGS
@given(st.integers(2, 2**62), st.data())
def test_a_proof_reads_few_nodes(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    reads: list[tuple[int, int]] = []

    def nodes(level: int, at: int) -> bytes:
        assert (at + 1) << level <= size, "a subtree that is not complete"
        reads.append((level, at))
        return bytes(32)

    merkle.root(size, nodes)
    assert len(reads) == size.bit_count()
    for prove in (merkle.inclusion_proof, merkle.consistency_proof):
        reads.clear()
        assert len(prove(index, size, nodes)) <= size.bit_length() + 1
        assert len(reads) <= 3 * size.bit_length()


@pytest.mark.parametrize("size", range(1, SIZES + 1))
def test_inclusion_proofs_hold_and_tampered_ones_do_not(size: int) -> None:
    root = NODE_ROOTS[size]
    for index in range(size):
        leaf = merkle.leaf_hash(ENTRIES[index])
        proof = merkle.inclusion_proof(index, size, NODES)
        merkle.verify_inclusion(leaf, index, size, proof, root)
        for tampered in flips(proof) + other_lengths(proof):
            assert rejected(merkle.verify_inclusion, leaf, index, size, tampered, root)
        if len(proof) > 1:
            assert rejected(merkle.verify_inclusion, leaf, index, size, proof[::-1], root)
        for other in range(size):
            if other != index:
                assert rejected(merkle.verify_inclusion, leaf, other, size, proof, root)
                other_leaf = merkle.leaf_hash(ENTRIES[other])
                assert rejected(merkle.verify_inclusion, other_leaf, index, size, proof, root)
        for (wrong_leaf,), (wrong_root,) in ((flips([leaf])[0], [root]), ([leaf], flips([root])[0])):
            assert rejected(merkle.verify_inclusion, wrong_leaf, index, size, proof, wrong_root)


@pytest.mark.parametrize("size", range(1, SIZES + 1))
def test_an_inclusion_proof_does_not_serve_another_size(size: int) -> None:
    for index in range(size):
        leaf = merkle.leaf_hash(ENTRIES[index])
        proof = merkle.inclusion_proof(index, size, NODES)
        for other in range(SIZES + 10):
            if other == size:
                continue
            assert rejected(merkle.verify_inclusion, leaf, index, other, proof, NODE_ROOTS[other])
            # A root commits to leaves, not to their number: with the root of one size and the number of
            # another, the path is all that can differ.
            if other <= index or turns(index, other) != turns(index, size):
                assert rejected(merkle.verify_inclusion, leaf, index, other, proof, NODE_ROOTS[size])


@pytest.mark.parametrize("size", range(1, SIZES + 1))
def test_consistency_proofs_hold_and_tampered_ones_do_not(size: int) -> None:
    root2 = NODE_ROOTS[size]
    for old in range(1, size):
        root1 = NODE_ROOTS[old]
        proof = merkle.consistency_proof(old, size, NODES)
        merkle.verify_consistency(old, size, root1, root2, proof)
        for tampered in flips(proof) + other_lengths(proof):
            assert rejected(merkle.verify_consistency, old, size, root1, root2, tampered)
        assert rejected(merkle.verify_consistency, old, size, root2, root1, proof)
        assert rejected(merkle.verify_consistency, size, old, root2, root1, proof)
        for (wrong1,), (wrong2,) in ((flips([root1])[0], [root2]), ([root1], flips([root2])[0])):
            assert rejected(merkle.verify_consistency, old, size, wrong1, wrong2, proof)
        for other in range(SIZES + 10):
            if other not in {0, old}:
                assert rejected(merkle.verify_consistency, other, size, NODE_ROOTS[other], root2, proof)
            if other != size:
                assert rejected(merkle.verify_consistency, old, other, root1, NODE_ROOTS[other], proof)


def test_a_fork_has_no_consistency_proof() -> None:
    forked = [*ENTRIES[:5], b"another entry", *ENTRIES[6:20]]
    _, nodes = stored_nodes(forked)
    for old in range(6, 20):
        proof = merkle.consistency_proof(old, 20, nodes)
        root = merkle.root(20, nodes)
        assert rejected(merkle.verify_consistency, old, 20, NODE_ROOTS[old], root, proof)


def test_consistency_of_equal_and_empty_trees() -> None:
    empty, one, two = NODE_ROOTS[:3]
    merkle.verify_consistency(0, 0, empty, empty, [])
    merkle.verify_consistency(0, 2, empty, two, [])
    merkle.verify_consistency(2, 2, two, two, [])
    assert rejected(merkle.verify_consistency, 0, 0, empty, one, [])
    assert rejected(merkle.verify_consistency, 0, 0, one, one, [])
    assert rejected(merkle.verify_consistency, 0, 2, one, two, [])
    assert rejected(merkle.verify_consistency, 0, 2, empty, two, [one])
    assert rejected(merkle.verify_consistency, 2, 2, two, one, [])
    assert rejected(merkle.verify_consistency, 2, 2, two, two, [one])
    assert rejected(merkle.verify_consistency, 1, 2, one, two, [])
    assert rejected(merkle.verify_consistency, 3, 4, NODE_ROOTS[3], NODE_ROOTS[4], [])


@pytest.mark.parametrize("bad", [-1, True, 1.0, "1", None, 2**63, 10**400])
def test_what_is_no_count_is_refused(bad: object) -> None:
    root = NODE_ROOTS[2]
    leaf, proof = merkle.leaf_hash(ENTRIES[0]), [merkle.leaf_hash(ENTRIES[1])]
    assert rejected(merkle.verify_inclusion, leaf, bad, 2, proof, root)
    assert rejected(merkle.verify_inclusion, leaf, 0, bad, proof, root)
    assert rejected(merkle.verify_consistency, bad, 2, leaf, root, proof)
    assert rejected(merkle.verify_consistency, 1, bad, leaf, root, proof)
    provers: list[tuple[Callable[..., object], tuple[object, ...]]] = [
        (merkle.root, (bad,)),
        (merkle.inclusion_proof, (bad, 2)),
        (merkle.inclusion_proof, (0, bad)),
        (merkle.consistency_proof, (bad, 2)),
        (merkle.consistency_proof, (1, bad)),
    ]
    for function, arguments in provers:
        with pytest.raises(ProofError):
            function(*arguments, NODES)


def test_proofs_outside_the_tree_are_refused() -> None:
    for index, size in ((0, 0), (2, 2), (3, 2)):
        with pytest.raises(ProofError, match="has no leaf"):
            merkle.inclusion_proof(index, size, NODES)
        assert rejected(merkle.verify_inclusion, bytes(32), index, size, [], NODE_ROOTS[size])
    with pytest.raises(ProofError, match="no prefix"):
        merkle.consistency_proof(3, 2, NODES)


@pytest.mark.parametrize("bad", [b"", bytes(31), bytes(33), bytearray(32), "0" * 32, 0, None])
def test_what_is_no_hash_is_refused(bad: object) -> None:
    leaf, other, root = merkle.leaf_hash(ENTRIES[0]), merkle.leaf_hash(ENTRIES[1]), NODE_ROOTS[2]
    assert rejected(merkle.verify_inclusion, bad, 0, 2, [other], root)
    assert rejected(merkle.verify_inclusion, leaf, 0, 2, [bad], root)
    assert rejected(merkle.verify_inclusion, leaf, 0, 2, [other], bad)
    assert rejected(merkle.verify_consistency, 1, 2, bad, root, [other])
    assert rejected(merkle.verify_consistency, 1, 2, leaf, bad, [other])
    assert rejected(merkle.verify_consistency, 1, 2, leaf, root, [bad])
    assert rejected(merkle.verify_consistency, 3, 4, NODE_ROOTS[3], NODE_ROOTS[4], [bad, leaf, other])
