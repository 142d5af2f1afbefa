"""What is recorded of each command: organisations, names and digests, never a subject, a commitment or a text."""

import re
from collections.abc import Mapping
from typing import get_args

from audit.entry import Entry, EntryKind, Event, Value, is_own_id, new_id
from audit.strict_json import MAX_INTEGER
from audit.tracing.findings import DISPOSITIONS, TAGS
from compute.signing import Role
from compute.terms import AlignmentBasis, Terms
from marketplace.errors import ForbiddenError, InvalidError, MarketplaceError
from marketplace.flow.clocks import CLOCK_SKEW
from marketplace.flow.states import Move

MAX_MILLIEPSILON = 100_000
"""Of one answer, as in the messages."""
MAX_SUBJECTS = 1_000_000
"""Of one use, as in the messages: no number of a person's fits."""
MOVED: Mapping[tuple[str, Move], EntryKind] = {
    ("organisation", Move.RESUBMIT): EntryKind.ORGANISATION_APPLIED,
    ("organisation", Move.RETURN): EntryKind.ORGANISATION_RETURNED,
    ("organisation", Move.ADMIT): EntryKind.ORGANISATION_ADMITTED,
    ("organisation", Move.REJECT): EntryKind.ORGANISATION_REJECTED,
    ("organisation", Move.SUSPEND): EntryKind.ORGANISATION_SUSPENDED,
    ("organisation", Move.REINSTATE): EntryKind.ORGANISATION_REINSTATED,
    ("intervention", Move.CONFIRM): EntryKind.INTERVENTION_CONFIRMED,
    ("intervention", Move.REJECT): EntryKind.INTERVENTION_REJECTED,
    ("product", Move.SUBMIT): EntryKind.PRODUCT_SUBMITTED,
    ("product", Move.APPROVE): EntryKind.PRODUCT_REVIEWED,
    ("product", Move.RETURN): EntryKind.PRODUCT_RETURNED,
    ("product", Move.REJECT): EntryKind.PRODUCT_REJECTED,
    ("product", Move.LIST): EntryKind.PRODUCT_PUBLISHED,
    ("product", Move.SUSPEND): EntryKind.PRODUCT_SUSPENDED,
    ("product", Move.REINSTATE): EntryKind.PRODUCT_REINSTATED,
    ("product", Move.DELIST): EntryKind.PRODUCT_DELISTED,
    ("resource", Move.CHANGE): EntryKind.RESOURCE_CHANGED,
    ("resource", Move.CORRECT): EntryKind.RESOURCE_CHANGED,
    ("resource", Move.CANCEL): EntryKind.RESOURCE_ENDED,
    ("application", Move.APPROVE): EntryKind.APPLICATION_APPROVED,
    ("application", Move.REJECT): EntryKind.APPLICATION_REJECTED,
    ("application", Move.RETURN): EntryKind.APPLICATION_RETURNED,
    ("application", Move.RESUBMIT): EntryKind.APPLICATION_RESUBMITTED,
    ("application", Move.COUNTER): EntryKind.APPLICATION_COUNTERED,
    ("application", Move.WITHDRAW): EntryKind.APPLICATION_WITHDRAWN,
    ("application", Move.EXPIRE): EntryKind.APPLICATION_EXPIRED,
    ("contract", Move.SIGN): EntryKind.CONTRACT_SIGNED,
    ("contract", Move.ACTIVATE): EntryKind.CONTRACT_ACTIVATED,
    ("contract", Move.SUSPEND): EntryKind.CONTRACT_SUSPENDED,
    ("contract", Move.REINSTATE): EntryKind.CONTRACT_REINSTATED,
    ("contract", Move.TERMINATE): EntryKind.CONTRACT_TERMINATED,
    ("contract", Move.REVOKE): EntryKind.CONTRACT_REVOKED,
    ("contract", Move.AMEND): EntryKind.CONTRACT_AMENDED,
    ("contract", Move.EXPIRE): EntryKind.CONTRACT_EXPIRED,
    ("permit", Move.REVOKE): EntryKind.PERMIT_REVOKED,
    ("permit", Move.EXPIRE): EntryKind.PERMIT_EXPIRED,
    ("case", Move.APPROVE): EntryKind.CASE_APPROVED,
    ("case", Move.CLOSE): EntryKind.CASE_CLOSED,
    ("consent request", Move.GRANT): EntryKind.CONSENT_GRANTED,
    ("consent request", Move.REFUSE): EntryKind.CONSENT_REFUSED,
    ("consent request", Move.CANCEL): EntryKind.CONSENT_CANCELLED,
    ("consent request", Move.EXPIRE): EntryKind.CONSENT_LAPSED,
    ("dispute", Move.ANSWER): EntryKind.DISPUTE_ANSWERED,
    ("dispute", Move.CORRECT): EntryKind.DISPUTE_CORRECTED,
    ("dispute", Move.REOPEN): EntryKind.DISPUTE_REOPENED,
    ("dispute", Move.CLOSE): EntryKind.DISPUTE_CLOSED,
}
"""(noun, move) → the event that it is."""

