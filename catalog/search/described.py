"""What finding takes from a product's description: its terms by part, its values, what it is sorted by."""

from collections.abc import Iterator
from typing import NamedTuple

from catalog.price import Plan, Price
from catalog.product import Product
from catalog.search.document import NEGOTIATED, Facet
from catalog.search.terms import index_terms
from catalog.text import Text
from catalog.vocabulary import identifiers


class Terms(NamedTuple):
    """The terms of the parts of one description, in the order of their weight: `ranking.Parts`."""

    title: frozenset[str]
    fields: frozenset[str]
    rest: frozenset[str]


def terms_of(product: Product) -> Terms:
    """Give the terms by which a product is found.

    Its title and id; its fields' names, meanings and units; the rest: summary, department, theme, form, places.
    """
    return Terms(
        index_terms(" ".join((*_both(product.title), product.id))),
        index_terms("\n".join(_fields(product))),
        index_terms("\n".join(_rest(product))),
    )


def values_of(product: Product) -> dict[Facet, tuple[str, ...]]:
    """Give its value of each facet: several of delivery, none of what the description leaves out."""
    return {
        Facet.THEME: () if product.theme is None else (product.theme.value,),
        Facet.KIND: (product.kind.value,),
        Facet.PROVIDER: (product.provider,),
        Facet.GRADE: (product.grade.value,),
        Facet.DELIVERY: tuple(mode.value for mode in product.delivery),
        Facet.PRICE: () if product.price is None else (product.price.plan.value,),
        Facet.REFRESH: () if product.refresh is None else (product.refresh.value,),
    }


def price_key(price: Price | None) -> int:
    """Give what it is sorted by: its amount in fen, for one use or one month; `NEGOTIATED` where none is told."""
    if price is None or price.plan is Plan.NEGOTIATED:
        return NEGOTIATED
    return price.amount_fen or 0


def _fields(product: Product) -> Iterator[str]:
    for field in product.fields:
        yield field.name
        yield from _both(field.meaning)
        yield from _both(field.unit)


def _rest(product: Product) -> Iterator[str]:
    yield from _both(product.summary)
    yield from _both(product.publisher)
    yield product.provider
    yield from _both(identifiers("product_kind")[product.kind])
    if product.theme is not None:
        yield from _both(identifiers("theme")[product.theme])
    for place in () if product.coverage is None else product.coverage.places:
        yield from _both(place.label)


def _both(text: Text | None) -> tuple[str, ...]:
    return () if text is None else (text.zh, text.en)
