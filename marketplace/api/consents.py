"""Consents: commitments that a contract's consumer registers and withdraws."""

from typing import Any

from apiflask import APIBlueprint

from compute.market.consent_requests import BatchRegistration
from compute.market.consents import ConsentCount
from compute.records import Consents, ConsentWithdrawal
from compute.signing import Signed
from compute.web.body import gives, message, takes
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange
from marketplace.api.queries import Known

routes = APIBlueprint("consents", __name__, url_prefix="/consents")


@routes.post("/register")
@needs("consent:register")
@takes(message(BatchRegistration))
@gives(ConsentCount, 201)
def register(registration: BatchRegistration) -> ConsentCount:
    """Register a batch of consents under a contract in force, and have its subjects told. For its consumer."""
    return ConsentCount(consents=exchange().consents.register(actor(), registration))


@routes.post("/withdraw")
@needs("consent:withdraw")
@takes(message(Signed[ConsentWithdrawal]))
@gives(ConsentCount)
def withdraw(signed: Signed[ConsentWithdrawal]) -> ConsentCount:
    """Withdraw subjects' consents, in any state, at any time; tells how many stood. For the consumer."""
    return ConsentCount(consents=exchange().consents.withdraw(actor(), signed))


@routes.get("/<contract>")
@needs("consent:list")
@routes.input(Known, location="query", arg_name="query")
@gives(Consents)
def consents(contract: str, query: dict[str, Any]) -> Consents:
    """All batches and withdrawals under a contract as they were signed, for its parties.

    And for a supervisor, under a case. Those behind the first so many that the asker has.
    """
    return exchange().consents.of(actor(), contract, **query)
