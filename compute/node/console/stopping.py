"""Stops and ends of a contract, for its consumer and its providers, each with its reason."""

from typing import Any

from apiflask import APIBlueprint

from compute.market.contracts import ContractRecord
from compute.market.reasons import Why
from compute.node.site import Site
from compute.web.body import gives, takes
from compute.web.forms import form


def routes(site: Site[Any]) -> APIBlueprint:
    """Give the routes over the party's own view of the marketplace."""
    made = APIBlueprint("stopping", __name__)
    market = site.market

    @made.post("/contracts/<name:contract>/suspend")
    @takes(form(Why))
    @gives(ContractRecord)
    def suspend(why: Why, contract: str) -> ContractRecord:
        """Stop a contract for a time, as this side."""
        return market.contracts.suspend(contract, why)

    @made.post("/contracts/<name:contract>/reinstate")
    @gives(ContractRecord)
    def reinstate(contract: str) -> ContractRecord:
        """End this side's suspension."""
        return market.contracts.reinstate(contract)

    @made.post("/contracts/<name:contract>/terminate")
    @takes(form(Why))
    @gives(ContractRecord)
    def terminate(why: Why, contract: str) -> ContractRecord:
        """End a contract, or a draft, before its time."""
        return market.contracts.terminate(contract, why)

    @made.post("/contracts/<name:contract>/revoke")
    @takes(form(Why))
    @gives(ContractRecord)
    def revoke_contract(why: Why, contract: str) -> ContractRecord:
        """End a contract at once, for a cause."""
        return market.contracts.revoke(contract, why)

    return made
