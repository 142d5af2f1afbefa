"""Prices: what is fixed with a contract's draft, what is negotiated, and what a mandate allows."""

import msgspec
import pytest
from market import BANK, LABOUR, OTHER, STOP, SUPERVISOR, TAX, Market, grant, terms
from money import (
    AUTHORITY,
    FREE,
    MONTHLY,
    NEGOTIATED,
    PER_USE,
    at,
    description,
    enrol_authority,
    enter_resources,
    mandate,
    publish,
)

from audit.entry import EntryKind
from catalog.price import MAX_FEN, Plan, Price
from catalog.theme import Theme
from compute.market.mandates import Ceiling, ProductName
from compute.market.prices import FreeReason
from compute.records import contract_name
from compute.signing import digest
from compute.terms import MAX_USES
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, WrongStateError
from marketplace.flow.mandate import Mandate, Regime, check_price, regime
from marketplace.flow.market_states import MandateState, PriceState

CONTRACT = contract_name(BANK, "loans-1")


@pytest.mark.both_databases
def test_the_draft_fixes_what_the_list_has(empty: Market) -> None:
    publish(empty, PER_USE, MONTHLY)
    name = empty.drafted()
    tax, labour = empty.exchange.prices.of(BANK, name)
    assert tax.agreed is not None
    assert labour.agreed is not None
    assert (tax.agreed.plan, tax.agreed.amount_fen, tax.agreed.cap_uses) == (Plan.PER_USE, 150, None)
    assert (labour.agreed.plan, labour.agreed.amount_fen, labour.agreed.cap_uses) == (Plan.SUBSCRIPTION, 9900, 100)
    told = [each for each in empty.exchange.log.entries() if each.kind is EntryKind.PRICE_AGREED]
    assert [each.detail["agreement"] for each in told] == [digest(tax.agreed).hex(), digest(labour.agreed).hex()]
    assert tax.agreed.salt != labour.agreed.salt


def test_a_later_version_at_another_price_alters_no_contract(empty: Market) -> None:
    publish(empty, PER_USE)
    name = empty.drafted()
    dearer = description(TAX, PER_USE.replace("150", "999")).replace(b'version = "1.0.0"', b'version = "2.0.0"')
    empty.offer(TAX, dearer)
    empty.exchange.products.delist(TAX, (TAX, "market-registration", "1.0.0"), STOP)
    (tax, _) = empty.exchange.prices.of(BANK, name)
    assert tax.agreed is not None
    assert tax.agreed.amount_fen == 150


def test_each_provider_sees_its_own_price(empty: Market) -> None:
    publish(empty, PER_USE, MONTHLY)
    name = empty.drafted()
    prices = empty.exchange.prices
    assert [each.grant.provider for each in prices.of(LABOUR, name)] == [LABOUR]
    assert [each.grant.provider for each in prices.of("operator", name)] == [TAX, LABOUR]
    for stranger in (OTHER, SUPERVISOR):
        with pytest.raises((NotFoundError, ForbiddenError)):
            prices.of(stranger, name)


@pytest.mark.both_databases
def test_a_negotiated_price_is_offered_and_accepted_before_it_is_approved(empty: Market) -> None:
    publish(empty, NEGOTIATED)
    name, prices = empty.applied(), empty.exchange.prices
    with pytest.raises(ConflictError, match="offered no price"):
        empty.approve(TAX, name)
    prices.offer(TAX, name, 600_000)
    with pytest.raises(ConflictError, match="not accepted"):
        empty.approve(TAX, name)
    prices.offer(TAX, name, 500_000)
    with pytest.raises(ConflictError, match="read the offer again"):
        prices.accept(BANK, name, TAX, 600_000)
    accepted = prices.accept(BANK, name, TAX, 500_000).offer
    assert accepted is not None
    assert accepted.state is PriceState.ACCEPTED
    with pytest.raises(WrongStateError):
        prices.offer(TAX, name, 700_000)
    empty.approve(TAX, name)
    empty.approve(LABOUR, name)
    agreed = prices.of(BANK, name)[0].agreed
    assert agreed is not None
    assert agreed.amount_fen == 500_000
    assert [kind for kind in empty.kinds() if kind.startswith("price_")] == [
        *("price_offered", "price_offered", "price_accepted"),
        *("price_agreed", "price_agreed"),
    ]


