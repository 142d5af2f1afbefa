"""Following a job of the person's own node until it is done."""

import click

from compute.node.console.client import NodeClient
from compute.node.console.messages import JobView
from compute.node.jobs.states import State
from veilmart.steps import Steps


class JobFailedError(Exception):
    """A job failed or was cancelled: why, and what to do next."""


def finish(node: NodeClient, job: JobView) -> JobView:
    """Give the job once it is done, showing how far it is; raise :class:`JobFailedError` if it ends otherwise."""
    with Steps() as watch:

        def show(now: JobView) -> None:
            watch(now.step or now.state, now.done, now.total, now.milliseconds_left)

        job = node.follow(job, show)
    if job.state != State.DONE:
        subjects = f" ({', '.join(job.subjects)})" if job.subjects else ""
        raise JobFailedError(f"{job.state}: {job.reason or 'it was stopped'}{subjects}; {job.remedy}")
    return job


def finished(node: NodeClient, job: JobView) -> JobView:
    """Give the job once it is done; what went wrong is the command's last line."""
    try:
        return finish(node, job)
    except JobFailedError as error:
        raise click.ClickException(str(error)) from error
