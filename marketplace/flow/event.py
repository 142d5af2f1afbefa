"""What is recorded of each command: organisations, names and digests, never a subject, a commitment or a text."""

import re
from collections.abc import Mapping

from audit.entry import Entry, EntryKind, is_own_id, new_id
from compute.signing import Role
from marketplace.errors import ForbiddenError, InvalidError, MarketplaceError
from marketplace.flow.actor import Actor
from marketplace.flow.clocks import CLOCK_SKEW
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

OF_NODES: Mapping[EntryKind, frozenset[Role]] = {
    EntryKind.KEY_ENROLLED: frozenset({"provider"}),
    EntryKind.PERMIT_PRESENTED: frozenset({"provider"}),
    EntryKind.MODEL_REGISTERED: frozenset({"provider"}),
    EntryKind.MODEL_APPROVED: frozenset({"model_reviewer"}),
    EntryKind.JOB_RECEIVED: frozenset({"provider"}),
    EntryKind.ANSWER_RELEASED: frozenset({"provider"}),
    EntryKind.ANSWER_ACKNOWLEDGED: frozenset({"consumer", "provider"}),
    EntryKind.REFUSED: frozenset({"consumer", "provider", "model_reviewer"}),
}
"""The kinds that a node reports, and the roles whose nodes do; all others are the marketplace's own."""

DETAILS = frozenset({"answer", "approval", "check", "key", "message", "points_id", "reachable_totals", "rows"})
DETAIL_TEXT = re.compile(r"[0-9a-f]{64}|[A-Z][A-Za-z]{0,40}|unreadable")


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
        id=new_id(market),
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


def check_report(entry: Entry, actor: Actor, now: int) -> None:
    """Return if the party's node may report this event at `now`; raise `ForbiddenError` or `InvalidError` if not.

    The log lasts for ever, so nothing enters it that could name a person: details are counts, digests and the
    names of message types.
    """
    if entry.node != actor.name:
        raise ForbiddenError(f"the event is of {entry.node}, not of {actor.name}", "report your own node's events")
    if entry.kind not in OF_NODES or (actor.kind is None or actor.kind.signing_role not in OF_NODES[entry.kind]):
        raise ForbiddenError(f"{entry.kind} is not for {actor.name} to record", "report what your node did")
    if not is_own_id(entry.id, actor.name):
        raise InvalidError("the id is not of this node", "make it with audit.entry.new_id")
    if entry.time > now + CLOCK_SKEW:
        raise InvalidError("the event lies in the future", "set the node's clock right")
    for name, value in entry.detail.items():
        if name not in DETAILS or (isinstance(value, str) and DETAIL_TEXT.fullmatch(value) is None):
            raise InvalidError("a detail is no count, digest or type of message", "leave it out")
