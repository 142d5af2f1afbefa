"""The listing gate: what a description lacks before its product can be listed, and why that matters to a reader.

A draft may lack all of this. What no description may be, `catalog.product` refuses at once: core data, for one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.delivery import Delivery, unlocked
from catalog.derivation import Derivation
from catalog.field import Field, FieldType
from catalog.grading import field_grade
from catalog.kind import PART_OF
from catalog.product import Product
from catalog.text import Text
from catalog.vocabulary import identifiers

_NEEDED = (
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
)


@dataclass(frozen=True)
class Gap:
    """A key of the description to fill in or correct, by its path, such as `fields.capital.unit`."""

    field: str
    rule: str
    """An identifier of the vocabulary `gap`, which holds the reason."""

    @property
    def why(self) -> Text:
        """Why it matters, in both languages."""
        return identifiers("gap")[self.rule]


def missing(product: Product) -> list[Gap]:
    """Give every gap between the description and one that can be listed, in the order of the description's keys.

    1. All that lets a reader find, judge and ask for the product is there.
    2. The part that its kind asks for is there.
    3. It lists only modes that are open for its grade and kind in this version.
    4. A number has a unit; a sensitive field has its least grade; what is computed on has a grid.
    5. Completeness and uniqueness were measured: both are counted from the table alone.
    6. Derived data that is graded otherwise than its sources says why.

    Whether the lineage's resources are valid and the sources' grades are true, only the marketplace knows.
    """
    return list(_gaps(product))


def _gaps(product: Product) -> Iterator[Gap]:
    for name in _NEEDED:  # 1
        if getattr(product, name) in {None, ()}:
            yield Gap(name, name)
    part = PART_OF.get(product.kind)
    if part is not None and not getattr(product, part):  # 2
        yield Gap(part, part)
    for mode in unlocked(product.grade, product.kind):  # 3
        if mode.delivery in product.delivery and not mode.is_open:
            yield from (Gap(f"delivery.{mode.delivery}", f"delivery_{lock}") for lock in mode.locks)
    for field in product.fields:  # 4
        yield from _field_gaps(field, product)
    if Delivery.ENCRYPTED in product.delivery and not any(field.grid for field in product.fields):
        yield Gap("fields", "no_grid")
    if product.quality is not None:  # 5
        measured = {"completeness": product.quality.completeness, "uniqueness": product.quality.uniqueness}
        yield from (Gap(f"quality.{name}", name) for name, share in measured.items() if share is None)
    if product.derivation is not None and _is_unexplained(product.derivation, product):  # 6
        yield Gap("derivation.reason", "derivation_reason")


def _field_gaps(field: Field, product: Product) -> Iterator[Gap]:
    if field.type in {FieldType.INTEGER, FieldType.DECIMAL} and field.unit is None:
        yield Gap(f"fields.{field.name}.unit", "unit")
    least = field_grade(field)
    if field.grade < least:
        yield Gap(f"fields.{field.name}.grade", "sensitive_grade")
    if product.grade < least:
        yield Gap("grade", "sensitive_grade")


def _is_unexplained(derivation: Derivation, product: Product) -> bool:
    return derivation.reason is None and product.grade is not derivation.basis
