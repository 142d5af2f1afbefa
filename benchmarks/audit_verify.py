"""The verifier over a log in a folder: its tree alone, then every entry, signature and counter too.

The log is made by `audit.log.Log`, over SQLite, in groups of 1,000 entries that their nodes have signed, and
copied to files as it would be served. The same log is asked for proofs (`audit_proofs.py`). The verifier runs in a
process of its own, with as many that work for it as there are processors; CPU seconds and memory are of all.
``python benchmarks/audit_verify.py --entries 1000000``.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import audit_proofs
import click
from audit_log import NOW, make, policy
from measure import peak_memory, timed

from audit.verify import Scope, verify
from audit.verifying.served import read_checkpoint
from audit.verifying.source import Folder

REQUIRED = {"tree_seconds": 60.0, "seconds": 180.0}
"""What a verification of 1,000,000 entries may take, on both of two cores."""


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
        proofs = audit_proofs.measure(folder)
    return {
        "entries": entries,
        "processors": len(os.sched_getaffinity(0)),
        "made_seconds": made,
        "load_before": load,
        **{f"tree_{name}": value for name, value in tree.items()},
        **whole,
        "proofs": proofs,
    }


def _apart(files: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--check", str(files), *options]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 -- this file
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@click.command()
@click.option("--entries", default=1_000_000, show_default=True)
@click.option("--check", "files", type=click.Path(path_type=Path), hidden=True)
@click.option("--tree", is_flag=True, hidden=True)
def main(*, entries: int, files: Path | None, tree: bool) -> None:
    """Time the verifier."""
    print(json.dumps(measure(entries) if files is None else check(files, entries=not tree), indent=1))


if __name__ == "__main__":
    main()
