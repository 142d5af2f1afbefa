"""The demand board: what is needed, what matches it, who answers."""

from typing import Any

from apiflask import APIBlueprint

from compute.market.demands import (
    DemandClose,
    DemandRecord,
    DemandRequest,
    Demands,
    Matches,
    Response,
    ResponseRequest,
    Responses,
)
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api import render_market
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange, expire_due
from marketplace.api.etags import if_match
from marketplace.api.queries import DemandQuery
from marketplace.store.paging import decode_cursor

routes = APIBlueprint("demands", __name__, url_prefix="/demands")
routes.before_request(expire_due)


@routes.post("")
@needs("demand:write")
@takes(form(DemandRequest))
@gives(DemandRecord, 201)
def write(request: DemandRequest) -> DemandRecord:
    """Write a draft, which nobody else sees."""
    return render_market.demand(exchange().demands.write(actor(), request))


@routes.get("")
@needs("demand:list")
@routes.input(DemandQuery, location="query", arg_name="query")
@gives(Demands)
def demands(query: dict[str, Any]) -> Demands:
    """The demands that one may see, the newest first, page by page."""
    before = None if query["cursor"] is None else int(decode_cursor(query["cursor"], int)[0])
    limit, own_only = query["limit"], query["own"] == "1"
    wanted = {"state": query["state"], "theme": query["theme"], "own_only": own_only}
    return render_market.demands(exchange().demands.page(actor(), before, limit + 1, **wanted), limit)


@routes.get("/<demand>")
@needs("demand:read")
@gives(DemandRecord)
def demand(demand: str) -> DemandRecord:
    """One demand; its ETag is for an edit of the draft."""
    return render_market.demand(exchange().demands.load(actor(), demand))


@routes.put("/<demand>")
@needs("demand:write")
@if_match
@takes(form(DemandRequest))
@gives(DemandRecord)
def edit(request: DemandRequest, demand: str, *, revision: str) -> DemandRecord:
    """Replace a draft; If-Match names the one that was read. For who wrote it."""
    return render_market.demand(exchange().demands.edit(actor(), demand, request, revision))


@routes.post("/<demand>/post")
@needs("demand:post")
@gives(DemandRecord)
def post(demand: str) -> DemandRecord:
    """Post a draft; providers whose products match are told. For who wrote it."""
    return render_market.demand(exchange().demands.post(actor(), demand))


@routes.get("/<demand>/matches")
@needs("demand:read")
@gives(Matches)
def matches(demand: str) -> Matches:
    """The listed products whose fields match best, with the reasons."""
    return Matches(items=tuple(exchange().demands.matches(actor(), demand)))


@routes.post("/<demand>/responses")
@needs("demand:answer")
@takes(form(ResponseRequest))
@gives(Response, 201)
def answer(request: ResponseRequest, demand: str) -> Response:
    """Answer with a listed product of one's own, a text, or both. For those who see the demand."""
    return render_market.response(exchange().demands.answer(actor(), demand, request))


@routes.get("/<demand>/responses")
@needs("demand:read")
@gives(Responses)
def responses(demand: str) -> Responses:
    """The answers: all for who posted the demand and the operator, for others their own."""
    return render_market.responses(exchange().demands.answers(actor(), demand))


@routes.post("/<demand>/follow")
@needs("demand:follow")
@gives(DemandRecord)
def follow(demand: str) -> DemandRecord:
    """Be told of what becomes of a demand."""
    return render_market.demand(exchange().demands.follow(actor(), demand))


@routes.post("/<demand>/unfollow")
@needs("demand:follow")
@gives(DemandRecord)
def unfollow(demand: str) -> DemandRecord:
    """Be told no more."""
    return render_market.demand(exchange().demands.unfollow(actor(), demand))


@routes.post("/<demand>/close")
@needs("demand:close")
@takes(form(DemandClose))
@gives(DemandRecord)
def close(request: DemandClose, demand: str) -> DemandRecord:
    """Close a demand with a reason. For who posted it; the operator closes what is improper."""
    return render_market.demand(exchange().demands.close(actor(), demand, request.reason, request.response))
