"""What the log records: one event, its closed vocabulary, and its canonical bytes.

An entry names organisations, contracts and digests, never a person: it is public to whoever verifies the
log. Its bytes are canonical JSON (RFC 8785), so one event has one leaf hash. This module needs the standard
library only, because the stand-alone verifier carries it.
"""

import dataclasses
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Never

from audit.errors import FormatError

VERSION = 1
MAX_SIZE = 65_535  # bytes of an entry: the uint16 length prefix of C2SP tlog-tiles' entry bundles
MAX_DETAILS = 32  # members of `detail`; with the bounds below no valid entry comes near MAX_SIZE
MAX_TEXT = 256  # characters of a text in `detail`
MAX_INTEGER = 2**53 - 1  # the integers that every JSON reader keeps exact (RFC 7493 §2.2)
_OWN = 8  # characters of an id
_MAX_DIGITS = len(str(-MAX_INTEGER))

_ID = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_DETAIL_NAME = re.compile(r"[a-z_]{1,64}")
# Characters that make a line look like another one: controls, line separators, bidirectional marks; and
# surrogates, which are no text.
_DECEPTIVE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class EntryKind(StrEnum):
    """Every kind of event that the log records."""

    # The marketplace's: the life of a party, a product, an application, a contract, a consent, a permit.
    PARTY_ENROLLED = "party_enrolled"
    PARTY_SUSPENDED = "party_suspended"
    PARTY_REINSTATED = "party_reinstated"
    PRODUCT_PUBLISHED = "product_published"
    PRODUCT_SUSPENDED = "product_suspended"
    PRODUCT_REINSTATED = "product_reinstated"
    PRODUCT_DELISTED = "product_delisted"
    APPLICATION_SUBMITTED = "application_submitted"
    APPLICATION_APPROVED = "application_approved"
    APPLICATION_REJECTED = "application_rejected"
    APPLICATION_RETURNED = "application_returned"
    APPLICATION_RESUBMITTED = "application_resubmitted"
    CONTRACT_DRAFTED = "contract_drafted"
    CONTRACT_SIGNED = "contract_signed"
    CONTRACT_ACTIVATED = "contract_activated"
    CONTRACT_SUSPENDED = "contract_suspended"
    CONTRACT_REINSTATED = "contract_reinstated"
    CONTRACT_TERMINATED = "contract_terminated"
    CONTRACT_EXPIRED = "contract_expired"
    CONSENT_REGISTERED = "consent_registered"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    PERMIT_ISSUED = "permit_issued"
    PERMIT_REVOKED = "permit_revoked"
    PERMIT_EXPIRED = "permit_expired"
    # The nodes'.
    KEY_ENROLLED = "key_enrolled"
    PERMIT_PRESENTED = "permit_presented"
    MODEL_REGISTERED = "model_registered"
    MODEL_APPROVED = "model_approved"
    JOB_RECEIVED = "job_received"
    ANSWER_RELEASED = "answer_released"
    ANSWER_ACKNOWLEDGED = "answer_acknowledged"
    # Everybody's.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event. Making one with a field out of bounds raises FormatError, which names the field."""

    id: str  # 32 hex characters, from `new_id` once per event: a retry with the same id gets the same index
    kind: EntryKind
    time: int  # UTC, milliseconds since 1970-01-01
    node: str  # the party that reports the event
    counterparty: str | None = None  # the party on the other side, if there is one
    permit_id: str | None = None
    job: str | None = None  # SHA-256 of the job, in hex
    detail: Mapping[str, str | int] = field(default_factory=dict, hash=False)
    version: int = VERSION

    def __post_init__(self) -> None:
        if type(self.version) is not int or self.version != VERSION:
            raise FormatError(f"version: not {VERSION}")
        if type(self.kind) is not EntryKind:
            raise FormatError("kind: not an EntryKind")
        if type(self.time) is not int or not 0 <= self.time <= MAX_INTEGER:
            raise FormatError("time: not an integer of milliseconds from 0 to 2^53 - 1")
        _require_match("id", _ID, self.id)
        _require_match("node", _NAME, self.node)
        if self.counterparty is not None:
            _require_match("counterparty", _NAME, self.counterparty)
        if self.permit_id is not None:
            _require_match("permit_id", _NAME, self.permit_id)
        if self.job is not None:
            _require_match("job", _SHA256, self.job)
        _require_detail(self.detail)
        # A copy, so that nobody changes the event after it was checked.
        object.__setattr__(self, "detail", MappingProxyType(dict(self.detail)))


