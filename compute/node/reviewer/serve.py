"""The server of a model reviewer's node."""

from contextlib import ExitStack

from apiflask import APIFlask

from compute.node.app import create_app
from compute.node.console import identity, reviewing
from compute.node.intake import Intake, LongMessage
from compute.node.jobs.store import JobStore
from compute.node.reviewer.desk import open_desk, open_office, points_secret
from compute.node.reviewer.kinds import KINDS, REVIEW
from compute.node.settings import ReviewerSettings
from compute.node.site import clock, open_site
from compute.protocols.risk_score.messages import (
    ModelApproval,
    ModelReceived,
    ReviewerTerms,
    SubmitModel,
    UnderReview,
)
from compute.signing import Signed

REPLIES = (Signed[ReviewerTerms], Signed[ModelApproval], UnderReview)
"""The replies that come at once."""


def check(settings: ReviewerSettings) -> None:
    """Raise :class:`SecretFileError` if the node's own files cannot be used."""
    points_secret(settings)


def create(settings: ReviewerSettings) -> APIFlask:
    """Give the app of one worker process of the server."""
    stack = ExitStack()
    site = stack.enter_context(open_site(settings))
    role, dispatcher = open_desk(site)
    submission = LongMessage(REVIEW, role.check, bins, ModelReceived)
    desk, cases = open_office(site)
    store = JobStore(site.engine, site.at_rest, KINDS, clock)
    intake = Intake(dispatcher, store, {SubmitModel: submission}, REPLIES)
    return create_app(site, (identity.routes(site), reviewing.routes(site, desk, cases)), intake, stack)


def bins(message: SubmitModel) -> int:
    """Give the number of bins in a submission: the units of its review."""
    return sum(bins.size for tables in message.submission.statement.tables for bins in tables.bins)
