"""Data derived from other products 衍生数据, which is graded again from its sources (GB/T 43697-2024, annex I)."""

from enum import StrEnum

import msgspec

from catalog.errors import ProductError
from catalog.grade import Grade, highest
from catalog.text import Text, check_name, check_version

MAX_SOURCES = 32


class Method(StrEnum):
    """How data was derived; annex I tells these four apart, for each may raise or lower the grade."""

    REDACTED = "redacted"  # 脱敏数据: may be lower
    LABELLED = "labelled"  # 标签数据: may be lower
    STATISTICS = "statistics"  # 统计数据: higher where it shows the traits or movements of large groups
    FUSED = (
        "fused"  # 融合数据: higher where more is joined or more can be inferred, lower where less is identified
    )


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A version of a product that this one was derived from, and its grade."""

    provider: str
    product: str
    version: str
    grade: Grade

    def __post_init__(self) -> None:
        """Raise `TextError` for names and version, `ProductError` for core data."""
        check_name(self.provider, "a provider's name")
        check_name(self.product, "a product's id")
        check_version(self.version)
        if self.grade is Grade.CORE:
            raise ProductError("what is derived from core data is not listed here; ask the competent authority")


class Derivation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The sources, the method, and why the product's grade is another than its sources' highest, if it is."""

    method: Method
    sources: tuple[Source, ...]
    reason: Text | None = None

    def __post_init__(self) -> None:
        """Raise `ProductError` if there is no source, too many, or one twice."""
        if not 1 <= len(self.sources) <= MAX_SOURCES:
            raise ProductError(f"{len(self.sources)} sources are named; give 1 to {MAX_SOURCES}")
        keys = [(source.provider, source.product, source.version) for source in self.sources]
        if len(set(keys)) < len(keys):
            raise ProductError("a source is named twice; keep one")

    @property
    def basis(self) -> Grade:
        """The grade to begin from: the sources' highest."""
        return highest(source.grade for source in self.sources)
