"""A reviewer's desk: the role over the node's database, behind its dispatcher, the same in server and worker."""

from compute.node.approvals import ApprovalStore
from compute.node.dispatch import Dispatcher, Handlers
from compute.node.epochs import EpochStore
from compute.node.reviewer.points import load_or_make
from compute.node.settings import ReviewerSettings
from compute.node.site import Site, clock
from compute.protocols.base import Progress, no_progress
from compute.protocols.risk_score.assessment import Limits
from compute.protocols.risk_score.messages import AskReviewerTerms, SubmitModel
from compute.protocols.risk_score.reviewer import Office, Reviewer


def handlers(role: Reviewer) -> Handlers:
    """Give what the role does with each message."""
    return {AskReviewerTerms: role.terms, SubmitModel: role.review}


def points_secret(settings: ReviewerSettings) -> bytes:
    """Give the secret under which models are named; make it first if there is none."""
    return load_or_make(settings.points_secret, settings.unlock.secret)


def open_desk(site: Site[ReviewerSettings], progress: Progress = no_progress) -> tuple[Reviewer, Dispatcher]:
    """Give the role and its dispatcher."""
    settings = site.settings
    office = Office(
        settings.name,
        site.directory,
        points_secret(settings),
        limits=Limits(settings.max_bits, settings.max_certain, settings.max_gain, settings.max_guess),
        approval_days=settings.approval_days,
    )
    epochs = EpochStore(site.engine, site.at_rest, clock)
    role = Reviewer(office, site.key, epochs, ApprovalStore(site.engine), clock, progress)
    return role, Dispatcher(settings.name, handlers(role), site.journal, clock)
