"""Data resources, as their department and the operator see them."""

from compute.client.base import Noun
from compute.market.resources import ResourceChange, ResourceEntry, ResourcePage, ResourceRecord


class Resources(Noun):
    """A resource is named by its provider and the registrar's number."""

    def enter(self, entry: ResourceEntry) -> ResourceRecord:
        """Enter a resource of one's own."""
        return self._post("/resources", ResourceRecord, entry)

    def page(self, cursor: str | None = None, limit: int = 20) -> ResourcePage:
        """Give a page of resources: a provider's own, the operator's all."""
        return self._get("/resources", ResourcePage, cursor=cursor, limit=limit)

    def resource(self, provider: str, code: str) -> ResourceRecord:
        """Give one resource."""
        return self._get(f"/resources/{provider}/{code}", ResourceRecord)

    def change(self, provider: str, code: str, entry: ResourceChange) -> ResourceRecord:
        """Enter that the registrar changed or renewed the registration, as its provider."""
        return self._post(f"/resources/{provider}/{code}/change", ResourceRecord, entry)

    def correct(self, provider: str, code: str, entry: ResourceChange) -> ResourceRecord:
        """Enter that the registrar corrected the registration, as its provider."""
        return self._post(f"/resources/{provider}/{code}/correct", ResourceRecord, entry)

    def cancel(self, provider: str, code: str) -> ResourceRecord:
        """Enter that the registrar cancelled it, as its provider or the operator."""
        return self._post(f"/resources/{provider}/{code}/cancel", ResourceRecord)
