"""Watches a log: keeps every checkpoint that it shows, and sees that each has grown from the one before.

It reads no entries, so it may look often; `audit.verify` reads them. A log that shows others another history has
to show it to the monitor too, or stand still for it: the one leaves two notes that contradict each other, both
signed by the log, the other is seen by the age of its quorum.

The numbers stand again at the lines that do it:

 1. the checkpoint is the log's, and no signature of a witness on it is false;
 2. it extends the newest that was kept, by the log's own tiles: if not, both are kept as proof;
 3. it is kept, under its size and root, with the latest cosignatures;
 4. a quorum of witnesses stands behind it, and lately.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from audit.checkpoint import Checkpoint
from audit.errors import FormatError, TamperingError, UnavailableError
from audit.policy import Policy
from audit.verify import Verified, stand
from audit.verifying import kept
from audit.verifying.growth import check_sizes, verify_growth
from audit.verifying.served import Served, read_checkpoint
from audit.verifying.source import Source
from audit.verifying.verdict import Outcome, Verdict, contradiction, judged

_SUFFIX = ".checkpoint"


@dataclass(frozen=True)
class Monitor:
    """A log's monitor, whose memory is a folder."""

    folder: Path
    policy: Policy
    source: Source

    def look(self, now: int) -> Verdict:
        """What the log shows at `now`, in seconds since 1970-01-01, beside what it has shown before."""
        last = checkpoint = None
        try:
            last = self.last(now)
            checkpoint = read_checkpoint(self.source)
            standing = stand(self.policy, checkpoint, now)  # 1
            if last is not None:
                self._compare(last, checkpoint, now)  # 2
            # 3: the size with all its digits, so that names sort like sizes.
            name = f"{checkpoint.size:019d}-{checkpoint.root.hex()[:16]}{_SUFFIX}"
            kept.keep(self.folder / name, checkpoint, self.policy, now)
        except TamperingError as error:
            return contradiction(self.folder / "log", last, checkpoint, error)  # 2
        except (FormatError, UnavailableError) as error:
            return Verdict(Outcome.UNKNOWN, str(error))
        is_fresh = standing.is_fresh(now, self.policy.max_age)  # 4
        return judged(Verified(checkpoint, standing, is_fresh), self.policy, "The log has only grown 日志仅有追加")

    def last(self, now: int) -> Checkpoint | None:
        """The largest checkpoint that was kept; raises UnavailableError for one that is not of this log."""
        names = sorted(path.name for path in self.folder.glob(f"*{_SUFFIX}"))
        return kept.load(self.folder / names[-1], self.policy, now) if names else None

    def _compare(self, last: Checkpoint, new: Checkpoint, now: int) -> None:
        check_sizes(last, new, self.policy, now)
        older, newer = sorted((last, new), key=lambda each: each.size)
        verify_growth(older, newer, Served(self.source))


@dataclass
class Watch:
    """Looks again and again, tells what changes, and alarms: once for each time that something is wrong."""

    monitor: Monitor
    alarm: Callable[[Verdict], None]
    tell: Callable[[str], None]
    clock: Callable[[], float] = time.time
    _alarmed: Outcome | None = None
    _missing: tuple[str, ...] = ()
    _size: int = -1
    _seen: float | None = None
    """When the log was last found well, or first looked at."""

    def look(self) -> Verdict:
        """Look once, and tell or alarm."""
        now = self.clock()
        verdict = self.monitor.look(int(now))
        if self._seen is None or verdict.outcome is Outcome.INTACT:
            self._seen = now
        # A log that does not answer is asked again; what it may hide meanwhile is bounded as its quorum's age is.
        is_patient = verdict.outcome is Outcome.UNKNOWN and now - self._seen <= self.monitor.policy.max_age
        if verdict.outcome is Outcome.INTACT:
            if self._alarmed is not None:
                self.tell("The log is well again 日志恢复正常")
            self._alarmed = None
        elif is_patient:
            self.tell(f"not seen 未能读取: {verdict.problem}")
        elif verdict.outcome is not self._alarmed:
            self._alarmed = verdict.outcome
            self.alarm(verdict)
        if verdict.verified is not None:
            self._tell_changes(verdict.verified)
        return verdict

    def _tell_changes(self, found: Verified) -> None:
        if found.checkpoint.size != self._size:
            self._size = found.checkpoint.size
            self.tell(f"Size 条目数 {self._size}, root 根哈希 {found.checkpoint.root.hex()}")
        if found.standing.missing != self._missing:
            self._missing = found.standing.missing
            self.tell(f"Witnesses missing 未见证 {', '.join(self._missing) or '-'}")
