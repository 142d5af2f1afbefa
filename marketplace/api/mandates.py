"""Mandates of public data: entered and ended by their authority, read by everybody."""

from typing import Any

from apiflask import APIBlueprint

from compute.market.mandates import MandateEnd, MandateRecord, MandateRequest, MandateRevenue, Mandates
from compute.web.access import public
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api import render_market
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange
from marketplace.api.queries import Page
from marketplace.store.paging import decode_cursor

routes = APIBlueprint("mandates", __name__, url_prefix="/mandates")


@routes.post("")
@needs("mandate:enter")
@takes(form(MandateRequest))
@gives(MandateRecord, 201)
def enter(request: MandateRequest) -> MandateRecord:
    """Enter a mandate for this market's operator. For an authority."""
    return render_market.mandate(exchange().mandates.enter(actor(), request))


@routes.get("")
@public
@routes.input(Page, location="query", arg_name="query")
@gives(Mandates)
def mandates(query: dict[str, Any]) -> Mandates:
    """All mandates with their ceilings, by name, page by page."""
    after = None if query["cursor"] is None else str(decode_cursor(query["cursor"], str)[0])
    return render_market.mandates(exchange().mandates.page(after, query["limit"] + 1), query["limit"])


@routes.get("/<mandate>")
@public
@gives(MandateRecord)
def mandate(mandate: str) -> MandateRecord:
    """One mandate."""
    return render_market.mandate(exchange().mandates.load(mandate))


@routes.post("/<mandate>/end")
@needs("mandate:end")
@takes(form(MandateEnd))
@gives(MandateRecord)
def end(request: MandateEnd, mandate: str) -> MandateRecord:
    """End a mandate before its time: no fee is charged from then on. For its authority."""
    return render_market.mandate(exchange().mandates.end(actor(), mandate, request.reason))


@routes.get("/<mandate>/revenue/<int:year>")
@needs("mandate:revenue")
@gives(MandateRevenue)
def revenue(mandate: str, year: int) -> MandateRevenue:
    """What was charged under a mandate in a calendar year. For its authority, the operator and supervisors."""
    found, charged = exchange().mandates.revenue(actor(), mandate, year)
    return MandateRevenue(
        mandate=mandate, year=year, charged_fen=charged, revenue_cap_fen=found.terms.revenue_cap_fen
    )
