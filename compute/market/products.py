"""Versions of products: drafts, what the listing gate says of them, their review, and what is on offer."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from compute.canonical import Date, Hex32, Line, Message, Milliseconds, Name, Prose, Version
from compute.market.count import Count
from compute.market.product_search import Bilingual


class CatalogEntry(Message, frozen=True):
    """A version of a product, with its provider's own text of it."""

    provider: Name
    product: Name
    version: Version
    state: str
    digest: Hex32
    """SHA-256 of the description."""
    description: str
    """TOML, as the provider wrote it."""

    @property
    def revision(self) -> str:
        """What its editor names in If-Match."""
        return self.digest


class GapRecord(Message, frozen=True):
    """A key of a description that keeps it from being listed."""

    field: str
    """Its path, such as fields.capital.unit."""
    rule: str
    why: Bilingual


class GradeReason(Message, frozen=True):
    """What asks for the suggested grade: a field, a sensitive field, or a source."""

    rule: str
    about: str
    why: Bilingual


class ModeRecord(Message, frozen=True):
    """A delivery mode, and what locks it; open if nothing does."""

    delivery: str
    locks: tuple[Bilingual, ...]


class DescriptionCheck(Message, frozen=True):
    """What the listing gate says of a description."""

    gaps: tuple[GapRecord, ...]
    suggested_grade: str
    grade_reasons: tuple[GradeReason, ...]
    modes: tuple[ModeRecord, ...]


class Conclusion(StrEnum):
    """What a risk assessment found; what is not acceptable is not submitted."""

    ACCEPTABLE = "acceptable"
    ACCEPTABLE_WITH_MEASURES = "acceptable_with_measures"


class RiskAssessment(Message, frozen=True):
    """The assessment that comes before listing important data, as the provider has it in its files."""

    reference: Line
    day: Date
    conclusion: Conclusion
    measures: Prose | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for measures that the conclusion asks for and that are not told."""
        if self.conclusion is Conclusion.ACCEPTABLE_WITH_MEASURES and self.measures is None:
            raise ValueError("the conclusion asks for measures; say which")


class Submission(Message, frozen=True):
    """A draft, as its provider read it, for review."""

    digest: Hex32
    assessment: RiskAssessment | None = None


class Review(StrEnum):
    """The two reviews that every submission passes."""

    COMPLIANCE = "compliance"
    QUALITY = "quality"


class Outcome(StrEnum):
    """What a review comes to. Returned can be corrected, rejected is final."""

    PASSED = "passed"
    RETURNED = "returned"
    REJECTED = "rejected"


class ReviewReason(StrEnum):
    """Why a submission does not pass."""

    INCOMPLETE = "incomplete"
    GRADING = "grading"
    LINEAGE = "lineage"
    LEGAL_BASIS = "legal_basis"
    SAMPLE = "sample"
    QUALITY = "quality"
    PRICE = "price"
    OTHER = "other"


class ReviewDecision(Message, frozen=True):
    """What a reviewer decided about the description with this digest."""

    review: Review
    outcome: Outcome
    digest: Hex32
    reason: ReviewReason | None = None
    remark: Prose | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for an outcome without its reason, or a reason without its words."""
        if (self.outcome is Outcome.PASSED) is not (self.reason is None):
            raise ValueError("give a reason if it does not pass, and none if it does")
        if self.outcome is not Outcome.PASSED and self.remark is None:
            raise ValueError("say in a remark what the provider has to know")


class StopReason(StrEnum):
    """Why a version is suspended or delisted."""

    SECURITY = "security"
    DISPUTE = "dispute"
    QUALITY = "quality"
    LEGAL = "legal"
    RESOURCE = "resource"
    SOURCE = "source"
    REPLACED = "replaced"
    DISCONTINUED = "discontinued"
    OTHER = "other"


class ProductStop(Message, frozen=True):
    """Why a version is suspended or delisted; the remark is for its provider and the operator."""

    reason: StopReason
    remark: Prose | None = None


class ProductStep(Message, frozen=True):
    """One step of a version's life."""

    number: Count
    move: str
    organisation: Name
    at: Milliseconds
    review: str | None = None
    reason: str | None = None
    remark: str | None = None
    assessment: RiskAssessment | None = None


class ProductRecord(Message, frozen=True):
    """A version as its provider and the operator see it: with what the gate says of it, and how it came about."""

    entry: CatalogEntry
    check: DescriptionCheck
    steps: tuple[ProductStep, ...]

    @property
    def revision(self) -> str:
        """What its editor names in If-Match."""
        return self.entry.digest


class ProductSummary(Message, frozen=True):
    """A version in a list."""

    provider: Name
    product: Name
    version: Version
    state: str
    digest: Hex32
    title: Bilingual
    grade: str


class ProductPage(Message, frozen=True):
    """Versions by provider, product and version."""

    items: Annotated[tuple[ProductSummary, ...], Meta(max_length=100)]
    next: str | None
    """The cursor of the next page, if there is one."""