_MEMBERS = {member.name for member in dataclasses.fields(Entry)}
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def new_id(node: str, fact: bytes | None = None) -> str:
    """An id for an event of this node: 8 characters that are the node's own, then 24.

    The 24 are drawn at random or, for an event of which there is one for each `fact`, follow from it. A log that
    takes from a node only ids of its own keeps nodes from taking each other's.
    """
    own = hashlib.sha256(node.encode()).hexdigest()[:_OWN]
    rest = secrets.token_bytes(16) if fact is None else fact
    return own + hashlib.sha256(node.encode() + b"\n" + rest).hexdigest()[: 32 - _OWN]


def is_own_id(entry_id: str, node: str) -> bool:
    """Whether the id is one that `new_id` gives to this node."""
    return entry_id[:_OWN] == new_id(node)[:_OWN]


def encode(entry: Entry) -> bytes:
    """The entry as canonical JSON (RFC 8785) in UTF-8; an absent optional field is null.

    For ASCII names, integers below 2^53 and texts without control characters, the standard library's
    escapes, sorted names and bare separators are those of RFC 8785 §3.2.
    """
    members = {name: getattr(entry, name) for name in _MEMBERS} | {"detail": dict(entry.detail)}
    return _CANONICAL.encode(members).encode()


def parse(data: bytes) -> Entry:
    """The entry of these bytes: `encode(parse(data)) == data` for whatever is accepted.

    Raises FormatError, which says what is wrong, for anything else than the canonical bytes of an entry.
    """
    if len(data) > MAX_SIZE:
        raise FormatError(f"an entry of {len(data)} bytes is over the limit of {MAX_SIZE}")
    members = _read_json(data)
    for name in sorted(_MEMBERS - members.keys()):
        raise FormatError(f"{name}: missing")
    for name in sorted(members.keys() - _MEMBERS):
        raise FormatError(f"{name!r:.80}: unknown")
    try:
        members["kind"] = EntryKind(members["kind"])
    except ValueError as error:
        raise FormatError("kind: not in the vocabulary") from error
    entry = Entry(**members)
    if encode(entry) != data:
        raise FormatError("not canonical JSON (RFC 8785)")
    return entry


def _require_match(name: str, pattern: re.Pattern[str], value: object) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise FormatError(f"{name}: not a text of the form {pattern.pattern}")


def _require_detail(detail: object) -> None:
    if not isinstance(detail, Mapping):
        raise FormatError("detail: not a mapping")
    if len(detail) > MAX_DETAILS:
        raise FormatError(f"detail: more than {MAX_DETAILS} members")
    for name, value in detail.items():
        _require_match("a name in detail", _DETAIL_NAME, name)
        if type(value) is int:
            if abs(value) > MAX_INTEGER:
                raise FormatError(f"detail.{name}: an integer beyond ±(2^53 - 1)")
        elif type(value) is not str:
            raise FormatError(f"detail.{name}: neither a text nor an integer")
        elif len(value) > MAX_TEXT:
            raise FormatError(f"detail.{name}: more than {MAX_TEXT} characters")
        elif _DECEPTIVE.search(value):
            raise FormatError(f"detail.{name}: a control, bidirectional or surrogate character")


def _read_json(data: bytes) -> dict[str, Any]:
    """The object in `data`, without the values that JSON readers disagree on."""
    try:
        members = json.loads(
            data.decode(),  # json.loads would also take UTF-16 and UTF-32
            object_pairs_hook=_unique,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_integer,
        )
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON in UTF-8: {error}") from error
    if type(members) is not dict:
        raise FormatError("not a JSON object")
    return members


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise FormatError(f"{name!r:.80}: duplicate")
        members[name] = value
    return members


def _no_float(literal: str) -> Never:
    raise FormatError(f"{literal:.80}: not an integer")


def _integer(literal: str) -> int:
    if len(literal) > _MAX_DIGITS:
        raise FormatError("an integer beyond ±(2^53 - 1)")
    return int(literal)