OF_NODES: Mapping[EntryKind, frozenset[Role]] = {
    EntryKind.KEY_ENROLLED: frozenset({"provider"}),
    EntryKind.PERMIT_PRESENTED: frozenset({"provider"}),
    EntryKind.HISTOGRAM_SENT: frozenset({"provider"}),
    EntryKind.LABELS_REGISTERED: frozenset({"provider"}),
    EntryKind.COHORT_ALIGNED: frozenset({"provider"}),
    EntryKind.MODEL_REGISTERED: frozenset({"provider"}),
    EntryKind.MODEL_APPROVED: frozenset({"model_reviewer"}),
    EntryKind.MODEL_REFUSED: frozenset({"model_reviewer"}),
    EntryKind.MODEL_WITHDRAWN: frozenset({"model_reviewer", "provider"}),
    EntryKind.QUERY_SENT: frozenset({"consumer"}),
    EntryKind.QUERY_RECEIVED: frozenset({"provider"}),
    EntryKind.ANSWER_SENT: frozenset({"provider"}),
    EntryKind.ANSWER_RECEIVED: frozenset({"consumer"}),
    EntryKind.ANSWER_ACKNOWLEDGED: frozenset({"provider"}),
    EntryKind.ANSWER_ABANDONED: frozenset({"provider"}),
    EntryKind.SUBJECT_ERASED: frozenset({"consumer", "provider"}),
    EntryKind.LEGAL_HOLD_PLACED: frozenset({"consumer", "provider"}),
    EntryKind.LEGAL_HOLD_LIFTED: frozenset({"consumer", "provider"}),
    EntryKind.FINDING_DISPOSED: frozenset({"consumer"}),
    EntryKind.REFUSED: frozenset({"consumer", "provider", "model_reviewer"}),
}
"""The kinds that a node reports, and the roles whose nodes do; all others are the marketplace's own."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
REFUSABLE = (
    *("Abandon", "Acknowledge", "Align", "AlignReturn", "AskDecision", "AskHistogram", "AskPrecheck"),
    *("AskProviderTerms", "AskReviewerTerms", "AskStatistics", "BandQuery", "Cancel", "Collect", "EnrolKey"),
    *("PresentPermit", "Query", "RegisterLabels", "RegisterTables", "SubmitModel", "WithdrawModel", "Erasure"),
    *("Event", "unreadable"),
)
"""What is refused: the types of a node's messages, an erasure, what is no message; an event, by the log.

