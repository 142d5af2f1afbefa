"""What was agreed about the price of one provider's part of a contract."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from catalog.price import MAX_FEN, Plan
from compute.canonical import Bytes32, Hex32, Message, Milliseconds, Name, Version
from compute.market.count import Count
from compute.market.money import Fen


class FreeReason(StrEnum):
    """Why nothing is charged whatever is used 免费事由."""

    PUBLIC_GOVERNANCE = "public_governance"  # 公共治理, 发改价格〔2025〕65号
    PUBLIC_WELFARE = "public_welfare"  # 公益事业, likewise
    FREE_PLAN = "free_plan"  # the provider asks nothing


class PriceAgreement(Message, frozen=True):
    """The price of one grant, as it stood when the contract was drafted; it never changes.

    The log has its SHA-256. The salt keeps amounts, of which there are few, from being found by trying.
    """

    contract: Name
    provider: Name
    product: Name
    product_version: Version
    plan: Plan
    amount_fen: Fen | None
    """Of one use, one month, or the whole term, by the plan."""
    cap_uses: Count | None
    """Of one month, where the plan has one."""
    max_uses: Count
    """Of the contract: no more are ever charged."""
    free: FreeReason | None
    mandate: Name | None
    """The mandate that the fee is taken under, if the provider's data are under one."""
    agreed_at: Milliseconds
    salt: Bytes32


class PriceOffer(Message, frozen=True):
    """What a provider offers its part of an application for; the log has its SHA-256, salted likewise."""

    contract: Name
    provider: Name
    amount_fen: Fen
    salt: Bytes32


class PriceOfferRequest(Message, frozen=True):
    """What a provider asks for its part of an application, for the whole term, where its price is negotiated."""

    amount_fen: Annotated[int, Meta(ge=1, le=MAX_FEN, description=f"whole fen, 1 to {MAX_FEN}")]


class PriceAcceptance(Message, frozen=True):
    """The offer that a consumer accepts, as it read it: another amount is not meant."""

    amount_fen: Annotated[int, Meta(ge=1, le=MAX_FEN, description=f"whole fen, 1 to {MAX_FEN}")]


class PriceRecord(Message, frozen=True):
    """The price of one provider's part: as its list has it, as it was offered, or as it was agreed."""

    provider: Name
    state: str
    plan: Plan
    amount_fen: Fen | None
    cap_uses: Count | None
    free: FreeReason | None
    agreement: PriceAgreement | None
    digest: Hex32 | None
    """SHA-256 of the agreement, as the log has it."""


class ContractPrices(Message, frozen=True):
    """The prices under an application or contract, those that the asker may see, in the order of its grants."""

    contract: Name
    prices: tuple[PriceRecord, ...]
