"""A page of the catalog: as many pages put together, in whatever order, are one `dcat:Catalog`."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, FOAF, RDF, SKOS, XSD

from catalog.dcat.concepts import SCHEMES, both, own_scheme
from catalog.dcat.dataset import agent, describe, service
from catalog.dcat.dates import Dates, Key
from catalog.dcat.namespaces import AUTHORITY, DCAT, HYDRA, PREFIXES, new_graph
from catalog.product import Product
from catalog.text import Text

_TITLE = Text(zh="数据产品目录", en="Catalog of data products")
_DESCRIPTION = Text(
    zh="可用不可见的数据产品：经申请、审批和签约后使用，原始数据不出域。",
    en="Data products that are used and never seen: by application, approval and contract; no raw data leaves.",
)
_SCHEME_TITLES = {
    "theme": Text(zh="产品主题", en="Themes of products"),
    "kind": Text(zh="产品形态", en="Kinds of products"),
}
_DATA_THEMES = Text(zh="欧盟数据主题", en="Data theme")


_UNDATED: Mapping[Key, Dates] = MappingProxyType({})


class Format(StrEnum):
    """What a page is written in."""

    TURTLE = "turtle"
    JSON_LD = "jsonld"

    @property
    def media_type(self) -> str:
        """As it is registered with IANA."""
        return "text/turtle" if self is Format.TURTLE else "application/ld+json"


@dataclass(frozen=True)
class Page:
    """Where a page stands: its own address, that of the next one, and how many products there are in all."""

    address: str
    following: str | None
    total: int


def page_graph(
    site: str, operator: str, products: Iterable[Product], page: Page, dates: Mapping[Key, Dates] = _UNDATED
) -> Graph:
    """Give the graph of a page; `site` is the marketplace's public address, `operator` the party that runs it.

    `dates` are those of the products by provider, id and version, as far as they are known.
    """
    graph = new_graph()
    catalog = URIRef(f"{site}/catalog")
    graph.add((catalog, RDF.type, DCAT.Catalog))
    both(graph, catalog, DCTERMS.title, _TITLE)
    both(graph, catalog, DCTERMS.description, _DESCRIPTION)
    graph.add((catalog, DCTERMS.publisher, agent(graph, catalog, operator, Text(zh=operator, en=operator))))
    home = URIRef(f"{site}/")
    graph.add((home, RDF.type, FOAF.Document))
    graph.add((catalog, FOAF.homepage, home))
    _add_schemes(graph, catalog)
    for product in products:
        graph.add((catalog, DCAT.dataset, describe(graph, site, catalog, product, _dates(dates, product))))
        for mode in product.delivery:
            graph.add((catalog, DCAT.service, service(graph, site, catalog, mode)))
    _add_view(graph, catalog, page)
    return graph


def _dates(dates: Mapping[Key, Dates], product: Product) -> Dates | None:
    return dates.get((product.provider, product.id, product.version))


def write(graph: Graph, form: Format) -> bytes:
    """Give the page's bytes: the same for the same graph, in whichever process."""
    if form is Format.TURTLE:
        return graph.serialize(format="turtle", encoding="utf-8")
    context = {prefix: str(namespace) for prefix, namespace in PREFIXES.items()}
    document = json.loads(graph.serialize(format="json-ld", context=context, auto_compact=True))
    document["@graph"] = sorted((_ordered(node) for node in document["@graph"]), key=lambda node: node["@id"])
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _add_schemes(graph: Graph, catalog: URIRef) -> None:
    own = [(own_scheme(catalog, name), _SCHEME_TITLES[name]) for name in SCHEMES]
    for node, title in (*own, (AUTHORITY["data-theme"], _DATA_THEMES)):
        graph.add((node, RDF.type, SKOS.ConceptScheme))
        both(graph, node, DCTERMS.title, title)
        graph.add((catalog, DCAT.themeTaxonomy, node))


def _add_view(graph: Graph, catalog: URIRef, page: Page) -> None:
    """Say where the next page is, in the words of the Hydra Core Vocabulary, as other DCAT catalogs do."""
    view = URIRef(page.address)
    graph.add((view, RDF.type, HYDRA.PartialCollectionView))
    graph.add((catalog, HYDRA.view, view))
    graph.add((view, HYDRA.totalItems, Literal(page.total, datatype=XSD.integer)))
    if page.following is not None:
        graph.add((view, HYDRA.next, URIRef(page.following)))


def _ordered(value: Any) -> Any:  # noqa: ANN401 -- JSON
    match value:
        case dict():
            return {name: _ordered(each) for name, each in value.items()}
        case list():
            return sorted(map(_ordered, value), key=lambda each: json.dumps(each, sort_keys=True))
    return value
