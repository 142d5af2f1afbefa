"""Monthly statements: what they say, who confirms or disputes them, how they are corrected."""

import threading

import msgspec
import pytest
from market import BANK, LABOUR, NOW, OTHER, TAX, Market, open_market, terms
from money import (
    AUTHORITY,
    MONTHLY,
    PER_USE,
    abandon,
    answer,
    at,
    description,
    enrol_authority,
    enter_resources,
    mandate,
    publish,
    use,
)

from catalog.price import Plan
from compute.canonical import DAY
from compute.market.mandates import Ceiling
from compute.market.statements import ChargeReason, DisputeReason, Statement, StatementCorrection, StatementDispute
from compute.permit import permit_name
from compute.records import contract_name
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, WrongStateError
from marketplace.flow.market_states import StatementState
from marketplace.flow.statement import Issued, statement_name

NOVEMBER, DECEMBER = "2026-11", "2026-12"
FIRST_OF_DECEMBER = at("2026-12-01T00:00+08:00")
FIRST_OF_JANUARY = at("2027-01-01T00:00+08:00")


def issued(market: Market, month: str = NOVEMBER) -> dict[str, Statement]:
    """The operator's statements of a month, by provider."""
    return {
        each.statement.provider: each.statement for each in market.exchange.statements.every("operator", month)
    }


def advance(market: Market, until: int) -> None:
    market.clock.now = until
    market.exchange.expire()


@pytest.fixture
def contract(empty: Market) -> str:
    """In force since November; a use costs 1.50 yuan at one provider, a month 99 yuan at the other."""
    publish(empty, PER_USE, MONTHLY)
    return empty.active()


@pytest.fixture
def name(empty: Market, contract: str) -> str:
    """The statement of November, 40 uses for 60 yuan."""
    use(empty, contract, TAX, "one", 40)
    advance(empty, FIRST_OF_DECEMBER)
    return statement_name(contract, TAX, NOVEMBER)


def load(market: Market, name: str, actor: str = BANK) -> Issued:
    return market.exchange.statements.load(actor, name)


def disputed(market: Market, name: str, actor: str = BANK) -> Issued:
    said = StatementDispute(digest=load(market, name).digest, reason=DisputeReason.USES, text="我们只用了 30 次。")
    return market.exchange.statements.dispute(actor, name, said)


def correction(market: Market, name: str, **members: int | bool) -> StatementCorrection:
    said = {"digest": load(market, name).digest, "note": "按日志重新计数。", **members}
    return StatementCorrection(**said)  # type: ignore[arg-type]


@pytest.mark.both_databases
def test_a_month_is_stated_on_the_first_from_what_the_log_has(empty: Market, contract: str) -> None:
    use(empty, contract, TAX, "one", 40)
    use(empty, contract, LABOUR, "one", 130)
    advance(empty, FIRST_OF_DECEMBER - 1)
    assert issued(empty) == {}
    advance(empty, FIRST_OF_DECEMBER)
    tax, labour = issued(empty)[TAX], issued(empty)[LABOUR]
    assert (tax.uses, tax.total_fen, tax.unmatched, tax.due) == (40, 6000, 0, "2026-12-14")
    assert (labour.uses, labour.total_fen) == (130, 9900)
    assert [(each.uses, each.reason) for each in labour.lines] == [(100, None), (30, ChargeReason.OVER_CAP)]
    empty.exchange.expire()
    assert len(issued(empty)) == 2  # once
    empty.check()


@pytest.mark.usefixtures("contract")
def test_a_subscription_is_charged_for_every_month_begun_and_uses_only_where_there_are_some(empty: Market) -> None:
    advance(empty, FIRST_OF_JANUARY)  # the contract was over on 18 December
    assert {month: {provider: each.total_fen for provider, each in issued(empty, month).items()}
            for month in (NOVEMBER, DECEMBER)} == {NOVEMBER: {LABOUR: 9900}, DECEMBER: {LABOUR: 9900}}  # fmt: skip
    advance(empty, at("2027-03-01T00:00+08:00"))
    assert issued(empty, "2027-01") == issued(empty, "2027-02") == {}


