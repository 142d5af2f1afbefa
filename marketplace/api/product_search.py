"""The catalog: finding what is on offer. Open to everybody."""

from typing import Any

import flask
from apiflask import APIBlueprint

from catalog.errors import SearchError
from catalog.search.document import Facet, Sort
from catalog.search.order import Key
from catalog.search.query import Query, place_keys, read_place, read_query
from compute.market.product_search import FacetCounts, FacetValue, FoundProducts
from compute.web.access import public
from compute.web.body import answers, respond
from marketplace.api.cached import cached, not_modified
from marketplace.api.context import exchange
from marketplace.api.queries import ProductQuery
from marketplace.commands.product_search import Found
from marketplace.errors import InvalidError
from marketplace.store.paging import decode_cursor, encode_cursor

routes = APIBlueprint("product_search", __name__, url_prefix="/products")


@routes.get("")
@public
@routes.input(ProductQuery, location="query", arg_name="query")
@answers({200: FoundProducts})
def search(query: dict[str, Any]) -> flask.Response:
    """Find listed products by words and facets, the best or the newest first, page by page.

    Facets count what choosing a value would give: those of a facet ignore what is chosen of it. The answer has an
    ETag of the catalog's revision, and is 304 without a body to who has it.
    """
    asked = _query(query)
    after = None if query["cursor"] is None else place_of(asked.sort, query["cursor"])
    if (unchanged := not_modified(exchange().product_search.revision())) is not None:
        return unchanged
    found = exchange().product_search.find(asked, after, query["limit"])
    return cached(respond(_render(found, asked.sort)), found.revision)


def _query(query: dict[str, Any]) -> Query:
    sort = None if query["sort"] is None else Sort(query["sort"])
    values = {facet: frozenset(query[facet.value]) for facet in Facet}
    try:
        return read_query(query["text"], values, sort, every_version=query["versions"] == "all")
    except SearchError as error:
        raise InvalidError(f"the text: {error}", "ask for other words", fields={"text": str(error)}) from error


def place_of(sort: Sort, cursor: str) -> Key:
    """Give the place that a cursor of this order holds; raise `InvalidError` for another."""
    value = str if sort in {Sort.TITLE, Sort.TITLE_EN} else int
    try:
        return read_place(sort, decode_cursor(cursor, str, value, int))
    except SearchError as error:
        remedy = "take the one of the page before with the same order, or leave it out"
        raise InvalidError(f"the cursor: {error}", remedy, fields={"cursor": str(error)}) from error


def _values(found: Found, facet: Facet) -> tuple[FacetValue, ...]:
    titles = found.titles if facet is Facet.PROVIDER else {}
    return tuple(
        FacetValue(value=value, products=count, title=titles.get(value))
        for value, count in found.counts[facet].items()
    )


def _render(found: Found, sort: Sort) -> FoundProducts:
    cursor = encode_cursor(place_keys(sort, found.places[-1])) if found.has_more else None
    facets = (FacetCounts(facet=facet.value, values=_values(found, facet)) for facet in found.counts)
    return FoundProducts(
        items=tuple(found.cards), next=cursor, total=found.total, facets=tuple(facets), revision=found.revision
    )
