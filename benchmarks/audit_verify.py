"""The verifier over a log in a folder: its tree alone, then every entry, signature and counter too.

The log is made by `audit.log.Log`, over SQLite, in groups of 1,000 entries that their nodes have signed, and
copied to files as it would be served. The verifier runs in a process of its own, with as many that work for it as
there are processors; CPU seconds and memory are of all of them.
``python benchmarks/audit_verify.py --entries 1000000``.
"""

import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from measure import peak_memory, timed

from audit.batch import Signer
from audit.checkpoint import Checkpoint
from audit.cosignature import cosign
from audit.database import open_engine
from audit.entry import Entry, EntryKind, Event, Value, new_id, sign
from audit.files import LogFiles, copy
from audit.log import Log
from audit.note import KeyKind, Note, VerifierKey
from audit.policy import Policy, Witness
from audit.served import read_checkpoint
from audit.source import Folder
from audit.verify import Scope, verify

REQUIRED = {"tree_seconds": 60.0, "seconds": 180.0}
"""What a verification of 1,000,000 entries may take, on both of two cores."""
GROUP = 1000
CONTRACTS = 50
NOW = 1_795_000_000_000
"""Milliseconds."""

ORIGIN, MARKET, BANK, PROVIDER = "market.example/log", "market", "bank", "market-regulation"
_KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([at]) * 32)
    for at, name in enumerate((MARKET, BANK, PROVIDER))
}
_WITNESS = Ed25519PrivateKey.from_private_bytes(b"\x77" * 32)


def policy() -> Policy:
    """Of the log, with one witness."""
    return Policy(
        party=MARKET,
        log=VerifierKey.of(ORIGIN, _KEYS[MARKET]),
        log_url="https://market.example/log",
        witnesses=(Witness("office", VerifierKey.of("office/witness", _WITNESS, KeyKind.COSIGNATURE)),),
        quorum=1,
        outside=1,
        max_age=600,
    )


def make(folder: Path, size: int) -> None:
    """Write the files of a log of so many entries."""
    engine = open_engine(folder / "log.db")
    try:
        log, entries = Log(engine, Signer(ORIGIN, MARKET, _KEYS[MARKET], lambda: NOW)), _entries()
        for first in range(0, size, GROUP):
            log.append_many(next(entries) for _ in range(min(GROUP, size - first)))
        copy(LogFiles(log), folder / "files")
        head = log.checkpoint().note
    finally:
        engine.dispose()
    line = cosign(head.text, "office/witness", _WITNESS, NOW // 1000)
    whole = Checkpoint(Note(head.text, (*head.signatures, line)))
    (folder / "files" / "checkpoint").write_bytes(whole.encode())


def check(folder: Path, *, entries: bool) -> dict[str, Any]:
    """Verify the files in this process and those that it starts; give seconds and megabytes."""
    source = Folder(folder)

    def work() -> None:
        verify(source, read_checkpoint(source), policy(), NOW // 1000, None, Scope(entries=entries))

    with peak_memory() as peak:
        took = timed(work)
    return {"seconds": took.wall, "cpu_seconds": took.cpu, "megabytes": peak.bytes / 1e6}


def measure(entries: int) -> dict[str, Any]:
    """Make a log of so many entries and verify it; seconds, megabytes, and the load that others made meanwhile."""
    with TemporaryDirectory() as name:
        folder, start = Path(name), time.perf_counter()
        make(folder, entries)
        made = time.perf_counter() - start
        load = os.getloadavg()[0]
        tree, whole = _apart(folder / "files", "--tree"), _apart(folder / "files")
    return {
        "entries": entries,
        "processors": len(os.sched_getaffinity(0)),
        "made_seconds": made,
        "load_before": load,
        **{f"tree_{name}": value for name, value in tree.items()},
        **whole,
    }


def _apart(files: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--check", str(files), *options]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 -- this file
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def _entries() -> Iterator[Entry]:
    """The parties' enrolment, then uses of data in their four halves, under fifty contracts in turn."""
    counters: dict[tuple[str, str | None], int] = defaultdict(int)

    def tell(node: str, kind: EntryKind, about: str | None, other: str, job: str | None, **detail: Value) -> Entry:
        counters[node, about] += 1
        number = counters[node, about]
        event = Event(
            id=new_id(node, f"{about} {number}".encode()),
            kind=kind,
            time=NOW,
            node=node,
            contract=about,
            counterparty=other,
            job=job,
            detail=detail,
        )
        return sign(event, number, _KEYS[node])

    for party in (BANK, PROVIDER):
        key = b64encode(_KEYS[party].public_key().public_bytes_raw()).decode()
        yield tell(MARKET, EntryKind.PARTY_ENROLLED, None, party, None, public_key=key, party_kind="provider")
    number = 0
    while True:
        number += 1
        job, answer, about = f"{number:064x}", f"{number + 2**128:064x}", f"contract-{number % CONTRACTS}"
        use: dict[str, Value] = {
            "rows": 1000,
            "fields": ("naics", "franchise"),
            "purpose": "credit_approval",
            "legal_basis": "consent",
        }
        yield tell(BANK, EntryKind.QUERY_SENT, about, PROVIDER, job, rows=1000, approval="ab" * 32)
        yield tell(PROVIDER, EntryKind.QUERY_RECEIVED, about, BANK, job, **use)
        yield tell(PROVIDER, EntryKind.ANSWER_SENT, about, BANK, job, answer=answer, **use)
        yield tell(BANK, EntryKind.ANSWER_RECEIVED, about, PROVIDER, job, answer=answer)


@click.command()
@click.option("--entries", default=1_000_000, show_default=True)
@click.option("--check", "files", type=click.Path(path_type=Path), hidden=True)
@click.option("--tree", is_flag=True, hidden=True)
def main(*, entries: int, files: Path | None, tree: bool) -> None:
    """Time the verifier."""
    print(json.dumps(measure(entries) if files is None else check(files, entries=not tree), indent=1))


if __name__ == "__main__":
    main()