def test_uses_that_are_told_of_late_stand_on_the_next_statement(empty: Market, contract: str, name: str) -> None:
    answer(empty, contract, TAX, "late", 5, time=NOW + DAY)
    use(empty, contract, TAX, "december", 3)
    advance(empty, FIRST_OF_JANUARY)
    assert load(empty, name).statement.uses == 40
    assert issued(empty, DECEMBER)[TAX].uses == 8
    assert issued(empty, DECEMBER)[TAX].unmatched == 5


@pytest.mark.usefixtures("name")
def test_what_is_given_back_after_a_statement_lowers_the_next(empty: Market, contract: str) -> None:
    abandon(empty, contract, TAX, "one")
    use(empty, contract, TAX, "december", 50)
    advance(empty, FIRST_OF_JANUARY)
    december = issued(empty, DECEMBER)[TAX]
    assert (december.uses, december.total_fen, december.carried) == (10, 1500, 0)


def test_more_given_back_than_used_is_carried_on_and_never_negative(
    empty: Market, contract: str, name: str
) -> None:
    abandon(empty, contract, TAX, "one")
    use(empty, contract, TAX, "december", 30)
    advance(empty, FIRST_OF_JANUARY)
    assert TAX not in issued(empty, DECEMBER)  # nothing is owed: 10 uses are still paid for
    assert load(empty, name).statement.total_fen == 6000


@pytest.mark.both_databases
def test_both_sides_confirm(empty: Market, name: str) -> None:
    read = load(empty, name).digest
    statements = empty.exchange.statements
    assert statements.confirm(TAX, name, read).state is StatementState.CONFIRMED_BY_ONE
    with pytest.raises(ConflictError, match="confirmed"):
        statements.confirm(TAX, name, read)
    assert statements.confirm(BANK, name, read).state is StatementState.CONFIRMED
    assert set(load(empty, name).confirmed) == {TAX, BANK}
    with pytest.raises(WrongStateError):
        disputed(empty, name)
    kinds = [kind for kind in empty.kinds() if kind.startswith("statement_")]
    assert kinds == ["statement_issued", "statement_issued", "statement_confirmed", "statement_confirmed"]


@pytest.mark.both_databases
def test_of_confirmations_at_once_each_side_counts_once(empty: Market, name: str) -> None:
    read = load(empty, name).digest
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def confirm(party: str) -> None:
        with open_market(empty.path, empty.clock) as own:
            start.wait()
            try:
                outcomes.append(own.exchange.statements.confirm(party, name, read).state.value)
            except (ConflictError, WrongStateError) as error:
                outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=confirm, args=(party,)) for party in (BANK, TAX, BANK, TAX)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[-2:] == ["confirmed", "confirmed_by_one"]
    assert set(load(empty, name).confirmed) == {BANK, TAX}
    assert len(load(empty, name).confirmed) == 2


def test_another_version_than_was_read_is_not_confirmed(empty: Market, name: str) -> None:
    with pytest.raises(ConflictError, match="read it again"):
        empty.exchange.statements.confirm(BANK, name, "0" * 64)


def test_a_statement_is_nobody_elses(empty: Market, name: str) -> None:
    for stranger in (OTHER, LABOUR):
        with pytest.raises(NotFoundError):
            load(empty, name, stranger)
        with pytest.raises(NotFoundError):
            empty.exchange.statements.confirm(stranger, name, "0" * 64)
    assert [each.statement.provider for each in empty.exchange.statements.every(LABOUR, NOVEMBER)] == [LABOUR]
    assert empty.exchange.statements.every(OTHER, NOVEMBER) == []


