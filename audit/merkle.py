r"""Merkle trees over a log's entries: hashes, roots and proofs (RFC 6962, RFC 9162), without I/O.

A log keeps the hash of every *complete* subtree. Node (level, index) covers the leaves
[index·2^level, (index+1)·2^level), so level 0 holds the leaf hashes, and a node never changes once it is
written. Whatever can be asked of the tree, at its present size or any past one, follows from those nodes:

                 (2,0)
               /       \
          (1,0)         (1,1)                     size 7: the root is
         /     \       /     \                    H( (2,0), H( (1,2), (0,6) ) )
    (0,0) (0,1) (0,2) (0,3) (0,4) (0,5) (0,6)     with (1,2) over leaves 4 and 5

All hashes are 32 bytes of SHA-256. Sizes and indices count leaves and stay below 2^63.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from audit.errors import ProofError

HASH_SIZE = 32  # bytes
EMPTY_ROOT = hashlib.sha256().digest()
"""The root of the tree without entries: RFC 6962 §2.1, MTH({}) = SHA-256()."""

SIZE_LIMIT = 1 << 63  # sizes fit a signed 64-bit integer, in SQLite and in other log software

_DIGEST = type(hashlib.sha256()).digest

Nodes = Callable[[int, int], bytes]
"""Reads the hash of the complete subtree (level, index)."""

Node = tuple[int, int, bytes]
"""Level, index and hash of a complete subtree."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 ‖ entry), RFC 6962 §2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 ‖ left ‖ right), RFC 6962 §2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def sha256_each(messages: Iterable[bytes]) -> list[bytes]:
    """SHA-256 of each message; no step of the interpreter comes between two, so it takes half a loop's time."""
    return list(map(_DIGEST, map(hashlib.sha256, messages)))


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """The hash of each leaf, as `leaf_hash` gives it."""
    return sha256_each([b"\x00" + entry for entry in entries])


def pair_hashes(hashes: Sequence[bytes]) -> list[bytes]:
    """The hash of each complete subtree one level up, as `node_hash` gives it; an odd last one is in none."""
    return sha256_each([b"\x01" + left + right for left, right in zip(hashes[::2], hashes[1::2], strict=False)])


# --- building ---------------------------------------------------------------------------------------------


def closed_by(index: int, leaf: bytes, nodes: Nodes) -> list[Node]:
    """The complete subtrees that end with leaf `index`, from the leaf itself upwards.

    `leaf` is its leaf hash. There is one subtree for each trailing one bit of `index`, plus the leaf, so an
    append stores two nodes on average. `nodes` is read for left siblings only: earlier, closed subtrees.
    """
    level, closed = 0, [(0, index, leaf)]
    while index & 1:
        leaf = node_hash(nodes(level, index - 1), leaf)
        level, index = level + 1, index >> 1
        closed.append((level, index, leaf))
    return closed


class Frontier:
    """A tree that remembers only the latest node of each level: O(log n) memory for any number of leaves.

    The latest node of a level is both the left sibling that the next append may need and, where the bit of
    that level is set in the size, the peak that the root is made of.
    """

    def __init__(self) -> None:
        self.size = 0
        self._latest: dict[int, bytes] = {}

    @classmethod
    def at(cls, size: int, edge: Sequence[bytes]) -> "Frontier":
        """The tree of `size` leaves with this `edge`, to go on from. Raises ProofError for another size's."""
        _require_count("size", size)
        frontier = cls()
        frontier.size = size
        levels = [level for level in range(size.bit_length()) if size >> level & 1]
        if len(edge) != len(levels):
            raise ProofError(f"the edge of a tree of size {size} has {len(levels)} hashes, not {len(edge)}")
        frontier._latest.update(zip(reversed(levels), edge, strict=True))
        return frontier

    @property
    def edge(self) -> list[bytes]:
        """The largest complete subtrees that cover the leaves, from the left: with them the tree can grow on."""
        levels = range(self.size.bit_length() - 1, -1, -1)
        return [self._latest[level] for level in levels if self.size >> level & 1]

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf hash and return the complete subtrees it closes, from the leaf upwards."""
        closed = closed_by(self.size, leaf, self._node)
        for level, _, subtree in closed:
            self._latest[level] = subtree
        self.size += 1
        return closed

    def root(self) -> bytes:
        """The root over all leaves so far."""
        return root(self.size, self._node)

    def _node(self, level: int, _index: int) -> bytes:
        return self._latest[level]


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of the tree with these leaf hashes: MTH of RFC 6962 §2.1.

    Level by level, all of a level in memory: twice as fast as a :class:`Frontier`, which needs none. The last node
    of an odd level has no sibling, and stands one level up as it is.
    """
    level = list(leaf_hashes)
    while len(level) > 1:
        last = level[-1:] if len(level) & 1 else []
        level = pair_hashes(level) + last
    return level[0] if level else EMPTY_ROOT


# --- proving ----------------------------------------------------------------------------------------------


