"""What is recorded of each command: organisations, names and digests, never a subject, a commitment or a text."""

import secrets
from collections.abc import Mapping

from audit.entry import Entry, EntryKind
from marketplace.errors import ForbiddenError, MarketplaceError
from marketplace.flow.states import Move

MOVED: Mapping[tuple[str, Move], EntryKind] = {
    ("party", Move.ENROL): EntryKind.PARTY_ENROLLED,
    ("party", Move.SUSPEND): EntryKind.PARTY_SUSPENDED,
    ("party", Move.REINSTATE): EntryKind.PARTY_REINSTATED,
    ("product", Move.LIST): EntryKind.PRODUCT_PUBLISHED,
    ("product", Move.SUSPEND): EntryKind.PRODUCT_SUSPENDED,
    ("product", Move.REINSTATE): EntryKind.PRODUCT_REINSTATED,
    ("product", Move.DELIST): EntryKind.PRODUCT_DELISTED,
    ("application", Move.APPROVE): EntryKind.APPLICATION_APPROVED,
    ("application", Move.REJECT): EntryKind.APPLICATION_REJECTED,
    ("application", Move.RETURN): EntryKind.APPLICATION_RETURNED,
    ("application", Move.RESUBMIT): EntryKind.APPLICATION_RESUBMITTED,
    ("contract", Move.SIGN): EntryKind.CONTRACT_SIGNED,
    ("contract", Move.ACTIVATE): EntryKind.CONTRACT_ACTIVATED,
    ("contract", Move.SUSPEND): EntryKind.CONTRACT_SUSPENDED,
    ("contract", Move.REINSTATE): EntryKind.CONTRACT_REINSTATED,
    ("contract", Move.TERMINATE): EntryKind.CONTRACT_TERMINATED,
    ("contract", Move.EXPIRE): EntryKind.CONTRACT_EXPIRED,
    ("permit", Move.REVOKE): EntryKind.PERMIT_REVOKED,
    ("permit", Move.EXPIRE): EntryKind.PERMIT_EXPIRED,
}
"""(noun, move) → the event that it is."""

OF_NODES = frozenset(
    {
        EntryKind.KEY_ENROLLED,
        EntryKind.MODEL_REGISTERED,
        EntryKind.MODEL_APPROVED,
        EntryKind.JOB_RECEIVED,
        EntryKind.ANSWER_RELEASED,
        EntryKind.ANSWER_ACKNOWLEDGED,
        EntryKind.REFUSED,
    }
)
"""The kinds that a party's node reports; all others are the marketplace's own."""


def event(
    kind: EntryKind,
    market: str,
    counterparty: str | None,
    time: int,
    detail: Mapping[str, str | int],
    permit: str | None = None,
) -> Entry:
    """Give a new event of the marketplace; `counterparty` is who caused it, or whom it is about."""
    return Entry(
        id=secrets.token_hex(16),
        kind=kind,
        time=time,
        node=market,
        counterparty=counterparty,
        permit_id=permit,
        detail=detail,
    )


def refused(market: str, actor: str, command: str, error: MarketplaceError, time: int) -> Entry:
    """Give the event of a refusal; what was typed in is left out, for it may name anybody."""
    return event(EntryKind.REFUSED, market, actor, time, {"command": command, "reason": error.code})


def check_report(entry: Entry, actor: str) -> None:
    """Return if the party's node may report this event; raise `ForbiddenError` if not."""
    if entry.node != actor:
        raise ForbiddenError(f"the event is of {entry.node}, not of {actor}", "report your own node's events")
    if entry.kind not in OF_NODES:
        raise ForbiddenError(f"{entry.kind} is the marketplace's to record", "report what your node did")
