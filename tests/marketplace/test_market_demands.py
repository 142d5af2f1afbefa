"""The demand board: who sees what, what matches and why, answers, followers, ends."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import BANK, DESCRIPTIONS, LABOUR, OTHER, REVIEWER, STOP, SUPERVISOR, TAX, Market
from money import at
from sqlalchemy import select

from catalog.description import parse_product
from catalog.field import FieldType
from catalog.search.postings import bits_of
from catalog.search.ranking import most
from compute.market.demands import CloseReason, DemandRequest, ResponseRequest, WantedField
from compute.records import PartyKind
from marketplace.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    MarketplaceError,
    NotFoundError,
    StaleError,
    WrongStateError,
)
from marketplace.flow.market_states import DemandState
from marketplace.flow.matching import LEAST, match
from marketplace.store.notice_tables import notices

EMPLOYEES = WantedField(words="从业人数", field_type=FieldType.INTEGER)
FRANCHISE = WantedField(words="franchise")
NOTHING = WantedField(words="卫星遥感影像")
TEXT = ResponseRequest(text="我们可以提供，请看产品目录。")
PRODUCT = ResponseRequest(product="social-insurance", product_version="1.0.0")


def wanted(*fields: WantedField, **changes: object) -> DemandRequest:
    made = DemandRequest(
        title="小微企业用工数据",
        description="用于贷前审批，需要企业的用工规模。",
        fields=fields or (EMPLOYEES,),
        purpose="credit_approval",
        until="2026-12-31",
    )
    return msgspec.structs.replace(made, **changes)


def posted(market: Market, *fields: WantedField, actor: str = BANK, **changes: object) -> str:
    name = market.exchange.demands.write(actor, wanted(*fields, **changes)).demand.name
    market.exchange.demands.post(actor, name)
    return name


def told(market: Market) -> list[tuple[str, str]]:
    """Every notice about a demand: to whom, of what."""
    with market.exchange.log.snapshot() as connection:
        rows = connection.execute(select(notices.c.organisation, notices.c.topic).order_by(notices.c.id))
        return [(row.organisation, row.topic) for row in rows if row.topic.startswith("demand_")]


@pytest.mark.both_databases
def test_a_demand_matches_fields_and_says_why(market: Market) -> None:
    name = posted(market, EMPLOYEES, FRANCHISE)
    found = market.exchange.demands.matches(BANK, name)
    assert [(each.provider, each.permille) for each in found] == [(TAX, 500), (LABOUR, 500)]
    reasons = {field.wanted: (field.field, field.type_fits) for each in found for field in each.fields}
    assert reasons == {"从业人数": ("employees", True), "franchise": ("franchise", None)}
    assert all(field.terms for each in found for field in each.fields)
    assert told(market) == [(TAX, "demand_matched"), (LABOUR, "demand_matched")]


def test_what_matches_nothing_matches_nothing(market: Market) -> None:
    assert market.exchange.demands.matches(BANK, posted(market, NOTHING)) == []
    assert told(market) == []


def test_only_what_is_listed_matches(market: Market) -> None:
    name = posted(market, EMPLOYEES)
    market.exchange.products.delist(LABOUR, (LABOUR, "social-insurance", "1.0.0"), STOP)
    assert market.exchange.demands.matches(BANK, name) == []


@pytest.mark.both_databases
def test_what_is_listed_later_is_matched_by_itself(empty: Market) -> None:
    empty.enrol()
    name = posted(empty, EMPLOYEES)
    empty.exchange.demands.follow(OTHER, name)
    empty.publish()
    empty.exchange.expire()
    expected = [(LABOUR, "demand_matched"), (BANK, "demand_matched"), (OTHER, "demand_matched")]
    assert told(empty) == expected
    empty.exchange.expire()
    assert told(empty) == expected  # once


def test_a_draft_is_its_writers_alone(market: Market) -> None:
    demands = market.exchange.demands
    draft = demands.write(BANK, wanted()).demand
    for other in (TAX, OTHER, "operator"):
        with pytest.raises(NotFoundError):
            demands.load(other, draft.name)
        assert demands.page(other, None, 10) == []
    assert [each.demand.name for each in demands.page(BANK, None, 10)] == [draft.name]
    changed = demands.edit(BANK, draft.name, wanted(FRANCHISE), draft.revision).demand
    with pytest.raises(StaleError):
        demands.edit(BANK, draft.name, wanted(NOTHING), draft.revision)
    assert demands.load(BANK, draft.name).demand.wanted == changed.wanted
    demands.post(BANK, draft.name)
    with pytest.raises(ConflictError, match="others rely on it"):
        demands.edit(BANK, draft.name, wanted(NOTHING), changed.revision)
    with pytest.raises(WrongStateError):
        demands.post(BANK, draft.name)


@pytest.mark.both_databases
def test_a_demand_for_some_kinds_is_hidden_from_the_others(market: Market) -> None:
    demands = market.exchange.demands
    name = posted(market, audience=(PartyKind.PROVIDER, PartyKind.RESEARCH))
    for actor, sees in ((TAX, True), ("operator", True), (BANK, True), (OTHER, False), (REVIEWER, False)):
        assert bool(demands.page(actor, None, 10)) is sees
        if sees:
            assert demands.load(actor, name).demand.name == name
        else:
            for command in (demands.load, demands.matches, demands.answers, demands.follow):
                with pytest.raises(NotFoundError):
                    command(actor, name)
            with pytest.raises(NotFoundError):
                demands.answer(actor, name, TEXT)


@pytest.mark.both_databases
def test_answers_and_followers(market: Market) -> None:
    demands, name = market.exchange.demands, posted(market, NOTHING)
    demands.follow(OTHER, name)
    demands.follow(OTHER, name)
    assert demands.load(OTHER, name).followers == 1
    assert demands.answer(LABOUR, name, PRODUCT).number == 1
    assert demands.answer(TAX, name, TEXT).number == 2
    assert demands.load(BANK, name).demand.state is DemandState.ANSWERED
    assert [each.by for each in demands.answers(BANK, name)] == [LABOUR, TAX]
    assert [each.by for each in demands.answers(TAX, name)] == [TAX]  # competitors do not see each other's
    assert demands.answers(OTHER, name) == []
    demands.unfollow(OTHER, name)
    demands.close(BANK, name, CloseReason.SATISFIED, 1)
    assert told(market) == [(BANK, "demand_answered"), (OTHER, "demand_answered")] * 2
    with pytest.raises(WrongStateError):
        demands.answer(TAX, name, TEXT)
    assert [kind for kind in market.kinds() if kind.startswith("demand_")] == [
        *("demand_posted", "demand_answered", "demand_answered", "demand_closed")
    ]
    market.check()


@pytest.mark.parametrize(
    ("actor", "answer", "error"),
    [
        (BANK, TEXT, ForbiddenError),
        ("operator", TEXT, ForbiddenError),
        (SUPERVISOR, TEXT, ForbiddenError),
        (TAX, PRODUCT, InvalidError),  # another's product
        (LABOUR, msgspec.structs.replace(PRODUCT, product_version="9.0.0"), InvalidError),
    ],
)
def test_who_may_answer_with_what(
    market: Market, actor: str, answer: ResponseRequest, error: type[MarketplaceError]
) -> None:
    name = posted(market)
    with pytest.raises(error):
        market.exchange.demands.answer(actor, name, answer)
    assert market.exchange.demands.load(BANK, name).demand.state is DemandState.POSTED


@pytest.mark.parametrize(
    ("actor", "reason", "response", "error"),
    [
        (TAX, CloseReason.OTHER, None, ForbiddenError),
        (BANK, CloseReason.IMPROPER, None, InvalidError),
        ("operator", CloseReason.WITHDRAWN, None, InvalidError),
        (BANK, CloseReason.SATISFIED, 2, InvalidError),
        (BANK, CloseReason.WITHDRAWN, 1, InvalidError),
        (BANK, CloseReason.WITHDRAWN, None, None),
        ("operator", CloseReason.IMPROPER, None, None),
    ],
)
def test_who_may_close_for_which_reason(
    market: Market, actor: str, reason: CloseReason, response: int | None, error: type[Exception] | None
) -> None:
    name = posted(market)
    market.exchange.demands.answer(TAX, name, TEXT)
    if error is None:
        closed = market.exchange.demands.close(actor, name, reason, response).demand
        assert (closed.state, closed.close_reason) == (DemandState.CLOSED, reason)
    else:
        with pytest.raises(error):
            market.exchange.demands.close(actor, name, reason, response)


def test_a_demand_is_over_after_its_last_day_in_shanghai(market: Market) -> None:
    name = posted(market)
    market.clock.now = at("2026-12-31T23:59:59+08:00")
    market.exchange.expire()
    assert market.exchange.demands.load(TAX, name).demand.state is DemandState.POSTED
    market.clock.now += 1000
    market.exchange.expire()
    assert market.exchange.demands.load(TAX, name).demand.state is DemandState.EXPIRED


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"until": "2026-11-17"}, "until"), ({"fields": (WantedField(words="！？"),)}, "fields")],
)
def test_what_makes_no_sense_is_refused_by_field(market: Market, changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        market.exchange.demands.write(BANK, wanted(**changes))
    assert field in refused.value.fields


def test_offices_post_nothing(market: Market) -> None:
    for office in ("operator", SUPERVISOR):
        with pytest.raises(ForbiddenError):
            market.exchange.demands.write(office, wanted())


def test_pages_go_on_where_the_last_one_ended(market: Market) -> None:
    names = [posted(market, theme=None) for _ in range(5)]
    demands, found, before = market.exchange.demands, list[str](), None
    while page := demands.page(TAX, before, 2):
        found += [each.demand.name for each in page]
        before = page[-1].number
    assert found == names[::-1]
    assert demands.page(TAX, None, 10, own_only=True) == []
    assert demands.page(TAX, None, 10, state="closed") == []


# --- the rule --------------------------------------------------------------------------------------------------

LABOUR_PRODUCT = parse_product(DESCRIPTIONS[LABOUR])


@pytest.mark.parametrize(
    ("field", "name", "least"),
    [
        (WantedField(words="从业人数"), "employees", 1000),
        (WantedField(words="employee"), "employees", 1000),  # a plural, by its beginning
        (WantedField(words="从业人数", field_type=FieldType.DATE), "employees", 500),
    ],
)
def test_a_field_is_met(field: WantedField, name: str, least: int) -> None:
    found = match(wanted(field), LABOUR_PRODUCT)
    assert found is not None
    assert [(each.field, each.permille) for each in found.fields] == [(name, least)]


def test_a_product_counts_for_all_that_is_wanted() -> None:
    found = match(wanted(WantedField(words="从业人数"), NOTHING), LABOUR_PRODUCT)
    assert found is not None
    assert found.permille == 500
    assert match(wanted(WantedField(words="从业人数"), *(WantedField(words=f"无关{n}") for n in range(9))), LABOUR_PRODUCT) is None  # fmt: skip # noqa: E501


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=40))
def test_any_words_score_within_bounds(words: str) -> None:
    try:
        found = match(wanted(WantedField(words=words)), LABOUR_PRODUCT)
    except InvalidError:
        return
    if found is not None:
        assert all(LEAST <= each.permille <= 1000 for each in found.fields)


@given(
    st.lists(st.frozensets(st.integers(1, 30)), max_size=9), st.frozensets(st.integers(1, 30)), st.integers(1, 9)
)
def test_most_sets_first(sets: list[frozenset[int]], within: frozenset[int], size: int) -> None:
    counts = {number: sum(number in each for each in sets) for number in within}
    expected = sorted((n for n in within if counts[n]), key=lambda n: (-counts[n], -n))[:size]
    assert most([bits_of(each) for each in sets], bits_of(within), size) == expected
