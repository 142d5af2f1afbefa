"""A reviewer's desk: the role over the node's database, behind its dispatcher, the same in server and worker."""

from compute.node.dispatch import Dispatcher, Handlers
from compute.node.epochs import EpochStore
from compute.node.reviewer.cases import CaseStore
from compute.node.reviewer.points import load_or_make
from compute.node.settings import ReviewerSettings
from compute.node.site import Site, clock
from compute.protocols.base import Progress, no_progress
from compute.protocols.risk_score.assessment import Limits
from compute.protocols.risk_score.desk import ModelDesk
from compute.protocols.risk_score.messages import AskDecision, AskReviewerTerms, SubmitModel
from compute.protocols.risk_score.office import Office
from compute.protocols.risk_score.reviewer import Reviewer


def handlers(role: Reviewer) -> Handlers:
    """Give what the role does with each message."""
    return {AskReviewerTerms: role.terms, SubmitModel: role.review, AskDecision: role.decision}


def points_secret(settings: ReviewerSettings) -> bytes:
    """Give the secret under which models are named; make it first if there is none."""
    return load_or_make(settings.points_secret, settings.unlock.secret)


def open_desk(site: Site[ReviewerSettings], progress: Progress = no_progress) -> tuple[Reviewer, Dispatcher]:
    """Give the role and its dispatcher."""
    office, cases = _office(site), _cases(site)
    role = Reviewer(office, site.key, EpochStore(site.engine, site.at_rest, clock), cases, clock, progress)
    return role, Dispatcher(office.name, handlers(role), site.journal, clock)


def open_office(site: Site[ReviewerSettings]) -> tuple[ModelDesk, CaseStore]:
    """Give what the examiners decide at, and the cases."""
    cases = _cases(site)
    return ModelDesk(_office(site), site.key, cases, clock), cases


def _cases(site: Site[ReviewerSettings]) -> CaseStore:
    return CaseStore(site.engine, site.at_rest)


def _office(site: Site[ReviewerSettings]) -> Office:
    settings = site.settings
    return Office(
        settings.name,
        site.directory,
        points_secret(settings),
        limits=Limits(settings.max_bits, settings.max_certain, settings.max_gain, settings.max_guess),
        approval_days=settings.approval_days,
        decision_days=settings.decision_days,
        examiners_needed=settings.examiners_needed,
        require_dossier=settings.require_dossier,
    )
