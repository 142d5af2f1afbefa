"""A model reviewer's node: its server checks who asks, the worker beside it recomputes every ciphertext."""

import secrets
from contextlib import ExitStack
from functools import partial

from apiflask import APIFlask

from compute.node.app import create_app
from compute.node.approvals import ApprovalStore
from compute.node.console import identity
from compute.node.dispatch import Dispatcher, Handlers
from compute.node.epochs import EpochStore
from compute.node.intake import Intake, LongMessage
from compute.node.jobs.context import Handler, JobContext
from compute.node.jobs.store import JobStore
from compute.node.settings import ReviewerSettings
from compute.node.site import Site, clock, open_site
from compute.protocols.base import Progress, no_progress
from compute.protocols.risk_score.messages import (
    AskReviewerTerms,
    ModelApproval,
    ReviewerTerms,
    SubmitModel,
)
from compute.protocols.risk_score.reviewer import Office, Reviewer
from compute.signing import Signed
from compute.web.secret import load_or_make

REVIEW = "review"
KINDS = {REVIEW: 0.05}
"""Kind of job → seconds per unit of it, here a bin, before any was measured."""
STEP = "recompute 重算"

SECRET_BYTES = 32


def handlers(role: Reviewer) -> Handlers:
    """Give what the role does with each message."""
    return {AskReviewerTerms: role.terms, SubmitModel: role.review}


def check(settings: ReviewerSettings) -> None:
    """Raise :class:`SettingsError` if the node's own files cannot be used."""
    load_or_make(settings.points_secret, _draw)


def create(settings: ReviewerSettings) -> APIFlask:
    """Give the app of one worker process of the server."""
    stack = ExitStack()
    site = stack.enter_context(open_site(settings))
    role, dispatcher = _play(site, no_progress)
    submission = LongMessage(REVIEW, role.check, _bins, Signed[ModelApproval])
    intake = Intake(
        dispatcher, JobStore(site.engine, KINDS, clock), {SubmitModel: submission}, (Signed[ReviewerTerms],)
    )
    consoles = (identity.routes(site),)
    return create_app(site, consoles, intake, stack)


def work(settings: ReviewerSettings) -> dict[str, Handler]:
    """Give the handlers of the worker."""
    return {REVIEW: partial(_review, settings)}


def _review(settings: ReviewerSettings, context: JobContext) -> bytes:
    with open_site(settings, settings.patience) as site:
        _, dispatcher = _play(site, context.progress)
        return dispatcher.handle_bytes(context.parameters)


def _play(site: Site[ReviewerSettings], progress: Progress) -> tuple[Reviewer, Dispatcher]:
    """Give the role over the node's database, and its dispatcher."""
    settings = site.settings
    secret = load_or_make(settings.points_secret, _draw)
    office = Office(
        settings.name,
        site.directory,
        secret,
        max_bits=settings.max_bits,
        approval_days=settings.approval_days,
    )
    role = Reviewer(office, site.key, EpochStore(site.engine, clock), ApprovalStore(site.engine), clock, progress)
    return role, Dispatcher(settings.name, handlers(role), site.journal, clock)


def _draw() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def _bins(message: SubmitModel) -> int:
    return sum(bins.size for tables in message.submission.statement.tables for bins in tables.bins)
