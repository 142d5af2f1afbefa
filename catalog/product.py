"""A data product 数据产品: what a provider lists, and the rules it must meet to be listed."""

import re
from enum import StrEnum

import msgspec

from catalog.errors import ProductError, TextError
from catalog.field import Field, FieldType
from catalog.grade import Grade, highest
from catalog.text import Text, check_name

VERSION_CHARACTERS = 64

# Semantic Versioning 2.0.0, without the groups: https://semver.org
_NUMBER = "(?:0|[1-9][0-9]*)"
_PRERELEASE = f"(?:{_NUMBER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRERELEASE}(?:\.{_PRERELEASE})*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)


class ProductKind(StrEnum):
    """The form a product comes in 产品形态."""

    DATASET = "dataset"
    API = "api"
    REPORT = "report"
    MODEL = "model"
    SERVICE = "service"


class Delivery(StrEnum):
    """The way a consumer may use a product 交付方式."""

    ENCRYPTED = "encrypted"  # computed on under the consumer's key; no value leaves
    AGGREGATE = "aggregate"  # statistics under disclosure control
    API = "api"  # single values, on request
    FILE = "file"  # rows


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A product as it is listed. `provider` is the name of a party, `version` is semantic.

    `fields` stand in the order of the provider's table and hold exactly one key.
    """

    id: str
    title: Text
    provider: str
    kind: ProductKind
    version: str
    delivery: tuple[Delivery, ...]
    grade: Grade
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        """Raise `TextError` for names and version, `ProductError` for a rule of the parts together."""
        check_name(self.id, "a product's id")
        check_name(self.provider, "a provider's name")
        check_version(self.version)
        check_fields(self.fields)
        check_grade(self.grade, self.fields)
        check_delivery(self.delivery, self.grade)

    @property
    def key(self) -> Field:
        """The field that names the subject."""
        return next(field for field in self.fields if field.type is FieldType.KEY)


def check_version(version: str) -> None:
    """Return if the version is semantic; raise `TextError` if not."""
    if len(version) > VERSION_CHARACTERS or _VERSION.fullmatch(version) is None:
        raise TextError(
            f"a version must follow semver.org in at most {VERSION_CHARACTERS} characters, like 1.0.0; rewrite it"
        )


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


def check_delivery(delivery: tuple[Delivery, ...], grade: Grade) -> None:
    """Return if the modes are some, none twice, and allowed for the grade; raise `ProductError` if not."""
    if not delivery:
        raise ProductError("no delivery mode is given; name at least one")
    if len(set(delivery)) < len(delivery):
        raise ProductError("a delivery mode is given twice; keep one")
    if grade >= Grade.IMPORTANT and set(delivery) != {Delivery.ENCRYPTED}:
        raise ProductError(f"a product of grade {grade} is delivered encrypted only; remove the other modes")
