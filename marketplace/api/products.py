"""Products: the public catalog, and what providers and the operator do with it."""

from apiflask import APIBlueprint

from compute.market import Catalog, CatalogEntry
from compute.web.access import public
from compute.web.body import gives, takes
from marketplace.api import render
from marketplace.api.context import actor, exchange
from marketplace.api.forms import DESCRIPTION

routes = APIBlueprint("products", __name__, url_prefix="/products")

_VERSION = "/<provider>/<product>/<version>"


@routes.get("")
@public
@gives(Catalog)
def catalog() -> Catalog:
    """The public catalog: what is on offer, by provider, product and version."""
    return Catalog(products=tuple(render.listing(found) for found in exchange().list_products()))


@routes.get(_VERSION)
@public
@gives(CatalogEntry)
def product(provider: str, product: str, version: str) -> CatalogEntry:
    """One version, in whatever state, for those who hold a contract about it."""
    return render.listing(exchange().product(provider, product, version))


@routes.post("")
@takes(DESCRIPTION)
@gives(CatalogEntry, 201)
def publish(description: bytes) -> CatalogEntry:
    """List a version of a product, described in TOML. For its provider."""
    return render.listing(exchange().publish_product(actor(), description))


@routes.post(f"{_VERSION}/delist")
@gives(CatalogEntry)
def delist(provider: str, product: str, version: str) -> CatalogEntry:
    """End the offer of a version; contracts about it go on. For its provider."""
    return render.listing(exchange().delist_product(actor(), provider, product, version))


@routes.post(f"{_VERSION}/suspend")
@gives(CatalogEntry)
def suspend(provider: str, product: str, version: str) -> CatalogEntry:
    """Stop a version: it cannot be applied for, and no permit about it stands. For the operator."""
    return render.listing(exchange().suspend_product(actor(), provider, product, version))


@routes.post(f"{_VERSION}/reinstate")
@gives(CatalogEntry)
def reinstate(provider: str, product: str, version: str) -> CatalogEntry:
    """End a version's suspension. For the operator."""
    return render.listing(exchange().reinstate_product(actor(), provider, product, version))
