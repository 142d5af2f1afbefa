"""What a month costs: by tables, and by laws that hold for any numbers."""

from dataclasses import replace
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.price import MAX_FEN, Plan, Price
from compute.market.mandates import Ceiling
from compute.market.money import MAX_SUM_FEN
from compute.market.prices import FreeReason, PriceAgreement
from compute.market.statements import ChargeReason, StatementLine
from compute.terms import Purpose
from marketplace.errors import InvalidError
from marketplace.flow.pricing import FREE_OF, Count, Limits, charge, waived

PER_USE = PriceAgreement(
    contract="bank-1",
    provider="tax",
    product="registers",
    product_version="1.0.0",
    plan=Plan.PER_USE,
    amount_fen=150,
    cap_uses=None,
    max_uses=1000,
    free=None,
    mandate=None,
    agreed_at=0,
    salt=b"\1" * 32,
)
MONTHLY = msgspec.structs.replace(PER_USE, plan=Plan.SUBSCRIPTION, amount_fen=9900, cap_uses=100)
WHOLE = msgspec.structs.replace(PER_USE, plan=Plan.NEGOTIATED, amount_fen=500_000)
FREE = msgspec.structs.replace(PER_USE, plan=Plan.FREE, amount_fen=None, free=FreeReason.FREE_PLAN)
FIRST = Count(uses=40, billed=0, in_force=True, is_first=True)
LATER = replace(FIRST, is_first=False)
OVER = replace(FIRST, in_force=False, is_first=False)


def ceiling(plan: Plan, amount: int) -> Ceiling:
    return Ceiling(plan=plan, amount_fen=amount)


@pytest.mark.parametrize(
    ("agreed", "count", "limits", "expected"),
    [
        (PER_USE, FIRST, Limits(), [("uses", 40, 150, 6000, None)]),
        (PER_USE, replace(FIRST, uses=0), Limits(), [("uses", 0, 150, 0, None)]),
        (
            PER_USE,
            replace(FIRST, billed=970),
            Limits(),
            [("uses", 30, 150, 4500, None), ("excess", 10, 150, 0, ChargeReason.OVER_MAX_USES)],
        ),
        (MONTHLY, FIRST, Limits(), [("month", 40, 9900, 9900, None)]),
        (MONTHLY, replace(LATER, uses=0), Limits(), [("month", 0, 9900, 9900, None)]),
        (
            MONTHLY,
            replace(LATER, uses=130),
            Limits(),
            [("month", 100, 9900, 9900, None), ("excess", 30, 9900, 0, ChargeReason.OVER_CAP)],
        ),
        (MONTHLY, OVER, Limits(), [("month", 40, 9900, 0, ChargeReason.NOT_IN_FORCE)]),
        (WHOLE, FIRST, Limits(), [("agreed_amount", 40, 500_000, 500_000, None)]),
        (WHOLE, LATER, Limits(), [("agreed_amount", 40, 500_000, 0, ChargeReason.CHARGED_BEFORE)]),
        (FREE, FIRST, Limits(), [("uses", 40, 0, 0, ChargeReason.FREE_PLAN)]),
        (
            msgspec.structs.replace(PER_USE, free=FreeReason.PUBLIC_WELFARE),
            FIRST,
            Limits(),
            [("uses", 40, 0, 0, ChargeReason.PUBLIC_WELFARE)],
        ),
        (
            PER_USE,
            FIRST,
            Limits("m", ceiling(Plan.PER_USE, 100)),
            [("uses", 40, 100, 4000, ChargeReason.OVER_CEILING)],
        ),
        (PER_USE, FIRST, Limits("m", ceiling(Plan.PER_USE, 150)), [("uses", 40, 150, 6000, None)]),
        (
            PER_USE,
            FIRST,
            Limits(barred=ChargeReason.NO_MANDATE),
            [("uses", 40, 0, 0, ChargeReason.NO_MANDATE)],
        ),
        (PER_USE, FIRST, Limits("m", None, None, 6000), [("uses", 40, 150, 6000, None)]),
        (PER_USE, FIRST, Limits("m", None, None, 5999), [("uses", 40, 150, 0, ChargeReason.REVENUE_CAP)]),
    ],
)
def test_a_month_costs(agreed: PriceAgreement, count: Count, limits: Limits, expected: list[object]) -> None:
    lines = charge(agreed, count, limits)
    assert [
        (each.item, each.uses, each.unit_price_fen, each.amount_fen, each.reason) for each in lines
    ] == expected


FEN = st.integers(1, MAX_FEN)
COUNTS = st.builds(Count, uses=st.integers(0, 10**9), billed=st.integers(0, 10**9), in_force=st.booleans(),
                   is_first=st.booleans())  # fmt: skip


