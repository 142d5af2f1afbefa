"""The demand board is open to who has no key: nobody fills it, nor others' inboxes by way of it."""

import pytest
from market import BANK, OTHER, TAX, Market
from without_node import PARK, admit_all, person

from compute.canonical import HOUR
from compute.market.demands import CloseReason, DemandRequest, ResponseRequest, WantedField
from marketplace.errors import ConflictError, TooManyError
from marketplace.flow.demand import ANSWERED, MOST, WRITTEN

WANTED = DemandRequest(
    title="小微企业用工数据",
    description="需要企业的用工规模。",
    fields=(WantedField(words="卫星遥感影像"),),
    purpose="credit_approval",
    until="2026-12-31",
)
TEXT = ResponseRequest(text="我们可以提供。")


def test_an_organisation_writes_so_many_demands_within_an_hour_and_has_so_many_open(market: Market) -> None:
    admit_all(market)
    demands, park = market.exchange.demands, person(PARK)
    names = []
    while len(names) < MOST:
        if len(names) % WRITTEN == 0:
            market.clock.now += HOUR
        names.append(demands.write(park, WANTED).demand.name)
    with pytest.raises(ConflictError, match=f"has {MOST} demands"):
        demands.write(park, WANTED)
    demands.write(BANK, WANTED)  # others go on
    for name in names[:WRITTEN]:
        demands.close(park, name, CloseReason.WITHDRAWN)
    market.clock.now += HOUR
    for _ in range(WRITTEN - 1):
        demands.close(park, demands.write(park, WANTED).demand.name, CloseReason.WITHDRAWN)
    demands.write(park, WANTED)
    with pytest.raises(TooManyError, match="demands written"):
        demands.write(park, WANTED)
    assert [each[1:] for each in market.refusals()] == [("write_demand", "conflict"), ("write_demand", "too_many")]


def test_an_organisation_answers_so_often_within_an_hour(market: Market) -> None:
    admit_all(market)
    demands, park = market.exchange.demands, person(PARK)
    name = demands.write(BANK, WANTED).demand.name
    demands.post(BANK, name)
    for _ in range(ANSWERED):
        demands.answer(park, name, TEXT)
    with pytest.raises(TooManyError, match="demands answered"):
        demands.answer(park, name, TEXT)
    assert demands.answer(TAX, name, TEXT).number == ANSWERED + 1
    assert len(demands.answers(BANK, name)) == ANSWERED + 1
    assert OTHER not in {each.by for each in demands.answers(BANK, name)}
