"""A data product 数据产品: what a provider describes, and the rules that its parts must meet together.

What a description may leave out while it is a draft, and must have to be listed, `catalog.gate` tells.
"""

import msgspec

from catalog.contact import Contact
from catalog.coverage import Coverage
from catalog.delivery import Delivery, check_delivery
from catalog.derivation import Derivation
from catalog.errors import ProductError
from catalog.field import Field, FieldType
from catalog.grade import Grade, highest
from catalog.kind import PART_OF, Algorithm, Operation, ProductKind, Report, ServiceLevel, check_operations
from catalog.price import Price
from catalog.quality import Quality
from catalog.registration import check_registration_code
from catalog.sample import Sample, check_sample
from catalog.text import Summary, Text, check_name, check_version
from catalog.theme import Refresh, Theme

MAX_HISTORY_MONTHS = 1200
MAX_LINEAGE = 64


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A product as it is listed. `provider` is the name of a party, `version` is semantic.

    `fields` stand in the order of the provider's table and hold exactly one key. `rows` is how many there are,
    `history_months` how far back they reach, `lineage` the registrar's numbers of the resources they come from,
    `derivation` the products they were derived from, if any. Of `operations`, `report`, `algorithm` and
    `service` a product has the one of its kind.
    """

    id: str
    title: Text
    provider: str
    kind: ProductKind
    version: str
    delivery: tuple[Delivery, ...]
    grade: Grade
    fields: tuple[Field, ...]
    theme: Theme | None = None
    summary: Summary | None = None
    publisher: Text | None = None
    contact: Contact | None = None
    coverage: Coverage | None = None
    refresh: Refresh | None = None
    history_months: int | None = None
    rows: int | None = None
    quality: Quality | None = None
    sample: Sample | None = None
    lineage: tuple[str, ...] = ()
    derivation: Derivation | None = None
    price: Price | None = None
    operations: tuple[Operation, ...] = ()
    report: Report | None = None
    algorithm: Algorithm | None = None
    service: ServiceLevel | None = None

    def __post_init__(self) -> None:
        """Raise `TextError` for names and version, `ProductError` for a rule of the parts together."""
        check_name(self.id, "a product's id")
        check_name(self.provider, "a provider's name")
        check_version(self.version)
        check_fields(self.fields)
        check_grade(self.grade, self.fields)
        check_delivery(self.delivery, self.grade)
        check_parts(self)
        check_numbers(self)
        check_lineage(self.lineage)
        if self.sample is not None:
            check_sample(self.sample, self.fields)

    @property
    def key(self) -> Field:
        """The field that names the subject."""
        return next(field for field in self.fields if field.type is FieldType.KEY)

    @property
    def needs_assessment(self) -> bool:
        """Whether a risk assessment comes before listing: it holds important data, or is derived from some."""
        sources = () if self.derivation is None else self.derivation.sources
        return Grade.IMPORTANT in {self.grade, *(source.grade for source in sources)}


def check_fields(fields: tuple[Field, ...]) -> None:
    """Return if there is exactly one key, a field besides it, and no name twice; raise `ProductError` if not."""
    names = [field.name for field in fields]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ProductError(f"fields {', '.join(repeated)} are described more than once; keep one of each")
    keys = sum(field.type is FieldType.KEY for field in fields)
    if keys != 1:
        raise ProductError(f"{keys} fields are of type key; describe exactly one")
    if len(fields) == 1:
        raise ProductError("the key is the only field; describe at least one that a consumer can use")


def check_grade(grade: Grade, fields: tuple[Field, ...]) -> None:
    """Return if the grade is at least its fields' highest and may be listed; raise `ProductError` if not."""
    least = highest(field.grade for field in fields)
    if Grade.CORE in {grade, least}:
        raise ProductError("core data can never be listed; remove the fields of grade core")
    if grade < least:
        raise ProductError(f"the product's grade {grade} is below a field's; raise it to {least}")


def check_parts(product: Product) -> None:
    """Return if only the kind's own part is there and names fields of the product; else raise `ProductError`."""
    for kind, part in PART_OF.items():
        if getattr(product, part) and kind is not product.kind:
            raise ProductError(f"{part} describes products of kind {kind}, not {product.kind}; remove it")
    check_operations(product.operations)
    named = {name for each in product.operations for name in (*each.inputs, *each.outputs)}
    named.update(() if product.algorithm is None else product.algorithm.inputs)
    if unknown := sorted(named - {field.name for field in product.fields}):
        raise ProductError(f"{', '.join(unknown)} is no field of the product; describe it or name another")


def check_numbers(product: Product) -> None:
    """Return if rows and months can be true; raise `ProductError` if not."""
    if product.rows is not None and not 0 <= product.rows < 2**53:
        raise ProductError(f"rows is {product.rows}; give how many there are")
    if product.history_months is not None and not 0 <= product.history_months <= MAX_HISTORY_MONTHS:
        raise ProductError(f"history_months is {product.history_months}; give 0 to {MAX_HISTORY_MONTHS}")


def check_lineage(lineage: tuple[str, ...]) -> None:
    """Return if these are registrars' numbers, none twice; raise `TextError` or `ProductError` if not."""
    for code in lineage:
        check_registration_code(code)
    if len(lineage) > MAX_LINEAGE:
        raise ProductError(f"{len(lineage)} resources are named; at most {MAX_LINEAGE}")
    if len(set(lineage)) < len(lineage):
        raise ProductError("a resource is named twice in the lineage; keep one")
