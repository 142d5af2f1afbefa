"""What a node records of each message: digests, counts and organisations, never a subject, a value or a point.

Names stand in the log for ever, so a name is recorded only once its owner's signature was verified.
"""

import hashlib
from typing import Protocol

from audit.entry import EntryKind, Event, Value, new_id
from compute.canonical import Message
from compute.node.erasure import Erasure
from compute.protocols.alignment.messages import Align, Aligning, AlignReturn
from compute.protocols.base import Accepted, RefusalError
from compute.protocols.closed_answer.messages import Abandon, Abandoned, Acknowledge, Answer, AnswerKey
from compute.protocols.joint_statistics.messages import (
    Asked,
    AskPrecheck,
    AskStatistics,
    StatisticsJob,
    logged_question,
)
from compute.protocols.key_enrolment.messages import EnrolKey
from compute.protocols.label_vector.messages import RegisterLabels
from compute.protocols.permit_presentation.messages import PermitPresented, PresentPermit
from compute.protocols.risk_score.bin_histogram import SealedHistogram
from compute.protocols.risk_score.case import Case, Step
from compute.protocols.risk_score.messages import (
    AskDecision,
    AskHistogram,
    BandQuery,
    JobStatement,
    ModelApproval,
    Query,
    RegisteredTables,
    RegisterTables,
    SubmitModel,
    Withdrawal,
    WithdrawModel,
)
from compute.signing import Signed, digest

Detail = dict[str, Value]


class Facts(Protocol):
    """What a node knows of the uses that messages are about."""

    def contract_of(self, permit: str) -> str | None:
        """Give the contract of a permit that was presented here."""
        ...

    def contract_of_job(self, job: bytes) -> str | None:
        """Give the contract under which the job with this digest was answered here."""
        ...

    def of_use(self, job: JobStatement) -> Detail:
        """Give what of whose data a job uses here, for what, on what basis."""
        ...

    def of_statistics(self, message: AskStatistics) -> Detail:
        """Give the same of a job of statistics."""
        ...


class NoFacts:
    """Of a node that gives no data."""

    def contract_of(self, _permit: str) -> str | None:
        """Give None."""
        return None

    def contract_of_job(self, _job: bytes) -> str | None:
        """Give None."""
        return None

    def of_use(self, _job: JobStatement) -> Detail:
        """Give nothing."""
        return {}

    def of_statistics(self, _message: AskStatistics) -> Detail:
        """Give nothing."""
        return {}


def accepted(node: str, message: Message, reply: Message, now: int, facts: Facts) -> Event | None:
    """Give the event of a message that was taken, or None for a mere question.

    What a node tells once is one event however often it is repeated: its id and time follow from the reply.
    """
    permit = contract = once = None
    detail: Detail = {}
    match message, reply:
        case EnrolKey(statement=enrolment), Accepted(at=at):
            kind, once = EntryKind.KEY_ENROLLED, digest(enrolment)
            detail = {"key": hashlib.sha256(enrolment.statement.n).hexdigest()}
        case PresentPermit(presentation=presented), PermitPresented(at=at):
            kind, permit, once = EntryKind.PERMIT_PRESENTED, reply.permit, digest(presented)
        case AskHistogram(question=asked), Signed(statement=SealedHistogram()):
            kind, at, once = EntryKind.HISTOGRAM_SENT, now, digest(asked.statement)
            detail = {"question": once.hex()}
        case AskDecision(), Signed(statement=ModelApproval() as approval):
            return model_approved(node, approval, now)
        case RegisterTables() | WithdrawModel(), Accepted(at=at):
            kind, once = _of_approval(message)
            detail = {"approval": once.hex()}
        case Query(job=job) | BandQuery(job=job), Signed(statement=Answer() as answer):
            kind, at, once = EntryKind.ANSWER_SENT, answer.answered_at, answer.job
            detail = {"answer": digest(answer).hex(), "rows": job.statement.rows, **facts.of_use(job.statement)}
            # Only now is the permit known to be one: before, it is any text of the bank's.
            permit = job.statement.permit_at(node)
        case Acknowledge(), AnswerKey(at=at):
            kind, once = EntryKind.ANSWER_ACKNOWLEDGED, reply.job
            contract = facts.contract_of_job(reply.job)
        case Abandon(), Abandoned(at=at):
            kind, once = EntryKind.ANSWER_ABANDONED, reply.job
            contract = facts.contract_of_job(reply.job)
        case _:
            return _of_statistics(node, message, reply, now, facts)
    if permit is not None:
        contract = facts.contract_of(permit)
    return _event(kind, node, message, at, detail, contract, permit, once)


