"""Auditors' cases: what supervisors and the operator do with them; to all others there are none."""

from apiflask import APIBlueprint

from compute.market.cases import CaseList, CaseRecord, CaseRequest
from compute.web.body import gives, message, takes
from marketplace.api import render
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange, expire_due

routes = APIBlueprint("cases", __name__, url_prefix="/cases")
routes.before_request(expire_due)


@routes.post("")
@needs("case:open")
@takes(message(CaseRequest))
@gives(CaseRecord, 201)
def open_case(request: CaseRequest) -> CaseRecord:
    """Open a case under one's own number. For a supervisor."""
    return render.case(exchange().cases.open(actor(), request.number, request.until), 0)


@routes.get("")
@needs("case:list")
@gives(CaseList)
def cases() -> CaseList:
    """All cases, by number. For supervisors and the operator."""
    return CaseList(cases=tuple(render.case(*each) for each in exchange().cases.all_of(actor())))


@routes.get("/<case>")
@needs("case:read")
@gives(CaseRecord)
def case(case: str) -> CaseRecord:
    """A case and how many reads there were under it. For supervisors and the operator."""
    return render.case(*exchange().cases.load(actor(), case))


@routes.post("/<case>/approve")
@needs("case:approve")
@gives(CaseRecord)
def approve(case: str) -> CaseRecord:
    """Approve a case that another has opened. For supervisors and the operator."""
    return render.case(exchange().cases.approve(actor(), case), 0)


@routes.post("/<case>/close")
@needs("case:close")
@gives(CaseRecord)
def close(case: str) -> CaseRecord:
    """Close a case: its reads are unsealed in the log. For who opened it."""
    exchange().cases.close(actor(), case)
    return render.case(*exchange().cases.load(actor(), case))
