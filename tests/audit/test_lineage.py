"""OpenLineage run events: the members that its specification requires, and what the entries say."""

import re
import uuid
from collections import defaultdict
from datetime import datetime
from typing import Any

import pytest
from ledger import HOUR, Ledger, busy_ledger, hex_of
from market import BANK, LABOUR, NOW, TAX

from audit.entry import EntryKind
from audit.tracing.lineage import Event, export, run_id
from audit.tracing.uses import uses

ONE, JOB = "contract-1", "5e" * 32
URI = re.compile(r"(?:https|urn):[A-Za-z0-9:/._#$-]+")


def check(event: Event) -> None:
    """Raise AssertionError unless the event has what OpenLineage 2-0-2 requires of a RunEvent."""
    assert {"eventTime", "producer", "schemaURL", "run", "job"} <= event.keys()
    assert event["eventType"] in {"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"}
    assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
    assert URI.fullmatch(event["producer"])
    assert event["schemaURL"] == "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
    uuid.UUID(event["run"]["runId"])
    check_facets(event["run"].get("facets", {}))
    for named in (event["job"], *event.get("inputs", []), *event.get("outputs", [])):
        assert isinstance(named["namespace"], str)
        assert isinstance(named["name"], str)
        assert named["name"]
        check_facets(named.get("facets", {}))


def check_facets(facets: dict[str, Any]) -> None:
    required = {
        "parent": {"run", "job"},
        "errorMessage": {"message", "programmingLanguage"},
        "version": {"datasetVersion"},
        "schema": {"fields"},
    }
    for name, facet in facets.items():
        assert {"_producer", "_schemaURL", *required.get(name, set())} <= facet.keys()
        assert URI.fullmatch(facet["_producer"])
        assert URI.fullmatch(facet["_schemaURL"])
    if "schema" in facets:
        assert all(isinstance(field["name"], str) for field in facets["schema"]["fields"])
    if "parent" in facets:
        uuid.UUID(facets["parent"]["run"]["runId"])


def made(ledger: Ledger) -> list[Event]:
    events = export(uses(ledger.indexed))
    for event in events:
        check(event)
    assert events == sorted(events, key=lambda event: event["eventTime"])
    return events


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def test_a_use_starts_and_completes(ledger: Ledger) -> None:
    ledger.use(ONE, JOB, without=[EntryKind.ANSWER_SENT])
    (start,) = made(ledger)
    assert (start["eventType"], start["outputs"]) == ("START", [])
    ledger = Ledger()
    ledger.use(ONE, JOB)
    start, complete = made(ledger)
    assert [event["eventType"] for event in (start, complete)] == ["START", "COMPLETE"]
    assert start["run"] == complete["run"]
    assert start["job"] == {"namespace": f"veilmart:{TAX}", "name": f"{ONE}/{TAX}", "facets": {}}
    (source,), (answer,) = complete["inputs"], complete["outputs"]
    assert source["name"] == "market-registration/1.0.0"
    assert source["facets"]["schema"]["fields"] == [{"name": "franchise"}, {"name": "naics"}]
    assert source["facets"]["version"]["datasetVersion"] == f"1.0.0+{hex_of('snapshot', TAX)}"
    assert answer["name"] == f"answer/{hex_of('answer', JOB, TAX)}"
    known = complete["run"]["facets"]["veilmart_use"]
    assert (known["jobDigest"], known["rows"], known["entries"]) == (JOB, 10, [0, 1, 2, 3])
    assert complete["run"]["facets"]["parent"]["job"] == {"namespace": f"veilmart:{BANK}", "name": ONE}


def test_a_refused_use_fails(ledger: Ledger) -> None:
    ledger.use(ONE, JOB, without=[EntryKind.ANSWER_SENT, EntryKind.ANSWER_RECEIVED])
    ledger.now += HOUR
    ledger.add(EntryKind.REFUSED, TAX, counterparty=BANK, job=JOB, detail={"message": "Query", "check": 9})
    start, fail = made(ledger)
    assert (start["eventType"], fail["eventType"]) == ("START", "FAIL")
    assert fail["run"]["facets"]["errorMessage"]["message"] == f"{TAX} refused: check 9"


def test_a_job_s_parts_are_runs_of_one_parent(ledger: Ledger) -> None:
    ledger.use(ONE, JOB, TAX)
    ledger.use(ONE, JOB, LABOUR)
    events = made(ledger)
    assert len({event["run"]["runId"] for event in events}) == 2
    assert len({event["run"]["facets"]["parent"]["run"]["runId"] for event in events}) == 1
    assert {run_id(use) for use in uses(ledger.indexed)} == {event["run"]["runId"] for event in events}


def test_a_use_that_only_the_consumer_reports_has_a_start_and_no_inputs(ledger: Ledger) -> None:
    ledger.add(EntryKind.ANSWER_RECEIVED, BANK, ONE, counterparty=TAX, job=JOB)
    (start,) = made(ledger)
    assert start["inputs"] == []


def test_a_clock_that_goes_back_makes_no_run_end_before_it_starts(ledger: Ledger) -> None:
    ledger.use(ONE, JOB, without=[EntryKind.ANSWER_SENT, EntryKind.ANSWER_RECEIVED])
    ledger.now = NOW - HOUR
    ledger.use(ONE, JOB, without=[EntryKind.QUERY_SENT, EntryKind.QUERY_RECEIVED])
    start, complete = made(ledger)
    assert start["eventType"] == "START"
    assert start["eventTime"] == complete["eventTime"]


def test_every_run_of_a_large_log_starts_once_and_ends_at_most_once() -> None:
    ledger = busy_ledger(300)
    types = defaultdict(list)
    for event in made(ledger):
        types[event["run"]["runId"]].append(event["eventType"])
    ends = [("START", "COMPLETE"), ("START", "FAIL"), ("START",)]
    assert len(types) == len(uses(ledger.indexed)) == 300
    assert {tuple(each) for each in types.values()} <= set(ends)
    answered = [entry for entry in ledger.entries if entry.kind is EntryKind.ANSWER_SENT]
    assert sum("COMPLETE" in each for each in types.values()) == len(answered)
