"""Auditors' cases."""

from compute.canonical import Hex32, Line, Message, Milliseconds, Name
from compute.market.count import Count


class CaseRequest(Message, frozen=True):
    """An auditor's case to open."""

    number: Line
    """The supervisor's own: 案号. It stays at the marketplace."""
    until: Milliseconds
    """When it is closed, and its reads are unsealed, at the latest."""


class CaseRecord(Message, frozen=True):
    """An auditor's case."""

    case: Hex32
    """What the log and all others name it by: a salted digest of its number."""
    number: str
    state: str
    opener: Name
    approver: Name | None
    until: Milliseconds
    reads: Count
    """So many reads there were under it."""


class CaseList(Message, frozen=True):
    """All cases, by number."""

    cases: tuple[CaseRecord, ...]
