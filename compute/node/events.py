"""What a node records of each message: digests, counts and organisations, never a subject, a value or a point.

Names stand in the log for ever, so a name is recorded only once its owner's signature was verified.
"""

import hashlib

from audit.entry import Entry, EntryKind, new_id
from compute.canonical import Message
from compute.protocols.base import Accepted, RefusalError
from compute.protocols.key_enrolment.messages import EnrolKey
from compute.protocols.risk_score.messages import (
    Acknowledge,
    Acknowledged,
    Answer,
    ModelApproval,
    Query,
    RegisterTables,
    SubmitModel,
)
from compute.signing import Signed, digest

Detail = dict[str, str | int]


def accepted(node: str, message: Message, reply: Message, now: int) -> Entry | None:
    """Give the event of a message that was taken, or None for a mere question.

    What a node tells once is one event however often it is repeated: its id and time follow from the reply. An
    approval is an event each time it is given.
    """
    match message, reply:
        case EnrolKey(statement=enrolment), Accepted(at=at):
            key = hashlib.sha256(enrolment.statement.n).hexdigest()
            return _entry(EntryKind.KEY_ENROLLED, node, message, at, {"key": key}, once=digest(enrolment))
        case SubmitModel(), Signed(statement=ModelApproval() as approval):
            detail: Detail = {
                "approval": digest(approval).hex(),
                "points_id": approval.points_id,
                "reachable_totals": approval.reachable_totals,
            }
            return _entry(EntryKind.MODEL_APPROVED, node, message, now, detail)
        case RegisterTables(), Accepted(at=at):
            approval_digest = digest(message.approval.statement)
            detail = {"approval": approval_digest.hex()}
            return _entry(EntryKind.MODEL_REGISTERED, node, message, at, detail, once=approval_digest)
        case Query(job=job), Signed(statement=Answer() as answer):
            detail = {"answer": digest(answer).hex(), "rows": job.statement.rows}
            # Only now is the permit known to be one: before, it is any text of the bank's.
            permit = job.statement.permit
            return _entry(
                EntryKind.ANSWER_RELEASED, node, message, answer.answered_at, detail, permit, once=answer.job
            )
        case Acknowledge(), Acknowledged(at=at):
            answered = message.acknowledgement.statement.job
            return _entry(EntryKind.ANSWER_ACKNOWLEDGED, node, message, at, once=answered)
    return None


def refused(node: str, message: Message | None, error: RefusalError, now: int) -> Entry:
    """Give the event of a refusal."""
    kind = "unreadable" if message is None else type(message).__name__
    detail: Detail = {"message": kind, "check": error.check}
    verified = error.check > (2 if isinstance(message, RegisterTables) else 1)
    return _entry(EntryKind.REFUSED, node, message if verified else None, now, detail)


def _entry(
    kind: EntryKind,
    node: str,
    message: Message | None,
    time: int,
    detail: Detail | None = None,
    permit: str | None = None,
    once: bytes | None = None,
) -> Entry:
    """An event; with ``once`` there is one of its kind for that digest at this node, whatever is repeated."""
    counterparty, job = _about(message)
    return Entry(
        id=new_id(node, None if once is None else kind.encode() + once),
        kind=kind,
        time=time,
        node=node,
        counterparty=counterparty,
        permit_id=permit,
        job=job,
        detail=detail or {},
    )


def _about(message: Message | None) -> tuple[str | None, str | None]:
    """Counterparty and job of a message, as far as it names them."""
    match message:
        case EnrolKey(statement=signed) | SubmitModel(submission=signed):
            return signed.statement.bank, None
        case RegisterTables(tables=tables):
            return tables.bank, None
        case Query(job=signed):
            return signed.statement.bank, digest(signed.statement).hex()
        case Acknowledge(acknowledgement=signed):
            return signed.statement.bank, signed.statement.job.hex()
    return None, None
