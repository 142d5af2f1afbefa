"""The demand board 需求发布与应答: what somebody needs, what matches it, and who answers."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from catalog.field import FieldType
from catalog.theme import Theme
from compute.canonical import Date, Hex32, Line, Message, Milliseconds, Name, Prose, Version
from compute.market.count import Count
from compute.market.money import Fen
from compute.records import PartyKind
from compute.terms import Purpose


class CloseReason(StrEnum):
    """Why a demand is closed 需求关闭事由."""

    SATISFIED = "satisfied"
    WITHDRAWN = "withdrawn"
    IMPROPER = "improper"  # by the operator
    OTHER = "other"


class WantedField(Message, frozen=True):
    """A field that is wanted, in the words of who needs it."""

    words: Line
    field_type: FieldType | None = None


class DemandRequest(Message, frozen=True):
    """What somebody needs."""

    title: Line
    description: Prose
    fields: Annotated[tuple[WantedField, ...], Meta(min_length=1, max_length=32)]
    purpose: Purpose
    until: Date
    """The last day on which answers are wanted, in Asia/Shanghai."""
    theme: Theme | None = None
    budget_fen: Fen | None = None
    audience: Annotated[tuple[PartyKind, ...], Meta(max_length=16)] = ()
    """The kinds of organisations that see it; empty for all that take part."""

    def __post_init__(self) -> None:
        words = [each.words for each in self.fields]
        if len(set(words)) < len(words):
            raise ValueError("a field is wanted twice; name each once")


class DemandRecord(Message, frozen=True):
    """A demand as its reader sees it."""

    demand: Name
    poster: Name
    state: str
    wanted: DemandRequest
    changed_at: Milliseconds
    followers: Count
    is_followed: bool
    """By the reader."""
    close_reason: CloseReason | None
    revision: Hex32
    """SHA-256 of what is wanted, for an edit of the draft."""


class Demands(Message, frozen=True):
    """A page of demands, the newest first."""

    items: tuple[DemandRecord, ...]
    next: str | None


class ResponseRequest(Message, frozen=True):
    """An answer to a demand: a version of one's own listed product, a text, or both."""

    product: Name | None = None
    product_version: Version | None = None
    text: Prose | None = None

    def __post_init__(self) -> None:
        if (self.product is None) != (self.product_version is None):
            raise ValueError("a product is named by its name and its version; give both")
        if self.product is None and self.text is None:
            raise ValueError("there is neither a product nor a text; give one")


class Response(Message, frozen=True):
    """An answer as it was given; `number` counts the demand's answers, from 1."""

    number: Count
    by: Name
    at: Milliseconds
    answer: ResponseRequest


class Responses(Message, frozen=True):
    """All answers to a demand, in their order."""

    items: tuple[Response, ...]


class DemandClose(Message, frozen=True):
    """Why a demand is closed, and which answer it was, if one was."""

    reason: CloseReason
    response: Count | None = None


class FieldMatch(Message, frozen=True):
    """A wanted field, the field of a product that fits it best, and why."""

    wanted: Line
    field: Name
    permille: Annotated[int, Meta(ge=0, le=1000)]
    """How much of what is wanted in the field's own words, half for words of the product's title."""
    terms: tuple[str, ...]
    """The words and pairs of characters that are in both."""
    type_fits: bool | None
    """None if any type will do; a score with a wrong type is halved."""


class Match(Message, frozen=True):
    """A listed product that has fields like those wanted; `permille` is the mean of all wanted fields."""

    provider: Name
    product: Name
    version: Version
    title_zh: str
    title_en: str
    permille: Annotated[int, Meta(ge=0, le=1000)]
    fields: tuple[FieldMatch, ...]


class Matches(Message, frozen=True):
    """The products that match best, the best first."""

    items: tuple[Match, ...]
