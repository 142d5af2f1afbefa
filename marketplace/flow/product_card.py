"""What lists show of a version of a product."""

from catalog.price import Price
from catalog.text import Text
from compute.market.product_search import Bilingual, PriceTag, ProductCard
from marketplace.flow.product import Listing


def card(listing: Listing) -> ProductCard:
    """Give the card of a listing."""
    product = listing.product
    return ProductCard(
        provider=product.provider,
        product=product.id,
        version=product.version,
        digest=listing.digest,
        title=Bilingual(zh=product.title.zh, en=product.title.en),
        summary=_both(product.summary),
        publisher=_both(product.publisher),
        kind=product.kind.value,
        grade=product.grade.value,
        delivery=tuple(mode.value for mode in product.delivery),
        theme=None if product.theme is None else product.theme.value,
        refresh=None if product.refresh is None else product.refresh.value,
        price=_tag(product.price),
    )


def _both(text: Text | None) -> Bilingual | None:
    return None if text is None else Bilingual(zh=text.zh, en=text.en)


def _tag(price: Price | None) -> PriceTag | None:
    return (
        None
        if price is None
        else PriceTag(plan=price.plan.value, amount_fen=price.amount_fen, cap_uses=price.cap_uses)
    )