@pytest.mark.both_databases
def test_a_disputed_statement_is_issued_again_by_the_operator(empty: Market, name: str) -> None:
    assert disputed(empty, name).state is StatementState.DISPUTED
    for party in (BANK, TAX):
        with pytest.raises(ForbiddenError):
            empty.exchange.statements.correct(party, name, correction(empty, name, waived_uses=10))
    new = empty.exchange.statements.correct("operator", name, correction(empty, name, waived_uses=10))
    assert (new.statement.version, new.statement.total_fen, new.state) == (2, 4500, StatementState.ISSUED)
    assert [(each.uses, each.amount_fen, each.reason) for each in new.statement.lines] == [
        (30, 4500, None),
        (10, 0, ChargeReason.WAIVED),
    ]
    first = empty.exchange.statements.load(BANK, name, 1)
    assert (first.state, first.dispute and first.dispute.party) == (StatementState.CORRECTED, BANK)
    for party in (BANK, TAX):
        empty.exchange.statements.confirm(party, name, new.digest)
    assert load(empty, name).state is StatementState.CONFIRMED


def test_a_correction_counts_the_log_anew(empty: Market, contract: str, name: str) -> None:
    abandon(empty, contract, TAX, "one")
    disputed(empty, name)
    new = empty.exchange.statements.correct("operator", name, correction(empty, name))
    assert (new.statement.uses, new.statement.total_fen) == (0, 0)


def test_a_whole_subscription_is_given_up(empty: Market, contract: str) -> None:
    advance(empty, FIRST_OF_DECEMBER)
    name = statement_name(contract, LABOUR, NOVEMBER)
    disputed(empty, name, LABOUR)
    with pytest.raises(InvalidError, match="waive"):
        empty.exchange.statements.correct("operator", name, correction(empty, name, waived_uses=1))
    new = empty.exchange.statements.correct("operator", name, correction(empty, name, waives_all=True))
    assert new.statement.total_fen == 0


def test_a_dispute_comes_in_time(empty: Market, name: str) -> None:
    empty.clock.now = at("2026-12-15T00:00+08:00")
    with pytest.raises(InvalidError, match="2026-12-14"):
        disputed(empty, name)
    empty.clock.now -= 1
    disputed(empty, name)


def test_who_has_confirmed_disputes_no_more(empty: Market, name: str) -> None:
    empty.exchange.statements.confirm(BANK, name, load(empty, name).digest)
    with pytest.raises(ConflictError):
        disputed(empty, name)
    disputed(empty, name, TAX)


def test_the_log_has_no_amount(empty: Market, name: str) -> None:
    disputed(empty, name)
    empty.exchange.statements.correct("operator", name, correction(empty, name, waived_uses=10))
    told = [
        entry for entry in empty.exchange.log.entries() if entry.kind.value.startswith(("statement_", "price_"))
    ]
    assert {len(str(each.detail.get("digest", each.detail.get("agreement")))) for each in told} == {64}
    assert all(set(each.detail) <= {"statement", "version", "digest", "reason", "agreement"} for each in told)


def test_purposes_of_the_public_are_free(empty: Market) -> None:
    publish(empty, PER_USE, MONTHLY)
    asked = terms("public", purpose="public_welfare")
    empty.exchange.applications.apply(BANK, "public", asked)
    name = contract_name(BANK, "public")
    for provider in (TAX, LABOUR):
        empty.approve(provider, name)
    for party in (BANK, TAX, LABOUR):
        empty.exchange.contracts.sign(party, empty.signed(party, name))
    use(empty, name, TAX, "one", 40)
    advance(empty, FIRST_OF_DECEMBER)
    assert [(each.provider, each.total_fen) for each in issued(empty).values()] == [(TAX, 0)]
    assert issued(empty)[TAX].lines[0].reason is ChargeReason.PUBLIC_WELFARE


