"""What the log records: one event, signed by its node, with its closed vocabulary and its canonical bytes.

    Event   what happened, as the node that reports it keeps it
    Entry   the event, its number among the node's events about the contract, and the node's signature over both

An entry names organisations, contracts and digests, never a person: it is public to whoever verifies the
log. Its bytes are canonical JSON (RFC 8785), so one event has one leaf hash. Numbers run without a gap, so
neither the log nor the node can leave an event out once a later one is there. This module needs the standard
library and `cryptography` only, because the stand-alone verifier carries it.
"""

import base64
import dataclasses
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.errors import FormatError, SignatureError
from audit.strict_json import MAX_INTEGER, read_json

VERSION = 2
MAX_SIZE = 65_535  # bytes of an entry: the uint16 length prefix of C2SP tlog-tiles' entry bundles
MAX_DETAILS = 32  # members of `detail`; with the bounds below no valid entry comes near MAX_SIZE
MAX_TEXT = 512  # characters of a text in `detail`
MAX_TEXTS = 8192  # of all of them
MAX_NAMES = 256  # in the lists of names in `detail`, such as the fields of a model
_OWN = 8  # characters of an id

_ID = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_DETAIL_NAME = re.compile(r"[a-z_]{1,64}")
_LISTED_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{85}[AQgw]==")  # 64 bytes in base64, in the one way to write them
_DOMAIN = b"veilmart/event/v1\n"
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
    # Who takes part, and who acts there.
    ORGANISATION_APPLIED = "organisation_applied"
    ORGANISATION_RETURNED = "organisation_returned"
    ORGANISATION_ADMITTED = "organisation_admitted"
    ORGANISATION_HANDED_OVER = "organisation_handed_over"
    ORGANISATION_REJECTED = "organisation_rejected"
    ORGANISATION_SUSPENDED = "organisation_suspended"
    ORGANISATION_REINSTATED = "organisation_reinstated"
    AGREEMENT_PUBLISHED = "agreement_published"
    AGREEMENT_ACCEPTED = "agreement_accepted"
    MEMBER_ADDED = "member_added"
    MEMBER_CHANGED = "member_changed"
    MEMBER_REMOVED = "member_removed"
    MEMBER_CONFIRMED = "member_confirmed"
    API_KEY_ISSUED = "api_key_issued"
    API_KEY_REVOKED = "api_key_revoked"
    INTERVENTION_PROPOSED = "intervention_proposed"
    INTERVENTION_CONFIRMED = "intervention_confirmed"
    INTERVENTION_REJECTED = "intervention_rejected"
    # An organisation's own steps before it decides.
    APPROVAL_STARTED = "approval_started"
    APPROVAL_PASSED = "approval_passed"
    APPROVAL_RETURNED = "approval_returned"
    APPROVAL_REJECTED = "approval_rejected"
    APPROVAL_COMPLETED = "approval_completed"
    APPROVAL_WITHDRAWN = "approval_withdrawn"
    APPROVAL_RULE_CHANGED = "approval_rule_changed"
    DEPUTY_NAMED = "deputy_named"
    DEPUTY_ENDED = "deputy_ended"
    STEP_ESCALATED = "step_escalated"
    # What products are made of, and their review.
    RESOURCE_ENTERED = "resource_entered"
    RESOURCE_CHANGED = "resource_changed"
    RESOURCE_ENDED = "resource_ended"
    PRODUCT_SUBMITTED = "product_submitted"
    PRODUCT_REVIEWED = "product_reviewed"
    PRODUCT_RETURNED = "product_returned"
    PRODUCT_REJECTED = "product_rejected"
    # Further moves of applications and contracts.
    APPLICATION_COUNTERED = "application_countered"
    APPLICATION_WITHDRAWN = "application_withdrawn"
    APPLICATION_EXPIRED = "application_expired"
    CONTRACT_AMENDED = "contract_amended"
    CONTRACT_RENEWED = "contract_renewed"
    CONTRACT_REVOKED = "contract_revoked"
    DESTRUCTION_CERTIFIED = "destruction_certified"
    # A subject's own word on a consent, and disputes.
    CONSENT_REQUESTED = "consent_requested"
    CONSENT_GRANTED = "consent_granted"
    CONSENT_REFUSED = "consent_refused"
    CONSENT_CANCELLED = "consent_cancelled"
    CONSENT_LAPSED = "consent_lapsed"
    CONSENT_NOTICED = "consent_noticed"
    CONSENT_DENIED = "consent_denied"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_ANSWERED = "dispute_answered"
    DISPUTE_CORRECTED = "dispute_corrected"
    DISPUTE_REOPENED = "dispute_reopened"
    DISPUTE_CLOSED = "dispute_closed"
    # Demands, prices, statements.
    DEMAND_POSTED = "demand_posted"
    DEMAND_ANSWERED = "demand_answered"
    DEMAND_CLOSED = "demand_closed"
    MANDATE_ENTERED = "mandate_entered"
    MANDATE_ENDED = "mandate_ended"
    PRICE_OFFERED = "price_offered"
    PRICE_ACCEPTED = "price_accepted"
    PRICE_AGREED = "price_agreed"
    STATEMENT_ISSUED = "statement_issued"
    STATEMENT_CONFIRMED = "statement_confirmed"
    STATEMENT_DISPUTED = "statement_disputed"
    MARKET_RESTORED = "market_restored"
    # An auditor's case; its reads are sealed until it is closed.
    CASE_OPENED = "case_opened"
    CASE_APPROVED = "case_approved"
    CASE_READ = "case_read"
    CASE_CLOSED = "case_closed"
    CASE_UNSEALED = "case_unsealed"
    # The nodes'.
    KEY_ENROLLED = "key_enrolled"
    PERMIT_PRESENTED = "permit_presented"
    HISTOGRAM_SENT = "histogram_sent"  # of a model's bins at a provider, sealed to the model reviewer
    LABELS_REGISTERED = "labels_registered"  # a part of a bank's label vector, proven
    COHORT_ALIGNED = "cohort_aligned"  # a provider found which of its companies are in a bank's cohort
    MODEL_REGISTERED = "model_registered"
    MODEL_APPROVED = "model_approved"
    MODEL_REFUSED = "model_refused"
    MODEL_WITHDRAWN = "model_withdrawn"
    # A use, in halves: the consumer's and the provider's query, the provider's and the consumer's answer.
    QUERY_SENT = "query_sent"
    QUERY_RECEIVED = "query_received"
    ANSWER_SENT = "answer_sent"
    ANSWER_RECEIVED = "answer_received"
    ANSWER_ACKNOWLEDGED = "answer_acknowledged"  # the provider has the receipt, and gave the answer's key
    ANSWER_ABANDONED = "answer_abandoned"  # the consumer gave up: the answer stays closed, no use counts
    SUBJECT_ERASED = "subject_erased"
    LEGAL_HOLD_PLACED = "legal_hold_placed"
    LEGAL_HOLD_LIFTED = "legal_hold_lifted"
    FINDING_DISPOSED = "finding_disposed"
    # Everybody's.
    REFUSED = "refused"
    REFUSALS_COUNTED = "refusals_counted"  # how many more, of a party and a command in an hour