def root(size: int, nodes: Nodes) -> bytes:
    """The root of the tree's first `size` leaves: MTH(D[0:size]) of RFC 6962 §2.1, from O(log n) nodes.

    Raises ProofError if `size` is no tree size.
    """
    _require_count("size", size)
    return _range_root(0, size, nodes) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root at `size`: PATH(index, D[size]), RFC 6962 §2.1.1.

    Ordered from the leaf to the root, as `verify_inclusion` reads them. Raises ProofError if the tree of
    that size has no such leaf.
    """
    _require_leaf(index, size)
    proof = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            proof.append(_range_root(middle, stop, nodes))
            stop = middle
        else:
            proof.append(_range_root(start, middle, nodes))
            start = middle
    proof.reverse()
    return proof


def consistency_proof(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """The hashes that show size `old` to be a prefix of size `new`: PROOF(old, D[new]), RFC 6962 §2.1.2.

    Empty if the sizes are equal or `old` is 0. Raises ProofError unless 0 ≤ old ≤ new.
    """
    _require_order(old, new)
    proof: list[bytes] = []
    if old == 0:
        return proof
    start, stop = 0, new
    while stop != old:
        middle = start + _split(stop - start)
        if old <= middle:
            proof.append(_range_root(middle, stop, nodes))
            stop = middle
        else:
            proof.append(_range_root(start, middle, nodes))
            start = middle
    if start > 0:  # SUBPROOF's flag b is false: the verifier does not know this subtree from the old root
        proof.append(_range_root(start, stop, nodes))
    proof.reverse()
    return proof


def _split(width: int) -> int:
    """The largest power of two below `width` ≥ 2: k of RFC 6962 §2.1."""
    return 1 << (width - 1).bit_length() - 1


def _range_root(start: int, stop: int, nodes: Nodes) -> bytes:
    """MTH(D[start:stop]), RFC 6962 §2.1, for a non-empty range that some split of a tree has produced.

    Such a range starts at a multiple of a power of two that is at least its width. So its complete subtrees
    are nodes of the log, and MTH folds them from the right.
    """
    peaks = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        peaks.append(nodes(level, start >> level))
        start += 1 << level
    folded = peaks.pop()
    while peaks:
        folded = node_hash(peaks.pop(), folded)
    return folded


# --- verifying --------------------------------------------------------------------------------------------


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that `leaf_hash` is leaf `index` of the tree with `size` leaves and `root`: RFC 9162 §2.1.3.2.

    Returns None; raises ProofError if it is not shown. The root commits to the leaves, and not to `size`:
    take both from one signed checkpoint, and never from whoever hands in the proof.
    """
    _require_leaf(index, size)
    _require_hashes("leaf hash", [leaf_hash])
    _require_root(size, root)
    _require_hashes("proof", proof)
    r = leaf_hash
    for p, is_left in _steps(index, size - 1, proof):
        r = node_hash(p, r) if is_left else node_hash(r, p)
    if r != root:
        raise ProofError(f"the proof of leaf {index} at size {size} leads to another root")


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree (size1, root1) is a prefix of the tree (size2, root2): RFC 9162 §2.1.4.2.

    Returns None; raises ProofError if it is not shown. Every tree extends the empty one, so for size1 = 0
    the proof is empty and root1 is EMPTY_ROOT. As with inclusion, each size comes with its root from one
    signed checkpoint.
    """
    _require_order(size1, size2)
    _require_root(size1, root1)
    _require_root(size2, root2)
    _require_hashes("proof", proof)
    if size1 in {0, size2}:
        if proof:
            raise ProofError(f"the proof from size {size1} to {size2} is not empty")
        if size1 == size2 and root1 != root2:
            raise ProofError(f"two different roots for one size, {size1}")
        return
    if not proof:
        raise ProofError(f"the proof from size {size1} to {size2} is empty")
    # A complete old tree is a node of the new one, so the proof leaves its root out.
    fr, *rest = [root1, *proof] if size1.bit_count() == 1 else proof
    fn, sn, sr = size1 - 1, size2 - 1, fr
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    for c, is_left in _steps(fn, sn, rest):
        if is_left:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
        else:
            sr = node_hash(sr, c)
    if (fr, sr) != (root1, root2):
        raise ProofError(f"the proof from size {size1} to {size2} does not join the two roots")


def _steps(fn: int, sn: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each hash of a proof, and whether it stands to the left of the path: the steps common to both checks.

    The path climbs from node `fn` of a level whose last node is `sn`. Raises ProofError if the proof does not
    end exactly at the root (RFC 9162 §2.1.3.2 steps 4 and 5, §2.1.4.2 steps 6 and 7).
    """
    for sibling in proof:
        if sn == 0:
            raise ProofError("the proof is too long")
        is_left = bool(fn & 1) or fn == sn
        yield sibling, is_left
        while is_left and fn and not fn & 1:  # the last node has no sibling on these levels
            fn, sn = fn >> 1, sn >> 1
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ProofError("the proof is too short")


def _require_count(name: str, value: int) -> None:
    if type(value) is not int or not 0 <= value < SIZE_LIMIT:  # bool is an int, and no count
        raise ProofError(f"the {name} is not an integer from 0 to 2^63 - 1")


def _require_leaf(index: int, size: int) -> None:
    _require_count("index", index)
    _require_count("size", size)
    if index >= size:
        raise ProofError(f"a tree of size {size} has no leaf {index}")


def _require_order(old: int, new: int) -> None:
    _require_count("first size", old)
    _require_count("second size", new)
    if old > new:
        raise ProofError(f"a tree of size {old} is no prefix of one of size {new}")


def _require_hashes(name: str, hashes: Sequence[bytes]) -> None:
    if any(type(value) is not bytes or len(value) != HASH_SIZE for value in hashes):
        raise ProofError(f"the {name} holds something other than hashes of {HASH_SIZE} bytes")


def _require_root(size: int, root: bytes) -> None:
    _require_hashes("root", [root])
    if size == 0 and root != EMPTY_ROOT:
        raise ProofError("the root of size 0 is not the empty root")