@pytest.mark.both_databases
def test_a_months_cap_stops_the_permit_until_the_next_month(empty: Market, contract: str) -> None:
    def stands(provider: str) -> bool:
        name = permit_name(contract, provider)
        return empty.exchange.permits.status(provider, name, b"\7" * 32).statement.active

    use(empty, contract, LABOUR, "one", 99)
    use(empty, contract, TAX, "one", 200)  # by the use: no cap
    assert stands(LABOUR)
    use(empty, contract, LABOUR, "two", 1)
    assert (stands(LABOUR), stands(TAX)) == (False, True)
    abandon(empty, contract, LABOUR, "two")
    assert stands(LABOUR)
    use(empty, contract, LABOUR, "three", 5)
    assert not stands(LABOUR)
    empty.clock.now = FIRST_OF_DECEMBER
    assert stands(LABOUR)


# --- the authority's limits ------------------------------------------------------------------------------------


@pytest.fixture
def bound(empty: Market) -> Market:
    """The tax department's data are under a mandate with 100 yuan a year."""
    empty.enrol()
    enrol_authority(empty)
    enter_resources(empty)
    limit = Ceiling(plan=Plan.PER_USE, amount_fen=150)
    empty.exchange.mandates.enter(AUTHORITY, mandate("mandate-2026", limit, revenue_cap_fen=10_000))
    for provider, price in ((TAX, PER_USE), (LABOUR, MONTHLY)):
        empty.offer(provider, description(provider, price))
    return empty


def test_what_would_pass_the_years_revenue_is_not_charged(bound: Market) -> None:
    contract = bound.active()
    use(bound, contract, TAX, "one", 66)  # 99 yuan
    advance(bound, FIRST_OF_DECEMBER)
    use(bound, contract, TAX, "two", 1)
    advance(bound, FIRST_OF_JANUARY)
    november, december = issued(bound)[TAX], issued(bound, DECEMBER)[TAX]
    assert (november.total_fen, november.mandate) == (9900, "mandate-2026")
    assert (december.total_fen, december.lines[0].reason) == (0, ChargeReason.REVENUE_CAP)
    assert bound.exchange.mandates.revenue(AUTHORITY, "mandate-2026", 2026)[1] == 9900
    with pytest.raises(NotFoundError):
        bound.exchange.mandates.revenue(OTHER, "mandate-2026", 2026)


def test_a_correction_leaves_room_for_what_it_replaces(bound: Market) -> None:
    contract = bound.active()
    use(bound, contract, TAX, "one", 66)
    advance(bound, FIRST_OF_DECEMBER)
    name = statement_name(contract, TAX, NOVEMBER)
    disputed(bound, name)
    new = bound.exchange.statements.correct("operator", name, correction(bound, name))
    assert new.statement.total_fen == 9900


def test_once_the_mandate_is_over_nothing_is_charged(bound: Market) -> None:
    contract = bound.active()
    use(bound, contract, TAX, "one", 10)
    bound.exchange.mandates.end(AUTHORITY, "mandate-2026", "授权到期前收回。")
    advance(bound, FIRST_OF_DECEMBER)
    line = issued(bound)[TAX].lines[0]
    assert (line.amount_fen, line.reason) == (0, ChargeReason.NO_MANDATE)


def test_a_lower_ceiling_binds_old_contracts_too(bound: Market) -> None:
    contract = bound.active()
    bound.exchange.mandates.end(AUTHORITY, "mandate-2026", "调整收费标准。")
    lower = mandate("mandate-lower", Ceiling(plan=Plan.PER_USE, amount_fen=100))
    bound.exchange.mandates.enter(AUTHORITY, lower)
    use(bound, contract, TAX, "one", 10)
    advance(bound, FIRST_OF_DECEMBER)
    statement = issued(bound)[TAX]
    assert (statement.total_fen, statement.lines[0].reason) == (1000, ChargeReason.OVER_CEILING)


def test_a_statement_whose_total_is_another_cannot_be_made(empty: Market, name: str) -> None:
    with pytest.raises(ValueError, match="add them up"):
        msgspec.structs.replace(load(empty, name).statement, total_fen=1)
