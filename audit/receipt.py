"""Receipts: that an entry is in the log, shown offline to whoever holds the policy (C2SP tlog-proof).

    c2sp.org/tlog-proof@v1
    index 42
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=     the proof of inclusion, from the leaf to the root
    …

    <the checkpoint, with its signatures>

The entry itself is not in it. The line `extra`, which the format allows, is refused: nothing signs it.
"""

import base64
from collections.abc import Collection
from dataclasses import dataclass

from audit import checkpoint as checkpoints
from audit import note as notes
from audit.checkpoint import Checkpoint, parse_count, parse_hash
from audit.errors import FormatError
from audit.merkle import HASH_SIZE, SIZE_LIMIT, leaf_hash, verify_inclusion
from audit.policy import Policy, Standing

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63  # the height of a tree below 2^63 leaves
_MAX_PROOF = 4096  # bytes before the checkpoint; 63 lines of 45 and two short ones have fewer


@dataclass(frozen=True)
class Receipt:
    """Where an entry is in the log that a checkpoint commits to. Values out of bounds raise FormatError."""

    index: int
    hashes: tuple[bytes, ...]  # from the leaf to the root
    checkpoint: Checkpoint

    def __post_init__(self) -> None:
        if type(self.index) is not int or not 0 <= self.index < SIZE_LIMIT:
            raise FormatError("the index is not an integer from 0 to 2^63 - 1")
        if len(self.hashes) > MAX_HASHES:
            raise FormatError(f"a proof of {len(self.hashes)} hashes is over the limit of {MAX_HASHES}")
        if any(type(each) is not bytes or len(each) != HASH_SIZE for each in self.hashes):
            raise FormatError(f"the proof holds something other than hashes of {HASH_SIZE} bytes")

    def encode(self) -> bytes:
        """The receipt in UTF-8."""
        hashes = [base64.b64encode(each).decode() for each in self.hashes]
        proof = "\n".join([HEADER, f"index {self.index}", *hashes])
        return proof.encode() + b"\n\n" + self.checkpoint.encode()


def parse(data: bytes) -> Receipt:
    """The receipt of these bytes: `parse(data).encode() == data` for whatever is accepted; raises FormatError.

    Nothing in it is to be believed before `verify`.
    """
    if len(data) > _MAX_PROOF + notes.MAX_SIZE:
        raise FormatError(f"a receipt of {len(data)} bytes is over the limit of {_MAX_PROOF + notes.MAX_SIZE}")
    proof, separator, checkpoint = data.partition(b"\n\n")
    if not separator or len(proof) > _MAX_PROOF or not proof.isascii():
        raise FormatError("no proof and empty line before the checkpoint")
    header, _, rest = proof.decode().partition("\n")
    if header != HEADER:
        raise FormatError(f"{header!r:.40}: not {HEADER}")
    index, *hashes = rest.split("\n")
    if not index.startswith("index "):
        raise FormatError(f"{index!r:.40}: not the line of the index")
    return Receipt(
        parse_count(index.removeprefix("index ")),
        tuple(parse_hash(each) for each in hashes),
        checkpoints.parse(checkpoint),
    )


def verify(entry: bytes, receipt: Receipt, policy: Policy, now: int, parties: Collection[str] = ()) -> Standing:
    """Check that the bytes `entry` are in the policy's log, where the receipt says; give who stands behind that.

    1. The log that the policy names has signed the checkpoint: otherwise SignatureError, as of `Policy.judge`.
    2. The proof leads from this entry, at this index, to the root and size of that checkpoint, which are the only
       ones that count: otherwise ProofError.

    A log alone can show each reader another tree. So whoever relies on a receipt asks the standing for a quorum,
    which is judged at `now`, in seconds since 1970-01-01, for a contract of `parties`.
    """
    standing = policy.judge(receipt.checkpoint, now, parties)  # 1
    require_included(entry, receipt)  # 2
    return standing


def require_included(entry: bytes, receipt: Receipt) -> None:
    """Return if the proof leads from these bytes to its checkpoint, which is not judged; raises ProofError."""
    size, root = receipt.checkpoint.size, receipt.checkpoint.root
    verify_inclusion(leaf_hash(entry), receipt.index, size, receipt.hashes, root)
