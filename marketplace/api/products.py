"""Products: the public catalog, and what providers and the operator do with it."""

from typing import Any

from apiflask import APIBlueprint

from compute.market.products import (
    CatalogEntry,
    DescriptionCheck,
    ProductPage,
    ProductRecord,
    ProductStop,
    ReviewDecision,
    Submission,
)
from compute.web.access import public
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api import render, render_products
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange, expire_due
from marketplace.api.etags import if_match
from marketplace.api.forms import DESCRIPTION
from marketplace.api.queries import ProductStates
from marketplace.api.waiting import may_wait
from marketplace.flow.states import ProductState
from marketplace.store.paging import decode_cursor

routes = APIBlueprint("products", __name__, url_prefix="/products")
routes.before_request(expire_due)

_VERSION = "/<provider>/<product>/<version>"


@routes.get(_VERSION)
@public
@gives(CatalogEntry)
def product(provider: str, product: str, version: str) -> CatalogEntry:
    """One version that was ever listed, for those who hold a contract about it."""
    return render.listing(exchange().products.version((provider, product, version)))


# --- describing -------------------------------------------------------------------------------------------------


@routes.post("")
@needs("product:publish")
@takes(DESCRIPTION)
@may_wait
@gives(CatalogEntry, 201)
def publish(description: bytes) -> CatalogEntry:
    """Describe a version of a product in TOML and submit it for review. For its provider."""
    return render.listing(exchange().products.publish(actor(), description))


@routes.post("/check")
@needs("product:draft")
@takes(DESCRIPTION)
@gives(DescriptionCheck)
def check(description: bytes) -> DescriptionCheck:
    """What the listing gate says of a description in TOML: gaps, grade, delivery modes. Nothing is kept."""
    listing, facts = exchange().products.check(actor(), description)
    return render_products.check(listing.product, facts)


@routes.post("/drafts")
@needs("product:draft")
@takes(DESCRIPTION)
@gives(CatalogEntry, 201)
def draft(description: bytes) -> CatalogEntry:
    """Keep a description in TOML as a draft. For its provider."""
    return render.listing(exchange().products.draft(actor(), description))


@routes.get("/own")
@needs("product:read")
@routes.input(ProductStates, location="query", arg_name="query")
@gives(ProductPage)
def own(query: dict[str, Any]) -> ProductPage:
    """A page of versions in any state: a provider's own, the operator's all."""
    after = ("", "", "") if query["cursor"] is None else decode_cursor(query["cursor"], str, str, str)
    provider, product, version = map(str, after)
    state = None if query["state"] is None else ProductState(query["state"])
    found = exchange().products.page(actor(), state, (provider, product, version), query["limit"] + 1)
    return render_products.page(found, query["limit"])


@routes.get(f"{_VERSION}/record")
@needs("product:read")
@gives(ProductRecord)
def record(provider: str, product: str, version: str) -> ProductRecord:
    """A version in any state, what the gate says of it, and its steps. For its provider and the operator."""
    return render_products.record(*exchange().products.record(actor(), (provider, product, version)))


@routes.put(f"{_VERSION}/draft")
@needs("product:draft")
@if_match
@takes(DESCRIPTION)
@gives(CatalogEntry)
def edit(description: bytes, provider: str, product: str, version: str, *, revision: str) -> CatalogEntry:
    """Replace the description of a draft, or of what was returned; If-Match names the one that was read."""
    key = (provider, product, version)
    return render.listing(exchange().products.edit(actor(), key, description, revision))


@routes.post(f"{_VERSION}/discard")
@needs("product:draft")
@gives(CatalogEntry)
def discard(provider: str, product: str, version: str) -> CatalogEntry:
    """Remove a draft that was never submitted. For its provider."""
    return render.listing(exchange().products.discard(actor(), (provider, product, version)))


@routes.post(f"{_VERSION}/submit")
@needs("product:submit")
@takes(form(Submission))
@may_wait
@gives(CatalogEntry)
def submit(submission: Submission, provider: str, product: str, version: str) -> CatalogEntry:
    """Hand a draft in for review; refused with every gap by its name. For its provider."""
    return render.listing(exchange().products.submit(actor(), (provider, product, version), submission))


# --- reviewing and stopping -------------------------------------------------------------------------------------


@routes.post(f"{_VERSION}/review")
@needs("product:review")
@takes(form(ReviewDecision))
@gives(CatalogEntry)
def review(decision: ReviewDecision, provider: str, product: str, version: str) -> CatalogEntry:
    """Decide the compliance or the quality review; the second one that is passed lists it. For the operator."""
    return render.listing(exchange().products.review(actor(), (provider, product, version), decision))


@routes.post(f"{_VERSION}/delist")
@needs("product:delist")
@takes(form(ProductStop))
@may_wait
@gives(CatalogEntry)
def delist(stop: ProductStop, provider: str, product: str, version: str) -> CatalogEntry:
    """End the offer of a version; contracts about it go on. For its provider."""
    return render.listing(exchange().products.delist(actor(), (provider, product, version), stop))


@routes.post(f"{_VERSION}/suspend")
@needs("product:suspend")
@takes(form(ProductStop))
@gives(CatalogEntry)
def suspend(stop: ProductStop, provider: str, product: str, version: str) -> CatalogEntry:
    """Stop a version: it cannot be applied for, and no permit about it stands. For the operator."""
    return render.listing(exchange().products.suspend(actor(), (provider, product, version), stop))


@routes.post(f"{_VERSION}/reinstate")
@needs("product:reinstate")
@gives(CatalogEntry)
def reinstate(provider: str, product: str, version: str) -> CatalogEntry:
    """End a version's suspension. For the operator."""
    return render.listing(exchange().products.reinstate(actor(), (provider, product, version)))
