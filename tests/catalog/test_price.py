import pytest

from catalog.errors import ProductError
from catalog.price import MAX_FEN, Plan, Price


@pytest.mark.parametrize(
    ("plan", "amount", "cap"),
    [
        (Plan.FREE, None, None),
        (Plan.NEGOTIATED, None, None),
        (Plan.PER_USE, 1, None),
        (Plan.PER_USE, MAX_FEN, None),
        (Plan.SUBSCRIPTION, 50_000, 1),
    ],
)
def test_prices(plan: Plan, amount: int | None, cap: int | None) -> None:
    assert Price(plan=plan, amount_fen=amount, cap_uses=cap).plan is plan


@pytest.mark.parametrize(
    ("plan", "amount", "cap", "told"),
    [
        (Plan.FREE, 1, None, "has no amount_fen"),
        (Plan.FREE, None, 1, "has no cap_uses"),
        (Plan.NEGOTIATED, 1, None, "has no amount_fen"),
        (Plan.PER_USE, None, None, "needs amount_fen"),
        (Plan.PER_USE, 0, None, "give 1 to"),
        (Plan.PER_USE, -1, None, "give 1 to"),
        (Plan.PER_USE, MAX_FEN + 1, None, "give 1 to"),
        (Plan.PER_USE, 1, 1, "has no cap_uses"),
        (Plan.SUBSCRIPTION, 1, None, "needs cap_uses"),
        (Plan.SUBSCRIPTION, 1, 0, "at least 1"),
        (Plan.SUBSCRIPTION, None, 1, "needs amount_fen"),
    ],
)
def test_a_price_has_what_its_plan_asks_for(plan: Plan, amount: int | None, cap: int | None, told: str) -> None:
    with pytest.raises(ProductError, match=told):
        Price(plan=plan, amount_fen=amount, cap_uses=cap)
