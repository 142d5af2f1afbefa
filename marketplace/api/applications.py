"""Applications: a consumer applies, each provider decides its own part."""

from apiflask import APIBlueprint

from compute.market import ApplicationRecord, ApplicationRequest, Applications, Decision
from compute.terms import Grant
from compute.web.body import gives, message, takes
from marketplace.api import render
from marketplace.api.context import actor, exchange
from marketplace.api.queries import Under

routes = APIBlueprint("applications", __name__, url_prefix="/applications")


@routes.post("")
@takes(message(ApplicationRequest))
@gives(ApplicationRecord, 201)
def apply(request: ApplicationRequest) -> ApplicationRecord:
    """Apply for terms under one's own reference, which names the contract. For a consumer."""
    return render.application(exchange().apply(actor(), request.reference, request.terms))


@routes.get("")
@gives(Applications)
def applications() -> Applications:
    """The applications that the asker made or has a part in, by name."""
    return Applications(applications=tuple(map(render.application, exchange().applications(actor()))))


@routes.get("/<contract>")
@routes.input(Under, location="query", arg_name="query")
@gives(ApplicationRecord)
def application(contract: str, query: dict[str, str | None]) -> ApplicationRecord:
    """An application, for its consumer, its providers, the operator, and a supervisor under a case."""
    return render.application(exchange().application(actor(), contract, query["case"]))


@routes.post("/<contract>/approve")
@takes(message(Decision))
@gives(ApplicationRecord)
def approve(decision: Decision, contract: str) -> ApplicationRecord:
    """Approve one's own part of the terms as read; the last approval drafts the contract. For a provider."""
    return render.application(exchange().approve(actor(), contract, decision.terms))


@routes.post("/<contract>/reject")
@gives(ApplicationRecord)
def reject(contract: str) -> ApplicationRecord:
    """Reject one's own part, which ends the application. For a provider."""
    return render.application(exchange().reject(actor(), contract))


@routes.post("/<contract>/return")
@gives(ApplicationRecord)
def return_for_correction(contract: str) -> ApplicationRecord:
    """Return one's own part, for the consumer to correct. For a provider."""
    return render.application(exchange().return_for_correction(actor(), contract))


@routes.post("/<contract>/resubmit")
@takes(message(Grant))
@gives(ApplicationRecord)
def resubmit(grant: Grant, contract: str) -> ApplicationRecord:
    """Ask a provider that returned its part for another grant. For the consumer."""
    return render.application(exchange().resubmit(actor(), contract, grant))
