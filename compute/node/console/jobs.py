"""The bank's jobs: how they stand, cancelling, results."""

from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import String
from flask import Response

from compute.canonical import M, Message, decode
from compute.node.bank.kinds import REGISTER_MODEL
from compute.node.console.messages import (
    MAX_JOBS,
    Jobs,
    JobView,
    KeyEnrolled,
    ModelRegistered,
    ModelSubmitted,
    Scored,
)
from compute.node.console.statistics_messages import LabelsRegistered, StatisticsDone
from compute.node.jobs.errors import WrongStateError
from compute.node.jobs.job import Job
from compute.node.jobs.states import ENDED, State
from compute.node.jobs.store import JobStore
from compute.web.body import answers, gives, respond

RESULT: Any = KeyEnrolled | ModelSubmitted | ModelRegistered | Scored | LabelsRegistered | StatisticsDone
"""The union of what jobs give."""


class Before(Schema):
    """Where a page begins."""

    before = String(load_default=None, metadata={"description": "id of the last job of the page before"})


def routes(store: JobStore) -> APIBlueprint:
    """Give the routes over the node's jobs; staff see all of them."""
    made = APIBlueprint("jobs", __name__)

    @made.get("/jobs")
    @made.input(Before, location="query", arg_name="query")
    @gives(Jobs)
    def listed(query: dict[str, str | None]) -> Jobs:
        """The jobs, the newest first."""
        return Jobs(jobs=tuple(map(view, store.latest(MAX_JOBS, query["before"]))))

    @made.get("/jobs/<job>")
    @gives(JobView)
    def job(job: str) -> JobView:
        """A job as it stands now."""
        return view(store.get(job))

    @made.post("/jobs/<job>/cancel")
    @gives(JobView)
    def cancel(job: str) -> JobView:
        """Stop a job; what it asked of other parties is stopped too."""
        return view(store.cancel(job))

    @made.get("/jobs/<job>/result")
    @answers({200: RESULT})
    def result(job: str) -> Response:
        """What a job gave that is done."""
        return respond(decode(store.result(job), RESULT))

    return made


def finished(store: JobStore, job: str, expected: type[M]) -> M:
    """Give the result of a job; raise `WrongStateError` for one that gives something else, or is not done."""
    found: Message = decode(store.result(job), RESULT)
    if not isinstance(found, expected):
        raise WrongStateError(f"job {job} gave no {expected.__name__}; name another job")
    return found


AGAIN = "submit it under a new reference"
"""What is left to do: the same request under the same reference is the same job, whatever became of it."""
REGISTER_AGAIN = "register the model again"
"""Of a job that has no reference of its author's."""


WAITING = "waits for this node's worker 等待本节点的工作进程 (veilmart node work)"


def view(job: Job) -> JobView:
    """Give the message about a job."""
    again = REGISTER_AGAIN if job.kind == REGISTER_MODEL else AGAIN
    failure, remedy = job.failure, again if job.state is State.CANCELLED else None
    if failure is not None:
        remedy = f"{failure.remedy.rstrip('.')}; then {again}"
    return JobView(
        job=job.id,
        reference=job.key,
        kind=job.kind,
        state=job.state,
        size=job.size,
        estimated_milliseconds=round(job.estimated * 1000),
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        step=WAITING if job.state is State.QUEUED else job.step,
        done=job.total if job.state is State.DONE else job.done,
        total=job.total,
        milliseconds_left=None if job.state in ENDED else job.milliseconds_left,
        error=None if failure is None else failure.error,
        reason=None if failure is None else failure.reason,
        remedy=remedy,
        subjects=() if failure is None else failure.subjects,
    )