def test_who_may_offer_and_accept(empty: Market) -> None:
    publish(empty, NEGOTIATED, PER_USE)
    name, prices = empty.applied(), empty.exchange.prices
    with pytest.raises(ForbiddenError):
        prices.offer(BANK, name, 1)
    with pytest.raises(InvalidError, match="nothing to negotiate"):
        prices.offer(LABOUR, name, 1)
    with pytest.raises(NotFoundError):
        prices.offer(OTHER, name, 1)
    prices.offer(TAX, name, 1)
    for other in (TAX, LABOUR, OTHER):
        with pytest.raises(NotFoundError):
            prices.accept(other, name, TAX, 1)
    with pytest.raises(NotFoundError):
        prices.accept(BANK, name, LABOUR, 1)


def test_nothing_is_negotiated_for_a_public_purpose(empty: Market) -> None:
    publish(empty, NEGOTIATED)
    empty.exchange.applications.apply(BANK, "loans-1", terms(purpose="public_governance"))
    with pytest.raises(InvalidError, match="public_governance is free"):
        empty.exchange.prices.offer(TAX, CONTRACT, 1)
    for provider in (TAX, LABOUR):
        empty.approve(provider, CONTRACT)
    agreed = empty.exchange.prices.of(BANK, CONTRACT)[0].agreed
    assert agreed is not None
    assert agreed.free is FreeReason.PUBLIC_GOVERNANCE


def test_what_could_not_be_counted_is_not_agreed(empty: Market) -> None:
    publish(empty, PER_USE.replace("150", str(MAX_FEN)))
    asked = terms(grants=(grant(TAX, "naics"),), max_uses=MAX_USES)
    empty.exchange.applications.apply(BANK, "loans-1", asked)
    with pytest.raises(InvalidError, match="ask for fewer uses"):
        empty.approve(TAX, CONTRACT)


# --- mandates --------------------------------------------------------------------------------------------------


@pytest.fixture
def enrolled(empty: Market) -> Market:
    empty.enrol()
    enrol_authority(empty)
    enter_resources(empty)
    return empty


def ceiling(amount: int, plan: Plan = Plan.PER_USE, **scope: object) -> Ceiling:
    return Ceiling(plan=plan, amount_fen=amount, **scope)  # type: ignore[arg-type]


@pytest.mark.both_databases
def test_no_listing_is_above_the_ceiling(enrolled: Market) -> None:
    exchange = enrolled.exchange
    exchange.mandates.enter(AUTHORITY, mandate("m-1", ceiling(149)))
    with pytest.raises(InvalidError, match="above the ceiling of 149") as refused:
        enrolled.offer(TAX, description(TAX, PER_USE))
    assert "price" in refused.value.fields
    with pytest.raises(InvalidError, match="no ceiling for the plan subscription"):
        enrolled.offer(TAX, description(TAX, MONTHLY))
    enrolled.offer(TAX, description(TAX, PER_USE.replace("150", "149")))
    enrolled.offer(LABOUR, description(LABOUR, PER_USE))  # under no mandate


def test_no_contract_is_above_the_ceiling(empty: Market) -> None:
    publish(empty, PER_USE)
    enrol_authority(empty)
    name = empty.applied()
    empty.approve(LABOUR, name)
    empty.exchange.mandates.enter(AUTHORITY, mandate("m-1", ceiling(149)))
    with pytest.raises(InvalidError, match="above the ceiling"):
        empty.approve(TAX, name)


def test_no_offer_is_above_the_ceiling(enrolled: Market) -> None:
    enrolled.exchange.mandates.enter(AUTHORITY, mandate("m-1", ceiling(1000, Plan.NEGOTIATED)))
    enrolled.offer(TAX, description(TAX, NEGOTIATED))
    enrolled.offer(LABOUR, description(LABOUR, FREE))
    name = enrolled.applied()
    with pytest.raises(InvalidError, match="above the ceiling"):
        enrolled.exchange.prices.offer(TAX, name, 1001)
    enrolled.exchange.prices.offer(TAX, name, 1000)


