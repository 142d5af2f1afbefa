"""Uses of data in halves: what one side records of a query or an answer, the other side records too.

    consumer   query_sent  ──────────▶  query_received   provider
    consumer   answer_received  ◀──────────  answer_sent   provider

Neither side can record the other's half. So a half that stays alone is a question to both, as are two halves that
do not say the same; it is no damage to the log, which has what it was told. A job that its provider refused, or
its consumer gave up there, has no further halves, unless its consumer got an answer nevertheless.
`answer_acknowledged` is no half: it is the provider's word about the consumer.

This goes along a log of any length and remembers what is still alone; whole uses are put together elsewhere.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from audit.entry import Entry, EntryKind, Value

_PAIRS = {
    EntryKind.QUERY_SENT: ("query", True),
    EntryKind.QUERY_RECEIVED: ("query", False),
    EntryKind.ANSWER_RECEIVED: ("answer", True),
    EntryKind.ANSWER_SENT: ("answer", False),
    EntryKind.REFUSED: ("refusal", False),
    EntryKind.ANSWER_ABANDONED: ("refusal", False),
}
"""Kind → what it is a half of, and whether it is the consumer's."""
_COMPARED = ("approval", "rows", "subjects_root")
"""What both sides can say of a query or an answer, and must say alike."""


class Half(NamedTuple):
    """What an entry says of a use."""

    of: str  # `query`, `answer` or `refusal`
    is_consumers: bool
    contract: str | None
    consumer: str | None
    provider: str | None
    job: str  # SHA-256 of the job, in hex
    answer: Value | None  # its digest
    said: tuple[Value | None, ...]  # of what is compared

    @property
    def job_at(self) -> tuple[str | None, ...]:
        """The job between the two."""
        return self.consumer, self.provider, self.job

    @property
    def use(self) -> tuple[str | None, ...]:
        """What both halves name alike, whatever they say of it."""
        return self.of, self.contract, *self.job_at


@dataclass(frozen=True)
class Finding:
    """A half that has no other, or another that says otherwise."""

    index: int  # of the half
    half: Half
    other: int | None = None  # index of the half that says otherwise; None if there is none
    differing: tuple[str, ...] = ()  # in what


def half_of(entry: Entry) -> Half | None:
    """The half that an entry is, or the refusal of one; None if it is neither."""
    if entry.kind not in _PAIRS or entry.job is None:
        return None
    of, is_consumers = _PAIRS[entry.kind]
    consumer, provider = (entry.node, entry.counterparty) if is_consumers else (entry.counterparty, entry.node)
    said = tuple(entry.detail.get(name) for name in _COMPARED)
    answer = entry.detail.get("answer") if of == "answer" else None
    return Half(of, is_consumers, entry.contract, consumer, provider, entry.job, answer, said)


@dataclass
class Halves:
    """Joins halves as they come; remembers those that are still alone, and what did not agree."""

    # All of one key are of one side. Whoever repeats a half without end must cost nobody more than its length.
    _alone: dict[tuple[Value | None, ...], deque[tuple[int, Half]]] = field(default_factory=dict)
    _apart: list[Finding] = field(default_factory=list)
    _refused: set[tuple[str | None, ...]] = field(default_factory=set)

    def take(self, index: int, half: Half) -> None:
        """Take the half at this index, in the order of the log."""
        if half.of == "refusal":
            self._refused.add(half.job_at)
            return
        key = (*half.use, half.answer)
        waiting = self._alone.setdefault(key, deque())
        if not waiting or waiting[0][1].is_consumers == half.is_consumers:
            waiting.append((index, half))
            return
        first, other = waiting.popleft()
        if not waiting:
            del self._alone[key]
        pairs = zip(_COMPARED, half.said, other.said, strict=True)
        differing = tuple(name for name, own, theirs in pairs if None not in {own, theirs} and own != theirs)
        if differing:
            self._apart.append(Finding(index, half, first, differing))

    def findings(self) -> list[Finding]:
        """What is still alone, and what does not agree, in the order of the log."""
        return sorted([*self._apart, *self._lonely()], key=lambda finding: finding.index)

    def _lonely(self) -> Iterator[Finding]:
        by_use: dict[tuple[str | None, ...], list[tuple[int, Half]]] = {}
        for waiting in self._alone.values():
            for index, half in waiting:
                by_use.setdefault(half.use, []).append((index, half))
        for group in by_use.values():
            first = {half.is_consumers: index for index, half in reversed(group)}
            for index, half in group:
                other = first.get(not half.is_consumers)
                if other is not None:
                    yield Finding(index, half, other, ("answer",))
                elif half.job_at not in self._refused or (half.of == "answer" and half.is_consumers):
                    yield Finding(index, half)
