"""What a bank's worker does with a model: submit it for review; once it is approved, register it at providers."""

from datetime import UTC, datetime

from compute.canonical import decode, encode
from compute.node.bank.agreed import agreed_terms
from compute.node.bank.desk import BankDesk, open_desk
from compute.node.bank.models import ModelStore
from compute.node.bank.submissions import SubmissionStore
from compute.node.console.messages import ModelCollection, ModelRegistered, ModelRegistration, ModelSubmitted
from compute.node.jobs.context import JobContext
from compute.node.settings import BankSettings
from compute.node.site import clock
from compute.protocols.base import BUSY, RefusalError, RefusedByPeerError
from compute.protocols.risk_score.messages import SubmitModel, UnderReview
from compute.protocols.risk_score.scorecard import parse_scorecard
from compute.protocols.risk_score.submitted import ApprovedModel, SubmittedModel
from compute.signing import digest


def submit_model(settings: BankSettings, context: JobContext) -> bytes:
    """Have a model received by its reviewer, whose rules it passes; what was sent once is sent again, not anew."""
    request, desk = decode(context.parameters, ModelRegistration), open_desk(settings, context)
    scorecard = request.scorecard.encode()
    card = parse_scorecard(scorecard)
    terms = agreed_terms(desk.site, request.contract)
    reviewer, bank = terms.model_reviewer, desk.bank(context.progress)
    kept = context.checkpoints().get("prepared")
    if kept is None:
        providers = [grant.provider for grant in terms.grants]
        message = bank.prepare_model(card, providers, reviewer, terms.purpose)
        context.checkpoint("prepared", encode(message))
    else:
        message = decode(kept, SubmitModel)
    submitted, now = bank.submit_model(reviewer, message), clock()
    submissions(desk).add(card.name, card.version, scorecard, submitted, now)
    return encode(
        ModelSubmitted(
            model=card.name,
            model_version=card.version,
            submission=submitted.submission.hex(),
            reviewer=reviewer,
            at=now,
        )
    )


def register_model(settings: BankSettings, context: JobContext) -> bytes:
    """Register a model at its providers, if its reviewer has approved it."""
    request, desk = decode(context.parameters, ModelCollection), open_desk(settings, context)
    store, submission = submissions(desk), bytes.fromhex(request.submission)
    scorecard, submitted = store.read(submission)
    approved = _approved(desk, store, submitted)
    approval = desk.bank(context.progress).register_model(approved)
    ModelStore(desk.site.engine, desk.site.at_rest).add(scorecard, approval)
    store.note_registered(submission, digest(approval), approval.expires)
    card = parse_scorecard(scorecard)
    return encode(
        ModelRegistered(
            model=card.name,
            model_version=card.version,
            approval=digest(approval).hex(),
            reachable_totals=approval.reachable_totals,
            bands=None if approval.bands is None else approval.bands.count,
        )
    )


def submissions(desk: BankDesk) -> SubmissionStore:
    """Give the models that were submitted."""
    return SubmissionStore(desk.site.engine, desk.site.at_rest)


def _approved(desk: BankDesk, store: SubmissionStore, submitted: SubmittedModel) -> ApprovedModel:
    """Give the approved model; keep what the reviewer says where there is none, and raise it."""
    try:
        decision = desk.bank().ask_decision(submitted)
    except RefusedByPeerError as error:
        if error.refused.check < BUSY:  # a decision, and no trouble that passes
            registered = store.note_refused(submitted.submission, error.refused.reason)
            if registered is not None:  # it was withdrawn, or has expired
                ModelStore(desk.site.engine, desk.site.at_rest).remove(registered)
        raise
    if isinstance(decision, UnderReview):
        since = datetime.fromtimestamp(decision.since / 1000, UTC).isoformat(timespec="seconds")
        reason = f"{decision.reviewer} has the model under review since {since}"
        raise RefusalError(0, reason, "wait for its examiners")
    return decision