def test_without_a_mandate_in_force_public_data_are_free(enrolled: Market) -> None:
    exchange = enrolled.exchange
    exchange.mandates.enter(AUTHORITY, mandate())
    exchange.mandates.end(AUTHORITY, "mandate-2026", "收回。")
    with pytest.raises(InvalidError, match="no mandate is in force"):
        enrolled.offer(TAX, description(TAX, PER_USE))
    enrolled.offer(TAX, description(TAX, FREE))
    with pytest.raises(WrongStateError):
        exchange.mandates.end(AUTHORITY, "mandate-2026", "再次。")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"operator": "other-operator"}, InvalidError),
        ({"ends": "2026-11-17"}, InvalidError),  # the day before
        ({"providers": (BANK,)}, InvalidError),
        ({"providers": ("nobody",)}, NotFoundError),
    ],
)
def test_a_mandate_is_about_this_market(
    enrolled: Market, changes: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        enrolled.exchange.mandates.enter(AUTHORITY, mandate(**changes))


def test_only_an_authority_enters_and_only_its_own_ends(enrolled: Market) -> None:
    mandates = enrolled.exchange.mandates
    for actor in ("operator", TAX, BANK, SUPERVISOR):
        with pytest.raises(ForbiddenError):
            mandates.enter(actor, mandate())
    mandates.enter(AUTHORITY, mandate())
    for actor in ("operator", TAX):
        with pytest.raises(ForbiddenError):
            mandates.end(actor, "mandate-2026", "不需要。")
    with pytest.raises(ConflictError, match="is about"):
        mandates.enter(AUTHORITY, mandate("mandate-again"))
    mandates.enter(AUTHORITY, mandate("mandate-after", begins="2029-01-01", ends="2029-12-31"))
    with pytest.raises(ConflictError, match="already"):
        mandates.enter(AUTHORITY, mandate("mandate-after", begins="2030-01-01", ends="2030-12-31"))
    assert [each.terms.mandate for each in mandates.page(None, 1)] == ["mandate-2026"]
    assert [each.terms.mandate for each in mandates.page("mandate-2026", 5)] == ["mandate-after"]
    enrolled.check()


# --- which ceiling ---------------------------------------------------------------------------------------------

PRODUCT = ProductName(provider="tax", product="registers")


def entered(*ceilings: Ceiling, **changes: object) -> Mandate:
    return Mandate(mandate("m", *ceilings, **changes), AUTHORITY, MandateState.ENTERED, 0)


@pytest.mark.parametrize(
    ("ceilings", "amount"),
    [
        ((ceiling(1),), 1),
        ((ceiling(1), ceiling(2, theme=Theme.INDUSTRY)), 2),
        ((ceiling(1), ceiling(2, theme=Theme.INDUSTRY), ceiling(3, product=PRODUCT)), 3),
        ((ceiling(1), ceiling(2, theme=Theme.TOURISM)), 1),
        ((ceiling(1, Plan.SUBSCRIPTION),), None),
        ((ceiling(9, product=ProductName(provider="tax", product="other")),), None),
    ],
)
def test_the_most_particular_ceiling_binds(ceilings: tuple[Ceiling, ...], amount: int | None) -> None:
    bound = Regime(entered(*ceilings), is_public=True)
    found = bound.ceiling(PRODUCT, Theme.INDUSTRY, Plan.PER_USE)
    assert (None if found is None else found.amount_fen) == amount
    price = Price(plan=Plan.PER_USE, amount_fen=(amount or 0) + 1)
    with pytest.raises(InvalidError):
        check_price(bound, PRODUCT, Theme.INDUSTRY, price)
    if amount:
        check_price(bound, PRODUCT, Theme.INDUSTRY, Price(plan=Plan.PER_USE, amount_fen=amount))


@pytest.mark.parametrize(
    ("moment", "stands"),
    [
        ("2025-12-31T23:59:59+08:00", False),
        ("2026-01-01T00:00:00+08:00", True),
        ("2028-12-31T23:59:59+08:00", True),
        ("2029-01-01T00:00:00+08:00", False),
    ],
)
def test_a_mandate_stands_from_its_first_to_its_last_day(moment: str, *, stands: bool) -> None:
    bound = regime([entered()], at(moment))
    assert (bound.mandate is not None) is stands
    assert bound.is_barred is not stands


def test_a_mandates_terms_make_sense() -> None:
    good = mandate()
    for changes in (
        {"begins": "2029-01-01"},
        {"providers": (TAX, TAX)},
        {"ceilings": (ceiling(1), ceiling(2))},
    ):
        with pytest.raises(ValueError, match=";"):
            msgspec.structs.replace(good, **changes)
    with pytest.raises(ValueError, match="free"):
        ceiling(1, Plan.FREE)
    with pytest.raises(ValueError, match="theme or of a product"):
        ceiling(1, theme=Theme.INDUSTRY, product=PRODUCT)