def _of_statistics(node: str, message: Message, reply: Message, now: int, facts: Facts) -> Event | None:
    """The event of a message of joint statistics that was taken, or None for a mere question."""
    match message, reply:
        case RegisterLabels(statement=registered, part=part), Accepted(at=at):
            vector = digest(registered.statement)
            detail: Detail = {"labels": vector.hex(), "part": part, "rows": registered.statement.rows_of(part)}
            kind, once = EntryKind.LABELS_REGISTERED, vector + part.to_bytes(4, "big")
            return _event(kind, node, message, at, detail, registered.statement.contract, None, once)
        case Align(statement=aligned), Aligning():
            asked, once = aligned.statement, digest(aligned.statement)
            detail = {"alignment": once.hex(), "rows": asked.rows, "alignment_basis": asked.legal_basis}
            return _event(EntryKind.COHORT_ALIGNED, node, message, now, detail, asked.contract, None, once)
        case AskStatistics(), Signed(statement=Answer() as answer):
            detail = {"answer": digest(answer).hex(), **facts.of_statistics(message)}
            contract, permit = _permit_of(node, message, facts)
            at = answer.answered_at
            return _event(EntryKind.ANSWER_SENT, node, message, at, detail, contract, permit, answer.job)
    return None


def _permit_of(node: str, message: AskStatistics, facts: Facts) -> tuple[str | None, str | None]:
    """The contract and the permit under which a node is asked for statistics."""
    asked = message.job.statement.asked_of(node)
    return (None, None) if asked is None else (facts.contract_of(asked.permit), asked.permit)


def _of_approval(message: RegisterTables | WithdrawModel) -> tuple[EntryKind, bytes]:
    """The kind of a provider's event about an approval, and the approval's digest."""
    if isinstance(message, RegisterTables):
        return EntryKind.MODEL_REGISTERED, digest(message.approval.statement)
    return EntryKind.MODEL_WITHDRAWN, message.withdrawal.statement.approval


def model_approved(node: str, approval: ModelApproval, now: int) -> Event:
    """Give the event of a reviewer's approval; there is one for each, first told when it was signed."""
    name = digest(approval)
    detail: Detail = {
        "approval": name.hex(),
        "points_id": approval.points_id,
        "reachable_totals": approval.reachable_totals,
        **({} if approval.bands is None else {"bands": approval.bands.count}),
    }
    if approval.rests_on is not None:
        detail["rests_on"] = approval.rests_on.hex()
    return Event(
        id=_id_of(node, EntryKind.MODEL_APPROVED, name),
        kind=EntryKind.MODEL_APPROVED,
        time=now,
        node=node,
        counterparty=approval.bank,
        detail=detail,
    )


def model_refused(node: str, case: Case, step: Step) -> Event:
    """Give the event of an examiner's refusal: a word of a vocabulary, and not what the examiner wrote."""
    detail: Detail = {"submission": case.submission.hex(), "points_id": case.draft.points_id}
    return Event(
        id=_id_of(node, EntryKind.MODEL_REFUSED, case.submission),
        kind=EntryKind.MODEL_REFUSED,
        time=step.at,
        node=node,
        counterparty=case.bank,
        detail=detail if step.code is None else detail | {"reason": step.code.value},
    )


def model_withdrawn(node: str, withdrawal: Withdrawal) -> Event:
    """Give the event of an approval that its reviewer takes back."""
    return Event(
        id=_id_of(node, EntryKind.MODEL_WITHDRAWN, withdrawal.approval),
        kind=EntryKind.MODEL_WITHDRAWN,
        time=withdrawal.at,
        node=node,
        counterparty=withdrawal.bank,
        detail={"approval": withdrawal.approval.hex()},
    )


def answer_id(node: str, job: bytes) -> str:
    """Give the id of the event that tells of the answer to the job with this digest."""
    return _id_of(node, EntryKind.ANSWER_SENT, job)


def statistics_received(node: str, message: AskStatistics, now: int, facts: Facts) -> Event:
    """Give the event of a job of statistics that passed its checks; there is one for each job."""
    job, detail = message.job.statement, facts.of_statistics(message)
    contract, permit = _permit_of(node, message, facts)
    return _event(EntryKind.QUERY_RECEIVED, node, message, now, detail, contract, permit, digest(job))


def statistics_sent(bank: str, contract: str, asked: Asked, job: StatisticsJob, rows: int, now: int) -> Event:
    """Give the bank's half of a question of statistics: it goes to this provider, over so many rows."""
    detail: Detail = {"rows": rows, "question": logged_question(job, asked.question)}
    return _asked(bank, asked.provider, contract, asked.permit, digest(job), detail, now)


def statistics_answered(
    bank: str, contract: str, job: StatisticsJob, answer: Answer, rows: int, now: int
) -> Event:
    """Give the bank's half of an answer that holds statistics: it came, and this is its digest."""
    asked = job.asked_of(answer.provider)
    if asked is None:
        raise ValueError(f"the job asks nothing of {answer.provider}, whose answer this is")
    detail: Detail = {"rows": rows, "question": logged_question(job, asked.question)}
    return _came(bank, contract, asked.permit, answer, detail, now)


def received(node: str, query: Query | BandQuery, now: int, facts: Facts) -> Event:
    """Give the event of a job that passed its checks and waits to be computed; there is one for each job."""
    job = query.job.statement
    permit = job.permit_at(node)
    contract = None if permit is None else facts.contract_of(permit)
    detail: Detail = {"rows": job.rows, **facts.of_use(job)}
    return _event(EntryKind.QUERY_RECEIVED, node, query, now, detail, contract, permit, digest(job))


