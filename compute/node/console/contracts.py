"""Contracts, for a consumer and for a provider: the applications they have a part in, and their signature."""

from datetime import UTC, datetime, timedelta
from typing import Any

import flask
from apiflask import APIBlueprint

from catalog.vocabulary import Language
from compute.agreement.documents import is_bound
from compute.agreement.text import text as agreement_text
from compute.market.applications import ApplicationRecord, Applications
from compute.market.contracts import ContractRecord
from compute.market.legend import Legend
from compute.node.console.messages import ReadTerms, ShownTerms
from compute.node.site import Site
from compute.signing import digest, sign
from compute.terms import Terms
from compute.web.body import Raw, answers, gives, message, takes
from compute.web.errors import ProblemError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def routes(site: Site[Any]) -> APIBlueprint:
    """Give the routes over the party's own view of the marketplace."""
    made = APIBlueprint("contracts", __name__)
    market = site.market

    @made.get("/applications")
    @gives(Applications)
    def applications() -> Applications:
        """All applications that this party made or has a part in, by contract: there is no other page."""
        page = market.applications()
        items = list(page.items)
        while page.next is not None:
            page = market.applications(page.next)
            items += page.items
        return Applications(items=tuple(items), next=None)

    @made.get("/applications/<name:contract>")
    @gives(ApplicationRecord)
    def application(contract: str) -> ApplicationRecord:
        """The application for a contract."""
        return market.application(contract)

    @made.get("/applications/<name:contract>/terms")
    @gives(ShownTerms)
    def terms(contract: str) -> ShownTerms:
        """The terms applied for, with their digest, by which they are approved and signed."""
        found = market.application(contract).terms
        return ShownTerms(
            terms=found,
            begins=_iso(found.not_before),
            ends=_iso(found.not_after),
            digest=digest(found).hex(),
        )

    @made.get("/contracts/<name:contract>")
    @gives(ContractRecord)
    def contract(contract: str) -> ContractRecord:
        """A contract with its signatures so far."""
        return market.contract(contract)

    @made.get("/contracts/<name:contract>/text/<any(zh, en):language>")
    @answers({200: Raw("text/markdown")})
    def text(contract: str, language: Language) -> flask.Response:
        """The contract to read, made here from its terms: what the marketplace shows may be something else."""
        found = market.contract(contract).terms
        return flask.Response(agreement_text(found, language), content_type="text/markdown; charset=utf-8")

    @made.get("/contracts/<name:contract>/legend")
    @gives(Legend)
    def legend(contract: str) -> Legend:
        """What the contract's identifiers are called, as the marketplace tells; no part of it."""
        return market.contracts.legend(contract)

    @made.post("/contracts/<name:contract>/sign")
    @takes(message(ReadTerms))
    @gives(ContractRecord)
    def sign_contract(read: ReadTerms, contract: str) -> ContractRecord:
        """Sign with this party's own key the terms that were read, and no others."""
        terms = market.contract(contract).terms
        require(contract, terms, read)
        return market.sign(sign(terms, site.settings.name, site.key))

    return made


def _iso(time: int) -> str:
    """Give a time as people read it, in UTC; in milliseconds where no calendar reaches."""
    try:
        return (EPOCH + timedelta(milliseconds=time)).isoformat(timespec="seconds")
    except OverflowError:
        return f"{time} ms"


def require(contract: str, terms: Terms, read: ReadTerms) -> None:
    """Raise ProblemError unless these are the terms that a person read, and their texts are of them.

    The marketplace may show others.
    """
    if terms.contract != contract or digest(terms).hex() != read.terms:
        detail = f"The terms of {contract} at the marketplace are not those that were read."
        raise ProblemError(409, "other-terms", detail, "Read the terms again, and decide about their digest.")
    if not is_bound(terms):
        detail = f"The agreement that the terms of {contract} name does not follow from them."
        raise ProblemError(409, "other-agreement", detail, "Sign nothing, and ask the marketplace's operator.")
