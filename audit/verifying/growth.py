"""That a log at one checkpoint is what it was at an earlier one, and more: by its tiles, without its entries."""

from audit.checkpoint import Checkpoint
from audit.errors import Damage, FormatError, ProofError, SignatureError, TamperingError
from audit.merkle import consistency_proof, verify_consistency
from audit.policy import Policy
from audit.tile import Tile, TileNodes, split_hashes
from audit.verifying.served import Commitment, Served


def check_sizes(last: Checkpoint, new: Checkpoint, policy: Policy, now: int) -> None:
    """Return unless the sizes and roots alone show that the log is not what it was; else TamperingError.

    Before a log has its first quorum it shows its newest checkpoint, and then the first that has one, which may be
    older. That is no rollback, if the newer one still grew from it.
    """
    if new.size == last.size and new.root != last.root:
        problem = f"the log has signed two roots at size {new.size}"
        raise TamperingError(Damage.FORKED, None, problem)
    if new.size < last.size and (_has_quorum(last, policy, now) or not _has_quorum(new, policy, now)):
        problem = f"the log had {last.size} entries and now shows {new.size}"
        raise TamperingError(Damage.ROLLED_BACK, new.size, problem)


def verify_growth(old: Checkpoint, new: Checkpoint, served: Served) -> None:
    """Check that the log at `new` extends what it was at `old`, by the tiles that it serves.

    Raises TamperingError: BAD_TILE where a tile is to blame, REWRITTEN where the tiles are what it has signed.
    """
    used: set[Tile] = set()

    def read(tile: Tile) -> list[bytes]:
        used.add(tile)
        return split_hashes(served.tile(tile), tile.width)

    try:
        proof = consistency_proof(old.size, new.size, TileNodes(read, new.size))
        verify_consistency(old.size, new.size, old.root, new.root, proof)
    except ProofError as error:
        commitment = Commitment(served, new.size, new.root)
        for tile in sorted(used, key=lambda tile: (tile.level, tile.index)):
            if not commitment.covers(tile, read(tile)):
                problem = f"{tile.path}, or one above it: not what the log has signed"
                raise TamperingError(Damage.BAD_TILE, None, problem) from error
        problem = f"nothing shows the first {old.size} entries to be those of before: {error}"
        raise TamperingError(Damage.REWRITTEN, None, problem) from error


def _has_quorum(checkpoint: Checkpoint, policy: Policy, now: int) -> bool:
    try:
        return policy.judge(checkpoint, now).has_quorum
    except (FormatError, SignatureError):
        return False
