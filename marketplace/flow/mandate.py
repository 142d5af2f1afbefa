"""Mandates of public data 公共数据授权运营: their ceilings and revenue caps bind every fee on those data.

发改价格〔2025〕65号: fees on public data are set by the government, as a ceiling 上限收费标准 for each charge and
the most that may be earned 最高准许收入; what public governance and public welfare need is free (`flow.pricing`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.price import Plan, Price
from catalog.theme import Theme
from compute.market.mandates import Ceiling, MandateRequest, ProductName
from compute.records import PartyKind
from marketplace.errors import ConflictError, ForbiddenError, InvalidError
from marketplace.flow.actor import Actor
from marketplace.flow.market_states import MANDATE, MandateState
from marketplace.flow.states import Move, Role, advance
from marketplace.flow.working_days import day_of


@dataclass(frozen=True)
class Mandate:
    """What an authority has mandated, and whether it has ended it."""

    terms: MandateRequest
    authority: str
    state: MandateState
    entered_at: int
    """UTC, milliseconds since 1970-01-01; so is the next."""
    ended_at: int | None = None
    end_reason: str | None = None

    def in_force(self, now: int) -> bool:
        """Whether it stands at `now` (UTC, milliseconds): within its days in Shanghai, and not ended by then."""
        today = day_of(now).isoformat()
        is_ended = self.ended_at is not None and self.ended_at <= now
        return not is_ended and self.terms.begins <= today <= self.terms.ends


def enter(terms: MandateRequest, actor: Actor, operator: str, others: Sequence[Mandate], now: int) -> Mandate:
    """Give the mandate that an authority enters; `others` are those that name one of its providers.

    1. An authority enters it; the operator, whom it binds, cannot.
    2. It is about this market's operator.
    3. It is not over.
    4. No other mandate about the same provider stands in the same days: a price has one ceiling.
    """
    if actor.kind is not PartyKind.AUTHORITY:  # 1
        raise ForbiddenError(f"{actor.name} is no mandating authority", "ask the authority to enter it")
    if terms.operator != operator:  # 2
        raise InvalidError(
            f"{terms.operator} does not run this market", f"name {operator}", {"operator": "Not this market's."}
        )
    if terms.ends < day_of(now).isoformat():  # 3
        raise InvalidError(f"mandate {terms.mandate} is over", "choose a later end", {"ends": "It has passed."})
    for other in others:  # 4
        is_apart = other.terms.ends < terms.begins or terms.ends < other.terms.begins
        if other.state is MandateState.ENTERED and not is_apart:
            common = ", ".join(sorted({*other.terms.providers} & {*terms.providers}))
            raise ConflictError(f"{other.terms.mandate} is about {common} too", "end it first")
    return Mandate(terms, actor.name, MandateState.ENTERED, now)


def end(mandate: Mandate, reason: str, actor: Actor, now: int) -> Mandate:
    """Give the mandate as its authority ends it."""
    role = Role.AUTHORITY if actor.name == mandate.authority else actor.office
    state = advance(MANDATE, mandate.terms.mandate, mandate.state, Move.END, role)
    return replace(mandate, state=state, ended_at=now, end_reason=reason)


@dataclass(frozen=True)
class Regime:
    """What binds the fees on one provider's data at one moment."""

    mandate: Mandate | None
    """The one in force."""
    is_public: bool
    """A mandate has named the provider at some time: its data are public, whatever is in force now."""

    @property
    def is_barred(self) -> bool:
        """Whether no fee may be taken at all."""
        return self.is_public and self.mandate is None

    def ceiling(self, product: ProductName, theme: Theme | None, plan: Plan) -> Ceiling | None:
        """Give the ceiling of a product's price: its own, or its theme's, or the general one."""
        if self.mandate is None:
            return None
        of_plan = [each for each in self.mandate.terms.ceilings if each.plan is plan]
        own = [each for each in of_plan if each.product == product]
        thematic = [each for each in of_plan if each.theme is not None and each.theme is theme]
        general = [each for each in of_plan if each.product is None and each.theme is None]
        return next(iter((*own, *thematic, *general)), None)


def regime(mandates: Sequence[Mandate], now: int) -> Regime:
    """Give what binds at `now`, of all mandates that have ever named the provider."""
    return Regime(next((each for each in mandates if each.in_force(now)), None), bool(mandates))


def check_price(
    regime: Regime, product: ProductName, theme: Theme | None, price: Price | None, amount_fen: int | None = None
) -> None:
    """Return if the price may be asked; raise `InvalidError` if not. `amount_fen` is of what is negotiated.

    1. Nothing is charged for public data without a mandate in force.
    2. Under a mandate a price needs a ceiling, its product's, its theme's or the general one.
    3. It is not above it. What is negotiated is held to it once there is an amount.
    """
    if price is None or price.plan is Plan.FREE:
        return
    named = f"the price of {product.product} of {product.provider}"
    if regime.is_barred:  # 1
        raise _refused(f"{named}: no mandate is in force", "list it free of charge, or wait for the mandate")
    if regime.mandate is None:
        return
    ceiling = regime.ceiling(product, theme, price.plan)
    if ceiling is None:  # 2
        under = regime.mandate.terms.mandate
        raise _refused(f"{named}: {under} sets no ceiling for the plan {price.plan}", "ask the authority for one")
    amount = price.amount_fen if amount_fen is None else amount_fen
    if amount is not None and amount > ceiling.amount_fen:  # 3
        raise _refused(f"{named}: {amount} fen is above the ceiling of {ceiling.amount_fen}", "ask for less")


def _refused(problem: str, remedy: str) -> InvalidError:
    return InvalidError(problem, remedy, {"price": f"{problem}."})
