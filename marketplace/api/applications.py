"""Applications: tried, made, decided part by part, bargained over, withdrawn."""

from typing import Any

from apiflask import APIBlueprint

from compute.market.applications import (
    ApplicationRecord,
    ApplicationRequest,
    Applications,
    CounterOffer,
    Decision,
    History,
    Precheck,
    PrecheckRequest,
)
from compute.market.legend import Legend
from compute.market.reasons import Why
from compute.terms import Grant
from compute.web.body import gives, message, takes
from compute.web.forms import form
from marketplace.api import render
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange, expire_due
from marketplace.api.queries import Page, Under
from marketplace.api.waiting import may_wait
from marketplace.store.paging import decode_cursor, encode_cursor

routes = APIBlueprint("applications", __name__, url_prefix="/applications")
routes.before_request(expire_due)


@routes.post("")
@needs("application:submit")
@takes(message(ApplicationRequest))
@may_wait
@gives(ApplicationRecord, 201)
def apply(request: ApplicationRequest) -> ApplicationRecord:
    """Apply for terms under one's own reference, which names the contract. For a consumer."""
    return render.application(exchange().applications.apply(actor(), request.reference, request.terms))


@routes.post("/precheck")
@needs("application:submit")
@takes(form(PrecheckRequest))
@gives(Precheck)
def precheck(request: PrecheckRequest) -> Precheck:
    """Dry run: every clause that would fail, in both languages, and who would decide. Changes nothing."""
    return exchange().applications.precheck(actor(), request.reference, request.terms)


@routes.get("")
@needs("application:list")
@routes.input(Page, location="query", arg_name="query")
@gives(Applications)
def applications(query: dict[str, Any]) -> Applications:
    """The applications that the asker made or has a part in, by contract, page by page."""
    after = "" if query["cursor"] is None else str(decode_cursor(query["cursor"], str)[0])
    found = exchange().applications.page(actor(), after, query["limit"] + 1)
    shown = found[: query["limit"]]
    following = encode_cursor([shown[-1].terms.contract]) if len(found) > len(shown) else None
    return Applications(items=tuple(map(render.application, shown)), next=following)


@routes.get("/<contract>")
@needs("application:read")
@routes.input(Under, location="query", arg_name="query")
@gives(ApplicationRecord)
def application(contract: str, query: dict[str, str | None]) -> ApplicationRecord:
    """An application, for its consumer, its providers, the operator, and a supervisor under a case."""
    return render.application(exchange().applications.load(actor(), contract, query["case"]))


@routes.get("/<contract>/legend")
@needs("application:read")
@routes.input(Under, location="query", arg_name="query")
@gives(Legend)
def legend(contract: str, query: dict[str, str | None]) -> Legend:
    """What the identifiers in the terms applied for are called, in both languages, for who may read them."""
    return exchange().applications.legend(actor(), contract, query["case"])


@routes.get("/<contract>/history")
@needs("application:read")
@routes.input(Under, location="query", arg_name="query")
@gives(History)
def history(contract: str, query: dict[str, str | None]) -> History:
    """Every move of an application and of its contract with its reason, for those who may read it."""
    return exchange().applications.history(actor(), contract, query["case"])


@routes.post("/<contract>/approve")
@needs("application:approve")
@takes(message(Decision))
@may_wait
@gives(ApplicationRecord)
def approve(decision: Decision, contract: str) -> ApplicationRecord:
    """Approve one's own part of the terms as read; the last approval drafts the contract."""
    return render.application(exchange().applications.approve(actor(), contract, decision.terms))


@routes.post("/<contract>/reject")
@needs("application:reject")
@takes(form(Why))
@may_wait
@gives(ApplicationRecord)
def reject(why: Why, contract: str) -> ApplicationRecord:
    """Reject one's own part, which ends the application."""
    return render.application(exchange().applications.reject(actor(), contract, why))


@routes.post("/<contract>/return")
@needs("application:return")
@takes(form(Why))
@may_wait
@gives(ApplicationRecord)
def return_for_correction(why: Why, contract: str) -> ApplicationRecord:
    """Return one's own part, for the consumer to correct."""
    return render.application(exchange().applications.return_for_correction(actor(), contract, why))


@routes.post("/<contract>/counter")
@needs("application:counter")
@takes(form(CounterOffer))
@may_wait
@gives(ApplicationRecord)
def counter(offer: CounterOffer, contract: str) -> ApplicationRecord:
    """Offer other terms for one's own part. For a provider."""
    return render.application(exchange().applications.counter(actor(), contract, offer))


@routes.post("/<contract>/offers/<provider>/accept")
@needs("application:resubmit")
@takes(message(Decision))
@may_wait
@gives(ApplicationRecord)
def accept(decision: Decision, contract: str, provider: str) -> ApplicationRecord:
    """Accept a counter-offer: ask for the terms, as read, that follow from it. For the consumer."""
    return render.application(exchange().applications.accept(actor(), contract, provider, decision.terms))


@routes.post("/<contract>/offers/<provider>/decline")
@needs("application:resubmit")
@may_wait
@gives(ApplicationRecord)
def decline(contract: str, provider: str) -> ApplicationRecord:
    """Decline a counter-offer: what was asked for stands, and the provider decides. For the consumer."""
    return render.application(exchange().applications.decline(actor(), contract, provider))


@routes.post("/<contract>/resubmit")
@needs("application:resubmit")
@takes(message(Grant))
@may_wait
@gives(ApplicationRecord)
def resubmit(grant: Grant, contract: str) -> ApplicationRecord:
    """Ask for another grant, where its provider or the operator returned its part. For the consumer."""
    return render.application(exchange().applications.resubmit(actor(), contract, grant))


@routes.post("/<contract>/withdraw")
@needs("application:withdraw")
@takes(form(Why))
@may_wait
@gives(ApplicationRecord)
def withdraw(why: Why, contract: str) -> ApplicationRecord:
    """Take an application back while no contract has come of it. For the consumer."""
    return render.application(exchange().applications.withdraw(actor(), contract, why))
