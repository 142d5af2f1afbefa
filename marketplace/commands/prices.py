"""Prices of applications and contracts: offered, accepted where they are negotiated, and fixed with the draft."""

import secrets
from dataclasses import dataclass

from audit.entry import EntryKind as Kind
from catalog.price import Plan, Price
from catalog.product import Product
from compute.market.mandates import ProductName
from compute.market.prices import PriceAgreement, PriceOffer
from compute.signing import digest
from compute.terms import Grant, Terms
from marketplace.command import in_steps
from marketplace.commands.cases import Cases
from marketplace.commands.mandates import regime_of
from marketplace.errors import ConflictError, missing
from marketplace.flow import pricing
from marketplace.flow.actor import Principal, role_in
from marketplace.flow.mandate import check_price
from marketplace.flow.months import bounds, month_of
from marketplace.flow.notice import Topic
from marketplace.flow.office import Matter
from marketplace.flow.pricing import Offer
from marketplace.flow.states import Role
from marketplace.gate import Gate
from marketplace.store import prices, usage
from marketplace.transaction import Transaction

_SALT_BYTES = 32
_FREE = Price(plan=Plan.FREE)


@dataclass(frozen=True)
class Priced:
    """One provider's part of an application or contract, with all that is known of its price."""

    grant: Grant
    price: Price
    """In the catalog."""
    offer: Offer | None
    agreed: PriceAgreement | None


class Prices:
    """The commands about prices, behind the exchange's gate."""

    def __init__(self, gate: Gate, cases: Cases) -> None:
        self._gate, self._cases = gate, cases

    @in_steps("offer_price", Matter.APPLICATION_APPROVE, about="contract")
    def offer(self, actor: str | Principal, contract: str, amount_fen: int) -> Priced:
        """Offer the actor's own part of an application for an amount, where its price is negotiated."""
        with self._gate.command("offer_price", actor) as step:
            terms = step.application(contract).terms
            own = [grant for grant in terms.grants if grant.provider == step.actor.name]
            product = step.listing((own or terms.grants)[0].key).product
            old = prices.offered(step.connection, contract, step.actor.name)
            salt = secrets.token_bytes(_SALT_BYTES)
            made = PriceOffer(contract=contract, provider=step.actor.name, amount_fen=amount_fen, salt=salt)
            new = pricing.offer(terms, product.price or _FREE, made, step.actor, old)
            _check(step, product, amount_fen)
            prices.store_offer(step.connection, old, new)
            step.record(Kind.PRICE_OFFERED, contract=contract, offer=digest(made).hex())
            step.notify(terms.consumer, Topic.PRICE_OFFERED, contract, provider=step.actor.name)
            return Priced(own[0], product.price or _FREE, new, None)

    @in_steps("accept_price", Matter.APPLICATION_SUBMIT, about="contract")
    def accept(self, actor: str | Principal, contract: str, provider: str, amount_fen: int) -> Priced:
        """Accept a provider's offer, as it was read, as the consumer."""
        with self._gate.command("accept_price", actor) as step:
            terms = step.application(contract).terms
            old = prices.offered(step.connection, contract, provider)
            if old is None or role_in("application", terms, step.actor) is not Role.CONSUMER:
                raise missing("offer", f"of {provider}")
            new = pricing.accept(terms, old, amount_fen, step.actor)
            prices.store_offer(step.connection, old, new)
            step.record(Kind.PRICE_ACCEPTED, contract=contract, offer=digest(new.offered).hex())
            step.notify(provider, Topic.PRICE_ACCEPTED, contract)
            grant = next(each for each in terms.grants if each.provider == provider)
            return _priced(step, grant, contract)

    def of(self, actor: str | Principal, contract: str, case: str | None = None) -> list[Priced]:
        """The prices under an application: all for its consumer and the offices, for a provider its own."""
        with self._cases.reading("prices", actor, contract, case) as step:
            terms = step.application(contract).terms
            role = role_in("application", terms, step.actor)
            return [
                _priced(step, grant, contract)
                for grant in terms.grants
                if role is not Role.PROVIDER or grant.provider == step.actor.name
            ]


def require_settled(step: Transaction, terms: Terms) -> None:
    """Return if the actor's own price leaves nothing to say; raise `ConflictError` if an offer lacks or waits."""
    for grant in terms.grants:
        if grant.provider == step.actor.name:
            price = step.listing(grant.key).product.price or _FREE
            held = prices.offered(step.connection, terms.contract, grant.provider)
            if not pricing.is_settled(terms, price, held):
                waits = "its consumer has not accepted your offer" if held else "you have offered no price"
                raise ConflictError(f"{terms.contract}: {waits}", "agree on the price, then approve")


def fix(step: Transaction, terms: Terms) -> None:
    """Fix the price of every grant of a contract that was drafted now, and record it.

    Raises `InvalidError` if a mandate does not allow one any more: then there is no contract.
    """
    for grant in terms.grants:
        product = step.listing(grant.key).product
        held = prices.offered(step.connection, terms.contract, grant.provider)
        mandate = regime_of(step.connection, grant.provider, step.now).mandate
        named = None if mandate is None else mandate.terms.mandate
        salt = secrets.token_bytes(_SALT_BYTES)
        agreed = pricing.fix(terms, grant, product.price, held, named, step.now, salt)
        if agreed.free is None:
            _check(step, product, agreed.amount_fen)
        prices.add(step.connection, agreed)
        step.record(
            Kind.PRICE_AGREED,
            contract=terms.contract,
            counterparty=grant.provider,
            agreement=digest(agreed).hex(),
        )


def is_within_cap(step: Transaction, contract: str, provider: str) -> bool:
    """Whether a subscription has uses left this month, by what the log has of it; any other price has no cap."""
    agreed = prices.load(step.connection, contract, provider)
    if agreed is None or agreed.cap_uses is None or agreed.free is not None:
        return True
    start, end = bounds(month_of(step.now))
    return usage.counted(step.connection, contract, provider, start, end) < agreed.cap_uses


def _check(step: Transaction, product: Product, amount_fen: int | None) -> None:
    regime = regime_of(step.connection, product.provider, step.now)
    name = ProductName(provider=product.provider, product=product.id)
    check_price(regime, name, product.theme, product.price, amount_fen)


def _priced(step: Transaction, grant: Grant, contract: str) -> Priced:
    return Priced(
        grant,
        step.listing(grant.key).product.price or _FREE,
        prices.offered(step.connection, contract, grant.provider),
        prices.load(step.connection, contract, grant.provider),
    )
