"""A log's entries as tables, in DuckDB: the timeline, who used what, refusals, findings; to Parquet and CSV.

    timeline        every entry, typed, with its detail as JSON
    uses            every use of data, whole: who, whose, of what, for what, on what basis, under what, when
    who_used_what   the same, added up for each contract, consumer, product version, field and purpose
    refusals        what was refused, by whom, to whom, why
    findings        what the rules of risk say, and what an auditor has made of it

Times are UTC. The tables hold what the entries say; that these are the log's is verified before. This module needs
DuckDB, which the extra `audit` brings.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import duckdb

from audit.entry import Entry, EntryKind
from audit.tracing.findings import Disposals, Finding, disposal_of, disposals
from audit.tracing.uses import Entries, Use

Format = Literal["parquet", "csv"]
Row = dict[str, Any]

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "python_enable_replacements": False,  # SQL does not see Python's variables
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_ROWS_AT_ONCE = 10_000

_TABLES: Mapping[str, Mapping[str, str]] = {
    "timeline": {
        "index": "BIGINT",
        "time": "TIMESTAMP",
        "kind": "VARCHAR",
        "node": "VARCHAR",
        "counterparty": "VARCHAR",
        "contract": "VARCHAR",
        "counter": "BIGINT",
        "permit": "VARCHAR",
        "job": "VARCHAR",
        "detail": "VARCHAR",
    },
    "uses": {
        "contract": "VARCHAR",
        "consumer": "VARCHAR",
        "provider": "VARCHAR",
        "product": "VARCHAR",
        "version": "VARCHAR",
        "fields": "VARCHAR[]",
        "purpose": "VARCHAR",
        "legal_basis": "VARCHAR",
        "rows": "BIGINT",
        "model": "VARCHAR",
        "permit": "VARCHAR",
        "job": "VARCHAR",
        "answer": "VARCHAR",
        "snapshot": "VARCHAR",
        "snapshot_date": "VARCHAR",
        "sent": "TIMESTAMP",
        "received": "TIMESTAMP",
        "answered": "TIMESTAMP",
        "delivered": "TIMESTAMP",
        "acknowledged": "BOOLEAN",
        "refused": "BOOLEAN",
        "matched": "BOOLEAN",
        "missing": "VARCHAR[]",
        "contradictions": "VARCHAR[]",
        "indices": "BIGINT[]",
    },
    "refusals": {
        "index": "BIGINT",
        "time": "TIMESTAMP",
        "node": "VARCHAR",
        "counterparty": "VARCHAR",
        "job": "VARCHAR",
        "message": "VARCHAR",
        "check": "BIGINT",
        "command": "VARCHAR",
        "reason": "VARCHAR",
    },
    "findings": {
        "tag": "VARCHAR",
        "indices": "BIGINT[]",
        "contract": "VARCHAR",
        "parties": "VARCHAR[]",
        "zh": "VARCHAR",
        "en": "VARCHAR",
        "disposition": "VARCHAR",
        "auditor": "VARCHAR",
        "disposed_by": "BIGINT",
    },
}
"""Table → its columns with their types."""

_WHO_USED_WHAT = """
    CREATE VIEW who_used_what AS
    SELECT contract, consumer, provider, product, version, field, purpose, legal_basis,
        count(*) AS uses,
        count(answered) AS answered,
        sum(rows)::BIGINT AS rows,
        (coalesce(sum(rows) FILTER (answered IS NOT NULL), 0))::BIGINT AS rows_answered,
        min(least(sent, received, answered, delivered)) AS first,
        max(greatest(sent, received, answered, delivered)) AS last
    FROM (SELECT *, unnest(if(len(fields) > 0, fields, [NULL])) AS field FROM uses)
    GROUP BY ALL
    ORDER BY ALL
