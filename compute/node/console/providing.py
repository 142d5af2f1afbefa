"""A provider's side of the flow: publish its product, decide on applications, revoke permits."""

from apiflask import APIBlueprint

from compute.market import ApplicationRecord, CatalogEntry, IssuedPermit
from compute.node.console.contracts import require
from compute.node.console.messages import ReadTerms
from compute.node.registry import RegistryStore
from compute.node.settings import ProviderSettings
from compute.node.site import Site, clock
from compute.web.body import gives, message, takes


def routes(site: Site[ProviderSettings]) -> APIBlueprint:
    """Give the routes of a provider."""
    made = APIBlueprint("providing", __name__)
    market, registry = site.market, RegistryStore(site.engine)

    @made.post("/product/publish")
    @gives(CatalogEntry, 201)
    def publish() -> CatalogEntry:
        """Publish the product that this node holds, by its own description."""
        return market.publish(site.settings.product.read_bytes())

    @made.post("/applications/<name:contract>/approve")
    @takes(message(ReadTerms))
    @gives(ApplicationRecord)
    def approve(read: ReadTerms, contract: str) -> ApplicationRecord:
        """Approve this provider's part of the terms that were read."""
        require(contract, market.application(contract).terms, read)
        return market.approve(contract, read.terms)

    @made.post("/applications/<name:contract>/reject")
    @gives(ApplicationRecord)
    def reject(contract: str) -> ApplicationRecord:
        """Reject this provider's part, which ends the application."""
        return market.reject(contract)

    @made.post("/applications/<name:contract>/return")
    @gives(ApplicationRecord)
    def return_for_correction(contract: str) -> ApplicationRecord:
        """Return this provider's part for the consumer to correct."""
        return market.return_for_correction(contract)

    @made.post("/permits/<name:permit>/revoke")
    @gives(IssuedPermit)
    def revoke(permit: str) -> IssuedPermit:
        """Take a permit for this provider's data back for good: here first, then at the marketplace."""
        registry.revoke(permit, clock())
        return market.revoke_permit(permit)

    return made
