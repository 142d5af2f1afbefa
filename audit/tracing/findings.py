"""What an auditor's rules find in a log: the tags of risk, and what became of a finding.

A finding is a question and no verdict. An auditor answers it by an entry of its own, `finding_disposed`, so that
the answer, too, is in the log, signed. Whom a finding is about cannot answer it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from audit.entry import Entry, EntryKind
from audit.tracing.uses import Entries, Indexed

TAGS = (
    "unusual_hours",
    "beyond_minimum",
    "burst",
    "expiring",
    "unmatched",
    "refused_repeatedly",
)
DISPOSITIONS = ("justified", "warned", "escalated")


@dataclass(frozen=True)
class Finding:
    """What a rule has found, and why."""

    tag: str  # one of TAGS
    indices: tuple[int, ...]  # of the entries that it rests on, in the order of the log
    contract: str | None
    parties: frozenset[str]  # whom it is about
    zh: str
    en: str


@dataclass(frozen=True)
class Disposal:
    """What an auditor has made of a finding."""

    index: int  # of the auditor's entry
    auditor: str
    disposition: str  # one of DISPOSITIONS
    time: int  # UTC, milliseconds since 1970-01-01


Disposals = Mapping[tuple[str, int], tuple[Disposal, ...]]
"""By tag and the index of an entry that a finding rests on, in the order of the log."""


def disposals(entries: Entries) -> Disposals:
    """What auditors have said of findings, whoever they are."""
    found: dict[tuple[str, int], list[Disposal]] = defaultdict(list)
    for index, entry in entries:
        if entry.kind is EntryKind.FINDING_DISPOSED and (said := _said(entry)) is not None:
            tag, about, disposition = said
            found[tag, about].append(Disposal(index, entry.node, disposition, entry.time))
    return {key: tuple(each) for key, each in found.items()}


def disposal_of(finding: Finding, known: Disposals) -> Disposal | None:
    """The last word on a finding by somebody whom it is not about; None as long as there is none."""
    said = [each for index in finding.indices for each in known.get((finding.tag, index), ())]
    return max(
        (each for each in said if each.auditor not in finding.parties), key=lambda each: each.index, default=None
    )


def named(found: Iterable[Finding], tag: str, index: int) -> Finding | None:
    """The finding with this tag that rests on the entry at this index."""
    return next((each for each in found if each.tag == tag and index in each.indices), None)


def parties_of(found: Iterable[Indexed]) -> frozenset[str]:
    """Whom entries name."""
    names = {name for _, entry in found for name in (entry.node, entry.counterparty)}
    return frozenset(name for name in names if name is not None)


def _said(entry: Entry) -> tuple[str, int, str] | None:
    tag, index, disposition = (entry.detail.get(name) for name in ("tag", "index", "disposition"))
    if isinstance(tag, str) and isinstance(index, int) and isinstance(disposition, str):
        return tag, index, disposition
    return None