def sent(bank: str, provider: str, contract: str, job: JobStatement, subjects_root: bytes, now: int) -> Event:
    """Give the bank's half of a query: it goes to this provider, about the subjects that the root commits to."""
    detail: Detail = {"rows": job.rows, "approval": job.approval.hex(), "subjects_root": subjects_root.hex()}
    return _asked(bank, provider, contract, job.permit_at(provider), digest(job), detail, now)


def answered(bank: str, contract: str, job: JobStatement, subjects_root: bytes, answer: Answer, now: int) -> Event:
    """Give the bank's half of an answer: it came, this is its digest, and these subjects it is about."""
    detail: Detail = {"rows": job.rows, "subjects_root": subjects_root.hex()}
    return _came(bank, contract, job.permit_at(answer.provider), answer, detail, now)


def _asked(
    bank: str, provider: str, contract: str, permit: str | None, job: bytes, detail: Detail, now: int
) -> Event:
    return Event(
        id=new_id(bank, f"{EntryKind.QUERY_SENT} {provider} ".encode() + job),
        kind=EntryKind.QUERY_SENT,
        time=now,
        node=bank,
        contract=contract,
        counterparty=provider,
        permit_id=permit,
        job=job.hex(),
        detail=detail,
    )


def _came(bank: str, contract: str, permit: str | None, answer: Answer, detail: Detail, now: int) -> Event:
    came = digest(answer)
    return Event(
        id=_id_of(bank, EntryKind.ANSWER_RECEIVED, came),
        kind=EntryKind.ANSWER_RECEIVED,
        time=now,
        node=bank,
        contract=contract,
        counterparty=answer.provider,
        permit_id=permit,
        job=answer.job.hex(),
        detail={"answer": came.hex(), **detail},
    )


def erased(node: str, erasure: Erasure) -> Event:
    """Give the event of an erasure: under which contract, and not of whom."""
    return Event(
        id=_id_of(node, EntryKind.SUBJECT_ERASED, erasure.id.encode()),
        kind=EntryKind.SUBJECT_ERASED,
        time=erasure.at,
        node=node,
        contract=erasure.contract,
    )


def erasure_refused(node: str, contract: str, until: int, now: int) -> Event:
    """Give the event of an erasure that has to wait."""
    detail: Detail = {"message": "Erasure", "until": until}
    return Event(id=new_id(node), kind=EntryKind.REFUSED, time=now, node=node, contract=contract, detail=detail)


def legal_hold(node: str, kind: EntryKind, contract: str, now: int, until: int | None = None) -> Event:
    """Give the event of a legal hold that is placed, until a time, or lifted; for which case stays here."""
    detail: Detail = {} if until is None else {"until": until}
    return Event(id=new_id(node), kind=kind, time=now, node=node, contract=contract, detail=detail)


def refused(node: str, message: Message | None, error: RefusalError, now: int) -> Event:
    """Give the event of a refusal."""
    kind = "unreadable" if message is None else type(message).__name__
    detail: Detail = {"message": kind, "check": error.check}
    verified = error.check > (2 if isinstance(message, RegisterTables) else 1)
    return _event(EntryKind.REFUSED, node, message if verified else None, now, detail)


def _event(
    kind: EntryKind,
    node: str,
    message: Message | None,
    time: int,
    detail: Detail,
    contract: str | None = None,
    permit: str | None = None,
    once: bytes | None = None,
) -> Event:
    """An event; with ``once`` there is one of its kind for that digest at this node, whatever is repeated."""
    counterparty, job = _about(message)
    return Event(
        id=new_id(node) if once is None else _id_of(node, kind, once),
        kind=kind,
        time=time,
        node=node,
        contract=contract,
        counterparty=counterparty,
        permit_id=permit,
        job=job,
        detail=detail,
    )


def _id_of(node: str, kind: EntryKind, fact: bytes) -> str:
    """The id of the one event of this kind that the node tells of a fact."""
    return new_id(node, kind.encode() + fact)


def _about(message: Message | None) -> tuple[str | None, str | None]:
    """Counterparty and job of a message, as far as it names them."""
    match message:
        case (
            EnrolKey(statement=signed)
            | SubmitModel(submission=signed)
            | PresentPermit(presentation=signed)
            | AskHistogram(question=signed)
            | AskPrecheck(question=signed)
            | RegisterLabels(statement=signed)
            | Align(statement=signed)
        ):
            return signed.statement.bank, None
        case WithdrawModel(withdrawal=withdrawal):
            return withdrawal.statement.reviewer, None
        case RegisterTables(tables=RegisteredTables(bank=bank)) | AskDecision(bank=bank) | AlignReturn(bank=bank):
            return bank, None
        case Query(job=signed) | BandQuery(job=signed) | AskStatistics(job=signed):
            return signed.statement.bank, digest(signed.statement).hex()
        case Acknowledge(acknowledgement=signed) | Abandon(tombstone=signed):
            return signed.statement.bank, signed.statement.job.hex()
    return None, None