@st.composite
def agreements(draw: st.DrawFn) -> PriceAgreement:
    plan, max_uses = draw(st.sampled_from(Plan)), draw(st.integers(1, 10**8))
    amount = draw(st.integers(1, min(MAX_FEN, MAX_SUM_FEN // max_uses)))
    return msgspec.structs.replace(
        PER_USE,
        plan=plan,
        amount_fen=None if plan is Plan.FREE else amount,
        cap_uses=draw(st.integers(1, 10**9)) if plan is Plan.SUBSCRIPTION else None,
        max_uses=max_uses,
        free=FreeReason.FREE_PLAN if plan is Plan.FREE else draw(st.none() | st.sampled_from(FreeReason)),
    )


@st.composite
def limited(draw: st.DrawFn) -> Limits:
    has_ceiling = draw(st.booleans())
    return Limits(
        mandate="m",
        ceiling=ceiling(Plan.PER_USE, draw(st.integers(0, MAX_FEN))) if has_ceiling else None,
        barred=draw(st.none() | st.just(ChargeReason.NO_MANDATE)),
        left_fen=draw(st.none() | st.integers(0, MAX_SUM_FEN)),
    )


@given(agreements(), COUNTS, limited())
def test_laws_of_every_month(agreed: PriceAgreement, count: Count, limits: Limits) -> None:
    lines = charge(agreed, count, limits)
    total = sum(each.amount_fen for each in lines)
    assert sum(each.uses for each in lines) == count.uses  # every use stands on one line
    assert 0 <= total <= MAX_SUM_FEN
    assert all((each.amount_fen >= 0 and each.reason is not None) or each.item != "excess" for each in lines)
    if limits.left_fen is not None:
        assert total <= limits.left_fen
    if limits.ceiling is not None and agreed.free is None and limits.barred is None:
        assert all(each.unit_price_fen <= limits.ceiling.amount_fen for each in lines)
    if agreed.free is not None or limits.barred is not None:
        assert total == 0
    for each in lines:
        # An amount is exactly the price times what it is the price of: nothing is rounded.
        priced = each.uses if each.item == "uses" else 1
        assert each.amount_fen in {0, priced * each.unit_price_fen}
        assert (each.amount_fen == priced * each.unit_price_fen) or each.reason is not None


@given(agreements(), st.lists(st.integers(0, 10**6), min_size=1, max_size=24))
def test_uses_are_never_charged_beyond_the_contract(agreed: PriceAgreement, months: list[int]) -> None:
    billed = charged = 0
    for number, uses in enumerate(months):
        lines = charge(agreed, Count(uses, billed, in_force=True, is_first=number == 0), Limits())
        charged += sum(each.amount_fen for each in lines)
        billed += uses
    price = agreed.amount_fen or 0
    most = {
        Plan.FREE: 0,
        Plan.PER_USE: price * min(billed, agreed.max_uses),
        Plan.SUBSCRIPTION: price * len(months),
        Plan.NEGOTIATED: price,
    }[agreed.plan]
    assert charged == (0 if agreed.free is not None else most)


@pytest.mark.parametrize(("uses", "total"), [(0, 6000), (1, 5850), (40, 0)])
def test_uses_are_given_up_one_by_one(uses: int, total: int) -> None:
    lines = waived(charge(PER_USE, FIRST, Limits()), uses, is_all=False)
    assert sum(each.amount_fen for each in lines) == total
    assert sum(each.uses for each in lines) == 40


@pytest.mark.parametrize("agreed", [PER_USE, MONTHLY, WHOLE])
def test_everything_is_given_up(agreed: PriceAgreement) -> None:
    lines = waived(charge(agreed, FIRST, Limits()), 0, is_all=True)
    assert [(each.amount_fen, each.reason) for each in lines] == [(0, ChargeReason.WAIVED)]


@pytest.mark.parametrize(("agreed", "uses"), [(PER_USE, 41), (MONTHLY, 1), (FREE, 1)])
def test_no_more_is_given_up_than_is_charged(agreed: PriceAgreement, uses: int) -> None:
    lines: tuple[StatementLine, ...] = charge(agreed, FIRST, Limits())
    with pytest.raises(InvalidError) as refused:
        waived(lines, uses, is_all=False)
    assert "waived_uses" in refused.value.fields


def test_what_is_free_by_its_purpose_is_a_public_purpose() -> None:
    assert set(FREE_OF) < set(get_args(Purpose))
    assert set(FREE_OF.values()) == {FreeReason.PUBLIC_GOVERNANCE, FreeReason.PUBLIC_WELFARE}


def test_a_price_in_the_catalog_is_whole_fen() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"plan": "per_use", "amount_fen": 1.5}, Price)
