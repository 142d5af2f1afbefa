"""A bank's models: submit one for review, see what became of each, register one that is approved."""

from apiflask import APIBlueprint

from compute.canonical import encode
from compute.node.bank.agreed import agreed_terms
from compute.node.bank.applicants import check_local
from compute.node.bank.kinds import REGISTER_MODEL, SUBMIT_MODEL
from compute.node.bank.submissions import Submission, SubmissionStore
from compute.node.console.jobs import view
from compute.node.console.messages import JobView, ModelCollection, ModelHeld, ModelRegistration, Models
from compute.node.jobs.states import ENDED
from compute.node.jobs.store import JobStore
from compute.node.settings import BankSettings
from compute.node.site import Site
from compute.protocols.risk_score.scorecard import parse_scorecard
from compute.web.body import gives, message, takes
from compute.web.errors import ProblemError


def routes(site: Site[BankSettings], jobs: JobStore) -> APIBlueprint:
    """Give the routes over a bank's models."""
    made = APIBlueprint("models", __name__)
    name, submissions = site.settings.name, SubmissionStore(site.engine, site.at_rest)

    @made.post("/models")
    @takes(message(ModelRegistration))
    @gives(JobView, 202)
    def submit_model(asked: ModelRegistration) -> JobView:
        """Submit a scorecard to the contract's reviewer; once its examiners approve it, register it."""
        card = parse_scorecard(asked.scorecard.encode())
        check_local(card, site.settings)
        agreed_terms(site, asked.contract)
        bins = sum(feature.bins.size for features in card.sources.values() for feature in features)
        return view(jobs.submit(name, SUBMIT_MODEL, encode(asked), asked.reference, bins))

    @made.get("/models")
    @gives(Models)
    def models() -> Models:
        """The models that were submitted, and what became of each as far as this node knows."""
        return Models(models=tuple(map(_held, submissions.all())))

    @made.post("/models/<model>/<version>/register")
    @gives(JobView, 202)
    def register_model(model: str, version: str) -> JobView:
        """Ask for the decision about a model; register it at all providers if it is approved.

        A job that ended, because the model was under review or is withdrawn by now, is done again; one that goes
        on is not doubled.
        """
        found = submissions.latest(model, version)
        if found is None:
            detail = f"No model {model} {version} was submitted."
            raise ProblemError(404, "not-found", detail, "Submit it first; GET /models lists them.")
        parameters = encode(ModelCollection(submission=found.submission.hex()))
        attempts = jobs.attempts(name, REGISTER_MODEL, parameters)
        if attempts and attempts[0].state not in ENDED:
            return view(attempts[0])
        key = f"{found.submission.hex()[:16]}-{len(attempts):04}"
        return view(jobs.submit(name, REGISTER_MODEL, parameters, f"register-{key}", 1))

    return made


def _held(found: Submission) -> ModelHeld:
    return ModelHeld(
        model=found.name,
        model_version=found.version,
        submission=found.submission.hex(),
        reviewer=found.reviewer,
        at=found.at,
        state=found.state,
        reason=found.reason,
        approval=None if found.approval is None else found.approval.hex(),
        expires=found.expires,
    )
