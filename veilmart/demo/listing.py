"""How a product gets onto the market: the resources behind it, and the operator's review."""

from datetime import UTC, datetime

from catalog.product import Product
from compute.client.marketplace import MarketplaceClient
from compute.market.products import CatalogEntry, Outcome, Review, ReviewDecision
from compute.market.resources import ResourceEntry


def resources(product: Product, now: int) -> list[ResourceEntry]:
    """Give the resources that a product's lineage names, registered for this year and two more; `now` in ms."""
    year = datetime.fromtimestamp(now // 1000, UTC).year
    return [
        ResourceEntry(
            code=code,
            name=product.title.zh,
            state="registered",
            first_day=f"{year}-01-01",
            last_day=f"{year + 2}-12-31",
        )
        for code in product.lineage
    ]


def review(desk: MarketplaceClient, submitted: CatalogEntry) -> None:
    """Pass both reviews of a submitted description, as the operator: the second one lists it."""
    for each in Review:
        decision = ReviewDecision(review=each, outcome=Outcome.PASSED, digest=submitted.digest)
        desk.product_desk.review(submitted.provider, submitted.product, submitted.version, decision)