"""
NAMES = (*_TABLES, "who_used_what")


def open_frames(entries: Entries, uses: Iterable[Use], findings: Sequence[Finding]) -> duckdb.DuckDBPyConnection:
    """Give a connection with the tables over these entries; close it when done. `entries` is read twice.

    `uses` and `findings` are those of the whole log, or of what was selected from it.
    """
    connection = duckdb.connect(config=_CONFIG)
    known = disposals(entries)
    _fill(connection, "timeline", (_entry(index, entry) for index, entry in entries))
    _fill(connection, "uses", map(_use, uses))
    refused = ((index, entry) for index, entry in entries if entry.kind is EntryKind.REFUSED)
    _fill(connection, "refusals", (_refusal(index, entry) for index, entry in refused))
    _fill(connection, "findings", (_finding(each, known) for each in findings))
    connection.execute(_WHO_USED_WHAT)
    return connection


def export(connection: duckdb.DuckDBPyConnection, folder: Path, form: Format) -> list[Path]:
    """Write each table to a file of its own in the folder; give the files. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    options = "FORMAT parquet, COMPRESSION zstd" if form == "parquet" else "FORMAT csv, HEADER"
    written = []
    for name in NAMES:
        path = folder / f"{name}.{form}"
        quoted = str(path).replace("'", "''")
        try:
            connection.execute(f"COPY (FROM {name}) TO '{quoted}' ({options})")
        except duckdb.IOException as error:
            raise OSError(None, "cannot be written", str(path)) from error
        written.append(path)
    return written


def _fill(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterator[Row]) -> None:
    columns = _TABLES[table]
    declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    connection.execute(f"CREATE TABLE {table} ({declared})")
    # As JSON in one parameter: row by row DuckDB takes a hundred times as long.
    form = json.dumps([{name: "BIGINT" if kind == "TIMESTAMP" else _json(kind) for name, kind in columns.items()}])
    values = ", ".join(
        f'make_timestamp(row."{name}" * 1000)' if kind == "TIMESTAMP" else f'row."{name}"'
        for name, kind in columns.items()
    )
    insert = f"INSERT INTO {table} SELECT {values} FROM (SELECT unnest(from_json($1::JSON, '{form}')) AS row)"  # noqa: S608 -- our own names
    while piece := list(islice(rows, _ROWS_AT_ONCE)):
        connection.execute(insert, [json.dumps(piece)])


def _json(kind: str) -> str | list[str]:
    return [kind.removesuffix("[]")] if kind.endswith("[]") else kind


def _entry(index: int, entry: Entry) -> Row:
    return {
        "index": index,
        "time": entry.time,
        "kind": entry.kind,
        "node": entry.node,
        "counterparty": entry.counterparty,
        "contract": entry.contract,
        "counter": entry.counter,
        "permit": entry.permit_id,
        "job": entry.job,
        "detail": json.dumps(dict(entry.detail), ensure_ascii=False, sort_keys=True),
    }


def _use(use: Use) -> Row:
    texts = ("product", "purpose", "legal_basis", "answer", "snapshot", "snapshot_date")
    return {
        **{name: use.text(name) for name in texts},
        "contract": use.contract,
        "consumer": use.consumer,
        "provider": use.provider,
        "version": use.text("product_version"),
        "fields": use.fields,
        "rows": use.rows,
        "model": use.text("approval"),
        "permit": use.permit,
        "job": use.job,
        "sent": use.time_of(EntryKind.QUERY_SENT),
        "received": use.time_of(EntryKind.QUERY_RECEIVED),
        "answered": use.time_of(EntryKind.ANSWER_SENT),
        "delivered": use.time_of(EntryKind.ANSWER_RECEIVED),
        "acknowledged": use.acknowledged is not None,
        "refused": use.refusal is not None,
        "matched": use.is_matched,
        "missing": use.missing,
        "contradictions": use.contradictions,
        "indices": use.indices,
    }


def _refusal(index: int, entry: Entry) -> Row:
    said = {name: entry.detail.get(name) for name in ("message", "check", "command", "reason")}
    named = {"node": entry.node, "counterparty": entry.counterparty, "job": entry.job}
    return {"index": index, "time": entry.time, **named, **said}


def _finding(finding: Finding, known: Disposals) -> Row:
    disposal = disposal_of(finding, known)
    said = (None,) * 3 if disposal is None else (disposal.disposition, disposal.auditor, disposal.index)
    return {
        "tag": finding.tag,
        "indices": finding.indices,
        "contract": finding.contract,
        "parties": sorted(finding.parties),
        "zh": finding.zh,
        "en": finding.en,
        **dict(zip(("disposition", "auditor", "disposed_by"), said, strict=True)),
    }
