"""Amendments of a contract, for its consumer and its providers: proposed, read, signed, declined."""

from typing import Any

from apiflask import APIBlueprint

from compute.agreement.documents import bind
from compute.market.contracts import AmendmentRecord
from compute.market.reasons import Why
from compute.node.console.contracts import require
from compute.node.console.messages import AmendmentDraft, ReadTerms
from compute.node.console.valid import valid
from compute.node.site import Site
from compute.signing import sign
from compute.web.body import gives, message, takes
from compute.web.errors import ProblemError
from compute.web.forms import form


def routes(site: Site[Any]) -> APIBlueprint:
    """Give the routes over the party's own view of the marketplace."""
    made = APIBlueprint("amending", __name__)
    market = site.market

    @made.post("/contracts/<name:contract>/amend")
    @takes(message(AmendmentDraft))
    @gives(AmendmentRecord, 201)
    def amend(draft: AmendmentDraft, contract: str) -> AmendmentRecord:
        """Propose the contract's next version; its agreement's digest is made here."""
        with valid():
            terms = bind(draft.terms)
        if terms.contract != contract:
            raise ProblemError(409, "other-terms", f"The terms are of {terms.contract}.", "Name their contract.")
        return market.contracts.propose_amendment(terms)

    @made.get("/contracts/<name:contract>/amendment")
    @gives(AmendmentRecord)
    def amendment(contract: str) -> AmendmentRecord:
        """The latest amendment of a contract."""
        return market.contracts.amendment(contract)

    @made.post("/contracts/<name:contract>/amendment/sign")
    @takes(message(ReadTerms))
    @gives(AmendmentRecord)
    def sign_amendment(read: ReadTerms, contract: str) -> AmendmentRecord:
        """Sign with this party's own key the amendment that was read, and no other."""
        terms = market.contracts.amendment(contract).terms
        require(contract, terms, read)
        return market.contracts.sign_amendment(sign(terms, site.settings.name, site.key))

    @made.post("/contracts/<name:contract>/amendment/decline")
    @takes(form(Why))
    @gives(AmendmentRecord)
    def decline_amendment(why: Why, contract: str) -> AmendmentRecord:
        """Decline an amendment that another party proposed."""
        return market.contracts.decline_amendment(contract, why)

    return made
