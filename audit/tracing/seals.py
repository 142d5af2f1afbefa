"""Reads under an auditor's case, sealed in the log until the case is closed, then opened by the log itself.

    case_opened    by a supervisor        case
    case_approved  by somebody else       case
    case_read      by nobody named        sealed = SHA-256(salt ‖ canonical JSON of what was read)
    case_closed                           case
    case_unsealed  for each read          its index and salt, with what was read: anybody can open the seal

Until then nobody whom a read concerns can tell from the log that there was one: the salt has 256 bits. `case` is a
digest under a salt too, so that a case's number stands nowhere in the log.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from audit.entry import Entry, EntryKind
from audit.errors import FormatError

SALT_BYTES = 32
READS = (
    *("agreement", "amendment", "application", "certificates", "consents", "contract"),
    *("history", "legend", "permit", "prices", "trace", "versions"),
)
"""What can be read under a case."""
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Read:
    """What was read, by whom, in which case."""

    case: str  # the case's digest, in hex
    contract: str
    reader: str
    what: str  # one of READS

    def canonical(self) -> bytes:
        """Its canonical JSON (RFC 8785): all members are ASCII texts."""
        return json.dumps(vars(self), sort_keys=True, separators=(",", ":")).encode()


def case_digest(salt: bytes, number: str) -> str:
    """The digest by which the log names a case, in hex; FormatError for a salt of another length."""
    return _digest(salt, number.encode())


def seal(salt: bytes, read: Read) -> str:
    """The seal of a read, in hex; FormatError for a salt of another length."""
    return _digest(salt, read.canonical())


@dataclass(frozen=True)
class Flaw:
    """An entry that breaks the rules of cases."""

    index: int
    problem: str


@dataclass
class Seals:
    """Goes through a log's entries from the first on and holds each that is about a case to the rules.

    1. A case is opened once, and approved by another than who opened it.
    2. A read is sealed, names nobody, and happens only while some case is approved and not closed.
    3. An unsealed read opens the seal of an entry that is one, once, after its case was closed; its reader is who
       opened that case, and it happened while that case was approved and not closed.
    4. When no case is open any more, every read is unsealed.
    """

    party: str
    """Who runs the log, and alone reports what is about cases."""
    flaws: list[Flaw] = field(default_factory=list)
    opened: dict[int, Read] = field(default_factory=dict)
    """The reads that were unsealed, by their index."""
    _reads: dict[int, str] = field(default_factory=dict)  # index → seal
    _openers: dict[str, str | None] = field(default_factory=dict)
    _approved: dict[str, int] = field(default_factory=dict)  # case → index
    _closed: dict[str, int] = field(default_factory=dict)

    def take(self, index: int, entry: Entry) -> None:
        """Take the next entry; what is wrong with it is added to the flaws."""
        kind = entry.kind
        if kind in _OF_CASES and entry.node != self.party:
            self._flaw(index, f"{entry.node} reports what is about cases")
        elif kind is EntryKind.CASE_READ:
            self._take_read(index, entry)
        elif kind is EntryKind.CASE_UNSEALED:
            self._take_unsealed(index, entry)
        elif kind in _OF_CASES:
            self._take_case(index, entry)

    @property
    def sealed(self) -> list[int]:
        """The indices of the reads that are not unsealed."""
        return [index for index in self._reads if index not in self.opened]

    @property
    def open_cases(self) -> list[str]:
        """The cases that are not closed."""
        return [case for case in self._openers if case not in self._closed]

    def end(self) -> list[Flaw]:
        """All flaws, now that there are no more entries."""
        left = (
            [] if self.open_cases else [Flaw(index, "still sealed, and no case is open") for index in self.sealed]
        )
        return sorted([*self.flaws, *left], key=lambda flaw: flaw.index)  # 4

    def _take_case(self, index: int, entry: Entry) -> None:
        case = str(entry.detail.get("case"))
        if entry.kind is EntryKind.CASE_OPENED:
            if case in self._openers or not _HEX.fullmatch(case):  # 1
                self._flaw(index, "the case is opened a second time, or under no digest")
            self._openers.setdefault(case, entry.counterparty)
        elif case not in self._openers or case in self._closed:
            self._flaw(index, "the case is not open")  # 1
        elif entry.kind is EntryKind.CASE_CLOSED:
            self._closed[case] = index
        else:
            if case in self._approved or entry.counterparty in {None, self._openers[case]}:  # 1
                self._flaw(index, "the case is approved a second time, or by who opened it")
            self._approved.setdefault(case, index)

    def _take_read(self, index: int, entry: Entry) -> None:
        sealed = entry.detail.get("sealed")
        names = (entry.contract, entry.counterparty, entry.permit_id, entry.job)
        if not isinstance(sealed, str) or not _HEX.fullmatch(sealed) or len(entry.detail) > 1 or any(names):  # 2
            self._flaw(index, "the read is not sealed")
        elif not any(case not in self._closed for case in self._approved):  # 2
            self._flaw(index, "a read without an approved case")
        self._reads[index] = str(sealed)

    def _take_unsealed(self, index: int, entry: Entry) -> None:
        at, detail = entry.detail.get("index"), entry.detail
        read = Read(
            *(str(value) for value in (detail.get("case"), entry.contract, entry.counterparty, detail.get("read")))
        )
        if not isinstance(at, int) or at not in self._reads or at in self.opened:  # 3
            self._flaw(index, "no sealed read, or one that is unsealed already")
        elif not _opens(self._reads[at], str(detail.get("salt")), read):  # 3
            self._flaw(index, f"not what was sealed in entry {at}")
        else:
            self.opened[at] = read
            approved, closed = self._approved.get(read.case), self._closed.get(read.case)
            if approved is None or closed is None or not approved < at < closed:  # 3
                self._flaw(index, f"entry {at} was no read under this case, or the case is not closed")
            elif read.reader != self._openers[read.case] or read.what not in READS:  # 3
                self._flaw(index, f"{read.reader} did not open the case, or read what is none of a case's")

    def _flaw(self, index: int, problem: str) -> None:
        self.flaws.append(Flaw(index, problem))


_OF_CASES = frozenset(
    {
        EntryKind.CASE_OPENED,
        EntryKind.CASE_APPROVED,
        EntryKind.CASE_READ,
        EntryKind.CASE_CLOSED,
        EntryKind.CASE_UNSEALED,
    }
)


def check_seals(entries: Iterable[tuple[int, Entry]], party: str) -> Seals:
    """The seals of a whole log that `party` runs, whose flaws are in `flaws`: empty if all is in order."""
    seals = Seals(party)
    for index, entry in entries:
        seals.take(index, entry)
    seals.flaws = seals.end()
    return seals


def _opens(sealed: str, salt: str, read: Read) -> bool:
    return bool(_HEX.fullmatch(salt)) and hmac.compare_digest(sealed, seal(bytes.fromhex(salt), read))


def _digest(salt: bytes, data: bytes) -> str:
    if len(salt) != SALT_BYTES:
        raise FormatError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return hashlib.sha256(salt + data).hexdigest()
