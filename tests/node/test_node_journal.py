"""The journal and the marketplace's process: kept here first, sent when it can be, one entry, one receipt."""

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from market import BANK, LABOUR, REVIEWER, TAX
from marketplace_api.process import Server, enrol, now, start
from node.conftest import Engines
from node.statements import at_once
from sqlalchemy import Engine

from audit.entry import Entry, EntryKind, new_id
from compute.client import MarketplaceClient
from compute.node.journal import EventJournal
from compute.signing import Pin, verify
from compute.web.errors import PeerProblemError, PeerUnreachableError, ResponseError

Servers = Callable[[], Server]


def event(number: int, node: str = TAX) -> Entry:
    """A key that was enrolled; its number tells it apart."""
    detail = {"key": f"{number:064x}"}
    return Entry(id=new_id(node), kind=EntryKind.KEY_ENROLLED, time=now(), node=node, detail=detail)


@contextmanager
def journal(server: Server, engine: Engine, patience: float = 0, party: str = TAX) -> Iterator[EventJournal]:
    with server.client(party) as client:
        yield EventJournal(engine, client, patience)


@pytest.fixture
def server(servers: Servers) -> Server:
    """A marketplace that the test may stop."""
    running = servers()
    enrol(running, TAX, BANK, REVIEWER)
    return running


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A marketplace that stands."""
    running = start(tmp_path_factory.mktemp("standing"))
    enrol(running, TAX, BANK, REVIEWER)
    yield running
    assert running.stop() == 0, running.log


def logged(server: Server, *events: Entry) -> dict[str, int]:
    """Where these events, or all of the node's, stand in the log, in its order; each is there once."""
    with server.client(TAX) as client:
        found = [(entry, index) for index, entry in entries(server, client) if entry.node == TAX]
    assert len({entry.id for entry, _ in found}) == len(found)
    names = {entry.id for entry in events}
    return {entry.id: index for entry, index in found if not events or entry.id in names}


def entries(server: Server, client: MarketplaceClient) -> list[tuple[int, Entry]]:
    pins = {"market": Pin("operator", server.market_key)}
    size = verify(client.checkpoint(), "market", "operator", pins).size
    return list(client.entries(0, size))


def kept(engine: Engine) -> list[tuple[str, int | None, str | None]]:
    with engine.begin() as connection:
        rows = connection.exec_driver_sql('SELECT id, "index", problem FROM events ORDER BY number')
        return [tuple(row) for row in rows]  # type: ignore[misc]


def test_an_event_is_one_entry_however_often_and_by_whom_it_is_appended(
    standing: Server, engines: Engines
) -> None:
    first, second = event(1), event(2)
    with journal(standing, engines[0]) as one, journal(standing, engines[1]) as other:
        one.append(first)
        one.append(first)
        other.append(first)
        at_once([lambda: one.append(second), lambda: other.append(second)])
        one.note(first)
        assert one.receipts() == other.receipts() == logged(standing, first, second)
        assert one.receipts().keys() == {first.id, second.id}
        with standing.client(TAX) as client:
            assert [client.entry(index) for index in one.receipts().values()] == [first, second]


def test_an_event_stays_as_it_was_first_kept(standing: Server, engines: Engines) -> None:
    """A process that resumes another's work tells the same event with a later time."""
    first = event(1)
    later = dataclasses.replace(first, time=first.time + 1)
    with journal(standing, engines[0]) as one:
        one.append(first)
        one.append(later)
        with standing.client(TAX) as client:
            assert client.entry(one.receipts()[first.id]) == first


def test_a_receipt_that_was_lost_is_the_same_again(standing: Server, engines: Engines) -> None:
    """The process died after the marketplace had taken the event and before its index was written down."""
    first = event(1)
    with journal(standing, engines[0]) as one:
        one.append(first)
        receipts = one.receipts()
        with engines[0].begin() as connection:
            connection.exec_driver_sql('UPDATE events SET "index" = NULL')
        assert one.receipts() == {}
        one.flush()
        assert one.receipts() == receipts == logged(standing, first)


def test_what_the_marketplace_never_takes_holds_up_nothing(standing: Server, engines: Engines) -> None:
    foreign, good = event(1, node=BANK), event(2)
    with journal(standing, engines[0]) as one:
        with pytest.raises(PeerProblemError, match="the event is of bank"):
            one.append(foreign)
        one.note(good)
        assert one.receipts() == logged(standing, good)
    assert [(name, bool(problem)) for name, _, problem in kept(engines[0])] == [
        (foreign.id, True),
        (good.id, False),
    ]


