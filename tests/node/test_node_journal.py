"""The journal and the marketplace's process: kept here first, sent when it can be, one entry, one receipt."""

import dataclasses
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from market import BANK, KEYS, LABOUR, RECORDS, REVIEWER, TAX
from marketplace_api.process import Server, enrol, now, start
from node.conftest import Engines
from node.statements import at_once
from sqlalchemy import Engine

from audit.database import open_engine
from audit.entry import Entry, EntryKind, Event, encode, new_id, verify_signature
from compute.log_client import LogClient
from compute.node.journal import EventJournal
from compute.web.errors import PeerProblemError, PeerUnreachableError

pytestmark = pytest.mark.long

Servers = Callable[[], Server]


def event(number: int, node: str | None = None, kind: EntryKind = EntryKind.KEY_ENROLLED) -> Event:
    """A key that was enrolled; its number tells it apart."""
    node = node or TAX
    return Event(id=new_id(node), kind=kind, time=now(), node=node, detail={"key": f"{number:064x}"})


def impossible(number: int) -> Event:
    """What no provider reports, and the log never takes from one."""
    return event(number, kind=EntryKind.MODEL_APPROVED)


@contextmanager
def journal(
    server: Server, engine: Engine, patience: float = 0, party: str | None = None
) -> Iterator[EventJournal]:
    with server.open_log() as log:
        yield EventJournal(engine, log, KEYS[party or TAX], patience)


@pytest.fixture
def server(servers: Servers) -> Server:
    """A marketplace that the test may stop."""
    running = servers()
    enrol(running, TAX, BANK, REVIEWER)
    return running


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A marketplace that stands."""
    running = start(tmp_path_factory.mktemp("standing"))
    enrol(running, TAX, BANK, REVIEWER)
    yield running
    assert running.stop() == 0, running.log


@pytest.fixture
def standing(market: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The marketplace that stands, with an office that has told it nothing: a node counts what it tells."""
    name, key = f"{TAX}-{len(market.entries())}", Ed25519PrivateKey.generate()
    record = msgspec.structs.replace(RECORDS[TAX], name=name, public_key=key.public_key().public_bytes_raw())
    monkeypatch.setitem(KEYS, name, key)
    monkeypatch.setitem(RECORDS, name, record)
    monkeypatch.setattr(sys.modules[__name__], "TAX", name)
    enrol(market, name)
    return market


def logged(server: Server, *events: Event) -> dict[str, int]:
    """Where these events, or all of the node's, stand in the log, in its order; each is there once, and signed.

    Their numbers run without a gap.
    """
    found = [(entry, index) for index, entry in enumerate(server.entries()) if entry.node == TAX]
    assert len({entry.id for entry, _ in found}) == len(found)
    assert [entry.counter for entry, _ in found] == list(range(1, len(found) + 1))
    for entry, _ in found:
        verify_signature(entry, RECORDS[TAX].public_key)
    names = {entry.id for entry in events}
    return {entry.id: index for entry, index in found if not events or entry.id in names}


def facts(server: Server, indices: Iterable[int]) -> list[Event]:
    """What the log has at these places, as the node told it."""
    entries = server.entries()
    names = [field.name for field in dataclasses.fields(Event)]
    return [Event(**{name: getattr(entries[index], name) for name in names}) for index in indices]


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
        assert facts(standing, one.receipts().values()) == [first, second]


def test_a_journal_that_was_lost_goes_on_counting_from_the_log(standing: Server, engines: Engines) -> None:
    first, second, third = event(1), event(2), event(3)
    with journal(standing, engines[0]) as one:
        one.append(first, second)
    engine = open_engine(Path(str(engines[0].url.database)).with_name("anew.db"))
    try:
        with journal(standing, engine) as anew:
            with pytest.raises(PeerProblemError, match="the next of"):
                anew.append(third)
            own = [each for each in enumerate(standing.entries()) if each[1].node == TAX]
            anew.adopt(own)
            anew.adopt(own)  # again, and those that are here are left as they are
            anew.append(third)
            anew.append(second)
            assert anew.receipts() == logged(standing, first, second, third)
            assert facts(standing, anew.receipts().values()) == [third, first, second]
    finally:
        engine.dispose()


def test_an_event_stays_as_it_was_first_kept(standing: Server, engines: Engines) -> None:
    """A process that resumes another's work tells the same event with a later time."""
    first = event(1)
    later = dataclasses.replace(first, time=first.time + 1)
    with journal(standing, engines[0]) as one:
        one.append(first)
        one.append(later)
        assert facts(standing, one.receipts().values()) == [first]
        assert one.recorded(first.id) == (one.receipts()[first.id], encode(standing.entries()[-1]))
    assert one.recorded(new_id(TAX)) is None


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
    foreign, good = impossible(1), event(2)
    with journal(standing, engines[0]) as one:
        with pytest.raises(PeerProblemError, match=r"not for market-regulation.* to record"):
            one.append(foreign)
        one.note(good)
        receipts = one.receipts()
    (lost,) = [entry for entry in standing.entries() if entry.node == TAX and "lost" in entry.detail]
    assert lost.detail == {"message": "Event", "lost": hashlib.sha256(encode(foreign)).hexdigest()}
    assert receipts.keys() == {good.id, lost.id}
    assert [(name, bool(problem)) for name, _, problem in kept(engines[0])] == [
        (foreign.id, True),
        (lost.id, False),  # that the log did not take it is told there, and the counters have no gap
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
    good, foreign = event(1), impossible(2)
    with journal(standing, engines[0]) as one:
        with pytest.raises(PeerProblemError):
            one.append(good, foreign)
        one.flush()
        assert good.id in one.receipts()
    assert [bool(problem) for _, _, problem in kept(engines[0])] == [False, True, False]


class FailingLog:
    """A log whose disk is full: it answers 500, as `audit.errors.LogError` makes it, to every event."""

    def __init__(self, log: LogClient) -> None:
        self.log, self.fails = log, True
        self.asked = 0

    def append(self, entries: Sequence[Entry]) -> Sequence[int]:
        self.asked += 1
        if self.fails:
            raise PeerProblemError("the log", 500, {"title": "Internal Server Error", "detail": "It failed."})
        return self.log.append(entries)


def test_what_the_marketplace_failed_to_take_is_sent_again(standing: Server, engines: Engines) -> None:
    first, second = event(1), event(2)
    with standing.open_log() as log:
        market = FailingLog(log)
        one = EventJournal(engines[0], market, KEYS[TAX])  # type: ignore[arg-type]
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
        assert facts(standing, one.receipts().values()) == [early, late]


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
