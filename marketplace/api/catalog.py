"""The catalog for other portals to harvest: DCAT-AP in Turtle and JSON-LD, page by page. Open to everybody."""

from typing import Any
from urllib.parse import urlencode

import flask
from apiflask import APIBlueprint

from catalog.dcat.page import Format, Page, page_graph, write
from catalog.search.query import Query, place_keys
from compute.web.access import public
from compute.web.body import Raw, answers
from compute.web.errors import ProblemError
from marketplace.api.cached import cached, not_modified
from marketplace.api.context import context, exchange
from marketplace.api.product_search import place_of
from marketplace.api.queries import Page as PageQuery
from marketplace.store.paging import encode_cursor

routes = APIBlueprint("catalog", __name__)

_FORMATS = {Format.JSON_LD: "catalog.jsonld", Format.TURTLE: "catalog.ttl"}
_EVERYTHING = Query()


@routes.get("/catalog")
@public
@routes.input(PageQuery, location="query", arg_name="query")
@answers({303: Raw("text/html"), 406: None})
def negotiated(query: dict[str, Any]) -> flask.Response:
    """Lead to the page in the form that the request prefers: JSON-LD, or Turtle."""
    types = {form.media_type: form for form in _FORMATS}
    best = flask.request.accept_mimetypes.best_match(types)
    if best is None:
        wanted = flask.request.headers.get("Accept", "")
        remedy = f"Accept {' or '.join(types)}, or ask for /catalog.jsonld or /catalog.ttl."
        raise ProblemError(406, "not-acceptable", f"The catalog is not written in {wanted[:80]!r}.", remedy)
    response = flask.redirect(_address(types[best], query["cursor"], query["limit"]), 303)
    response.headers["Vary"] = "Accept"
    return flask.make_response(response)


@routes.get("/catalog.jsonld")
@public
@routes.input(PageQuery, location="query", arg_name="query")
@answers({200: Raw(Format.JSON_LD.media_type)})
def json_ld(query: dict[str, Any]) -> flask.Response:
    """The latest version of every listed product as DCAT-AP 3.0.1 in JSON-LD, the newest first, page by page."""
    return _page(Format.JSON_LD, query)


@routes.get("/catalog.ttl")
@public
@routes.input(PageQuery, location="query", arg_name="query")
@answers({200: Raw(Format.TURTLE.media_type)})
def turtle(query: dict[str, Any]) -> flask.Response:
    """The same in Turtle. The link `next`, and hydra:next in the page, lead to the next one."""
    return _page(Format.TURTLE, query)


def _page(form: Format, query: dict[str, Any]) -> flask.Response:
    cursor, limit = query["cursor"], query["limit"]
    after = None if cursor is None else place_of(_EVERYTHING.sort, cursor)
    if (unchanged := not_modified(exchange().product_search.revision())) is not None:
        return unchanged
    found = exchange().product_search.find(_EVERYTHING, after, limit)
    described = exchange().product_search.described(found)
    following = None
    if found.has_more:
        behind = encode_cursor(place_keys(_EVERYTHING.sort, found.places[-1]))
        following = _address(form, behind, limit)
    page = Page(_address(form, cursor, limit), following, found.total)
    dates = exchange().product_search.dates(found)
    body = write(page_graph(context().site, context().setting.operator, described, page, dates), form)
    response = flask.Response(body, content_type=form.media_type)
    if following is not None:
        response.headers["Link"] = f'<{following}>; rel="next"'  # RFC 8288
    return cached(response, found.revision)


def _address(form: Format, cursor: str | None, limit: int) -> str:
    asked = {"limit": limit} | ({} if cursor is None else {"cursor": cursor})
    return f"{context().site}/{_FORMATS[form]}?{urlencode(asked)}"