Value = str | int | tuple[str, ...]
"""Of a detail: a text, an integer, or names."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """What happened. Making one with a field out of bounds raises FormatError, which names the field."""

    id: str  # 32 hex characters, from `new_id` once per event: a retry with the same id gets the same index
    kind: EntryKind
    time: int  # UTC, milliseconds since 1970-01-01
    node: str  # the party that reports the event
    contract: str | None = None  # that it is about
    counterparty: str | None = None  # the party on the other side, if there is one
    permit_id: str | None = None
    job: str | None = None  # SHA-256 of the job, in hex
    detail: Mapping[str, Value] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if type(self.kind) is not EntryKind:
            raise FormatError("kind: not an EntryKind")
        _require_count("time", self.time)
        _require_match("id", _ID, self.id)
        _require_match("node", _NAME, self.node)
        for name in ("contract", "counterparty", "permit_id"):
            if (value := getattr(self, name)) is not None:
                _require_match(name, _NAME, value)
        if self.job is not None:
            _require_match("job", _SHA256, self.job)
        _require_detail(self.detail)
        # A copy, so that nobody changes the event after it was checked.
        object.__setattr__(self, "detail", MappingProxyType(dict(self.detail)))

    @property
    def stream(self) -> tuple[str, str | None]:
        """The node and the contract within which the node's events are numbered without a gap."""
        return self.node, self.contract


@dataclass(frozen=True, kw_only=True)
class Entry(Event):
    """An event as the log has it, made by `sign`."""

    counter: (
        int  # this is the node's event of that number about the contract, from 1; those about none count apart
    )
    signature: str  # Ed25519 by the node's key over all the rest, in base64
    version: int = VERSION

    def __post_init__(self) -> None:
        super().__post_init__()
        if type(self.version) is not int or self.version != VERSION:
            raise FormatError(f"version: not {VERSION}")
        _require_count("counter", self.counter, least=1)
        _require_match("signature", _SIGNATURE, self.signature)


E = TypeVar("E", bound=Event)

