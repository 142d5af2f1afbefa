"""What is sent of products and resources to those who describe and review them."""

from collections.abc import Sequence

from catalog.delivery import unlocked
from catalog.gate import Gap
from catalog.grading import suggest
from catalog.product import Product
from catalog.text import Text
from catalog.vocabulary import identifiers
from compute.market.product_search import Bilingual
from compute.market.products import (
    DescriptionCheck,
    GapRecord,
    GradeReason,
    ModeRecord,
    ProductPage,
    ProductRecord,
    ProductStep,
    ProductSummary,
)
from compute.market.resources import ResourcePage, ResourceRecord
from marketplace.api import render
from marketplace.flow.product import Facts, Listing, gaps
from marketplace.flow.resource import Resource
from marketplace.store.paging import encode_cursor


def record(listing: Listing, facts: Facts, steps: tuple[ProductStep, ...]) -> ProductRecord:
    """Give the message about a version as its provider and the operator see it."""
    return ProductRecord(entry=render.listing(listing), check=check(listing.product, facts), steps=steps)


def check(product: Product, facts: Facts) -> DescriptionCheck:
    """Give the message about what the gate says of a product."""
    suggestion = suggest(product.fields, product.derivation)
    locks = identifiers("lock")
    return DescriptionCheck(
        gaps=tuple(_gap(gap) for gap in gaps(product, facts)),
        suggested_grade=suggestion.grade.value,
        grade_reasons=tuple(
            GradeReason(rule=each.rule, about=each.about, why=_both(identifiers("grading_rule")[each.rule]))
            for each in suggestion.reasons
        ),
        modes=tuple(
            ModeRecord(delivery=mode.delivery.value, locks=tuple(_both(locks[lock]) for lock in mode.locks))
            for mode in unlocked(product.grade, product.kind)
        ),
    )


def page(found: Sequence[Listing], limit: int) -> ProductPage:
    """Give a page of `limit` versions; one more than that says that there is a next one."""
    shown = found[:limit]
    more = encode_cursor(shown[-1].key) if len(found) > limit else None
    return ProductPage(items=tuple(_summary(listing) for listing in shown), next=more)


def resource(found: Resource, now: int) -> ResourceRecord:
    """Give the message about a resource."""
    registration = found.registration
    return ResourceRecord(
        provider=found.provider,
        code=found.code,
        name=registration.name,
        state=found.state.value,
        first_day=registration.first_day,
        last_day=registration.last_day,
        valid=found.is_valid(now),
    )


def resources(found: Sequence[Resource], limit: int, now: int) -> ResourcePage:
    """Give a page of `limit` resources; one more than that says that there is a next one."""
    shown = found[:limit]
    more = encode_cursor(shown[-1].key) if len(found) > limit else None
    return ResourcePage(items=tuple(resource(each, now) for each in shown), next=more)


def _summary(listing: Listing) -> ProductSummary:
    provider, product, version = listing.key
    return ProductSummary(
        provider=provider,
        product=product,
        version=version,
        state=listing.state.value,
        digest=listing.digest,
        title=_both(listing.product.title),
        grade=listing.product.grade.value,
    )


def _gap(gap: Gap) -> GapRecord:
    return GapRecord(field=gap.field, rule=gap.rule, why=_both(gap.why))


def _both(text: Text) -> Bilingual:
    return Bilingual(zh=text.zh, en=text.en)
