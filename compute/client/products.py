"""Versions of products, as those see them who describe, review and stop them."""

from compute.client.base import Noun
from compute.market.products import (
    CatalogEntry,
    DescriptionCheck,
    ProductPage,
    ProductRecord,
    ProductStop,
    ReviewDecision,
    RiskAssessment,
    StopReason,
    Submission,
)


class Products(Noun):
    """A version is named by provider, product and version; its description is TOML (`catalog.description`)."""

    def check(self, description: bytes) -> DescriptionCheck:
        """Give what the listing gate says of a description; nothing is kept."""
        return self._toml("POST", "/products/check", DescriptionCheck, description)

    def draft(self, description: bytes) -> CatalogEntry:
        """Keep a description as a draft, as its provider."""
        return self._toml("POST", "/products/drafts", CatalogEntry, description)

    def edit(self, provider: str, product: str, version: str, description: bytes, digest: str) -> CatalogEntry:
        """Replace the description of a draft; `digest` is that of the one read."""
        path = f"{_path(provider, product, version)}/draft"
        return self._toml("PUT", path, CatalogEntry, description, digest)

    def discard(self, provider: str, product: str, version: str) -> CatalogEntry:
        """Remove a draft that was never submitted, as its provider."""
        return self._post(f"{_path(provider, product, version)}/discard", CatalogEntry)

    def submit(
        self, provider: str, product: str, version: str, digest: str, assessment: RiskAssessment | None = None
    ) -> CatalogEntry:
        """Hand the draft with this digest in for review, as its provider; important data with its assessment."""
        submission = Submission(digest=digest, assessment=assessment)
        return self._post(f"{_path(provider, product, version)}/submit", CatalogEntry, submission)

    def own(self, state: str | None = None, cursor: str | None = None, limit: int = 20) -> ProductPage:
        """Give a page of versions in any state, or in one: a provider's own, the operator's all."""
        return self._get("/products/own", ProductPage, state=state, cursor=cursor, limit=limit)

    def record(self, provider: str, product: str, version: str) -> ProductRecord:
        """Give a version in any state, what the gate says of it, and its steps; for provider and operator."""
        return self._get(f"{_path(provider, product, version)}/record", ProductRecord)

    def review(self, provider: str, product: str, version: str, decision: ReviewDecision) -> CatalogEntry:
        """Decide one of the two reviews, as the operator."""
        return self._post(f"{_path(provider, product, version)}/review", CatalogEntry, decision)

    def delist(
        self, provider: str, product: str, version: str, reason: StopReason, remark: str | None = None
    ) -> CatalogEntry:
        """End the offer of a version, as its provider."""
        return self._stop("delist", (provider, product, version), reason, remark)

    def suspend(
        self, provider: str, product: str, version: str, reason: StopReason, remark: str | None = None
    ) -> CatalogEntry:
        """Stop a version, as the operator."""
        return self._stop("suspend", (provider, product, version), reason, remark)

    def reinstate(self, provider: str, product: str, version: str) -> CatalogEntry:
        """End a version's suspension, as the operator."""
        return self._post(f"{_path(provider, product, version)}/reinstate", CatalogEntry)

    def _stop(self, move: str, key: tuple[str, str, str], reason: StopReason, remark: str | None) -> CatalogEntry:
        return self._post(f"{_path(*key)}/{move}", CatalogEntry, ProductStop(reason=reason, remark=remark))


def _path(provider: str, product: str, version: str) -> str:
    return f"/products/{provider}/{product}/{version}"
