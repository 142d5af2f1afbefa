"""Proofs of inclusion from a large log: as receipts in the log's own process, and over HTTPS, one by one.

The log is the one of `audit_log`, served by `veilmart marketplace serve`; the client keeps its connection. The
entries are drawn at random, so that their tiles are in no cache but the file system's. Each receipt is verified.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import resident

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))  # its server process

from audit_log import IDENTITY, open_log  # noqa: E402
from locks import lay_key  # noqa: E402
from log_writers import Line  # noqa: E402
from marketplace_api.process import free_port, prepare, start  # noqa: E402

from audit import receipt as receipts  # noqa: E402
from audit.merkle import leaf_hash, verify_inclusion  # noqa: E402
from audit.receipt import Receipt  # noqa: E402

PROOFS = 2000
_WARM = 50


def measure(folder: Path) -> dict[str, Any]:
    """Ask the log of this folder for proofs; milliseconds of the median and of 95 in 100."""
    drawn = random.Random(5)  # noqa: S311 -- which entries are asked for
    with open_log(folder) as log:
        size = log.size()
        indices = [drawn.randrange(size) for _ in range(PROOFS)]
        embedded, found = _timed(log.receipt, indices)
        leaves = [leaf_hash(data) for index in indices for data in log.bundle(index, index + 1)]
    _verify(found, leaves)
    port = free_port()
    prepare(folder, port, database=str(folder / "log.db"))
    lay_key(folder / "identity.jwe", IDENTITY)
    server = start(folder, port)
    try:
        line = Line(port, folder / "ca.pem")
        served, answers = _timed(lambda index: line.get(f"receipts/{index}"), indices)
        line.close()
        memory = sum(map(resident, [server.process.pid, *server.workers])) / 2**20
    finally:
        server.stop()
    _verify([receipts.parse(answer) for answer in answers], leaves)
    return {"entries": size, "embedded": embedded, "https": served, "server_mib": memory}


def _timed(ask: Callable[[int], Any], indices: list[int]) -> tuple[dict[str, float], list[Any]]:
    for index in indices[:_WARM]:
        ask(index)
    took, found = [], []
    for index in indices:
        start = time.perf_counter()
        found.append(ask(index))
        took.append(1000 * (time.perf_counter() - start))
    return {"median_ms": statistics.median(took), "p95_ms": statistics.quantiles(took, n=20)[-1]}, found


def _verify(found: list[Receipt], leaves: list[bytes]) -> None:
    for receipt, leaf in zip(found, leaves, strict=True):
        head = receipt.checkpoint
        verify_inclusion(leaf, receipt.index, head.size, receipt.hashes, head.root)
