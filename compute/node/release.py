"""The rule by which an answer leaves a node: only if those who watch the log can know of it.

    answer, stored → its event, in the log → its receipt, verified here → the rule → the bank

The numbers stand again at the lines that check it:

 1. the log was not caught here showing two trees;
 2. the event's receipt leads from the bytes that this node signed to a checkpoint that the log has signed; and
 3. either a quorum of witnesses has cosigned that checkpoint,
 4. or a quorum has cosigned one, of all that this node has verified, at most `max_age` ago: then the log is being
    watched, and what it has signed since will be seen;
 5. which is not taken on trust: every answer that left by 4 has a receipt under a quorum within `max_age`. While
    one has not, none leaves by 4: its event may stand in a tree that was made for this node alone.

A quorum is judged for the parties of the contract, so at least one of its witnesses has no part in it. What is not
met is waited for a little, and then nothing is released. A stored answer that is asked for again passes the same
rule.
"""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from audit.entry import parse
from audit.errors import AuditError, LogError, ProofError
from audit.policy import Standing
from audit.receipt import Receipt, verify
from audit.receipt import parse as parse_receipt
from compute.node.following import Follower
from compute.node.journal import EventJournal
from compute.node.receipts import Kept, ReceiptStore
from compute.protocols.base import UNAVAILABLE, RefusalError
from compute.web.errors import PeerProblemError, ResponseError

logger = logging.getLogger(__name__)

PATIENCE = 4.0
"""Seconds that an answer waits for its witnesses; whoever asked for it asks again."""
_PAUSE = 0.25
_PER_ROUND = 100


class Release(Protocol):
    """What lets an answer out."""

    def require(self, event_id: str) -> None:
        """Return if the answer that this event tells of may leave; raise RefusalError if not."""
        ...


class WitnessedRelease:
    """The rule over what a node keeps; `parties_of` gives the parties of the contract that a permit is of."""

    def __init__(
        self,
        follower: Follower,
        journal: EventJournal,
        receipts: ReceiptStore,
        parties_of: Callable[[str], Collection[str]],
        patience: float = PATIENCE,
    ) -> None:
        self._follower, self._journal, self._receipts = follower, journal, receipts
        self._log, self._policy = follower.log, follower.policy
        self._parties_of, self._patience = parties_of, patience

    def require(self, event_id: str) -> None:
        """Return if the answer that this event tells of may leave.

        Raises RefusalError if not, PeerUnreachableError if the log does not answer; LookupError for another event.
        """
        event = self._event(event_id)
        deadline = time.monotonic() + self._patience
        try:
            while (late := self._late(event)) is not None:
                if time.monotonic() >= deadline:
                    raise _refusal(self._reason(late))
                time.sleep(_PAUSE)
            self._receipts.release(event.id, self._now)  # 5
        except AuditError as error:
            logger.error("an answer is kept back: %s", error)  # noqa: TRY400 -- the error is told whole
            raise _refusal(f"what the log says does not hold: {error}") from error
        except (PeerProblemError, ResponseError) as error:
            raise _refusal(f"the log gives no receipt: {error}") from error

    def complete(self) -> None:
        """Have the receipts that stand under no quorum yet replaced by such that do, as far as there are."""
        for event_id in self._receipts.without_quorum(_PER_ROUND):
            self._fetched(self._event(event_id))

    def _event(self, event_id: str) -> "_Event":
        index, data = self._journal.require_recorded(event_id)
        return _Event(event_id, index, data, self._parties_of(str(parse(data).permit_id)))

    def _late(self, event: "_Event") -> list[str] | None:
        """Give the witnesses that are missing, or None if the answer may leave."""
        if conflicts := self._follower.witness.conflicts():  # 1
            shown = conflicts[0].shown
            raise LogError(f"it was caught showing two trees, one of {shown.size} entries")
        kept = self._receipts.find(event.id)
        standing = (
            self._fetched(event) if kept is None else self._standing(event, parse_receipt(kept.receipt))
        )  # 2
        if standing.has_quorum or self._is_watched(event):  # 3, 4
            return None
        # There may be newer ones of both, and of those that are owed.
        if self._is_owed:
            self.complete()
        published, standing = self._follower.look(), self._fetched(event)
        if standing.has_quorum or self._is_watched(event):
            return None
        waiting = self._policy.judge(self._log.candidate(), self._now)  # some may have cosigned this one
        since = {**published.cosigned, **waiting.cosigned}
        oldest = self._now - self._policy.max_age
        return sorted(each.party for each in self._policy.witnesses if since.get(each.party, 0) < oldest)

    def _fetched(self, event: "_Event") -> Standing:
        receipt = self._log.receipt(event.index)
        standing = self._standing(event, receipt)
        self._receipts.put(event.id, Kept(receipt.encode(), standing.has_quorum))
        return standing

    def _standing(self, event: "_Event", receipt: Receipt) -> Standing:
        """Verify a receipt (2), and give who stands behind it."""
        if receipt.index != event.index:
            raise ProofError(f"a receipt of entry {receipt.index}, and not of {event.index}")
        return verify(event.data, receipt, self._policy, self._now, event.parties)

    def _reason(self, late: Collection[str]) -> str:
        problems = [f"no quorum of witnesses has seen the log of late, missing: {', '.join(late)}"] if late else []
        if self._is_owed:
            problems.append(
                f"no quorum has seen the event of an answer that left more than {self._policy.max_age} s ago"
            )
        return "; ".join(problems) or "no quorum of witnesses has seen this event"

    @property
    def _is_owed(self) -> bool:
        """Whether an answer left by 4 so long ago that its event must have a quorum by now (5)."""
        return self._receipts.is_owed(self._now - self._policy.max_age)

    def _is_watched(self, event: "_Event") -> bool:
        now, policy = self._now, self._policy
        return not self._is_owed and any(
            policy.judge(checkpoint, now, event.parties).is_fresh(now, policy.max_age)
            for checkpoint in self._follower.quorums.all()
        )

    @property
    def _now(self) -> int:
        return self._follower.clock() // 1000


@dataclass(frozen=True)
class _Event:
    """An event of this node, as the log has it."""

    id: str
    index: int
    data: bytes
    parties: Collection[str]
    """Of its contract."""


def _refusal(reason: str) -> RefusalError:
    return RefusalError(UNAVAILABLE, reason, "send it again: nothing was released, and it is not computed twice")
