"""Mandates of public data 公共数据授权运营: what an authority lets the operator charge for whose data."""

from typing import Annotated

from msgspec import Meta

from catalog.price import MAX_FEN, Plan
from catalog.theme import Theme
from compute.canonical import Date, Line, Message, Milliseconds, Name, Prose
from compute.market.money import Fen


class ProductName(Message, frozen=True):
    """A product, in all its versions."""

    provider: Name
    product: Name


class Ceiling(Message, frozen=True):
    """The highest price 上限收费标准 by a plan: of a product, of a theme, or of all others."""

    plan: Plan
    amount_fen: Annotated[int, Meta(ge=0, le=MAX_FEN, description=f"whole fen, 0 to {MAX_FEN}")]
    theme: Theme | None = None
    product: ProductName | None = None

    def __post_init__(self) -> None:
        if self.plan is Plan.FREE:
            raise ValueError("what is free has no ceiling; name another plan")
        if self.theme is not None and self.product is not None:
            raise ValueError("a ceiling is of a theme or of a product; write one for each")


class MandateRequest(Message, frozen=True):
    """A mandate to enter, under the authority's own name for it."""

    mandate: Name
    operator: Name
    providers: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=256)]
    """The departments whose data it is about."""
    document: Line
    """The number of the authority's decision 文号."""
    begins: Date
    ends: Date
    """The last day, in Asia/Shanghai as the first."""
    ceilings: Annotated[tuple[Ceiling, ...], Meta(max_length=256)]
    revenue_cap_fen: Fen
    """最高准许收入 of all fees under it in one calendar year."""

    def __post_init__(self) -> None:
        if self.begins > self.ends:
            raise ValueError("the mandate ends before it begins; choose a later end")
        if len(set(self.providers)) < len(self.providers):
            raise ValueError("a provider is named twice; name each once")
        scopes = [(each.plan, each.theme, each.product) for each in self.ceilings]
        if len(set(scopes)) < len(scopes):
            raise ValueError("two ceilings are about the same; keep one of each")


class MandateEnd(Message, frozen=True):
    """Why a mandate ends before its time."""

    reason: Prose


class MandateRecord(Message, frozen=True):
    """A mandate as the marketplace keeps it; it is public, as its ceilings have to be."""

    mandate: MandateRequest
    authority: Name
    state: str
    entered_at: Milliseconds
    ended_at: Milliseconds | None
    end_reason: Prose | None


class Mandates(Message, frozen=True):
    """A page of mandates, by name."""

    items: tuple[MandateRecord, ...]
    next: str | None


class MandateRevenue(Message, frozen=True):
    """What was charged under a mandate in a calendar year, of how much it may be."""

    mandate: Name
    year: Annotated[int, Meta(ge=2000, le=2099)]
    charged_fen: Fen
    revenue_cap_fen: Fen
