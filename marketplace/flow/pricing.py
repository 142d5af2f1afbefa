"""Prices: what a contract fixes of them, and what a month of uses costs. Whole fen, nothing is rounded.

A listing names its price, or that it is negotiated; then the provider offers an amount for the application, and
its consumer accepts it. Both stand still once the contract is drafted: a later version's price alters no contract.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from catalog.price import Plan, Price
from compute.market.mandates import Ceiling
from compute.market.money import MAX_SUM_FEN
from compute.market.prices import FreeReason, PriceAgreement, PriceOffer
from compute.market.statements import ChargeReason, StatementLine
from compute.terms import Grant, Terms
from marketplace.errors import ConflictError, ForbiddenError, InvalidError
from marketplace.flow.actor import Actor, role_in
from marketplace.flow.market_states import PRICE, PriceState
from marketplace.flow.states import Move, Role, advance

FREE_OF: Mapping[str, FreeReason] = {
    "public_governance": FreeReason.PUBLIC_GOVERNANCE,
    "public_welfare": FreeReason.PUBLIC_WELFARE,
}
"""Purpose → why public data cost nothing for it: 发改价格〔2025〕65号, on public governance and public welfare."""
_FREE = Price(plan=Plan.FREE)


@dataclass(frozen=True)
class Offer:
    """What a provider asks for its part of an application, and whether the consumer has accepted it."""

    offered: PriceOffer
    state: PriceState


def offer(terms: Terms, price: Price, offered: PriceOffer, actor: Actor, old: Offer | None) -> Offer:
    """Give a provider's offer for its own part, in place of its last one if that is not accepted.

    1. The actor is a provider of the application.
    2. Its product's price is negotiated, and the purpose is not free of charge.
    3. The consumer has not accepted an offer yet.
    """
    role = role_in("application", terms, actor)
    if role is not Role.PROVIDER:  # 1
        raise ForbiddenError(f"each provider offers a price for its own part of {terms.contract}", "wait for it")
    if price.plan is not Plan.NEGOTIATED or terms.purpose in FREE_OF:  # 2
        why = f"its price is {price.plan}" if price.plan is not Plan.NEGOTIATED else f"{terms.purpose} is free"
        raise InvalidError(f"there is nothing to negotiate: {why}", "approve the application as it is")
    held = PriceState.LISTED if old is None else old.state
    state = advance(PRICE, f"of {terms.contract}", held, Move.OFFER, role)  # 3
    return Offer(offered, state)


def accept(terms: Terms, old: Offer, amount_fen: int, actor: Actor) -> Offer:
    """Give the offer as the consumer accepts it; raise `ConflictError` if it is another amount than was read."""
    state = advance(PRICE, f"of {terms.contract}", old.state, Move.ACCEPT, role_in("application", terms, actor))
    if amount_fen != old.offered.amount_fen:
        raise ConflictError(f"{old.offered.provider} offers another amount by now", "read the offer again")
    return replace(old, state=state)


def is_settled(terms: Terms, price: Price, held: Offer | None) -> bool:
    """Whether nothing about a price is left to be said before the contract can be drafted."""
    is_negotiated = price.plan is Plan.NEGOTIATED and terms.purpose not in FREE_OF
    return not is_negotiated or (held is not None and held.state is PriceState.ACCEPTED)


def fix(
    terms: Terms, grant: Grant, price: Price | None, held: Offer | None, mandate: str | None, now: int, salt: bytes
) -> PriceAgreement:
    """Give the price of one grant as the contract has it for good; `salt` is fresh, of 32 bytes.

    A product that names no price costs nothing. Raises `WrongStateError` if an offer is not accepted yet,
    `InvalidError` if the contract's uses could cost more than can be counted.
    """
    asked = price or _FREE
    free = FREE_OF.get(terms.purpose, FreeReason.FREE_PLAN if asked.plan is Plan.FREE else None)
    amount = asked.amount_fen
    if free is None:
        state = PriceState.LISTED
        if asked.plan is Plan.NEGOTIATED:
            state, amount = (PriceState.OFFERED, None) if held is None else (held.state, held.offered.amount_fen)
        advance(PRICE, f"of {grant.provider} for {terms.contract}", state, Move.FIX, Role.MARKET)
    if asked.plan is Plan.PER_USE and (amount or 0) * terms.max_uses > MAX_SUM_FEN:
        raise InvalidError(
            f"{terms.max_uses} uses of {grant.product} cost more than can be counted", "ask for fewer uses"
        )
    return PriceAgreement(
        contract=terms.contract,
        provider=grant.provider,
        product=grant.product,
        product_version=grant.product_version,
        plan=asked.plan,
        amount_fen=amount,
        cap_uses=asked.cap_uses,
        max_uses=terms.max_uses,
        free=free,
        mandate=mandate,
        agreed_at=now,
        salt=salt,
    )


@dataclass(frozen=True)
class Count:
    """What there is to charge for one month."""

    uses: int
    """Counted by the month's end and on no earlier statement."""
    billed: int
    """On earlier statements."""
    in_force: bool
    """The contract was in force at some time in this month."""
    is_first: bool
    """It came into force in this month."""


