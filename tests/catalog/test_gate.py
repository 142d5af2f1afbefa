"""The listing gate, beginning from a product that passes it."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from catalog.delivery import Delivery
from catalog.derivation import Derivation, Method, Source
from catalog.description import load_product
from catalog.errors import ProductError, TextError
from catalog.gate import missing
from catalog.grade import Grade
from catalog.kind import MAX_OPERATIONS, Algorithm, FileType, Operation, ProductKind, Report, ServiceLevel
from catalog.product import Product
from catalog.quality import Quality
from catalog.text import Text
from catalog.vocabulary import identifiers

EXAMPLES = Path(__file__).parents[2] / "examples" / "sba"
FULL = load_product(EXAMPLES / "social-insurance.toml")
WORDS = Text(zh="说明", en="words")
QUERY = Operation(name="query", meaning=WORDS, inputs=("uscc",), outputs=("employees",))
PARTS: dict[ProductKind, dict[str, Any]] = {
    ProductKind.DATASET: {},
    ProductKind.API: {"operations": (QUERY,)},
    ProductKind.REPORT: {"report": Report(file_type=FileType.PDF, issue=WORDS), "delivery": (Delivery.AGGREGATE,)},
    ProductKind.MODEL: {
        "algorithm": Algorithm(name=WORDS, version="1.2.0", inputs=("employees", "jobs_created"), output=WORDS)
    },
    ProductKind.SERVICE: {"service": ServiceLevel(scope=WORDS, response_days=5)},
}


def changed(product: Product = FULL, **parts: Any) -> Product:
    return msgspec.structs.replace(product, **parts)


def told(product: Product) -> list[tuple[str, str]]:
    return [(gap.field, gap.rule) for gap in missing(product)]


def fields(**changes: Any) -> dict[str, Any]:
    """The fields, with the one of employees changed."""
    return {
        "fields": tuple(msgspec.structs.replace(f, **changes) if f.name == "employees" else f for f in FULL.fields)
    }


def derived(grade: Grade, reason: Text | None = None) -> Derivation:
    source = Source(provider="tax", product="income", version="1.0.0", grade=grade)
    return Derivation(method=Method.LABELLED, sources=(source,), reason=reason)


@pytest.mark.parametrize("kind", ProductKind)
def test_a_full_description_of_each_kind_has_no_gap(kind: ProductKind) -> None:
    assert missing(changed(kind=kind, **PARTS[kind])) == []


@pytest.mark.parametrize(
    "name",
    [
        "theme",
        "summary",
        "publisher",
        "contact",
        "coverage",
        "refresh",
        "history_months",
        "quality",
        "sample",
        "lineage",
        "price",
    ],
)
def test_each_part_is_missed(name: str) -> None:
    gap = missing(changed(**{name: () if name == "lineage" else None}))
    assert [(each.field, each.rule) for each in gap] == [(name, name)]
    assert gap[0].why == identifiers("gap")[name]


def test_zero_is_a_history() -> None:
    assert missing(changed(history_months=0, rows=0)) == []


@pytest.mark.parametrize("kind", [kind for kind in ProductKind if kind is not ProductKind.DATASET])
def test_each_kind_misses_its_own_part(kind: ProductKind) -> None:
    delivery = PARTS[kind].get("delivery", FULL.delivery)
    part = next(iter(PARTS[kind]))
    assert told(changed(kind=kind, delivery=delivery)) == [(part, part)]
    with pytest.raises(ProductError, match=f"{part} describes products of kind {kind}, not dataset"):
        changed(**{part: PARTS[kind][part]})


@pytest.mark.parametrize(
    ("delivery", "kind", "gaps"),
    [
        (Delivery.FILE, ProductKind.DATASET, ["delivery_not_enforced"]),
        (Delivery.API, ProductKind.DATASET, ["delivery_kind", "delivery_not_enforced"]),
        (Delivery.ENCRYPTED, ProductKind.REPORT, ["delivery_kind"]),
    ],
)
def test_a_locked_mode_is_a_gap(delivery: Delivery, kind: ProductKind, gaps: list[str]) -> None:
    low = tuple(msgspec.structs.replace(field, grade=Grade.GENERAL_1) for field in FULL.fields)
    parts = PARTS[kind] | {"fields": low, "grade": Grade.GENERAL_1, "delivery": (delivery,)}
    assert told(changed(kind=kind, **parts)) == [(f"delivery.{delivery}", rule) for rule in gaps]


def test_a_grade_that_is_raised_locks_a_mode() -> None:
    with pytest.raises(ProductError, match="grade important is not delivered as aggregate"):
        changed(grade=Grade.IMPORTANT)
    assert missing(changed(grade=Grade.IMPORTANT, delivery=(Delivery.ENCRYPTED,))) == []


def test_a_number_has_a_unit() -> None:
    assert told(changed(**fields(unit=None))) == [("fields.employees.unit", "unit")]


def test_a_sensitive_field_has_its_least_grade() -> None:
    low = told(changed(**fields(sensitive=True)))
    assert low == [("fields.employees.grade", "sensitive_grade"), ("grade", "sensitive_grade")]
    high = changed(grade=Grade.GENERAL_4, **fields(sensitive=True, grade=Grade.GENERAL_4))
    assert missing(high) == []


def test_what_is_computed_on_has_a_grid() -> None:
    bare = tuple(msgspec.structs.replace(field, grid=None) for field in FULL.fields)
    assert told(changed(fields=bare)) == [("fields", "no_grid")]
    assert told(changed(fields=bare, delivery=(Delivery.AGGREGATE,))) == []


def test_what_can_be_counted_was_measured() -> None:
    poor = Quality(measured=date(2026, 1, 1), accuracy="0.9")
    assert told(changed(quality=poor)) == [
        ("quality.completeness", "completeness"),
        ("quality.uniqueness", "uniqueness"),
    ]


@pytest.mark.parametrize("grade", [grade for grade in Grade if grade is not Grade.CORE])
def test_another_grade_than_the_sources_is_explained(grade: Grade) -> None:
    gaps = told(changed(derivation=derived(grade)))
    assert gaps == ([] if grade is FULL.grade else [("derivation.reason", "derivation_reason")])
    assert missing(changed(derivation=derived(grade, WORDS))) == []


def test_what_comes_of_important_data_is_assessed() -> None:
    assert not FULL.needs_assessment
    assert changed(derivation=derived(Grade.IMPORTANT)).needs_assessment
    assert changed(grade=Grade.IMPORTANT, delivery=(Delivery.ENCRYPTED,)).needs_assessment


def test_nothing_comes_of_core_data() -> None:
    with pytest.raises(ProductError, match="derived from core data"):
        derived(Grade.CORE)


def test_sources_are_some_and_each_once() -> None:
    source = derived(Grade.GENERAL_1).sources[0]
    for sources in ((), (source, source), (source,) * 33):
        with pytest.raises(ProductError, match="source"):
            Derivation(method=Method.FUSED, sources=sources)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"operations": (QUERY, QUERY)}, "query are described more than once"),
        ({"operations": (QUERY,) * (MAX_OPERATIONS + 1)}, "split the API"),
        ({"operations": (msgspec.structs.replace(QUERY, outputs=("income",)),)}, "income is no field"),
    ],
)
def test_operations_are_about_the_fields(parts: dict[str, Any], problem: str) -> None:
    with pytest.raises(ProductError, match=problem):
        changed(kind=ProductKind.API, **parts)


def test_parts_of_kinds_are_whole() -> None:
    with pytest.raises(ProductError, match="go in and those that come out"):
        Operation(name="query", meaning=WORDS, inputs=(), outputs=("employees",))
    with pytest.raises(TextError, match="an operation's name"):
        Operation(name="Query", meaning=WORDS, inputs=("uscc",), outputs=("employees",))
    with pytest.raises(TextError, match="semver"):
        Algorithm(name=WORDS, version="2", inputs=("employees",), output=WORDS)
    with pytest.raises(ProductError, match="reads no field"):
        Algorithm(name=WORDS, version="2.0.0", inputs=(), output=WORDS)
    with pytest.raises(ProductError, match="working days"):
        ServiceLevel(scope=WORDS, response_days=0)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"rows": -1}, "rows is -1"),
        ({"history_months": -1}, "history_months is -1"),
        ({"history_months": 1201}, "history_months is 1201"),
        ({"lineage": ("A-0001", "A-0001")}, "named twice"),
        ({"lineage": tuple(f"A-{i:04}" for i in range(65))}, "at most 64"),
    ],
)
def test_numbers_and_lineage_can_be_true(parts: dict[str, Any], problem: str) -> None:
    with pytest.raises(ProductError, match=problem):
        changed(**parts)


@pytest.mark.parametrize(
    ("product", "source"),
    [("market-registration", "market_regulation"), ("social-insurance", "social_security")],
)
def test_the_examples_are_full_and_their_figures_are_counted(product: str, source: str) -> None:
    described = load_product(EXAMPLES / f"{product}.toml")
    assert missing(described) == []
    with (EXAMPLES / f"{source}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    lacking = sum(value in {"", "unknown", "undefined", "000000"} for row in rows for value in row)
    assert described.rows == len(rows)
    assert described.quality is not None
    assert described.quality.completeness is not None
    assert abs(float(described.quality.completeness) - (1 - lacking / len(rows) / len(rows[0]))) < 1e-6
    assert described.quality.uniqueness == "1"
    assert len({row[0] for row in rows}) == len(rows)
