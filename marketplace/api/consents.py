"""Consents: commitments that a contract's consumer registers and withdraws."""

from typing import Any

from apiflask import APIBlueprint

from compute.market import ConsentCount
from compute.records import ConsentBatch, Consents, ConsentWithdrawal
from compute.signing import Signed
from compute.web.body import gives, message, takes
from marketplace.api.context import actor, exchange
from marketplace.api.queries import Known

routes = APIBlueprint("consents", __name__, url_prefix="/consents")


@routes.post("/register")
@takes(message(Signed[ConsentBatch]))
@gives(ConsentCount, 201)
def register(signed: Signed[ConsentBatch]) -> ConsentCount:
    """Register a batch of consents under a contract in force. For its consumer."""
    return ConsentCount(consents=exchange().register_consents(actor(), signed))


@routes.post("/withdraw")
@takes(message(Signed[ConsentWithdrawal]))
@gives(ConsentCount)
def withdraw(signed: Signed[ConsentWithdrawal]) -> ConsentCount:
    """Withdraw subjects' consents, in any state, at any time; tells how many stood. For the consumer."""
    return ConsentCount(consents=exchange().withdraw_consent(actor(), signed))


@routes.get("/<contract>")
@routes.input(Known, location="query", arg_name="query")
@gives(Consents)
def consents(contract: str, query: dict[str, Any]) -> Consents:
    """All batches and withdrawals under a contract as its consumer signed them, for its parties.

    And for a supervisor, under a case. Those behind the first so many that the asker has.
    """
    return exchange().consents_of(actor(), contract, **query)