@dataclass(frozen=True)
class Limits:
    """What the authority allows of this fee in this month."""

    mandate: str | None = None
    """Under which mandate it is taken."""
    ceiling: Ceiling | None = None
    barred: ChargeReason | None = None
    """Why nothing may be charged: the data are public, and no mandate in force has a ceiling for this."""
    left_fen: int | None = None
    """Of the year's permitted revenue; None where there is no such limit."""


def charge(agreed: PriceAgreement, count: Count, limits: Limits) -> tuple[StatementLine, ...]:
    """Give the lines of one month.

    1. What is free by its plan or purpose costs nothing, nor do public data without a mandate or ceiling.
    2. No price is above the authority's ceiling.
    3. Uses cost their price each, never more of them than the contract allows; a month its price whole, if the
       contract was in force at any time in it, whatever was used, and uses beyond its cap cost nothing; the amount
       of the whole term is charged once, for the month in which it began.
    4. What would pass the year's permitted revenue is not charged at all.
    """
    if agreed.free is not None:  # 1
        return (_line(agreed, count.uses, 0, None, ChargeReason(agreed.free.value)),)
    price = agreed.amount_fen or 0
    if limits.barred is not None:  # 1
        return (_line(agreed, count.uses, 0, None, limits.barred),)
    ceiling = None if limits.ceiling is None else limits.ceiling.amount_fen
    is_cut = ceiling is not None and ceiling < price
    if ceiling is not None:
        price = min(price, ceiling)  # 2
    reason = ChargeReason.OVER_CEILING if is_cut else None
    lines = _priced(agreed, count, price, ceiling, reason)  # 3
    total = sum(line.amount_fen for line in lines)
    if total and limits.left_fen is not None and total > limits.left_fen:  # 4
        lines = [_uncharged(line, ChargeReason.REVENUE_CAP) for line in lines]
    return tuple(lines)


def _priced(
    agreed: PriceAgreement, count: Count, price: int, ceiling: int | None, reason: ChargeReason | None
) -> list[StatementLine]:
    match agreed.plan:
        case Plan.SUBSCRIPTION if count.in_force:
            covered = min(count.uses, agreed.cap_uses or 0)
            lines = [_line(agreed, covered, price, ceiling, reason, price)]
            beyond, why = count.uses - covered, ChargeReason.OVER_CAP
        case Plan.NEGOTIATED if count.is_first:
            lines = [_line(agreed, count.uses, price, ceiling, reason, price)]
            beyond, why = 0, ChargeReason.OVER_MAX_USES
        case Plan.SUBSCRIPTION | Plan.NEGOTIATED:
            is_once = agreed.plan is Plan.NEGOTIATED
            why = ChargeReason.CHARGED_BEFORE if is_once else ChargeReason.NOT_IN_FORCE
            lines, beyond = [_line(agreed, count.uses, price, ceiling, why)], 0
        case _:
            allowed = min(count.uses, max(0, agreed.max_uses - count.billed))
            lines = [_line(agreed, allowed, price, ceiling, reason, price * allowed)]
            beyond, why = count.uses - allowed, ChargeReason.OVER_MAX_USES
    if beyond:
        excess = _line(agreed, beyond, price, ceiling, why)
        lines.append(msgspec.structs.replace(excess, item="excess"))
    return lines


def waived(lines: tuple[StatementLine, ...], uses: int, *, is_all: bool) -> tuple[StatementLine, ...]:
    """Give the lines with so many uses given up, or everything; raise `InvalidError` if there are not so many."""
    if is_all:
        return tuple(_uncharged(line, ChargeReason.WAIVED) if line.amount_fen else line for line in lines)
    if not uses:
        return lines
    first, *others = lines
    if first.item != "uses" or uses > first.uses or not first.amount_fen:
        raise InvalidError(
            f"{uses} uses are more than this statement charges one by one",
            "waive fewer uses, or the whole statement",
            fields={"waived_uses": "More than are charged."},
        )
    kept = first.uses - uses
    left = msgspec.structs.replace(first, uses=kept, amount_fen=first.unit_price_fen * kept)
    given_up = _uncharged(msgspec.structs.replace(first, uses=uses), ChargeReason.WAIVED)
    return (left, given_up, *others)


_ITEM_OF = {Plan.SUBSCRIPTION: "month", Plan.NEGOTIATED: "agreed_amount"}


def _line(
    agreed: PriceAgreement,
    uses: int,
    price: int,
    ceiling: int | None,
    reason: ChargeReason | None,
    amount: int = 0,
) -> StatementLine:
    return StatementLine(
        item=_ITEM_OF.get(agreed.plan, "uses") if agreed.free is None else "uses",  # type: ignore[arg-type]  # of Item
        plan=agreed.plan,
        uses=uses,
        unit_price_fen=price,
        cap_uses=agreed.cap_uses,
        ceiling_fen=ceiling,
        amount_fen=amount,
        reason=reason,
    )


def _uncharged(line: StatementLine, reason: ChargeReason) -> StatementLine:
    return msgspec.structs.replace(line, amount_fen=0, reason=reason)
