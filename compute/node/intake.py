"""A node's front door: what is short is answered at once, what is long becomes a job that its sender collects.

    Query  → checks → job, durable → Pending(ticket) … Collect(ticket) → Pending … → Answer
                                │                                                      ▲
                       the worker: Dispatcher.handle → reply, its event durable ───────┘

A long message that comes again is the same job; only if that failed, was cancelled or ended in a refusal is it
tried anew. One of few units is answered within its request, by the same dispatcher, if a place is free:

    Query of few rows → Dispatcher.answer → reply, its events durable → Answer
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from audit.entry import Event
from compute.canonical import FormatError, Message, decode
from compute.node.dispatch import Dispatcher
from compute.node.jobs.errors import UnknownJobError, WrongStateError
from compute.node.jobs.holds import Holds
from compute.node.jobs.job import Job
from compute.node.jobs.states import ENDED, State
from compute.node.jobs.store import JobStore
from compute.protocols.alignment.messages import Align, AlignReturn
from compute.protocols.base import (
    BUSY,
    CANCELLED,
    FAULT,
    Accepted,
    Cancel,
    Collect,
    Pending,
    RefusalError,
    Refused,
)
from compute.protocols.closed_answer.messages import Abandon, Acknowledge
from compute.protocols.joint_statistics.messages import AskPrecheck, AskStatistics
from compute.protocols.key_enrolment.messages import AskRingPedersen, EnrolKey
from compute.protocols.label_vector.messages import RegisterLabels
from compute.protocols.permit_presentation.messages import PresentPermit
from compute.protocols.risk_score.messages import (
    AskDecision,
    AskHistogram,
    AskProviderTerms,
    AskReviewerTerms,
    BandQuery,
    Query,
    RegisterTables,
    SubmitModel,
    WithdrawModel,
)

HOLD = 5.0
"""Seconds that a question for unfinished work is held."""
HOLDS = 3
"""Questions that one server process holds at once, one for each sender: its other threads stay free."""
ANSWERS = 2
"""Long messages of few units that one server process answers at once, one for each sender."""
MAX_UNFINISHED = 4
"""Jobs of one sender that may wait or run."""
MAX_ATTEMPTS = 20
"""How often one message is tried."""


@dataclass(frozen=True)
class LongMessage:
    """How one type of long message becomes a job."""

    kind: str
    check: Callable[[Any], object]
    """Refuses what would be refused anyway, before there is a job."""
    size: Callable[[Any], int]
    """Units of work, in which estimates count."""
    reply: type[Message]
    """What its handling gives, unless it is refused."""
    received: Callable[[Any], Event] | None = None
    """Gives the event of its arrival, if that is one."""
    short: int = 0
    """Units up to which it is answered within the request: a thread of the server computes meanwhile."""


class Intake:
    """The front door over a dispatcher and the jobs of its node; `short` are the replies that come at once."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        jobs: JobStore,
        long: Mapping[type[Message], LongMessage],
        short: Sequence[type[Message]],
    ) -> None:
        self._dispatcher, self._jobs, self._long = dispatcher, jobs, long
        self._holds, self._answers = Holds(HOLDS), Holds(ANSWERS)
        self._by_kind = {each.kind: each for each in long.values()}
        self.replies = (*short, *(each.reply for each in long.values()), Accepted)
        """The types of all replies but refusals and Pending."""
        self.messages: Any = reduce(or_, [*dispatcher.handlers, Collect, Cancel])
        """The union of all that is taken here."""

    def handle(self, sender: str, data: bytes) -> Message:
        """Give the reply to the message of a party that proved to be `sender`."""
        try:
            message: Message = decode(data, self.messages)
        except FormatError as error:
            return self._dispatcher.refuse(
                None, RefusalError(0, str(error), "send a message that /openapi.json has")
            )
        if (named := named_sender(message)) not in {None, sender}:
            reason = f"the message is of {named}, but {sender} sent it"
            return self._dispatcher.refuse(None, RefusalError(1, reason, "let its author send it"))
        match message:
            case Collect(ticket=ticket):
                return self._dispatcher.run(message, lambda _: self._collect(sender, ticket))
            case Cancel(ticket=ticket):
                return self._dispatcher.run(message, lambda _: self._cancel(sender, ticket))
        long = self._long.get(type(message))
        if long is None:
            return self._dispatcher.handle(data)
        return self._dispatcher.run(message, lambda _: self._answer_or_submit(sender, message, data, long))

    def _answer_or_submit(self, sender: str, message: Message, data: bytes, long: LongMessage) -> Message:
        """Answer what is short and was not made a job before; everything else is one."""
        attempts = self._jobs.attempts(sender, long.kind, data)
        if long.size(message) <= long.short and not attempts:
            with self._answers.place(sender) as free:
                if free:
                    # Its arrival is told with its answer: nothing waits in between.
                    return self._dispatcher.answer(message, *([long.received(message)] if long.received else []))
        return self._submit(sender, message, data, long, attempts)

    def _submit(
        self, sender: str, message: Message, data: bytes, long: LongMessage, attempts: Sequence[Job]
    ) -> Message:
        long.check(message)
        if attempts and attempts[0].state not in ENDED:
            return self._standing(attempts[0])
        if attempts and attempts[0].state is State.DONE:
            reply = self._result(attempts[0])
            if not isinstance(reply, Refused):
                return reply
        if len(attempts) >= MAX_ATTEMPTS or self._jobs.unfinished(sender) >= MAX_UNFINISHED:
            remedy = "collect or cancel work that goes on; call the node's operator if it fails again and again"
            raise RefusalError(BUSY, f"{sender} has too much unfinished or failed work here", remedy)
        if long.received is not None:  # first of all: a job that a crash leaves behind would be without its event
            self._dispatcher.journal.append(long.received(message))
        # Of two requests that come to the same number of attempts, both get the one job that is made.
        job = self._jobs.submit(sender, long.kind, data, f"{len(attempts):03}", long.size(message))
        return self._standing(job)

    def _collect(self, sender: str, ticket: str) -> Message:
        job = self._own(sender, ticket)
        with self._holds.place(sender) as free:
            if free:
                job = self._jobs.wait(job.id, HOLD)
        match job.state:
            case State.DONE:
                return self._result(job)
            case State.FAILED:
                failure = job.failure
                reason = "this node failed" if failure is None else failure.reason
                raise RefusalError(FAULT, reason, "send the message again, then call the node's operator")
            case State.CANCELLED:
                raise RefusalError(CANCELLED, "the work was cancelled", "send the message again to start anew")
            case _:
                return self._standing(job)

    def _cancel(self, sender: str, ticket: str) -> Message:
        job = self._own(sender, ticket)
        try:
            job = self._jobs.cancel(job.id)
        except WrongStateError as error:
            raise RefusalError(1, "the work is over already", "collect its answer") from error
        return Accepted(party=self._dispatcher.party, at=self._dispatcher.clock())

    def _own(self, sender: str, ticket: str) -> Job:
        """Give the sender's job: another's is none to it."""
        try:
            job = self._jobs.get(ticket)
        except UnknownJobError:
            job = None
        if job is None or job.owner != sender:
            raise RefusalError(1, f"{sender} has no work {ticket} here", "send the message again")
        return job

    def _result(self, job: Job) -> Message:
        expected: Any = self._by_kind[job.kind].reply | Refused
        found: Message = decode(self._jobs.result(job.id), expected)
        return self._dispatcher.released(found)

    def _standing(self, job: Job) -> Pending:
        return Pending(
            party=self._dispatcher.party,
            ticket=job.id,
            state=job.state,
            step=job.step,
            done=job.done,
            total=job.total,
            milliseconds_left=job.milliseconds_left,
        )


def named_sender(message: Message) -> str | None:
    """Give the party that a message says it is from; None where it says nothing."""
    match message:
        case (
            EnrolKey(statement=signed)
            | SubmitModel(submission=signed)
            | PresentPermit(presentation=signed)
            | Query(job=signed)
            | BandQuery(job=signed)
            | Acknowledge(acknowledgement=signed)
            | WithdrawModel(withdrawal=signed)
            | Abandon(tombstone=signed)
            | AskHistogram(question=signed)
            | AskPrecheck(question=signed)
            | AskStatistics(job=signed)
            | RegisterLabels(statement=signed)
            | Align(statement=signed)
        ):
            return signed.signer
        case (
            AskRingPedersen(bank=bank)
            | AskProviderTerms(bank=bank)
            | AskReviewerTerms(bank=bank)
            | AskDecision(bank=bank)
            | AlignReturn(bank=bank)
        ):
            return bank
        case RegisterTables(tables=tables):
            return tables.bank
    return None
