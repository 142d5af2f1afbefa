"""The price of a product 价格, by plan. Money is whole fen, so that sums are exact."""

from enum import StrEnum

import msgspec

from catalog.errors import ProductError

MAX_FEN = 10**12
"""Ten thousand million yuan: more is a slip of the keyboard, and everything below it is exact in JSON."""


class Plan(StrEnum):
    """What a price is asked for 计价方式."""

    FREE = "free"
    PER_USE = "per_use"
    SUBSCRIPTION = "subscription"  # by the month, with a cap on uses
    NEGOTIATED = "negotiated"  # agreed in each contract


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A plan, its `amount_fen` for one use or one month, and the `cap_uses` of a month.

    What is free or negotiated names neither; a use has an amount, a month both.
    """

    plan: Plan
    amount_fen: int | None = None
    cap_uses: int | None = None

    def __post_init__(self) -> None:
        """Raise `ProductError` for an amount or a cap that the plan lacks or has not, or out of range."""
        is_priced = self.plan in {Plan.PER_USE, Plan.SUBSCRIPTION}
        if is_priced != (self.amount_fen is not None):
            what = "needs amount_fen" if is_priced else "has no amount_fen"
            raise ProductError(f"a price by the plan {self.plan} {what}; correct the plan or the amount")
        if self.amount_fen is not None and not 0 < self.amount_fen <= MAX_FEN:
            raise ProductError(f"amount_fen is {self.amount_fen}; give 1 to {MAX_FEN} fen, or the plan free")
        is_capped = self.plan is Plan.SUBSCRIPTION
        if is_capped != (self.cap_uses is not None):
            what = "needs cap_uses, the uses of a month" if is_capped else "has no cap_uses"
            raise ProductError(f"a price by the plan {self.plan} {what}; correct the plan or the cap")
        if self.cap_uses is not None and not 0 < self.cap_uses < 2**53:
            raise ProductError(f"cap_uses is {self.cap_uses}; give at least 1")
