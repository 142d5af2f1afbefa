"""One version of a product as a `dcat:Dataset`, with what its node refers to.

    product → dcat:Dataset            delivery mode → dcat:Distribution, through a dcat:DataService of the market
    first listed → dct:issued, last changed → dct:modified
    publisher → foaf:Agent            coverage → dct:PeriodOfTime, dct:Location
    contact → vcard:Organization      refresh → dct:accrualPeriodicity (EU table)
    grade → dct:accessRights (EU table) and dct:rights (its own name)
    theme → dcat:theme (EU table and own scheme)    kind → dct:type    lineage → dct:provenance

Whatever a description leaves out is left out; a summary that is missing is the title again, for a dataset has to
have a description. Node names are the product's own address with a fragment, so no two products share one, but
for agents: the same department is one agent.
"""

import hashlib
from datetime import UTC, datetime
from urllib.parse import quote

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, FOAF, RDF, RDFS, SKOS, XSD

from catalog.contact import Contact
from catalog.coverage import NATION, Coverage, Place
from catalog.dcat.concepts import access_right, both, data_theme, frequency, grade_statement, own_concept
from catalog.dcat.dates import Dates
from catalog.dcat.namespaces import AUTHORITY, DCAT, VCARD
from catalog.delivery import Delivery
from catalog.field import FieldType
from catalog.product import Product
from catalog.text import Text
from catalog.vocabulary import identifiers

_STANDARD = Text(
    zh="GB/T 43697-2024 数据安全技术 数据分类分级规则",
    en="GB/T 43697-2024 Data security technology: rules for data classification and grading",
)


def describe(graph: Graph, site: str, catalog: URIRef, product: Product, dates: Dates | None = None) -> URIRef:
    """Describe a version of a product, and give its node; `site` is the marketplace's public address.

    Without dates it does not say when it was listed, as of what an earlier version of this marketplace listed.
    """
    address = f"{site}/products/{product.provider}/{product.id}/{quote(product.version, safe='')}"
    node = URIRef(address)
    graph.add((node, RDF.type, DCAT.Dataset))
    graph.add((node, DCTERMS.identifier, Literal(f"{product.provider}/{product.id}/{product.version}")))
    graph.add((node, DCAT.version, Literal(product.version)))
    if dates is not None:
        graph.add((node, DCTERMS.issued, _moment(dates.issued)))
        graph.add((node, DCTERMS.modified, _moment(dates.modified)))
    both(graph, node, DCTERMS.title, product.title)
    both(graph, node, DCTERMS.description, product.summary or product.title)
    for field in product.fields:
        if field.type is not FieldType.KEY:
            both(graph, node, DCAT.keyword, field.meaning)
    graph.add((node, DCTERMS.publisher, _publisher(graph, catalog, product)))
    graph.add((node, DCTERMS.type, own_concept(graph, catalog, "kind", product.kind)))
    graph.add((node, DCTERMS.accessRights, access_right(graph, product.grade)))
    graph.add((node, DCTERMS.rights, grade_statement(graph, catalog, product.grade)))
    graph.add((node, DCTERMS.conformsTo, _standard(graph, catalog)))
    for mode in product.delivery:
        graph.add((node, DCAT.distribution, _distribution(graph, site, catalog, node, mode)))
    _describe_if_told(graph, catalog, node, product)
    return node


