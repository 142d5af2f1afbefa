"""What is counted is what the log says: once for each job, whatever comes first, and counted anew the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import BANK, LABOUR, NOW, OTHER, TAX, WHY, Market
from money import PER_USE, abandon, answer, ask, job, publish, use

from audit.entry import EntryKind, Event, new_id
from compute.canonical import DAY
from compute.permit import permit_name
from marketplace.errors import MarketplaceError, OutOfOrderError
from marketplace.flow.metering import Agreement, Observation, merged, observed
from marketplace.store import usage

FOREVER = 2**53 - 1


@pytest.fixture
def contract(empty: Market) -> str:
    publish(empty, PER_USE)
    return empty.active()


def counted(market: Market, contract: str, provider: str = TAX) -> int:
    with market.exchange.log.snapshot() as connection:
        return usage.counted(connection, contract, provider, 0, FOREVER)


@pytest.mark.both_databases
def test_uses_are_counted_with_the_event(empty: Market, contract: str) -> None:
    use(empty, contract, TAX, "one", 40)
    use(empty, contract, LABOUR, "one", 40)
    use(empty, contract, TAX, "two", 2)
    assert (counted(empty, contract), counted(empty, contract, LABOUR)) == (42, 40)
    assert empty.exchange.usage.recount() == 0


def test_a_retry_counts_once(empty: Market, contract: str) -> None:
    entry = empty.entry(
        EntryKind.ANSWER_SENT, TAX, contract, counterparty=BANK, job=job("one"), detail={"rows": 7}
    )
    assert empty.exchange.append_events([entry]) == empty.exchange.append_events([entry])
    assert counted(empty, contract) == 7


def test_a_second_answer_to_a_job_counts_nothing(empty: Market, contract: str) -> None:
    use(empty, contract, TAX, "one", 7)
    answer(empty, contract, TAX, "one", 9000)
    assert counted(empty, contract) == 7
    assert empty.exchange.usage.recount() == 0


@pytest.mark.parametrize("first", ["answer", "abandon"])
def test_a_tombstone_gives_the_uses_back_whichever_comes_first(empty: Market, contract: str, first: str) -> None:
    if first == "abandon":
        abandon(empty, contract, TAX, "one")
    ask(empty, contract, TAX, "one", 7)
    answer(empty, contract, TAX, "one", 7)
    if first == "answer":
        assert counted(empty, contract) == 7
        abandon(empty, contract, TAX, "one")
    assert counted(empty, contract) == 0
    assert empty.exchange.usage.recount() == 0


def test_uses_without_the_consumers_word_are_told_apart(empty: Market, contract: str) -> None:
    answer(empty, contract, TAX, "alone", 5)
    use(empty, contract, TAX, "both", 7)
    with empty.exchange.log.snapshot() as connection:
        assert usage.unmatched(connection, contract, TAX, FOREVER) == 5


def test_another_consumer_is_no_use_of_this_contracts(empty: Market, contract: str) -> None:
    name = permit_name(contract, TAX)
    with pytest.raises(MarketplaceError):
        empty.report(EntryKind.ANSWER_SENT, TAX, contract, counterparty=OTHER, permit_id=name, job=job("x"))
    empty.report(EntryKind.ANSWER_SENT, TAX, contract, job=job("nobody"), detail={"rows": 5})
    assert counted(empty, contract) == 0


def test_of_events_that_are_refused_nothing_is_counted(empty: Market, contract: str) -> None:
    members = {"counterparty": BANK, "detail": {"rows": 3}}
    good = empty.entry(EntryKind.ANSWER_SENT, TAX, contract, job=job("good"), **members)
    gap = empty.entry(EntryKind.ANSWER_SENT, TAX, contract, job=job("gap"), counter=good.counter + 5, **members)
    with pytest.raises(OutOfOrderError):
        empty.exchange.append_events([good, gap])
    assert counted(empty, contract) == 0


@pytest.mark.both_databases
def test_the_count_is_made_anew_from_the_log_alone(empty: Market, contract: str) -> None:
    use(empty, contract, TAX, "one", 40)
    abandon(empty, contract, TAX, "two")
    with empty.exchange.log.transaction() as batch:
        before = usage.totals(batch.connection), usage.all_standing(batch.connection)
        usage.clear(batch.connection)
    assert empty.exchange.usage.recount() == 3  # two jobs, and that the contract is in force
    with empty.exchange.log.snapshot() as connection:
        assert (usage.totals(connection), usage.all_standing(connection)) == before


def test_the_log_tells_how_long_a_contract_is_in_force(empty: Market, contract: str) -> None:
    empty.clock.now = NOW + 3 * DAY
    draft = empty.drafted("loans-2")
    empty.exchange.contracts.terminate(BANK, draft, WHY)  # never in force
    empty.exchange.contracts.terminate(BANK, contract, WHY)
    with empty.exchange.log.snapshot() as connection:
        assert usage.in_force(connection, contract) == (NOW, NOW + 3 * DAY)
        assert usage.in_force(connection, draft) is None


# --- laws ------------------------------------------------------------------------------------------------------

OBSERVED = st.builds(
    Observation,
    contract=st.just("c"),
    provider=st.sampled_from(["tax", "labour"]),
    job=st.sampled_from(["1", "2", "3"]),
    uses=st.integers(0, 9),
    at=st.integers(0, 9),
    is_asked=st.booleans(),
    is_abandoned=st.booleans(),
) | st.builds(
    Observation,
    contract=st.just("c"),
    provider=st.just("tax"),
    job=st.sampled_from(["1", "2"]),
    is_asked=st.booleans(),
    is_abandoned=st.booleans(),
)


@given(st.lists(OBSERVED), st.integers(0, 20))
def test_piece_by_piece_or_at_once_is_the_same(seen: list[Observation], cut: int) -> None:
    pieces = [*merged(seen[:cut]).values(), *seen[cut:]]
    assert merged(pieces) == merged(seen)


@pytest.mark.parametrize(("operation", "uses"), [("risk_score", 40), ("joint_statistics", 1)])
def test_what_is_a_use_follows_from_the_operation(operation: str, uses: int) -> None:
    event = Event(
        id=new_id(TAX),
        kind=EntryKind.ANSWER_SENT,
        time=5,
        node=TAX,
        contract="c",
        counterparty=BANK,
        job=job("one"),
        detail={"rows": 40},
    )
    found = observed(event, {"c": Agreement(BANK, operation)}.get)
    assert found == Observation("c", TAX, job("one"), uses, 5)
