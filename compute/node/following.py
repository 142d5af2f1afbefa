"""Follows the log as a witness: cosigns what it shows if it only grew, whether or not anybody asks.

    candidate ← log     tiles ← log → consistency proof, computed here → cosignature → log
    published ← log     of the same tree, with a quorum → kept: what answers are released against

Nothing is believed but what adds up to a checkpoint that the log has signed. A log that shows two trees, or fewer
entries than it had, is caught here: both checkpoints are kept, and neither is anything of it cosigned any more nor
an answer released.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus

from audit.checkpoint import Checkpoint
from audit.cosignature import cosigners
from audit.errors import LogError
from audit.merkle import consistency_proof, root
from audit.policy import MAX_AHEAD, Policy, Standing
from audit.tile import TileNodes
from audit.witness import Witness
from compute.log_client import LogClient
from compute.node.quorums import QuorumStore
from compute.web.errors import PeerProblemError, PeerUnreachableError

logger = logging.getLogger(__name__)

RENEWED = 4
"""A cosignature is renewed after the policy's max_age divided by this."""


class Follower:
    """Follows the policy's log; `clock` gives UTC in milliseconds since 1970-01-01.

    Its methods raise, of `compute.web.errors`, what `LogClient` raises, and of `audit.errors` SignatureError for
    what the log has not signed, LogError for what does not add up, WitnessError where its witness does not cosign.
    """

    def __init__(
        self, log: LogClient, witness: Witness, policy: Policy, quorums: QuorumStore, clock: Callable[[], int]
    ) -> None:
        self.log, self.witness, self.policy, self.quorums, self.clock = log, witness, policy, quorums, clock
        self._is_named = witness.key in {each.key for each in policy.witnesses}

    def round(self) -> None:
        """Look once at all that the log shows, and cosign the candidate unless it has a fresh cosignature."""
        if self.witness.conflicts():
            return  # it was told when it was found
        self.look()
        candidate = self.log.candidate()
        if self._is_fresh(candidate):
            return
        proven = self._proven(candidate)
        if proven is None:
            return  # somebody has shown this witness a later one already
        cosignature = self.witness.cosign(candidate, *proven)
        if self._is_named:
            signatures = (candidate.note.by(self.policy.log)[0], cosignature)
            self.log.add_cosignatures(Checkpoint(replace(candidate.note, signatures=signatures)))

    def look(self) -> Standing:
        """Fetch the published checkpoint and give who stands behind it; it is kept if they are a quorum."""
        published = self.log.published()
        now = self._now
        standing = self.policy.judge(published, now)
        if standing.at is not None and not self.quorums.has(published):
            self._proven(published)
            self.quorums.put(published, standing.at, now - self.policy.max_age)
        return standing

    @property
    def _now(self) -> int:
        return self.clock() // 1000

    def _is_fresh(self, candidate: Checkpoint) -> bool:
        """Whether this witness has cosigned the candidate not long ago, or the log has nothing yet."""
        key, now = self.witness.key, self._now
        times = cosigners(candidate.note, [key], now + MAX_AHEAD)
        since = now - times.get(key.public_key, 0)
        return not candidate.size or since < self.policy.max_age / RENEWED

    def _proven(self, shown: Checkpoint) -> tuple[int, Sequence[bytes]] | None:
        """Give what this witness has cosigned last, and the proof that it is a prefix of what is shown.

        None if what is shown is the prefix. Raises LogError where neither is so.
        """
        self.policy.judge(shown, self._now)
        last = self.witness.last()
        if last is None or last.size == shown.size:
            if last is not None and last.root != shown.root:
                raise self._caught(last, shown)
            return (0 if last is None else last.size), ()
        if shown.size < last.size:
            if not self._is_prefix(shown, last):
                raise self._caught(last, shown)
            return None
        nodes = TileNodes(self.log.tile, shown.size)
        if root(shown.size, nodes) != shown.root:  # nobody has signed that, so it proves nothing
            raise LogError(f"the log's tiles are not those of its checkpoint over {shown.size} entries")
        if root(last.size, nodes) != last.root:
            raise self._caught(last, shown)
        return last.size, consistency_proof(last.size, shown.size, nodes)

    def _is_prefix(self, shown: Checkpoint, last: Checkpoint) -> bool:
        """Whether the log still has all that it had, and what it shows is a part of that."""
        nodes = TileNodes(self.log.tile, last.size)
        try:
            return (root(last.size, nodes), root(shown.size, nodes)) == (last.root, shown.root)
        except PeerProblemError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return False  # it has not so many entries any more

    def _caught(self, last: Checkpoint, shown: Checkpoint) -> LogError:
        """Keep both checkpoints, tell everybody, and give the error that says so."""
        self.witness.accuse(shown)
        problem = (
            f"the log showed {last.size} entries with the root {last.root.hex()}, and now {shown.size} with the "
            f"root {shown.root.hex()}, which is no later state of that: both checkpoints are kept in the table "
            "conflicts, and nothing is cosigned nor released any more"
        )
        logger.error("%s", problem)
        try:
            self.log.add_cosignatures(last)  # it has signed this one too: an honest log halts
        except (PeerProblemError, PeerUnreachableError) as error:
            logger.info("the log says to that: %s", error)
        return LogError(problem)
