"""The tables over a log: what they add up to is what a plain count says; what is exported is what is there."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ledger import FIELDS, PRODUCTS, Ledger, busy_ledger
from market import BANK, DAY, LABOUR, SUPERVISOR, TAX

from audit.entry import EntryKind
from audit.tracing.findings import Finding
from audit.tracing.frames import NAMES, export, open_frames
from audit.tracing.rules import Rules, find
from audit.tracing.uses import uses


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    made = busy_ledger(500)
    assert len(made.entries) > 2000
    said = {"index": findings(made)[0].indices[0], "tag": findings(made)[0].tag, "disposition": "warned"}
    made.add(EntryKind.FINDING_DISPOSED, SUPERVISOR, detail=said)
    return made


def findings(ledger: Ledger) -> list[Finding]:
    return find(ledger.indexed, Rules(), ledger.now + DAY)


@pytest.fixture(scope="module")
def frames(ledger: Ledger) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_frames(ledger.indexed, uses(ledger.indexed), findings(ledger)) as connection:
        yield connection


def rows(frames: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    return frames.execute(query).fetchall()


def counted(ledger: Ledger) -> tuple[Counter[Any], Counter[Any], Counter[Any]]:
    """Uses, answers and rows by contract, consumer, provider and field: plainly, from the providers' halves."""
    asked, answered, subjects = Counter[Any](), Counter[Any](), Counter[Any]()
    for entry in ledger.entries:
        if entry.kind in {EntryKind.QUERY_RECEIVED, EntryKind.ANSWER_SENT}:
            for name in FIELDS[entry.node]:
                key = (entry.contract, entry.counterparty, entry.node, PRODUCTS[entry.node], name)
                if entry.kind is EntryKind.QUERY_RECEIVED:
                    asked[key] += 1
                    subjects[key] += int(str(entry.detail["rows"]))
                else:
                    answered[key] += 1
    return asked, answered, subjects


def test_who_used_what_adds_up_to_a_plain_count(ledger: Ledger, frames: duckdb.DuckDBPyConnection) -> None:
    asked, answered, subjects = counted(ledger)
    assert len(asked) == 6 * 3
    by_key = "SELECT contract, consumer, provider, product, field, {} FROM who_used_what"
    for column, expected in (("uses", asked), ("answered", answered), ("rows", subjects)):
        found = {tuple(key): value for *key, value in rows(frames, by_key.format(column))}
        assert found == expected, column
    assert rows(frames, "SELECT DISTINCT version, purpose, legal_basis FROM who_used_what") == [
        ("1.0.0", "credit_approval", "consent")
    ]


def test_uses_add_up_by_organisation_and_product(ledger: Ledger, frames: duckdb.DuckDBPyConnection) -> None:
    received = [entry for entry in ledger.entries if entry.kind is EntryKind.QUERY_RECEIVED]
    by_product = Counter((entry.counterparty, entry.detail["product"]) for entry in received)
    query = "SELECT consumer, product, count(*) FROM uses GROUP BY ALL"
    assert {(bank, product): count for bank, product, count in rows(frames, query)} == by_product
    total = sum(int(str(entry.detail["rows"])) for entry in received)
    assert rows(frames, "SELECT sum(rows) FROM uses") == [(total,)]
    refused = [entry for entry in ledger.entries if entry.kind is EntryKind.REFUSED]
    assert rows(frames, "SELECT count(*) FROM uses WHERE refused AND answered IS NULL") == [(len(refused),)]
    lone = rows(frames, "SELECT count(*) FROM uses WHERE NOT matched")
    assert lone == rows(frames, "SELECT count(*) FROM uses WHERE missing = ['answer_received']")


def test_the_timeline_has_every_entry_typed(ledger: Ledger, frames: duckdb.DuckDBPyConnection) -> None:
    for row in rows(frames, 'SELECT "index", epoch_ms(time), kind, node, contract, counter, detail FROM timeline'):
        entry = ledger.entries[row[0]]
        assert row[1:6] == (entry.time, entry.kind.value, entry.node, entry.contract, entry.counter)
        assert json.loads(row[6]) == json.loads(json.dumps(dict(entry.detail)))
    assert rows(frames, "SELECT count(*) FROM timeline") == [(len(ledger.entries),)]
    types = dict(rows(frames, "SELECT column_name, column_type FROM (DESCRIBE uses)"))
    assert (types["sent"], types["rows"], types["fields"]) == ("TIMESTAMP", "BIGINT", "VARCHAR[]")


def test_findings_stand_with_what_became_of_them(ledger: Ledger, frames: duckdb.DuckDBPyConnection) -> None:
    expected = Counter(finding.tag for finding in findings(ledger))
    assert dict(rows(frames, "SELECT tag, count(*) FROM findings GROUP BY tag")) == expected
    disposed = rows(frames, "SELECT disposition, auditor, disposed_by FROM findings WHERE disposition IS NOT NULL")
    assert disposed == [("warned", SUPERVISOR, len(ledger.entries) - 1)]
    assert rows(frames, 'SELECT DISTINCT command, reason, message, "check" FROM refusals') == [
        (None, None, "Query", 9)
    ]


def test_parquet_and_csv_hold_the_same(frames: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    files = export(frames, tmp_path / "it's here", "parquet")
    assert [path.name for path in files] == [f"{name}.parquet" for name in NAMES]
    for path in files:
        name = path.name.removesuffix(".parquet")
        assert duckdb.read_parquet(str(path)).fetchall() == rows(frames, f"FROM {name}")
    for path in export(frames, tmp_path, "csv"):
        name = path.name.removesuffix(".csv")
        with path.open(encoding="utf-8", newline="") as file:
            read = list(csv.reader(file))
        assert read[0] == [column[0] for column in frames.execute(f"FROM {name} LIMIT 0").description or ()]
        assert len(read) - 1 == len(rows(frames, f"FROM {name}"))


def test_a_folder_that_cannot_be_written_is_named(frames: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "timeline.csv").mkdir()
    with pytest.raises(OSError, match="cannot be written") as raised:
        export(frames, tmp_path, "csv")
    assert raised.value.filename == str(tmp_path / "timeline.csv")


def test_an_empty_log_has_empty_tables(tmp_path: Path) -> None:
    with open_frames([], [], []) as frames:
        assert [len(rows(frames, f"FROM {name}")) for name in NAMES] == [0] * len(NAMES)
        assert len(export(frames, tmp_path, "parquet")) == len(NAMES)


def test_a_use_that_names_no_field_and_the_last_moment_of_an_entry(tmp_path: Path) -> None:
    ledger = Ledger(now=2**53 - 1)
    ledger.add(EntryKind.QUERY_SENT, BANK, "contract-1", counterparty=TAX, job="5e" * 32, detail={"rows": 3})
    ledger.add(EntryKind.QUERY_SENT, BANK, "contract-1", counterparty=LABOUR, job="5e" * 32, detail={"rows": 4})
    with open_frames(ledger.indexed, uses(ledger.indexed), []) as frames:
        found = rows(frames, "SELECT provider, field, uses, answered, rows, rows_answered FROM who_used_what")
        assert found == [(TAX, None, 1, 0, 3, 0), (LABOUR, None, 1, 0, 4, 0)]
        assert len(export(frames, tmp_path, "parquet")) == len(NAMES)
