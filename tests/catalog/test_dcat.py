from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyshacl import validate
from rdflib import RDF, Graph, Literal, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import DCTERMS, FOAF, XSD

from catalog.contact import Contact
from catalog.coverage import NATION, Coverage, Place
from catalog.dcat.dates import Dates
from catalog.dcat.namespaces import AUTHORITY, DCAT, HYDRA
from catalog.dcat.page import Format, Page, page_graph, write
from catalog.delivery import Delivery
from catalog.description import load_product
from catalog.field import Field, FieldType
from catalog.grade import Grade
from catalog.kind import ProductKind
from catalog.price import Plan, Price
from catalog.product import Product
from catalog.text import Summary, Text
from catalog.theme import Refresh, Theme

# rdflib's own reader of JSON-LD uses a class that it is about to rename.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")

SITE = "https://market.example"
CATALOG = URIRef(f"{SITE}/catalog")
SHAPES = Graph()
for file in ("shapes.ttl", "range.ttl", "mdr-vocabularies.shape.ttl"):
    SHAPES.parse(Path(__file__).parent / "dcat-ap" / file)
EXAMPLES = Path(__file__).parents[2] / "examples" / "sba"
PAGE = Page(f"{SITE}/catalog.ttl?limit=20", None, 1)


def graph_of(*products: Product, page: Page = PAGE) -> Graph:
    return page_graph(SITE, "operator", products, page)


def violations(graph: Graph) -> str:
    """What the shapes find wrong; "" if nothing. Codes of other tables than the EU's are a warning there."""
    conforms, _, text = validate(graph, shacl_graph=SHAPES, allow_warnings=True)
    return "" if conforms else str(text)


def node(product: Product) -> URIRef:
    return URIRef(f"{SITE}/products/{product.provider}/{product.id}/{product.version.replace('+', '%2B')}")


