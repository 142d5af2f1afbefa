"""What a reviewer's worker does: it reviews models."""

from functools import partial

from compute.node.jobs.context import Handler, JobContext
from compute.node.reviewer.desk import open_desk
from compute.node.reviewer.kinds import REVIEW
from compute.node.settings import ReviewerSettings
from compute.node.site import open_site


def work(settings: ReviewerSettings) -> dict[str, Handler]:
    """Give the handlers of the worker."""
    return {REVIEW: partial(_review, settings)}


def _review(settings: ReviewerSettings, context: JobContext) -> bytes:
    with open_site(settings, settings.patience) as site:
        _, dispatcher = open_desk(site, context.progress)
        return dispatcher.handle_bytes(context.parameters)
