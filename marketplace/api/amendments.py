"""Amendments: the next version of a contract, proposed by one party and signed by all."""

from apiflask import APIBlueprint

from compute.market.contracts import AmendmentProposal, AmendmentRecord
from compute.market.reasons import Why
from compute.signing import Signed
from compute.terms import Terms
from compute.web.body import gives, message, takes
from compute.web.forms import form
from marketplace.api import render
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange, expire_due
from marketplace.api.queries import Under

routes = APIBlueprint("amendments", __name__, url_prefix="/contracts")
routes.before_request(expire_due)


@routes.get("/<contract>/amendment")
@needs("contract:read")
@routes.input(Under, location="query", arg_name="query")
@gives(AmendmentRecord)
def amendment(contract: str, query: dict[str, str | None]) -> AmendmentRecord:
    """The latest amendment of a contract, for those who may read the contract."""
    return render.amendment(exchange().amendments.load(actor(), contract, query["case"]))


@routes.post("/<contract>/amendment")
@needs("contract:amend")
@takes(message(AmendmentProposal))
@gives(AmendmentRecord, 201)
def propose(proposal: AmendmentProposal, contract: str) -> AmendmentRecord:
    """Propose the terms of the contract's next version; the one in force binds until all have signed."""
    return render.amendment(exchange().amendments.propose(actor(), contract, proposal.terms))


@routes.post("/amendment/sign")
@needs("contract:sign")
@takes(message(Signed[Terms]))
@gives(AmendmentRecord)
def sign(signed: Signed[Terms]) -> AmendmentRecord:
    """Sign an amendment; the last signature puts it in force and issues the permits anew. For the parties."""
    return render.amendment(exchange().amendments.sign(actor(), signed))


@routes.post("/<contract>/amendment/decline")
@needs("contract:amend")
@takes(form(Why))
@gives(AmendmentRecord)
def decline(why: Why, contract: str) -> AmendmentRecord:
    """Decline an amendment that another party proposed."""
    return render.amendment(exchange().amendments.decline(actor(), contract, why))


@routes.post("/<contract>/amendment/withdraw")
@needs("contract:amend")
@takes(form(Why))
@gives(AmendmentRecord)
def withdraw(why: Why, contract: str) -> AmendmentRecord:
    """Take back an amendment that one has proposed."""
    return render.amendment(exchange().amendments.withdraw(actor(), contract, why))