line = st.text(
    st.characters(
        exclude_categories=("Cc", "Cs", "Zl", "Zp"),
        exclude_characters="\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    ),
    min_size=1,
    max_size=30,
).filter(lambda text: text == text.strip())
texts = st.builds(Text, zh=line, en=line)
names = st.from_regex(r"\A[a-z][a-z0-9_-]{0,12}\Z")
places = st.builds(Place, label=texts, code=st.sampled_from([None, NATION, "460100", "460000", "110000"]))
days = st.dates(date(1950, 1, 1), date(2030, 1, 1))
coverages = st.tuples(days, days, st.lists(places, min_size=1, max_size=3, unique=True), st.booleans()).map(
    lambda drawn: Coverage(
        first_day=min(drawn[:2]), last_day=max(drawn[:2]) if drawn[3] else None, places=tuple(drawn[2])
    )
)
contacts = st.builds(
    Contact,
    desk=texts,
    phone=st.sampled_from([None, "+86 898 6534 2345", "12345"]),
    email=st.sampled_from(["data@example.gov.cn", "o'brien/x?y#z%41@a-b.example", "a{b}|c^d`@x.cn"]),
)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def products(draw: st.DrawFn) -> Product:
    grade = draw(st.sampled_from([Grade.GENERAL_1, Grade.GENERAL_4, Grade.IMPORTANT]))
    modes = st.lists(st.sampled_from([Delivery.ENCRYPTED, Delivery.AGGREGATE]), min_size=1, unique=True)
    fields = [
        Field(name=f"f{at}", type=FieldType.TEXT, grade=Grade.GENERAL_1, meaning=draw(texts))
        for at in range(draw(st.integers(1, 3)))
    ]
    key = Field(name="uscc", type=FieldType.KEY, grade=Grade.GENERAL_1, meaning=draw(texts))
    return Product(
        id=draw(names),
        title=draw(texts),
        provider=draw(names),
        kind=ProductKind.DATASET,
        version=draw(st.sampled_from(["1.0.0", "2.1.0-rc.1+build.5", "0.0.1-x-y"])),
        delivery=(Delivery.ENCRYPTED,) if grade is Grade.IMPORTANT else tuple(draw(modes)),
        grade=grade,
        fields=(key, *fields),
        theme=draw(optional(st.sampled_from(Theme))),
        summary=draw(optional(st.builds(Summary, zh=line, en=line))),
        publisher=draw(optional(texts)),
        contact=draw(optional(contacts)),
        coverage=draw(optional(coverages)),
        refresh=draw(optional(st.sampled_from(Refresh))),
        lineage=tuple(draw(st.lists(st.sampled_from(["46-000001", "ABC123", "REG-9-9"]), unique=True))),
        price=draw(optional(st.just(Price(plan=Plan.FREE)))),
    )


@settings(max_examples=25)
@given(st.lists(products(), max_size=2, unique_by=lambda product: (product.provider, product.id, product.version)))
def test_whatever_products_there_are_their_page_conforms_and_reads_the_same(drawn: list[Product]) -> None:
    graph = graph_of(*drawn)
    assert violations(graph) == ""
    assert set(graph.objects(CATALOG, DCAT.dataset)) == {node(product) for product in drawn}
    for form in Format:
        read = Graph().parse(data=write(graph, form), format=form.media_type)
        assert isomorphic(read, graph)
    for product in drawn:
        told = {
            DCTERMS.title: {Literal(product.title.zh, lang="zh"), Literal(product.title.en, lang="en")},
            DCAT.version: {Literal(product.version)},
        }
        for predicate, expected in told.items():
            assert set(graph.objects(node(product), predicate)) == expected


@pytest.mark.parametrize("name", ["market-registration", "social-insurance"])
def test_the_examples_are_told_in_full(name: str) -> None:
    product = load_product(EXAMPLES / f"{name}.toml")
    graph = graph_of(product)
    assert violations(graph) == ""
    dataset = node(product)
    assert (dataset, DCTERMS.accrualPeriodicity, AUTHORITY["frequency/NEVER"]) in graph
    assert (dataset, DCTERMS.accessRights, AUTHORITY["access-right/RESTRICTED"]) in graph
    assert (dataset, DCTERMS.rights, URIRef(f"{CATALOG}#grade-{product.grade}")) in graph
    assert product.theme is not None
    assert (dataset, DCAT.theme, URIRef(f"{CATALOG}#theme-{product.theme}")) in graph
    period = graph.value(dataset, DCTERMS.temporal)
    assert product.coverage is not None
    assert str(graph.value(period, DCAT.startDate)) == product.coverage.first_day.isoformat()
    publisher = graph.value(dataset, DCTERMS.publisher)
    assert product.publisher is not None
    assert Literal(product.publisher.zh, lang="zh") in set(graph.objects(publisher, FOAF.name))
    modes = {str(graph.value(each, DCAT.accessService)) for each in graph.objects(dataset, DCAT.distribution)}
    assert modes == {f"{CATALOG}#service-{mode}" for mode in product.delivery}


def test_the_shapes_do_find_what_is_missing() -> None:
    graph = graph_of(load_product(EXAMPLES / "social-insurance.toml"))
    product = node(load_product(EXAMPLES / "social-insurance.toml"))
    for predicate, value in (
        (DCTERMS.title, None),
        (DCTERMS.accrualPeriodicity, URIRef("https://elsewhere.example/often")),
        (DCTERMS.publisher, Literal("a name is no agent")),
    ):
        broken = Graph()
        for triple in graph:
            broken.add(triple)
        broken.remove((product, predicate, None))
        if value is not None:
            broken.add((product, predicate, value))
        assert "Violation" in violations(broken)


def test_important_data_is_not_public() -> None:
    product = load_product(EXAMPLES / "social-insurance.toml")
    important = {"grade": Grade.IMPORTANT, "delivery": (Delivery.ENCRYPTED,)}
    members = {name: getattr(product, name) for name in product.__struct_fields__}
    graph = graph_of(Product(**{**members, **important}))
    assert (node(product), DCTERMS.accessRights, AUTHORITY["access-right/NON_PUBLIC"]) in graph


def test_pages_put_together_are_one_catalog() -> None:
    one, other = (load_product(EXAMPLES / f"{name}.toml") for name in ("market-registration", "social-insurance"))
    first = graph_of(one, page=Page(f"{SITE}/catalog.ttl", f"{SITE}/catalog.ttl?cursor=x&limit=1", 2))
    second = graph_of(other, page=Page(f"{SITE}/catalog.ttl?cursor=x&limit=1", None, 2))
    data = write(first, Format.TURTLE) + write(second, Format.TURTLE)  # one after the other they are a document
    whole = Graph().parse(data=data, format="turtle")
    assert violations(whole) == ""
    assert set(whole.subjects(RDF.type, DCAT.Catalog)) == {CATALOG}
    assert set(whole.objects(CATALOG, DCAT.dataset)) == {node(one), node(other)}
    assert [str(each) for each in whole.objects(None, HYDRA.next)] == [f"{SITE}/catalog.ttl?cursor=x&limit=1"]


@given(products(), st.integers(0, 4_102_444_799_999), st.integers(0, 4_102_444_799_999))
@settings(max_examples=10, deadline=None)
def test_when_it_was_listed_and_changed_stands_in_the_form_of_the_shapes(
    product: Product, first: int, second: int
) -> None:
    dates = Dates(min(first, second), max(first, second))
    graph = page_graph(SITE, "operator", [product], PAGE, {(product.provider, product.id, product.version): dates})
    assert violations(graph) == ""
    for name, at in ((DCTERMS.issued, dates.issued), (DCTERMS.modified, dates.modified)):
        (told,) = graph.objects(node(product), name)
        assert isinstance(told, Literal)
        assert told.datatype == XSD.dateTime
        assert told.toPython() == datetime.fromtimestamp(at // 1000, UTC)
    assert not [*graph_of(product).objects(node(product), DCTERMS.issued)]  # where nobody knows


def test_an_empty_catalog_conforms() -> None:
    assert violations(graph_of()) == ""


@pytest.mark.parametrize("form", Format)
def test_the_same_page_has_the_same_bytes(form: Format) -> None:
    product = load_product(EXAMPLES / "social-insurance.toml")
    assert write(graph_of(product), form) == write(graph_of(product), form)
