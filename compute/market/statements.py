"""Monthly statements 对账单: what one provider is owed under one contract for what the log says was used."""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta

from catalog.price import Plan
from compute.canonical import Bytes32, Date, Hex32, Message, Milliseconds, Name, Prose, Version
from compute.market.count import Count
from compute.market.money import Fen, Month

Item = Literal["uses", "month", "agreed_amount", "excess"]
"""What a line is about: uses each by itself, a month of them, the amount of the whole term, uses beyond a cap."""


class ChargeReason(StrEnum):
    """Why a line is charged less than its price, or nothing 计费说明."""

    PUBLIC_GOVERNANCE = "public_governance"
    PUBLIC_WELFARE = "public_welfare"
    FREE_PLAN = "free_plan"
    OVER_CEILING = "over_ceiling"  # the price is cut to the authority's ceiling
    NO_MANDATE = "no_mandate"  # public data without a mandate in force: no fee may be taken
    NO_CEILING = "no_ceiling"  # the mandate sets none for this price: no fee may be taken either
    REVENUE_CAP = "revenue_cap"  # the year's permitted revenue would be passed
    OVER_CAP = "over_cap"  # uses beyond the month's cap, for which no price was agreed
    OVER_MAX_USES = "over_max_uses"  # uses beyond what the contract allows
    CHARGED_BEFORE = "charged_before"  # the amount of the whole term was charged in its first month
    NOT_IN_FORCE = "not_in_force"  # the contract was not in force in this month
    WAIVED = "waived"  # given up after a dispute


class DisputeReason(StrEnum):
    """What is wrong with a statement 对账异议事由."""

    USES = "uses"
    PRICE = "price"
    CEILING = "ceiling"
    FREE_OF_CHARGE = "free_of_charge"
    OTHER = "other"


class StatementLine(Message, frozen=True):
    """A line of a statement; its amount is the unit price times the uses, of a month or term the price, or 0."""

    item: Item
    plan: Plan
    uses: Count
    unit_price_fen: Fen
    cap_uses: Count | None
    ceiling_fen: Fen | None
    amount_fen: Fen
    reason: ChargeReason | None


class Statement(Message, frozen=True):
    """A version of a statement. The log has its SHA-256; the salt keeps amounts from being found by trying."""

    statement: Name
    version: Annotated[int, Meta(ge=1, le=1000)]
    contract: Name
    consumer: Name
    provider: Name
    product: Name
    product_version: Version
    month: Month
    mandate: Name | None
    uses: Count
    """Counted up to the month's end and on no earlier statement."""
    unmatched: Count
    """Uses up to the month's end, at this provider, of which the log lacks the consumer's own half."""
    carried: Count
    """Uses on earlier statements given back since, beyond this month's own: later ones make up for it."""
    lines: Annotated[tuple[StatementLine, ...], Meta(min_length=1, max_length=8)]
    total_fen: Fen
    issued_at: Milliseconds
    due: Date
    """The last day to confirm or dispute."""
    note: Prose | None
    """Why it was corrected."""
    salt: Bytes32

    def __post_init__(self) -> None:
        if sum(line.amount_fen for line in self.lines) != self.total_fen:
            raise ValueError("the total is not the sum of the lines; add them up")


class StatementRead(Message, frozen=True):
    """The version that is confirmed: the SHA-256 of it as the party read it."""

    digest: Hex32


class StatementDispute(Message, frozen=True):
    """What a party says is wrong with the version that it read."""

    digest: Hex32
    reason: DisputeReason
    text: Prose


class StatementCorrection(Message, frozen=True):
    """The answer to a dispute: the statement is counted anew from the log, and so many uses are given up."""

    digest: Hex32
    note: Prose
    waived_uses: Count = 0
    waives_all: bool = False


class StatementRecord(Message, frozen=True):
    """A version of a statement with what became of it."""

    statement: Statement
    digest: Hex32
    state: str
    confirmed: tuple[Name, ...]
    disputed_by: Name | None
    dispute_reason: DisputeReason | None
    dispute_text: Prose | None


class Statements(Message, frozen=True):
    """A page of statements, the latest month first."""

    items: tuple[StatementRecord, ...]
    next: str | None
