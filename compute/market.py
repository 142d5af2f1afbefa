"""What a client says to the marketplace and hears from it, beyond the signed statements themselves.

Every body is canonical (`compute.canonical`). States are those of `marketplace/flow/states.py`, by value.
"""

from typing import Annotated

from msgspec import Meta

from compute.canonical import Hex32, Message, Milliseconds, Name, Version
from compute.records import PartyRecord
from compute.signing import Signed
from compute.terms import Terms

MAX_ENTRIES = 256
"""Entries that a node sends at once: an entry bundle of C2SP tlog-tiles, at most 16 MiB."""
MAX_TRACE = 1000
"""Entries of a trace in one answer."""

Count = Annotated[int, Meta(ge=0, lt=2**53)]


class Enrolment(Message, frozen=True):
    """A party's record, signed by the party and by the operator."""

    application: Signed[PartyRecord]
    admission: Signed[PartyRecord]


class Directory(Message, frozen=True):
    """The enrolled parties, by name, each signed by the operator."""

    parties: tuple[Signed[PartyRecord], ...]


class PartyStanding(Message, frozen=True):
    """A party and whether it takes part."""

    name: Name
    state: str


class CatalogEntry(Message, frozen=True):
    """A version of a product, with its provider's own text of it."""

    provider: Name
    product: Name
    version: Version
    state: str
    digest: Hex32
    """SHA-256 of the description."""
    description: str
    """TOML, as the provider wrote it."""


class Catalog(Message, frozen=True):
    """What is on offer, by provider, product and version."""

    products: tuple[CatalogEntry, ...]


class ApplicationRequest(Message, frozen=True):
    """The terms that a consumer asks for, under its own reference."""

    reference: Annotated[str, Meta(min_length=1, max_length=200)]
    terms: Terms


class ApplicationRecord(Message, frozen=True):
    """An application: the terms asked for, its state, and the state of each provider's part."""

    terms: Terms
    state: str
    parts: dict[Name, str]


class Decision(Message, frozen=True):
    """What a provider decides about: the terms as it read them."""

    terms: Hex32
    """SHA-256 of the canonical terms. Others under the same contract are not meant."""


class Applications(Message, frozen=True):
    """The applications that the asker made or has a part in, by name."""

    applications: tuple[ApplicationRecord, ...]


class ContractRecord(Message, frozen=True):
    """A contract with its signatures so far, in the order of `terms.parties`."""

    terms: Terms
    state: str
    signed: tuple[Signed[Terms], ...]
    """Once all have signed: `compute.permit.Contract`."""


class ConsentCount(Message, frozen=True):
    """How many consents a statement registered or ended."""

    consents: Count


class IssuedPermit(Message, frozen=True):
    """A permit as the marketplace keeps it."""

    permit: Name
    contract: Name
    provider: Name
    state: str
    not_after: Milliseconds
    token: str
    """The signed JWT: `compute.permit`."""


class EntryIndices(Message, frozen=True):
    """Where in the log entries stand, in the order in which they came."""

    indices: Annotated[tuple[Count, ...], Meta(min_length=1, max_length=MAX_ENTRIES)]


class LogEntry(Message, frozen=True):
    """An entry of the log and its index."""

    index: Count
    entry: str
    """The canonical JSON of `audit.entry`, whose UTF-8 bytes the leaf's hash covers."""


class Trace(Message, frozen=True):
    """Entries about a contract, in the order of the log; with fewer than MAX_TRACE there are no later ones."""

    contract: Name
    entries: Annotated[tuple[LogEntry, ...], Meta(max_length=MAX_TRACE)]


class CaseRequest(Message, frozen=True):
    """An auditor's case to open."""

    number: Annotated[str, Meta(min_length=1, max_length=200)]
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
