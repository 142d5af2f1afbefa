r"""Who was asked about in one use of data, committed to so that presence and absence can be proven.

The value of a subject in a use is SHA-256("veilmart/use/v1\n" ‖ salt ‖ job digest ‖ subject), of a salt and a
digest of 32 bytes. The values in ascending order, each once, are the leaves of an RFC 6962 tree. The log's entry
has its root and its size, and no subject: without the salts, which are 256 bits and erasable (`audit.salts`),
nobody finds one by trying all company codes.

    presence   the value's index, and the hashes from its leaf to the root
    absence    the index at which the value would stand, and with their hashes the values on both sides of that
               place; one of them below the first and above the last, none in the empty tree

Whoever checks takes root, size and the job's digest from the entry, and makes the value from that digest, the
subject and its salt: nothing of it comes from the prover.

What the size decides. Index and size give the turns of the path from the root, and leaves and nodes are hashed
differently, so the two neighbours stand side by side in the committed tree whatever size is claimed: between a
path that turns left and then only right, and one that turns right and then only left, there is no other leaf.
Likewise the first and the last. A wrong size therefore proves no false absence, and no presence of a value that
is not there; it may keep its own prover from showing some leaves, and state a wrong index. Only where nobody was
asked about is the size the whole claim, and there the root must be the empty one. So the size stands beside the
root in the entry and is not hashed into it, which would add nothing: it would be the same party's word. That it is
true is seen as the root is, from the counterpart's entry.

What no proof shows. Adjacency says that a value is nowhere only if the leaves are in order, and a proof shows two
of them. A provider that commits to a tree out of order, or to one that lacks a subject, can prove a false absence.
Two things stand against it. The counterpart's entry, the bank's of the query that it sent, has a root over the
same subjects, made independently: a false tree shows, unless both parties make it. And whoever has all values, as
both parties do, can show that a tree is out of order; so does one subject with a proof of each kind.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise

from audit.errors import ErasedError, FormatError, ProofError
from audit.merkle import (
    EMPTY_ROOT,
    HASH_SIZE,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    pair_hashes,
    root,
    sha256_each,
    verify_inclusion,
)
from audit.presence import Absence, Neighbour, Presence
from audit.salts import SaltTree

_DOMAIN = b"veilmart/use/v1\n"


def use_value(salt: bytes, job: bytes, subject: str) -> bytes:
    """The value of a subject in a use: 32 bytes that say nothing without the salt.

    Raises FormatError unless salt and digest have 32 bytes.
    """
    _require_values([salt, job])
    return hashlib.sha256(_DOMAIN + salt + job + subject.encode()).digest()


def use_values(salts: Sequence[bytes], job: bytes, subjects: Sequence[str]) -> list[bytes]:
    """Each subject's value in a use as `use_value` gives it, for many at once."""
    _require_values([job, *salts])
    prefix = [_DOMAIN + salt + job for salt in salts]
    return sha256_each([start + subject.encode() for start, subject in zip(prefix, subjects, strict=True)])