Any other word could be a person's name.
"""
MODEL_REASONS = ("leakage", "singling_out", "difference", "dossier", "purpose", "other")
"""Why a model's examiners refuse it."""
DETAILS: Mapping[str, re.Pattern[str] | range] = {
    **dict.fromkeys(
        (
            *("alignment", "answer", "approval", "case", "key", "labels", "lost", "points_id", "question"),
            *("rests_on", "snapshot", "submission", "subjects_root"),
        ),
        _DIGEST,
    ),
    **dict.fromkeys(("bands", "index", "reachable_totals"), range(MAX_INTEGER)),
    **dict.fromkeys(("rows", "salts"), range(MAX_SUBJECTS + 1)),
    **dict.fromkeys(("check", "part", "policy_version"), range(1000)),
    "milliepsilon": range(MAX_MILLIEPSILON + 1),
    "alignment_basis": re.compile("|".join(get_args(AlignmentBasis))),
    "until": range(1_577_836_800_000, 4_102_444_800_000),  # in this century, from 2020 on
    "reason": re.compile("|".join(MODEL_REASONS)),
    "message": re.compile("|".join(REFUSABLE)),
    "snapshot_date": _DATE,
    "tag": re.compile("|".join(TAGS)),
    "disposition": re.compile("|".join(DISPOSITIONS)),
}
"""What a node may say beside: digests, dates, words of a vocabulary, numbers in bounds that fit no telephone's."""
OF_TERMS = frozenset({"fields", "legal_basis", "product", "product_version", "purpose"})
"""What it may say of a contract: that must be so in the terms."""


def event(
    kind: EntryKind,
    market: str,
    counterparty: str | None,
    time: int,
    detail: Mapping[str, Value],
    contract: str | None = None,
    permit: str | None = None,
) -> Event:
    """Give a new event of the marketplace; `counterparty` is who caused it, or whom it is about."""
    return Event(
        id=new_id(market),
        kind=kind,
        time=time,
        node=market,
        contract=contract,
        counterparty=counterparty,
        permit_id=permit,
        detail=detail,
    )


def refused(market: str, actor: str | None, command: str, error: MarketplaceError, time: int) -> Event:
    """Give the event of a refusal; what was typed in is left out, for it may name anybody."""
    return event(EntryKind.REFUSED, market, actor, time, {"command": command, "reason": error.code})


def check_report(entry: Entry, role: Role, now: int) -> None:
    """Return if a node that signs in this role may report the event at `now`.

    Raises `ForbiddenError` or `InvalidError`.

    The log lasts for ever, so nothing enters it that could name a person: details are counts, digests and the
    names of message types.
    """
    if role not in OF_NODES.get(entry.kind, ()):
        raise ForbiddenError(f"{entry.kind} is not for {entry.node} to record", "report what your node did")
    if entry.permit_id is not None and entry.contract is None:
        raise InvalidError("the event names a permit and no contract", "name the permit's contract")
    if not is_own_id(entry.id, entry.node):
        raise InvalidError("the id is not of this node", "make it with audit.entry.new_id")
    if entry.time > now + CLOCK_SKEW:
        raise InvalidError("the event lies in the future", "set the node's clock right")
    for name, value in entry.detail.items():
        if name not in OF_TERMS and not _is_fit(name, value):
            raise InvalidError("a detail is no count, digest or word of a vocabulary", "leave it out")
    if entry.contract is None and not OF_TERMS.isdisjoint(entry.detail):
        raise InvalidError("a detail is of a contract, and none is named", "name the contract, or leave it out")


def check_terms(entry: Entry, terms: Terms) -> None:
    """Return if what the event says of its contract is so in the terms; raise `InvalidError` if not."""
    said = {name: value for name, value in entry.detail.items() if name in OF_TERMS}
    grant = next((grant for grant in terms.grants if grant.provider == entry.node), None)
    agreed: dict[str, Value] = {"purpose": terms.purpose, "legal_basis": terms.legal_basis}
    if grant is not None:
        agreed |= {"product": grant.product, "product_version": grant.product_version}
        fields = said.pop("fields", ())
        if not isinstance(fields, tuple) or not set(fields) <= set(grant.fields):
            raise InvalidError("the event names fields that are not granted", "report what was used")
    if wrong := sorted(name for name, value in said.items() if agreed.get(name) != value):
        raise InvalidError(f"{', '.join(wrong)}: otherwise in the contract", "report what the contract says")


def _is_fit(name: str, value: Value) -> bool:
    if name not in DETAILS:
        return False
    form = DETAILS[name]
    if isinstance(form, range):
        return isinstance(value, int) and value in form
    return isinstance(value, str) and form.fullmatch(value) is not None
