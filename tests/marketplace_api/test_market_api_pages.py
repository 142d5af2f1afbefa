"""Long answers come in pages, which the client puts together."""

import json
from typing import Any

import pytest
from market import BANK, REVIEWER
from marketplace_api.process import Server, applied, now

from audit.database import open_engine
from audit.entry import Entry, EntryKind, new_id
from audit.log import Log
from compute.market import MAX_ENTRIES, MAX_TRACE
from compute.web.errors import PeerProblemError
from marketplace.store import mentions


@pytest.fixture(scope="module")
def busy(server: Server) -> tuple[str, range]:
    """A contract with more entries than one page of a trace, and where those stand that make it so."""
    name = applied(server, "busy")
    moment = now()
    entries = [
        Entry(id=new_id(REVIEWER), kind=EntryKind.REFUSED, time=moment, node=REVIEWER) for _ in range(MAX_TRACE)
    ]
    engine = open_engine(server.folder / "market.db")
    log = Log(engine)
    indices = log.append_many(entries)
    with log.transaction() as connection:
        for index in indices:
            mentions.add(connection, [name], index, None)
    engine.dispose()
    return name, range(indices[0], indices[-1] + 1)


def answer(server: Server, path: str, **query: int) -> list[int]:
    """The indices in one answer."""
    with server.peer(BANK) as peer:
        found: dict[str, Any] = json.loads(peer.request("GET", path, expected=bytes, query=query))
    return [each["index"] for each in found["entries"]]


def test_a_trace_comes_in_pages(server: Server, busy: tuple[str, range]) -> None:
    name, added = busy
    path = f"/audit/trace/{name}"
    first = answer(server, path)
    assert len(first) == MAX_TRACE
    assert first[1:] == list(added)[:-1]
    assert answer(server, path, after=first[-1]) == [added[-1]]
    assert answer(server, path, after=added[-1]) == []
    with server.client(BANK) as bank:
        trace = bank.trace(name)
    assert [index for index, _ in trace] == [first[0], *added]
    assert trace[0][1].kind is EntryKind.APPLICATION_SUBMITTED


def test_entries_come_in_pages(server: Server, busy: tuple[str, range]) -> None:
    _, added = busy
    start, stop = added.start, added.start + 2 * MAX_ENTRIES + 3
    assert answer(server, "/audit/entries", start=start, stop=stop) == list(range(start, start + MAX_ENTRIES))
    assert answer(server, "/audit/entries", start=start, stop=start + 2) == [start, start + 1]
    assert answer(server, "/audit/entries", start=start, stop=start) == []
    with server.client(BANK) as bank:
        found = list(bank.entries(start, stop))
        assert [index for index, _ in found] == list(range(start, stop))
        assert found[-1][1] == bank.entry(stop - 1)
        assert list(bank.entries(stop, stop)) == []


@pytest.mark.parametrize(("start", "stop"), [(3, 2), (0, 10**9), (10**9, 10**9)])
def test_a_range_that_is_none_is_refused(server: Server, start: int, stop: int) -> None:
    with server.peer(BANK) as peer, pytest.raises(PeerProblemError, match="ask for a range within") as raised:
        peer.request("GET", "/audit/entries", expected=bytes, query={"start": start, "stop": stop})
    assert (raised.value.status, raised.value.slug) == (422, "invalid")


@pytest.mark.parametrize("query", [{}, {"start": 0}, {"start": -1, "stop": 2}, {"start": "1_0", "stop": 20}])
def test_a_query_that_is_no_range_is_refused(server: Server, query: dict[str, str | int]) -> None:
    with server.peer(BANK) as peer, pytest.raises(PeerProblemError) as raised:
        peer.request("GET", "/audit/entries", expected=bytes, query=query)
    assert raised.value.status == 422