class SubjectTree:
    """The tree over the values of one use: in ascending order, each once, whatever the order they come in.

    Raises FormatError for values that do not have 32 bytes.
    """

    def __init__(self, values: Iterable[bytes]) -> None:
        self._values = sorted(set(values))
        _require_values(self._values)

    @classmethod
    def of_use(cls, salts: SaltTree, job: bytes, subjects: Iterable[str]) -> "SubjectTree":
        """The tree of a use of these subjects' data, of the contract's salts; `job` is the digest of the job.

        The bank and every provider make the same one. Raises ErasedError if the salt of a subject was erased.
        """
        asked = list(subjects)
        found = [salt for salt in salts.salts(asked) if salt is not None]
        if len(found) < len(asked):
            raise ErasedError("the salt of a subject of this use was erased")
        return cls(use_values(found, job, asked))

    @property
    def size(self) -> int:
        """The number of subjects: the entry's `rows`."""
        return len(self._values)

    @property
    def root(self) -> bytes:
        """The RFC 6962 root: the entry's `subjects_root`, in hexadecimal there."""
        return root(self.size, self._node) if self.size else EMPTY_ROOT

    def encode(self) -> bytes:
        """The values one after another, in ascending order."""
        return b"".join(self._values)

    @classmethod
    def parse(cls, data: bytes) -> "SubjectTree":
        """The tree of these bytes; raises FormatError for anything that `encode` does not give."""
        values = [data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE)]
        _require_values(values)
        if any(low >= high for low, high in pairwise(values)):
            raise FormatError("the values are not in ascending order, each once")
        return cls(values)

    def prove(self, value: bytes) -> Presence | Absence:
        """The proof that the value is in the tree, or is not; raises FormatError unless it has 32 bytes."""
        _require_values([value])
        index = bisect_left(self._values, value)
        if index < self.size and self._values[index] == value:
            return Presence(index, self._path(index))
        below = None if index == 0 else self._neighbour(index - 1)
        above = None if index == self.size else self._neighbour(index)
        return Absence(index, below, above)

    def _neighbour(self, index: int) -> Neighbour:
        return Neighbour(self._values[index], self._path(index))

    def _path(self, index: int) -> tuple[bytes, ...]:
        return tuple(inclusion_proof(index, self.size, self._node))

    @cached_property
    def _levels(self) -> list[list[bytes]]:
        """The hashes of all complete subtrees, level by level."""
        levels = [leaf_hashes(self._values)]
        while len(levels[-1]) > 1:
            levels.append(pair_hashes(levels[-1]))
        return levels

    def _node(self, level: int, index: int) -> bytes:
        return self._levels[level][index]


# --- verifying --------------------------------------------------------------------------------------------


def verify_presence(value: bytes, root: bytes, size: int, proof: Presence) -> None:
    """Check that the value is in the tree; raises ProofError if it is not shown.

    Root and size are those of the log's entry about the use, and never of whoever hands in the proof.
    """
    _require_shown(value)
    verify_inclusion(leaf_hash(value), proof.index, size, proof.path, root)


def verify_absence(value: bytes, root: bytes, size: int, proof: Absence) -> None:
    """Check that the value is not in the tree, if its leaves are in order; raises ProofError if it is not shown.

    Root and size are those of the log's entry about the use, and never of whoever hands in the proof.

    1. There is a neighbour below unless the place is the first, one above unless it is the last, in no other case.
    2. The neighbours are less and greater than the value.
    3. They are the leaves directly before and at the place: side by side, or the first, or the last.
    4. The tree without leaves has the empty root.
    """
    _require_shown(value)
    below, above, index = proof.below, proof.above, proof.index
    if type(size) is not int or type(index) is not int or not 0 <= index <= size:
        raise ProofError(f"a tree of size {size} has no such place")
    if (below is None) != (index == 0) or (above is None) != (index == size):  # 1
        raise ProofError("a neighbour is missing, or there is one where none can be")
    for neighbour in (below, above):
        if neighbour is not None:
            _require_shown(neighbour.value)
    if (below and below.value >= value) or (above and above.value <= value):  # 2
        raise ProofError("the neighbours are not on both sides of the value")
    if below:  # 3
        verify_inclusion(leaf_hash(below.value), index - 1, size, below.path, root)
    if above:
        verify_inclusion(leaf_hash(above.value), index, size, above.path, root)
    if size == 0 and root != EMPTY_ROOT:  # 4
        raise ProofError("the root of no subjects is not the empty root")


def verify(value: bytes, root: bytes, size: int, proof: Presence | Absence) -> bool:
    """Check a proof of either kind, and give whether it shows the value; raises ProofError if it shows nothing."""
    if isinstance(proof, Presence):
        verify_presence(value, root, size, proof)
        return True
    verify_absence(value, root, size, proof)
    return False


def _require_values(values: Sequence[bytes]) -> None:
    if not (set(map(type, values)) <= {bytes} and set(map(len, values)) <= {HASH_SIZE}):
        raise FormatError(f"not values of {HASH_SIZE} bytes")


def _require_shown(value: bytes) -> None:
    if type(value) is not bytes or len(value) != HASH_SIZE:
        raise ProofError(f"not a value of {HASH_SIZE} bytes")
