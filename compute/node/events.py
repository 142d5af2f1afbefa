"""What a node records of each message: digests, counts and organisations, never a subject, a value or a point."""

import hashlib
import secrets

from audit.entry import Entry, EntryKind
from compute.canonical import Message
from compute.protocols.base import RefusalError
from compute.protocols.key_enrolment.messages import EnrolKey
from compute.protocols.risk_score.messages import (
    Acknowledge,
    Answer,
    ModelApproval,
    Query,
    RegisterTables,
    SubmitModel,
)
from compute.signing import Signed, digest

Detail = dict[str, str | int]


def accepted(node: str, message: Message, reply: Message, now: int) -> Entry | None:
    """Give the event of a message that was taken, or None for a mere question."""
    match message, reply:
        case EnrolKey(), _:
            return _entry(EntryKind.KEY_ENROLLED, node, message, now)
        case SubmitModel(), Signed(statement=ModelApproval() as approval):
            detail: Detail = {
                "points_id": approval.points_id,
                "reachable_totals": approval.reachable_totals,
            }
            return _entry(EntryKind.MODEL_APPROVED, node, message, now, detail)
        case RegisterTables(), _:
            detail = {"approval": digest(message.approval.statement).hex()}
            return _entry(EntryKind.MODEL_REGISTERED, node, message, now, detail)
        case Query(), Signed(statement=Answer() as answer):
            detail = {"answer": digest(answer).hex(), "rows": message.job.statement.rows}
            # A retry gets the stored answer and must be the same event: id and time follow from the answer.
            identity = hashlib.sha256(f"answer_released\n{node}\n{answer.job.hex()}".encode()).hexdigest()[:32]
            return _entry(EntryKind.ANSWER_RELEASED, node, message, answer.answered_at, detail, identity)
        case Acknowledge(), _:
            return _entry(EntryKind.ANSWER_ACKNOWLEDGED, node, message, now)
    return None


def refused(node: str, message: Message | None, error: RefusalError, now: int) -> Entry:
    """Give the event of a refusal; the counterparty is the one that the message claims."""
    kind = "unreadable" if message is None else type(message).__name__
    return _entry(EntryKind.REFUSED, node, message, now, {"message": kind, "check": error.check})


def _entry(
    kind: EntryKind,
    node: str,
    message: Message | None,
    time: int,
    detail: Detail | None = None,
    identity: str | None = None,
) -> Entry:
    counterparty, permit, job = _about(message)
    return Entry(
        id=identity or secrets.token_hex(16),
        kind=kind,
        time=time,
        node=node,
        counterparty=counterparty,
        permit_id=permit,
        job=job,
        detail=detail or {},
    )


def _about(message: Message | None) -> tuple[str | None, str | None, str | None]:
    """Counterparty, permit and job of a message, as far as it names them."""
    match message:
        case EnrolKey(statement=signed) | SubmitModel(submission=signed):
            return signed.statement.bank, None, None
        case RegisterTables(tables=tables):
            return tables.bank, None, None
        case Query(job=signed):
            return signed.statement.bank, signed.statement.permit, digest(signed.statement).hex()
        case Acknowledge(acknowledgement=signed):
            return signed.statement.bank, None, signed.statement.job.hex()
    return None, None, None
