"""Contracts: signed by every party, in force once all have signed; and the permits that follow from them."""

from apiflask import APIBlueprint

from compute.market import ContractRecord, IssuedPermit
from compute.signing import Signed
from compute.terms import Terms
from compute.web.body import gives, message, takes
from marketplace.api import render
from marketplace.api.context import actor, exchange, expire_due
from marketplace.api.queries import Under

routes = APIBlueprint("contracts", __name__, url_prefix="/contracts")
routes.before_request(expire_due)


@routes.post("/sign")
@takes(message(Signed[Terms]))
@gives(ContractRecord)
def sign(signed: Signed[Terms]) -> ContractRecord:
    """Add one's signature; the last one puts the contract in force and issues the permits. For its parties."""
    return render.contract(exchange().sign_contract(actor(), signed))


@routes.get("/<contract>")
@routes.input(Under, location="query", arg_name="query")
@gives(ContractRecord)
def contract(contract: str, query: dict[str, str | None]) -> ContractRecord:
    """A contract with its signatures so far, for its parties, the operator, and a supervisor under a case."""
    return render.contract(exchange().contract(actor(), contract, query["case"]))


@routes.get("/<contract>/permits/<provider>")
@routes.input(Under, location="query", arg_name="query")
@gives(IssuedPermit)
def permit(contract: str, provider: str, query: dict[str, str | None]) -> IssuedPermit:
    """The permit for one provider, for the consumer, that provider, the operator, a supervisor under a case."""
    return render.permit(exchange().permit_for(actor(), contract, provider, query["case"]))


@routes.post("/<contract>/suspend")
@gives(ContractRecord)
def suspend(contract: str) -> ContractRecord:
    """Stop a contract for a time: no permit under it stands. For the operator."""
    return render.contract(exchange().suspend_contract(actor(), contract))


@routes.post("/<contract>/reinstate")
@gives(ContractRecord)
def reinstate(contract: str) -> ContractRecord:
    """End a contract's suspension. For the operator."""
    return render.contract(exchange().reinstate_contract(actor(), contract))


@routes.post("/<contract>/terminate")
@gives(ContractRecord)
def terminate(contract: str) -> ContractRecord:
    """End a contract, or a draft, before its time. For its parties."""
    return render.contract(exchange().terminate_contract(actor(), contract))
