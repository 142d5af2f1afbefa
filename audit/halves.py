"""Uses of data in halves: what one side records of a query or an answer, the other side records too.

    consumer   query_sent  ──────────▶  query_received   provider
    consumer   answer_received  ◀──────────  answer_sent   provider

Neither side can record the other's half. So a half that stays alone is a question to both, as are two halves
that do not say the same; it is no damage to the log, which has what it was told. `answer_acknowledged` is no half:
it is the provider's word about the consumer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from audit.entry import Entry, EntryKind

_PAIRS = {
    EntryKind.QUERY_SENT: ("query", True),
    EntryKind.QUERY_RECEIVED: ("query", False),
    EntryKind.ANSWER_RECEIVED: ("answer", True),
    EntryKind.ANSWER_SENT: ("answer", False),
}
"""Kind → what it is a half of, and whether it is the consumer's."""


class Half(NamedTuple):
    """What an entry says of a use."""

    of: str  # `query` or `answer`
    is_consumers: bool
    kind: str
    contract: str | None
    consumer: str | None
    provider: str | None
    job: str | None
    answer: str | None
    rows: object
    subjects: object  # the root over them

    @property
    def use(self) -> tuple[str | None, ...]:
        """What both halves name alike, whatever they say of it."""
        return self.of, self.contract, self.consumer, self.provider, self.job


class Lack(StrEnum):
    """What is wrong with a half."""

    ALONE = "alone"  # the other side records none
    OTHER_ANSWER = "other_answer"  # the other side records another answer
    OTHER_ROWS = "other_rows"  # … another number of subjects
    OTHER_SUBJECTS = "other_subjects"  # … other subjects


@dataclass(frozen=True)
class Finding:
    """A half that has no other, or another that says otherwise."""

    index: int  # of the half
    lack: Lack
    half: Half
    other: int | None = None  # index of the half that says otherwise


def half_of(entry: Entry) -> Half | None:
    """The half that an entry is; None if it is none."""
    if entry.kind not in _PAIRS:
        return None
    of, is_consumers = _PAIRS[entry.kind]
    consumer, provider = (entry.node, entry.counterparty) if is_consumers else (entry.counterparty, entry.node)
    answer = entry.detail.get("answer") if of == "answer" else None
    return Half(
        of,
        is_consumers,
        entry.kind.value,
        entry.contract,
        consumer,
        provider,
        entry.job,
        None if answer is None else str(answer),
        entry.detail.get("rows"),
        entry.detail.get("subjects_root"),
    )


@dataclass
class Halves:
    """Joins halves as they come; remembers those that are still alone, and what did not agree."""

    _alone: dict[tuple[str | None, ...], list[tuple[int, Half]]] = field(default_factory=dict)
    _apart: list[Finding] = field(default_factory=list)

    def take(self, index: int, half: Half) -> None:
        """Take the half at this index, in the order of the log."""
        waiting = self._alone.get((*half.use, half.answer), [])
        for at, (first, other) in enumerate(waiting):
            if other.is_consumers != half.is_consumers:
                del waiting[at]
                if not waiting:
                    del self._alone[(*half.use, half.answer)]
                self._compare(first, other, index, half)
                return
        self._alone.setdefault((*half.use, half.answer), []).append((index, half))

    def findings(self) -> list[Finding]:
        """What is still alone, and what does not agree, in the order of the log."""
        return sorted([*self._apart, *self._lonely()], key=lambda finding: finding.index)

    def _compare(self, first: int, other: Half, index: int, half: Half) -> None:
        for own, theirs, lack in (
            (half.rows, other.rows, Lack.OTHER_ROWS),
            (half.subjects, other.subjects, Lack.OTHER_SUBJECTS),
        ):
            if own is not None and theirs is not None and own != theirs:
                self._apart.append(Finding(index, lack, half, first))

    def _lonely(self) -> Iterator[Finding]:
        by_use: dict[tuple[str | None, ...], list[tuple[int, Half]]] = {}
        for waiting in self._alone.values():
            for index, half in waiting:
                by_use.setdefault(half.use, []).append((index, half))
        for waiting in by_use.values():
            for index, half in waiting:
                other = next((at for at, each in waiting if each.is_consumers != half.is_consumers), None)
                lack = Lack.ALONE if other is None else Lack.OTHER_ANSWER
                yield Finding(index, lack, half, other)
