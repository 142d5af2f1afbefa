"""What a node records of each message: digests, counts and organisations, never a subject, a value or a point.

Names stand in the log for ever, so a name is recorded only once its owner's signature was verified.
"""

import hashlib

from audit.entry import Entry, EntryKind, new_id
from compute.canonical import Message
from compute.protocols.base import Accepted, RefusalError
from compute.protocols.key_enrolment.messages import EnrolKey
from compute.protocols.permit_presentation.messages import PermitPresented, PresentPermit
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
    permit: str | None = None
    once: bytes | None = None
    detail: Detail = {}
    match message, reply:
        case EnrolKey(statement=enrolment), Accepted(at=at):
            kind, once = EntryKind.KEY_ENROLLED, digest(enrolment)
            detail = {"key": hashlib.sha256(enrolment.statement.n).hexdigest()}
        case PresentPermit(presentation=presented), PermitPresented(at=at):
            kind, permit, once = EntryKind.PERMIT_PRESENTED, reply.permit, digest(presented)
        case SubmitModel(), Signed(statement=ModelApproval() as approval):
            kind, at = EntryKind.MODEL_APPROVED, now
            detail = {
                "approval": digest(approval).hex(),
                "points_id": approval.points_id,
                "reachable_totals": approval.reachable_totals,
            }
        case RegisterTables(), Accepted(at=at):
            kind, once = EntryKind.MODEL_REGISTERED, digest(message.approval.statement)
            detail = {"approval": once.hex()}
        case Query(job=job), Signed(statement=Answer() as answer):
            kind, at, once = EntryKind.ANSWER_RELEASED, answer.answered_at, answer.job
            detail = {"answer": digest(answer).hex(), "rows": job.statement.rows}
            # Only now is the permit known to be one: before, it is any text of the bank's.
            permit = job.statement.permit_at(node)
        case Acknowledge(), Acknowledged(at=at):
            kind, once = EntryKind.ANSWER_ACKNOWLEDGED, message.acknowledgement.statement.job
        case _:
            return None
    return _entry(kind, node, message, at, detail, permit, once)


def received(node: str, query: Query, now: int) -> Entry:
    """Give the event of a job that passed its checks and waits to be computed; there is one for each job."""
    job = query.job.statement
    detail: Detail = {"rows": job.rows}
    return _entry(EntryKind.JOB_RECEIVED, node, query, now, detail, job.permit_at(node), digest(job))


def answered(bank: str, provider: str, answer: Answer, permit: str | None, now: int) -> Entry:
    """Give the bank's half of an answer's release: it came, and this is its digest."""
    job, came = answer.job, digest(answer)
    kind = EntryKind.ANSWER_ACKNOWLEDGED
    return Entry(
        id=new_id(bank, kind.encode() + came),
        kind=kind,
        time=now,
        node=bank,
        counterparty=provider,
        permit_id=permit,
        job=job.hex(),
        detail={"answer": came.hex()},
    )


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
        case EnrolKey(statement=signed) | SubmitModel(submission=signed) | PresentPermit(presentation=signed):
            return signed.statement.bank, None
        case RegisterTables(tables=tables):
            return tables.bank, None
        case Query(job=signed):
            return signed.statement.bank, digest(signed.statement).hex()
        case Acknowledge(acknowledgement=signed):
            return signed.statement.bank, signed.statement.job.hex()
    return None, None