_EVENT_MEMBERS = tuple(member.name for member in dataclasses.fields(Event))
_MEMBERS = frozenset(member.name for member in dataclasses.fields(Entry))
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sign(event: Event, counter: int, key: Ed25519PrivateKey) -> Entry:
    """Give the event as the node's `counter`-th about its contract, signed with the node's key."""
    members = {name: getattr(event, name) for name in _EVENT_MEMBERS}
    signed = {**members, "detail": dict(event.detail), "counter": counter, "version": VERSION}
    signature = base64.b64encode(key.sign(_DOMAIN + _canonical(signed))).decode()
    return Entry(**members, counter=counter, signature=signature)


def verify_signature(entry: Entry, public_key: bytes) -> None:
    """Return if the node with this raw Ed25519 key signed the entry; raise SignatureError if not."""
    signed = _members(entry)
    del signed["signature"]
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(base64.b64decode(entry.signature), _DOMAIN + _canonical(signed))
    except (InvalidSignature, ValueError) as error:
        raise SignatureError(f"the event {entry.id} is not signed by {entry.node}") from error


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


def encode(event: Event) -> bytes:
    """The canonical bytes: of an entry its leaf in the log, of an event what its node keeps until it is signed."""
    return _canonical(_members(event))


def parse(data: bytes) -> Entry:
    """The entry of these bytes: `encode(parse(data)) == data` for whatever is accepted.

    Raises FormatError, which says what is wrong, for anything else than the canonical bytes of an entry.
    """
    return _parse(data, Entry, _MEMBERS)


def parse_event(data: bytes) -> Event:
    """The event of these bytes, as `parse` does for an entry."""
    return _parse(data, Event, frozenset(_EVENT_MEMBERS))


def _parse(data: bytes, expected: type[E], names: frozenset[str]) -> E:
    if len(data) > MAX_SIZE:
        raise FormatError(f"an entry of {len(data)} bytes is over the limit of {MAX_SIZE}")
    members = read_json(data)
    for name in sorted(names - members.keys()):
        raise FormatError(f"{name}: missing")
    for name in sorted(members.keys() - names):
        raise FormatError(f"{name!r:.80}: unknown")
    try:
        members["kind"] = EntryKind(members["kind"])
    except ValueError as error:
        raise FormatError("kind: not in the vocabulary") from error
    if isinstance(members["detail"], dict):
        members["detail"] = {
            name: tuple(value) if type(value) is list else value for name, value in members["detail"].items()
        }
    found = expected(**members)
    if encode(found) != data:
        raise FormatError("not canonical JSON (RFC 8785)")
    return found


def _members(event: Event) -> dict[str, Any]:
    return {**vars(event), "detail": dict(event.detail)}


def _canonical(members: Mapping[str, Any]) -> bytes:
    # Names are ASCII and numbers integers below 2^53: there, what Python sorts and writes is RFC 8785.
    return _CANONICAL.encode(members).encode()


def _require_count(name: str, value: object, least: int = 0) -> None:
    if type(value) is not int or not least <= value <= MAX_INTEGER:
        raise FormatError(f"{name}: not an integer from {least} to 2^53 - 1")


def _require_match(name: str, pattern: re.Pattern[str], value: object) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise FormatError(f"{name}: not a text of the form {pattern.pattern}")


def _require_detail(detail: object) -> None:
    if not isinstance(detail, Mapping):
        raise FormatError("detail: not a mapping")
    if len(detail) > MAX_DETAILS:
        raise FormatError(f"detail: more than {MAX_DETAILS} members")
    listed = written = 0
    for name, value in detail.items():
        _require_match("a name in detail", _DETAIL_NAME, name)
        if type(value) is tuple:
            listed += len(value)
            for each in value:
                _require_match(f"detail.{name}", _LISTED_NAME, each)
        else:
            written += _require_plain(name, value)
    if written > MAX_TEXTS:
        raise FormatError(f"detail: more than {MAX_TEXTS} characters in texts")
    if listed > MAX_NAMES:
        raise FormatError(f"detail: more than {MAX_NAMES} names in lists")


def _require_plain(name: str, value: object) -> int:
    """Require an integer or a text; give the text's length."""
    if type(value) is int:
        if abs(value) > MAX_INTEGER:
            raise FormatError(f"detail.{name}: an integer beyond ±(2^53 - 1)")
        return 0
    if type(value) is not str:
        raise FormatError(f"detail.{name}: neither a text, an integer nor names")
    if len(value) > MAX_TEXT:
        raise FormatError(f"detail.{name}: more than {MAX_TEXT} characters")
    if _DECEPTIVE.search(value):
        raise FormatError(f"detail.{name}: a control, bidirectional or surrogate character")
    return len(value)