def test_events_that_belong_together_are_appended_together(standing: Server, engines: Engines) -> None:
    first, second, third = event(1), event(2), event(3)
    with journal(standing, engines[0]) as one:
        one.append(second)
        one.append(first, second, third)
        one.append(first, second, third)
        assert one.receipts() == logged(standing, first, second, third)
        assert one.receipts()[first.id] + 1 == one.receipts()[third.id]
        one.append()


def test_of_events_that_are_refused_together_the_good_one_is_taken(standing: Server, engines: Engines) -> None:
    good, foreign = event(1), event(2, LABOUR)
    with journal(standing, engines[0]) as one:
        with pytest.raises(PeerProblemError):
            one.append(good, foreign)
        assert one.receipts() == logged(standing, good)
    assert [(name, bool(problem)) for name, _, problem in kept(engines[0])] == [
        (good.id, False),
        (foreign.id, True),
    ]


class FailingMarket:
    """A marketplace whose disk is full: it answers 500, as `audit.errors.LogError` makes it, to every event."""

    def __init__(self, client: MarketplaceClient) -> None:
        self.client, self.fails = client, True
        self.asked = 0

    def append_event(self, entry: Entry) -> int:
        self.asked += 1
        if self.fails:
            raise PeerProblemError("market", 500, {"title": "Internal Server Error", "detail": "It failed."})
        return self.client.append_event(entry)


def test_what_the_marketplace_failed_to_take_is_sent_again(standing: Server, engines: Engines) -> None:
    first, second = event(1), event(2)
    with standing.client(TAX) as client:
        market = FailingMarket(client)
        one = EventJournal(engines[0], market)  # type: ignore[arg-type]
        with pytest.raises(PeerProblemError, match="500"):
            one.append(first)
        asked = market.asked
        one.note(second)
        assert market.asked == asked + 1  # it is not asked for each event while it fails
        assert one.receipts() == {}
        market.fails = False
        one.flush()
        assert one.receipts() == logged(standing, first, second)
        assert one.receipts().keys() == {first.id, second.id}


def test_events_of_a_node_that_is_not_yet_enrolled_wait(standing: Server, engines: Engines) -> None:
    early, late = event(1, LABOUR), event(2, LABOUR)
    with journal(standing, engines[0], party=LABOUR) as one:
        one.note(early)
        assert kept(engines[0]) == [(early.id, None, None)]
        enrol(standing, LABOUR)
        one.note(late)
        with standing.client(LABOUR) as client:
            assert [client.entry(index) for index in one.receipts().values()] == [early, late]


def test_events_wait_while_the_marketplace_is_stopped(servers: Servers, server: Server, engines: Engines) -> None:
    before, appended, noted, after = (event(number) for number in range(4))
    with journal(server, engines[0]) as one:
        one.append(before)
        assert server.stop() == 0
        with pytest.raises(PeerUnreachableError):
            one.append(appended)
        one.note(noted)
        assert [name for name, index, _ in kept(engines[1]) if index is None] == [appended.id, noted.id]
        assert one.receipts().keys() == {before.id}
    again = servers()
    with journal(again, engines[1]) as other:  # another process of the node
        other.note(after)
        assert other.receipts() == logged(again)
        assert list(logged(again)) == [before.id, appended.id, noted.id, after.id]  # in the order they came
        assert all(problem is None for _, _, problem in kept(engines[0]))
        other.flush()
        assert list(logged(again)) == [before.id, appended.id, noted.id, after.id]


def test_a_patient_append_returns_once_the_marketplace_is_back(
    servers: Servers, server: Server, engines: Engines
) -> None:
    first = event(1)
    assert server.stop() == 0
    with journal(server, engines[0], patience=30) as one, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(one.append, first)
        again = servers()
        waiting.result(20)
        assert one.receipts() == logged(again)


def test_no_receipt_counts_that_another_key_signed(servers: Servers, server: Server, engines: Engines) -> None:
    """Somebody answers at the marketplace's address without the key that is pinned."""
    first = event(1)
    with journal(server, engines[0]) as one:
        assert server.stop() == 0
        (server.folder / "identity.jwe").unlink()
        servers()
        with pytest.raises(ResponseError):
            one.append(first)
        assert one.receipts() == {}
        assert kept(engines[0]) == [(first.id, None, None)]
