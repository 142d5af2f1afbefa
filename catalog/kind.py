"""The five kinds of products, and what each is described by beside its fields."""

from enum import StrEnum

import msgspec

from catalog.errors import ProductError
from catalog.text import Text, check_name, check_version

MAX_OPERATIONS = 32
MAX_RESPONSE_DAYS = 366


class ProductKind(StrEnum):
    """The form a product comes in 产品形态."""

    DATASET = "dataset"
    API = "api"
    REPORT = "report"
    MODEL = "model"
    SERVICE = "service"


class FileType(StrEnum):
    """What a report is written in."""

    PDF = "pdf"
    OFD = "ofd"  # GB/T 33190
    DOCX = "docx"
    XLSX = "xlsx"
    CSV = "csv"


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One operation of an API: fields that a caller gives, and fields that it gets."""

    name: str
    meaning: Text
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise `TextError` for the name, `ProductError` if nothing goes in or out."""
        check_name(self.name, "an operation's name")
        if not self.inputs or not self.outputs:
            raise ProductError(f"operation {self.name}: name the fields that go in and those that come out")


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A report's file type, and the issue that this version is, such as 2026年第三季度."""

    file_type: FileType
    issue: Text


class Algorithm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model's algorithm in a semantic version, the fields that it reads, and what its output says."""

    name: Text
    version: str
    inputs: tuple[str, ...]
    output: Text

    def __post_init__(self) -> None:
        """Raise `TextError` for the version, `ProductError` if it reads nothing."""
        check_version(self.version)
        if not self.inputs:
            raise ProductError("the algorithm reads no field; name its inputs")


class ServiceLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a service does for its consumer, and within how many working days."""

    scope: Text
    response_days: int

    def __post_init__(self) -> None:
        """Raise `ProductError` for a number of days that is none."""
        if not 1 <= self.response_days <= MAX_RESPONSE_DAYS:
            raise ProductError(
                f"response_days is {self.response_days}; give 1 to {MAX_RESPONSE_DAYS} working days"
            )


PART_OF = {
    ProductKind.API: "operations",
    ProductKind.REPORT: "report",
    ProductKind.MODEL: "algorithm",
    ProductKind.SERVICE: "service",
}
"""The attribute of a product that its kind asks for; a data set is its fields."""


def check_operations(operations: tuple[Operation, ...]) -> None:
    """Return if there are not too many and no name stands twice; raise `ProductError` if not."""
    if len(operations) > MAX_OPERATIONS:
        raise ProductError(f"{len(operations)} operations are described, {MAX_OPERATIONS} at most; split the API")
    names = [operation.name for operation in operations]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ProductError(f"operations {', '.join(repeated)} are described more than once; keep one of each")
