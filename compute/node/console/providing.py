"""A provider's side of the flow: enter resources, publish its product, decide on applications, revoke permits."""

from apiflask import APIBlueprint

from compute.market.applications import ApplicationRecord, CounterOffer
from compute.market.contracts import IssuedPermit
from compute.market.products import CatalogEntry
from compute.market.reasons import Why
from compute.market.resources import ResourceEntry, ResourceRecord
from compute.node.console.contracts import require
from compute.node.console.messages import ReadTerms
from compute.node.registry import RegistryStore
from compute.node.settings import ProviderSettings
from compute.node.site import Site, clock
from compute.web.body import gives, message, takes
from compute.web.forms import form


def routes(site: Site[ProviderSettings]) -> APIBlueprint:
    """Give the routes of a provider."""
    made = APIBlueprint("providing", __name__)
    market, registry = site.market, RegistryStore(site.engine)

    @made.post("/product/publish")
    @gives(CatalogEntry, 201)
    def publish() -> CatalogEntry:
        """Submit the product that this node holds, by its own description; the operator reviews and lists it."""
        return market.publish(site.settings.product.read_bytes())

    @made.post("/resources")
    @takes(message(ResourceEntry))
    @gives(ResourceRecord, 201)
    def enter_resource(entry: ResourceEntry) -> ResourceRecord:
        """Enter a data resource of this provider's under the registrar's number; products come from such."""
        return market.resources.enter(entry)

    @made.post("/applications/<name:contract>/approve")
    @takes(message(ReadTerms))
    @gives(ApplicationRecord)
    def approve(read: ReadTerms, contract: str) -> ApplicationRecord:
        """Approve this provider's part of the terms that were read."""
        require(contract, market.application(contract).terms, read)
        return market.approve(contract, read.terms)

    @made.post("/applications/<name:contract>/reject")
    @takes(form(Why))
    @gives(ApplicationRecord)
    def reject(why: Why, contract: str) -> ApplicationRecord:
        """Reject this provider's part, which ends the application."""
        return market.reject(contract, why)

    @made.post("/applications/<name:contract>/return")
    @takes(form(Why))
    @gives(ApplicationRecord)
    def return_for_correction(why: Why, contract: str) -> ApplicationRecord:
        """Return this provider's part for the consumer to correct."""
        return market.return_for_correction(contract, why)

    @made.post("/applications/<name:contract>/counter")
    @takes(form(CounterOffer))
    @gives(ApplicationRecord)
    def counter(offer: CounterOffer, contract: str) -> ApplicationRecord:
        """Offer other terms for this provider's part: its grant, the count and the term."""
        return market.bargaining.counter(contract, offer)

    @made.post("/permits/<name:permit>/revoke")
    @takes(form(Why))
    @gives(IssuedPermit)
    def revoke(why: Why, permit: str) -> IssuedPermit:
        """Take a permit for this provider's data back for good: here first, then at the marketplace."""
        registry.revoke(permit, clock())
        return market.revoke_permit(permit, why)

    return made