def _moment(at: int) -> Literal:
    """Give a time as `xsd:dateTime`, in UTC, to the second."""
    told = datetime.fromtimestamp(at // 1000, UTC).isoformat().replace("+00:00", "Z")
    return Literal(told, datatype=XSD.dateTime)


def service(graph: Graph, site: str, catalog: URIRef, mode: Delivery) -> URIRef:
    """Describe the service through which the market delivers in one mode, and give the node."""
    node = URIRef(f"{catalog}#service-{mode.value}")
    graph.add((node, RDF.type, DCAT.DataService))
    both(graph, node, DCTERMS.title, identifiers("delivery")[mode])
    graph.add((node, DCAT.endpointURL, URIRef(f"{site}/applications")))
    graph.add((node, DCAT.endpointDescription, URIRef(f"{site}/openapi.json")))
    return node


def agent(graph: Graph, catalog: URIRef, name: str, label: Text) -> URIRef:
    """Describe an organisation by its party's name and a label, and give the node."""
    told = hashlib.sha256(f"{label.zh}\n{label.en}".encode()).hexdigest()[:8]
    node = URIRef(f"{catalog}#agent-{name}-{told}")
    graph.add((node, RDF.type, FOAF.Agent))
    graph.add((node, RDF.type, FOAF.Organization))
    graph.add((node, DCTERMS.identifier, Literal(name)))
    both(graph, node, FOAF.name, label)
    return node


def _describe_if_told(graph: Graph, catalog: URIRef, node: URIRef, product: Product) -> None:
    if product.theme is not None:
        graph.add((node, DCAT.theme, data_theme(graph, product.theme)))
        graph.add((node, DCAT.theme, own_concept(graph, catalog, "theme", product.theme)))
    if product.refresh is not None:
        graph.add((node, DCTERMS.accrualPeriodicity, frequency(graph, product.refresh)))
    if product.contact is not None:
        graph.add((node, DCAT.contactPoint, _contact(graph, node, product.contact)))
    if product.coverage is not None:
        _cover(graph, node, product.coverage)
    if product.lineage:
        graph.add((node, DCTERMS.provenance, _provenance(graph, node, product.lineage)))


def _publisher(graph: Graph, catalog: URIRef, product: Product) -> URIRef:
    name = product.provider
    return agent(graph, catalog, name, product.publisher or Text(zh=name, en=name))


def _standard(graph: Graph, catalog: URIRef) -> URIRef:
    node = URIRef(f"{catalog}#gbt-43697-2024")
    graph.add((node, RDF.type, DCTERMS.Standard))
    both(graph, node, DCTERMS.title, _STANDARD)
    return node


def _distribution(graph: Graph, site: str, catalog: URIRef, dataset: URIRef, mode: Delivery) -> URIRef:
    node = URIRef(f"{dataset}#delivery-{mode.value}")
    through = service(graph, site, catalog, mode)
    graph.add((node, RDF.type, DCAT.Distribution))
    both(graph, node, DCTERMS.title, identifiers("delivery")[mode])
    graph.add((node, DCAT.accessURL, dataset))
    graph.add((node, DCAT.accessService, through))
    graph.add((through, DCAT.servesDataset, dataset))
    return node


def _contact(graph: Graph, dataset: URIRef, contact: Contact) -> URIRef:
    node = URIRef(f"{dataset}#contact")
    graph.add((node, RDF.type, VCARD.Kind))
    graph.add((node, RDF.type, VCARD.Organization))
    both(graph, node, VCARD.fn, contact.desk)
    if contact.email is not None:
        graph.add((node, VCARD.hasEmail, URIRef(f"mailto:{quote(contact.email, safe='@')}")))
    if contact.phone is not None:
        digits = "".join(each for each in contact.phone if each.isdigit() or each == "+")
        graph.add((node, VCARD.hasTelephone, URIRef(f"tel:{digits}")))
    return node


def _cover(graph: Graph, dataset: URIRef, coverage: Coverage) -> None:
    period = URIRef(f"{dataset}#period")
    graph.add((dataset, DCTERMS.temporal, period))
    graph.add((period, RDF.type, DCTERMS.PeriodOfTime))
    graph.add((period, DCAT.startDate, Literal(coverage.first_day.isoformat(), datatype=XSD.date)))
    if coverage.last_day is not None:
        graph.add((period, DCAT.endDate, Literal(coverage.last_day.isoformat(), datatype=XSD.date)))
    for number, place in enumerate(coverage.places, 1):
        graph.add((dataset, DCTERMS.spatial, _place(graph, dataset, place, number)))


def _place(graph: Graph, dataset: URIRef, place: Place, number: int) -> URIRef:
    """China has a code in the EU table of countries; its divisions have none there, but those of GB/T 2260."""
    if place.code == NATION:
        node = AUTHORITY["country/CHN"]
        graph.add((node, SKOS.inScheme, AUTHORITY["country"]))
        label = Text(zh="中国", en="China")
    else:
        node, label = URIRef(f"{dataset}#place-{number}"), place.label
        if place.code is not None:
            graph.add((node, DCTERMS.identifier, Literal(f"GB/T 2260 {place.code}")))
    graph.add((node, RDF.type, DCTERMS.Location))
    both(graph, node, SKOS.prefLabel, label)
    return node


def _provenance(graph: Graph, dataset: URIRef, lineage: tuple[str, ...]) -> URIRef:
    node, codes = URIRef(f"{dataset}#provenance"), ", ".join(lineage)
    graph.add((node, RDF.type, DCTERMS.ProvenanceStatement))
    graph.add((node, RDFS.label, Literal(f"公共数据资源登记：{codes}", lang="zh")))
    graph.add((node, RDFS.label, Literal(f"Registered public data resources: {codes}", lang="en")))
    return node
