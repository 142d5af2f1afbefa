"""The entry agreement 入驻协议: its versions, and who has accepted them."""

from typing import Any

from apiflask import APIBlueprint

from compute.market.organisations import Acceptance, AcceptanceRecord, Acceptances, Agreement, AgreementDraft
from compute.web.access import public
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api import render
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange
from marketplace.api.queries import Page
from marketplace.store.paging import decode_cursor, encode_cursor

routes = APIBlueprint("agreements", __name__, url_prefix="/agreements")


@routes.post("")
@needs("agreement:publish")
@takes(form(AgreementDraft))
@gives(Agreement, 201)
def publish(draft: AgreementDraft) -> Agreement:
    """Publish the next version. For the operator."""
    return render.agreement(exchange().agreements.publish(actor(), draft.text_zh, draft.text_en, draft.grace_days))


@routes.get("/newest")
@public
@gives(Agreement)
def newest() -> Agreement:
    """The newest version, for whoever thinks of taking part."""
    return render.agreement(exchange().agreements.load())


@routes.get("/<int:version>")
@public
@gives(Agreement)
def agreement(version: int) -> Agreement:
    """One version; all that were ever published stay."""
    return render.agreement(exchange().agreements.load(version))


@routes.post("/accept")
@needs("agreement:accept")
@takes(form(Acceptance))
@gives(AcceptanceRecord)
def accept(acceptance: Acceptance) -> AcceptanceRecord:
    """Accept the newest version for one's own organisation, by its version and hash."""
    made = exchange().agreements.accept(actor(), acceptance.version, acceptance.digest, acceptance.signatory)
    return render.acceptance(made)


@routes.get("/<int:version>/acceptances")
@needs("agreement:list")
@routes.input(Page, location="query", arg_name="query")
@gives(Acceptances)
def acceptances(version: int, query: dict[str, Any]) -> Acceptances:
    """Who has accepted a version, by organisation. For the operator."""
    after = "" if query["cursor"] is None else str(decode_cursor(query["cursor"], str)[0])
    found = exchange().agreements.acceptances(actor(), version, after, query["limit"])
    items = tuple(map(render.acceptance, found))
    more = len(items) == query["limit"]
    return Acceptances(items=items, next=encode_cursor([items[-1].organisation]) if more else None)
