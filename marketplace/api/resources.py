"""Data resources: what the registrar did, entered by departments. For them and the operator."""

from typing import Any

from apiflask import APIBlueprint

from compute.market.resources import ResourceChange, ResourceEntry, ResourcePage, ResourceRecord
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api import render_products
from marketplace.api.access import needs
from marketplace.api.context import actor, context, exchange, expire_due
from marketplace.api.queries import Page
from marketplace.flow.resource import Registration, Resource
from marketplace.flow.states import ResourceState
from marketplace.store.paging import decode_cursor

routes = APIBlueprint("resources", __name__, url_prefix="/resources")
routes.before_request(expire_due)

_RESOURCE = "/<provider>/<code>"


@routes.post("")
@needs("resource:enter")
@takes(form(ResourceEntry))
@gives(ResourceRecord, 201)
def enter(entry: ResourceEntry) -> ResourceRecord:
    """Enter a resource under the registrar's number. For its provider."""
    registration = Registration(entry.name, entry.first_day, entry.last_day)
    return _shown(exchange().resources.enter(actor(), entry.code, registration, ResourceState(entry.state)))


@routes.get("")
@needs("resource:read")
@routes.input(Page, location="query", arg_name="query")
@gives(ResourcePage)
def resources(query: dict[str, Any]) -> ResourcePage:
    """A page of resources: a provider's own, the operator's all."""
    provider, code = ("", "") if query["cursor"] is None else map(str, decode_cursor(query["cursor"], str, str))
    found = exchange().resources.page(actor(), (provider, code), query["limit"] + 1)
    return render_products.resources(found, query["limit"], context().setting.clock())


@routes.get(_RESOURCE)
@needs("resource:read")
@gives(ResourceRecord)
def resource(provider: str, code: str) -> ResourceRecord:
    """One resource. For its provider and the operator."""
    return _shown(exchange().resources.load(actor(), (provider, code)))


@routes.post(f"{_RESOURCE}/change")
@needs("resource:change")
@takes(form(ResourceChange))
@gives(ResourceRecord)
def change(entry: ResourceChange, provider: str, code: str) -> ResourceRecord:
    """Enter that the registrar changed or renewed the registration. For its provider."""
    return _shown(exchange().resources.change(actor(), (provider, code), _registration(entry)))


@routes.post(f"{_RESOURCE}/correct")
@needs("resource:change")
@takes(form(ResourceChange))
@gives(ResourceRecord)
def correct(entry: ResourceChange, provider: str, code: str) -> ResourceRecord:
    """Enter that the registrar corrected the registration. For its provider."""
    return _shown(exchange().resources.correct(actor(), (provider, code), _registration(entry)))


@routes.post(f"{_RESOURCE}/cancel")
@needs("resource:cancel")
@gives(ResourceRecord)
def cancel(provider: str, code: str) -> ResourceRecord:
    """Enter that the registrar cancelled it: what comes from it is suspended. For provider and operator."""
    return _shown(exchange().resources.cancel(actor(), (provider, code)))


def _registration(entry: ResourceChange) -> Registration:
    return Registration(entry.name, entry.first_day, entry.last_day)


def _shown(resource: Resource) -> ResourceRecord:
    return render_products.resource(resource, context().setting.clock())
