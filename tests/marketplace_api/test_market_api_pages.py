"""Long answers come in pages, which the client puts together."""

import json
from typing import Any

import pytest
from market import BANK, TAX, made_entry
from marketplace_api.process import Server, active, now

from audit.entry import EntryKind
from compute.market.log import MAX_ENTRIES, MAX_TRACE


@pytest.fixture(scope="module")
def busy(server: Server) -> tuple[str, list[int]]:
    """A contract with more entries than one page of a trace, and the indices of those that make it so."""
    name = active(server, "busy")
    moment = now()
    made = [
        made_entry(EntryKind.QUERY_RECEIVED, TAX, name, counter=number, time=moment)
        for number in range(1, MAX_TRACE + 1)
    ]
    parts = [made[first : first + MAX_ENTRIES] for first in range(0, len(made), MAX_ENTRIES)]
    return name, [index for part in parts for index in server.append(*part)]


def answer(server: Server, path: str, **query: int) -> list[int]:
    """The indices in one answer."""
    with server.peer(BANK) as peer:
        found: dict[str, Any] = json.loads(peer.request("GET", path, expected=bytes, query=query))
    return [each["index"] for each in found["entries"]]


def test_a_trace_comes_in_pages(server: Server, busy: tuple[str, list[int]]) -> None:
    name, added = busy
    path = f"/audit/trace/{name}"
    first = answer(server, path)
    assert len(first) == MAX_TRACE
    before = MAX_TRACE - first.index(added[0])
    assert first[-before:] == added[:before]
    assert answer(server, path, after=first[-1]) == added[before:]
    assert answer(server, path, after=added[-1]) == []
    with server.client(BANK) as bank:
        trace = bank.trace(name)
    assert [index for index, _ in trace] == [*first[:-before], *added]
    assert trace[0][1].kind is EntryKind.APPLICATION_SUBMITTED
    entries = server.entries()
    assert trace == [(index, entry) for index, entry in enumerate(entries) if entry.contract == name]
