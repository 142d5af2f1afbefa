"""Codes as nodes: those of EU authority tables where one fits, and the market's own vocabularies.

Each is described in the page itself, label and scheme, so that a page can be read, and judged by the shapes of
DCAT-AP, without fetching anything.
"""

from collections.abc import Mapping

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, RDF, RDFS, SKOS

from catalog.dcat.namespaces import AUTHORITY
from catalog.grade import Grade
from catalog.text import Text
from catalog.theme import Refresh, Theme
from catalog.vocabulary import identifiers

FREQUENCIES: Mapping[Refresh, tuple[str, str, str]] = {
    Refresh.REAL_TIME: ("UPDATE_CONT", "持续更新", "continuously updated"),
    Refresh.DAILY: ("DAILY", "每日", "daily"),
    Refresh.WEEKLY: ("WEEKLY", "每周", "weekly"),
    Refresh.MONTHLY: ("MONTHLY", "每月", "monthly"),
    Refresh.QUARTERLY: ("QUARTERLY", "每季度", "quarterly"),
    Refresh.YEARLY: ("ANNUAL", "每年", "annual"),
    Refresh.NONE: ("NEVER", "从不", "never"),
}
# A free trade port is a matter of trade, credit and businesses one of the economy; EuroVoc has tourism among
# social affairs, which the table counts as population and society.
_ECONOMY = ("ECON", "经济和金融", "Economy and finance")
_SOCIETY = ("SOCI", "人口和社会", "Population and society")
_JUSTICE = ("JUST", "司法、法律和公共安全", "Justice, legal system and public safety")
DATA_THEMES: Mapping[Theme, tuple[str, str, str]] = {
    Theme.FREE_TRADE_PORT: _ECONOMY,
    Theme.POPULATION: _SOCIETY,
    Theme.SOCIAL_CREDIT: _ECONOMY,
    Theme.POLICY_LAW: _JUSTICE,
    Theme.INDUSTRY: _ECONOMY,
    Theme.TOURISM: _SOCIETY,
    Theme.LEGAL_ENTITY: _ECONOMY,
}
_RESTRICTED = ("RESTRICTED", "受限", "restricted")
_NON_PUBLIC = ("NON_PUBLIC", "不公开", "non-public")
SCHEMES = {"theme": "theme", "kind": "product_kind"}
"""The market's own schemes of concepts, and the vocabularies that they are."""


def frequency(graph: Graph, refresh: Refresh) -> URIRef:
    """Describe how often a product is renewed, and give the node."""
    return _authority(graph, "frequency", FREQUENCIES[refresh], DCTERMS.Frequency)


def data_theme(graph: Graph, theme: Theme) -> URIRef:
    """Describe the EU data theme that a theme falls under, and give the node."""
    return _authority(graph, "data-theme", DATA_THEMES[theme], SKOS.Concept)


def access_right(graph: Graph, grade: Grade) -> URIRef:
    """Describe who may use data of a grade: nobody without a contract; important data is not public at all."""
    code = _NON_PUBLIC if grade >= Grade.IMPORTANT else _RESTRICTED
    return _authority(graph, "access-right", code, DCTERMS.RightsStatement)


def own_concept(graph: Graph, catalog: URIRef, scheme: str, identifier: str) -> URIRef:
    """Describe a concept of one of the market's own schemes, and give the node."""
    node = URIRef(f"{catalog}#{scheme}-{identifier}")
    label = identifiers(SCHEMES[scheme])[identifier]
    graph.add((node, RDF.type, SKOS.Concept))
    graph.add((node, SKOS.inScheme, own_scheme(catalog, scheme)))
    both(graph, node, SKOS.prefLabel, label)
    return node


def own_scheme(catalog: URIRef, scheme: str) -> URIRef:
    """Give the node of one of the market's own schemes."""
    return URIRef(f"{catalog}#{scheme}s")


def grade_statement(graph: Graph, catalog: URIRef, grade: Grade) -> URIRef:
    """Describe a grade of GB/T 43697-2024 as a statement of rights, and give the node."""
    node = URIRef(f"{catalog}#grade-{grade.value}")
    graph.add((node, RDF.type, DCTERMS.RightsStatement))
    both(graph, node, RDFS.label, identifiers("grade")[grade])
    return node


def both(graph: Graph, node: URIRef, predicate: URIRef, text: Text) -> None:
    """Say a text of a node, in both languages."""
    graph.add((node, predicate, Literal(text.zh, lang="zh")))
    graph.add((node, predicate, Literal(text.en, lang="en")))


def _authority(graph: Graph, table: str, code: tuple[str, str, str], kind: URIRef) -> URIRef:
    identifier, zh, en = code
    node = AUTHORITY[f"{table}/{identifier}"]
    graph.add((node, RDF.type, kind))
    graph.add((node, RDF.type, SKOS.Concept))
    graph.add((node, SKOS.inScheme, AUTHORITY[table]))
    both(graph, node, SKOS.prefLabel, Text(zh=zh, en=en))
    return node
