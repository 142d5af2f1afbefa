"""Products as they are found: what a list shows of each, and what it can be narrowed down by."""

from compute.canonical import Hex32, Message, Name, Shown, Version
from compute.market.count import Count


class Bilingual(Message, frozen=True):
    """A text in Chinese and English."""

    zh: Shown
    en: Shown


class PriceTag(Message, frozen=True):
    """What a product costs: a plan, and of some plans whole fen for one use or one month."""

    plan: str
    amount_fen: Count | None = None
    cap_uses: Count | None = None


class ProductCard(Message, frozen=True):
    """A listed version of a product in brief; its description is asked for by provider, product and version."""

    provider: Name
    product: Name
    version: Version
    digest: Hex32
    """SHA-256 of the description."""
    title: Bilingual
    summary: Bilingual | None
    publisher: Bilingual | None
    kind: str
    grade: str
    delivery: tuple[str, ...]
    theme: str | None
    refresh: str | None
    price: PriceTag | None


class FacetValue(Message, frozen=True):
    """How many products there would be if this value alone were asked for of its facet."""

    value: str
    products: Count
    title: Bilingual | None = None
    """What the department is called, where the value names one that offers products; others have labels."""


class FacetCounts(Message, frozen=True):
    """The values of one facet, the commonest first, and those that are asked for."""

    facet: str
    values: tuple[FacetValue, ...]


class FoundProducts(Message, frozen=True):
    """A page of the products that were found."""

    items: tuple[ProductCard, ...]
    next: str | None
    """The cursor of the next page; none after the last."""
    total: Count
    """So many were found in all."""
    facets: tuple[FacetCounts, ...]
    revision: str
    """Of the catalog; as long as it is the same, so is this page."""
