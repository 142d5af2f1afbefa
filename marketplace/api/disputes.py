"""Disputes of subjects, for the organisations that have to answer them."""

from collections.abc import Iterable
from typing import Any

from apiflask import APIBlueprint

from compute.market.disputes import DisputeAnswer, DisputeCorrection, DisputeRecord, Disputes, DisputeWords
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange
from marketplace.api.queries import Page
from marketplace.api.waiting import may_wait
from marketplace.commands.disputes import Said
from marketplace.flow.dispute import Dispute
from marketplace.store.paging import decode_cursor, encode_cursor

routes = APIBlueprint("disputes", __name__, url_prefix="/disputes")


@routes.get("")
@needs("dispute:list")
@routes.input(Page, location="query", arg_name="query")
@gives(Disputes)
def disputes(query: dict[str, Any]) -> Disputes:
    """The disputes that one has to answer, the oldest first; the operator sees all."""
    after = None
    if query["cursor"] is not None:
        at, number = decode_cursor(query["cursor"], int, str)
        after = int(at), str(number)
    found, last = exchange().disputes.page(actor(), after, query["limit"])
    following = encode_cursor(last) if last is not None and len(found) == query["limit"] else None
    return Disputes(items=tuple(_record(each, ()) for each in found), next=following)


@routes.get("/<number>")
@needs("dispute:read")
@gives(DisputeRecord)
def dispute(number: str) -> DisputeRecord:
    """A dispute with what was written in it, for its respondent and the operator."""
    return _record(*exchange().disputes.load(actor(), number))


@routes.post("/<number>/answer")
@needs("dispute:answer")
@takes(form(DisputeAnswer))
@may_wait
@gives(DisputeRecord)
def answer(said: DisputeAnswer, number: str) -> DisputeRecord:
    """Answer the subject. For the respondent."""
    exchange().disputes.answer(actor(), number, said.text)
    return _record(*exchange().disputes.load(actor(), number))


@routes.post("/<number>/correct")
@needs("dispute:correct")
@takes(form(DisputeCorrection))
@may_wait
@gives(DisputeRecord)
def correct(said: DisputeCorrection, number: str) -> DisputeRecord:
    """State that data were corrected at the source, and answer the subject. For the provider."""
    exchange().disputes.correct(actor(), number, said.snapshot_date, said.text)
    return _record(*exchange().disputes.load(actor(), number))


def _record(found: Dispute, said: Iterable[Said]) -> DisputeRecord:
    return DisputeRecord(
        number=found.number,
        contract=found.contract,
        respondent=found.respondent,
        matter=found.matter,
        commitment=found.commitment,
        at=found.at,
        due=found.due,
        state=found.state.value,
        snapshot_date=found.snapshot_date,
        words=tuple(DisputeWords(author=each.author, at=each.at, text=each.text) for each in said),
    )
