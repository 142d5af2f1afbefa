"""A use of data, whole: what its consumer and its provider have each recorded of it, matched.

    consumer   query_sent ─────▶ query_received   provider
    consumer   answer_received ◀─── answer_sent   provider

Each of the four is signed by the node that reports it, and neither side can report the other's. So a half that
stays alone, or says other than its counterpart, is a question to both. Halves belong together that name the same
contract, job, consumer and provider: whoever names another's job under a contract of its own makes a use of its
own, which stays alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from audit.entry import Entry, EntryKind, Value

Indexed = tuple[int, Entry]
"""An entry and its index in the log."""
Entries = Iterable[Indexed]
"""The entries of a log, verified, in its order."""

HALVES = (
    EntryKind.QUERY_SENT,
    EntryKind.QUERY_RECEIVED,
    EntryKind.ANSWER_SENT,
    EntryKind.ANSWER_RECEIVED,
)
"""In the order in which they happen."""
_ENDS = frozenset({EntryKind.ANSWER_ACKNOWLEDGED, EntryKind.ANSWER_ABANDONED})
_BY_PROVIDER = frozenset({EntryKind.QUERY_RECEIVED, EntryKind.ANSWER_SENT, *_ENDS})
_OF_A_USE = frozenset({*HALVES, *_ENDS})
_COMPARED = ("rows", "approval", "answer", "subjects_root")
"""What both sides can say of one use, and must say alike."""

Key = tuple[str | None, str, str | None, str | None]
"""Contract, job, consumer and provider."""


@dataclass
class Use:
    """One provider's part in one job, as the entries tell it; not changed any more once `uses` has given it."""

    contract: str | None
    job: str  # SHA-256 of the job, in hex
    consumer: str | None
    provider: str | None
    halves: dict[EntryKind, Indexed] = field(default_factory=dict)
    ends: dict[EntryKind, Indexed] = field(default_factory=dict)  # its key was given out, or never will be
    refusal: Indexed | None = None  # the provider would not go on: then nothing is missing
    repeated: list[Indexed] = field(default_factory=list)  # halves that were there already

    @property
    def entries(self) -> list[Indexed]:
        """All that is there, in the order of the log."""
        refusal = [] if self.refusal is None else [self.refusal]
        found = [*self.halves.values(), *self.ends.values(), *refusal, *self.repeated]
        return sorted(found, key=lambda each: each[0])

    @property
    def acknowledged(self) -> Indexed | None:
        """The provider's word that it has the consumer's receipt."""
        return self.ends.get(EntryKind.ANSWER_ACKNOWLEDGED)

    @property
    def is_abandoned(self) -> bool:
        """Whether the consumer gave the job up at this provider: nothing was used."""
        return EntryKind.ANSWER_ABANDONED in self.ends

    @property
    def indices(self) -> tuple[int, ...]:
        """The indices of its halves, in the order of the log."""
        return tuple(sorted(index for index, _ in self.halves.values()))

    @property
    def missing(self) -> tuple[EntryKind, ...]:
        """The halves that nobody recorded."""
        return tuple(kind for kind in HALVES if kind not in self.halves)

    @property
    def contradictions(self) -> tuple[str, ...]:
        """What the halves say otherwise of each other, or twice."""
        said: dict[str, set[Value]] = {name: set() for name in _COMPARED}
        for _, entry in self.halves.values():
            for name in said.keys() & entry.detail.keys():
                said[name].add(entry.detail[name])
        differing = [name for name, values in said.items() if len(values) > 1]
        both = [EntryKind.ANSWER_ABANDONED.value] if len(self.ends) > 1 else []
        return (*differing, *both, *(entry.kind.value for _, entry in self.repeated))

    @property
    def is_matched(self) -> bool:
        """Whether both sides say the same, and nothing is missing that was not refused or given up.

        That excuses no answer that the consumer has nevertheless.
        """
        is_denied = EntryKind.ANSWER_RECEIVED in self.halves and EntryKind.ANSWER_SENT not in self.halves
        is_over = self.refusal is not None or self.is_abandoned
        return not self.contradictions and (not self.missing or (is_over and not is_denied))

    @cached_property
    def detail(self) -> Mapping[str, Value]:
        """What the use was of and for: the consumer's word, over it the provider's, who gives the data."""
        order = (
            EntryKind.ANSWER_RECEIVED,
            EntryKind.QUERY_SENT,
            EntryKind.QUERY_RECEIVED,
            EntryKind.ANSWER_SENT,
        )
        merged: dict[str, Value] = {}
        for kind in order:
            if kind in self.halves:
                merged.update(self.halves[kind][1].detail)
        return merged

    @property
    def permit(self) -> str | None:
        """The permit under which it was, by the provider's word if it has given it."""
        order = (EntryKind.ANSWER_SENT, *HALVES)
        named = (self.halves[kind][1].permit_id for kind in order if kind in self.halves)
        return next((permit for permit in named if permit is not None), None)

    def time_of(self, kind: EntryKind) -> int | None:
        """When a half was, in milliseconds since 1970-01-01 UTC; None if it is missing."""
        return self.halves[kind][1].time if kind in self.halves else None

    @property
    def times(self) -> list[int]:
        """When its halves were, from the earliest."""
        return sorted(entry.time for _, entry in self.halves.values())

    def text(self, name: str) -> str | None:
        """A detail that is a text; None if it is not there or none."""
        value = self.detail.get(name)
        return value if isinstance(value, str) else None

    @property
    def rows(self) -> int:
        """How many subjects were asked about; 0 where nobody says."""
        value = self.detail.get("rows")
        return value if isinstance(value, int) else 0

    @property
    def milliepsilon(self) -> int | None:
        """What statistics were priced at, in thousandths of ε; None for another use."""
        value = self.detail.get("milliepsilon")
        return value if isinstance(value, int) else None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the model, or the statistics, take."""
        value = self.detail.get("fields")
        return value if isinstance(value, tuple) else ()


def applies_for_statistics(entry: Entry) -> bool:
    """Whether the entry is of an application for joint statistics, which need no model and no consents."""
    return entry.kind is EntryKind.APPLICATION_SUBMITTED and entry.detail.get("operation") == "joint_statistics"


def uses(entries: Entries) -> list[Use]:
    """Every use, in the order in which the log first speaks of them, with all that it says of each."""
    found: dict[Key, Use] = {}
    refusals: list[Indexed] = []
    for index, entry in entries:
        if entry.job is None:
            continue
        if entry.kind is EntryKind.REFUSED:
            refusals.append((index, entry))
        elif entry.kind in _OF_A_USE:
            key = key_of(entry)
            use = found.setdefault(key, Use(*key))
            _add(use, index, entry)
    _refuse(found.values(), refusals)
    return [use for use in found.values() if use.halves]


def key_of(entry: Entry) -> Key:
    """What tells the use that an entry is about from all others."""
    own, other = entry.node, entry.counterparty
    consumer, provider = (other, own) if entry.kind in _BY_PROVIDER else (own, other)
    return entry.contract, str(entry.job), consumer, provider


def _add(use: Use, index: int, entry: Entry) -> None:
    if entry.kind in _ENDS:
        use.ends.setdefault(entry.kind, (index, entry))
    elif entry.kind in use.halves:
        use.repeated.append((index, entry))
    else:
        use.halves[entry.kind] = index, entry


def _refuse(found: Iterable[Use], refusals: Iterable[Indexed]) -> None:
    """Put a provider's refusal of a job to its uses; it names no contract, for it may know none."""
    refused = {(entry.node, entry.counterparty, entry.job): (index, entry) for index, entry in refusals}
    for use in found:
        use.refusal = refused.get((str(use.provider), use.consumer, use.job))
