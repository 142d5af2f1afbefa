"""Requests to subjects for their consent: a contract's consumer makes them, and hears what was decided."""

from typing import Any

import flask
import segno
from apiflask import APIBlueprint

from compute.market.consent_requests import (
    ConsentRequestDraft,
    ConsentRequestMade,
    ConsentRequestRecord,
    ConsentRequests,
)
from compute.web.body import Raw, answers, gives, takes
from compute.web.forms import form
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange
from marketplace.api.queries import Page
from marketplace.commands.consent_requests import Decided
from marketplace.store.paging import decode_cursor, encode_cursor

DOCUMENT = "application/octet-stream"

routes = APIBlueprint("consent_requests", __name__, url_prefix="/consent-requests")


@routes.post("")
@needs("consent_request:make")
@takes(form(ConsentRequestDraft))
@gives(ConsentRequestMade, 201)
def ask(draft: ConsentRequestDraft) -> ConsentRequestMade:
    """Ask one subject for its consent under a contract in force: gives the link. For the contract's consumer."""
    request, link = exchange().consent_requests.ask(actor(), draft)
    code = segno.make(link, error="m", micro=False).svg_inline(scale=6, border=4, omitsize=False)
    return ConsentRequestMade(request=request.id, link=link, until=request.until, qr=code)


@routes.get("")
@needs("consent_request:list")
@routes.input(Page, location="query", arg_name="query")
@gives(ConsentRequests)
def requests(query: dict[str, Any]) -> ConsentRequests:
    """One's own requests in the order in which they last changed; `next` stays good for what is decided later."""
    after = None
    if query["cursor"] is not None:
        at, name = decode_cursor(query["cursor"], int, str)
        after = int(at), str(name)
    found, last = exchange().consent_requests.page(actor(), after, query["limit"])
    return ConsentRequests(items=tuple(map(_record, found)), next=None if last is None else encode_cursor(last))


@routes.get("/<request>")
@needs("consent_request:read")
@gives(ConsentRequestRecord)
def request(request: str) -> ConsentRequestRecord:
    """A request of one's own, with the receipt once it was decided."""
    return _record(exchange().consent_requests.load(actor(), request))


@routes.post("/<request>/cancel")
@needs("consent_request:cancel")
@gives(ConsentRequestRecord)
def cancel(request: str) -> ConsentRequestRecord:
    """Take a request back that nobody has decided."""
    return _record((exchange().consent_requests.cancel(actor(), request), None))


@routes.get("/<request>/power-of-attorney")
@needs("consent_request:read")
@answers({200: Raw(DOCUMENT)})
def power_of_attorney(request: str) -> flask.Response:
    """The document by which an agent granted a request of one's own."""
    document = exchange().consent_requests.attorney(actor(), request)
    headers = {"Content-Disposition": f'attachment; filename="{request}"'}
    return flask.Response(document, content_type=DOCUMENT, headers=headers)


def _record(found: Decided) -> ConsentRequestRecord:
    request, receipt = found
    return ConsentRequestRecord(
        request=request.id,
        contract=request.contract,
        reference=request.reference,
        state=request.state.value,
        at=request.at,
        until=request.until,
        expires=request.expires,
        receipt=receipt,
    )
