"""Appends to the log, acknowledged once they are durable: over HTTPS, one by one and in batches, and embedded.

The market is the tests': `veilmart marketplace serve` with two workers over SQLite, a bank with a contract in
force for each writer. Load generator and server share the machine; the events are signed before the clock runs.
Beside each stands what the disk gives: the fsyncs of a loop that writes 4 KiB and waits, in the same folder.
Other people's figures are those that they publish, on other machines, and are not measured here.
``python benchmarks/audit_append.py``.
"""

import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from measure import peak_memory, resident, timed

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))  # its market, its server process and its writers

from audit_log import open_log, signed_entries  # noqa: E402
from log_writers import Line, Writer  # noqa: E402
from marketplace_api.process import Server, active, enrol, now, publish, start  # noqa: E402

WRITERS, GENERATORS = 16, 2
"""Concurrent writers, and the processes that they share."""
SINGLE, BATCHED = (150, 1), (40, 20)
"""Requests of each writer in a round, and the events in one."""
REPEATS = 5
GROUP, GROUPS = 1000, 20
SYNCED_SECONDS = 2.0

PUBLISHED = {
    "Tessera, POSIX, smallest cloud machine": "1,500 entries/s",
    "Trillian, MySQL": "400 to 500 entries/s",
}
"""As their projects state them."""

_PROCESSES = multiprocessing.get_context("fork")
_TICK = os.sysconf("SC_CLK_TCK")


def syncs_per_second(folder: Path) -> float:
    """What the disk gives: 4 KiB appended and waited for, one after the other."""
    page, count, start = os.urandom(4096), 0, time.perf_counter()
    with (folder / "floor").open("wb", buffering=0) as file:
        while time.perf_counter() - start < SYNCED_SECONDS:
            file.write(page)
            os.fsync(file.fileno())
            count += 1
    return count / (time.perf_counter() - start)


# --- over HTTPS -----------------------------------------------------------------------------------------------


@contextmanager
def served() -> Iterator[tuple[Server, list[Writer]]]:
    """A market that serves, and a writer for each of its contracts."""
    with TemporaryDirectory() as name:
        server = start(Path(name))
        try:
            enrol(server)
            publish(server)
            yield server, [Writer(active(server, f"contract-{number}"), now()) for number in range(WRITERS)]
        finally:
            server.stop()


def over_https(server: Server, writers: Sequence[Writer], requests: int, events: int) -> dict[str, float]:
    """All writers at once, each so many requests; medians of some rounds, which take turns with the floor."""
    rounds = []
    for _ in range(REPEATS):
        floor = syncs_per_second(server.folder)
        rounds.append({**_round(server, writers, requests, events), "syncs_per_second": floor})
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}


def _round(server: Server, writers: Sequence[Writer], requests: int, events: int) -> dict[str, float]:
    bundles = [writer.bundles(requests, events) for writer in writers]
    ready = _PROCESSES.Barrier(WRITERS + 1)
    queue = _PROCESSES.SimpleQueue()
    generators = [
        _PROCESSES.Process(target=_generate, args=(server, bundles[at::GENERATORS], ready, queue))
        for at in range(GENERATORS)
    ]
    for each in generators:
        each.start()
    ready.wait()
    cpu, begun = _cpu(server), time.perf_counter()
    took = [seconds for _ in generators for seconds in queue.get()]
    wall, cpu = time.perf_counter() - begun, _cpu(server) - cpu
    for each in generators:
        each.join()
    if len(took) != WRITERS * requests:
        raise RuntimeError(f"{len(took)} of {WRITERS * requests} requests were acknowledged")
    return {
        "requests_per_second": len(took) / wall,
        "events_per_second": len(took) * events / wall,
        "p95_ms": 1000 * statistics.quantiles(took, n=20)[-1],
        "server_cpu_ms_per_request": 1000 * cpu / len(took),
        "server_mib": sum(map(resident, [server.process.pid, *server.workers])) / 2**20,
        "load": os.getloadavg()[0],
    }


def _generate(server: Server, shares: Sequence[Sequence[bytes]], ready: Barrier, queue: Any) -> None:
    took: list[float] = []

    def write(bundles: Sequence[bytes]) -> None:
        line = Line(server.port, server.folder / "ca.pem")
        line.get("checkpoint")  # the handshake
        ready.wait()
        for bundle in bundles:
            start = time.perf_counter()
            line.append(bundle)
            took.append(time.perf_counter() - start)

    threads = [Thread(target=write, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put(took)


def _cpu(server: Server) -> float:
    """CPU seconds of the server's processes so far."""
    total = 0
    for process in (server.process.pid, *server.workers):
        fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICK


# --- embedded -------------------------------------------------------------------------------------------------


def embedded() -> dict[str, float]:
    """Groups of entries that are signed already, appended in this process; medians."""
    entries = signed_entries()
    groups = [[next(entries) for _ in range(GROUP)] for _ in range(GROUPS)]
    with TemporaryDirectory() as name, open_log(Path(name)) as log, peak_memory() as peak:
        floor = syncs_per_second(Path(name))
        took = [timed(lambda group=group: log.append_many(group)) for group in groups]
    wall = statistics.median(each.wall for each in took)
    return {
        "events_per_second": GROUP / wall,
        "cpu_ms_per_group": 1000 * statistics.median(each.cpu for each in took),
        "syncs_per_second": floor,
        "peak_mib": peak.bytes / 2**20,
        "load": os.getloadavg()[0],
    }


def measure() -> dict[str, Any]:
    """Everything: seconds, milliseconds and MiB, by name."""
    figures: dict[str, Any] = {"embedded": embedded(), "published": PUBLISHED}
    with served() as (server, writers):
        figures["single"] = over_https(server, writers, *SINGLE)
        figures["batched"] = over_https(server, writers, *BATCHED)
    return figures


def main() -> None:
    """Print the figures."""
    print(json.dumps(measure(), indent=1))


if __name__ == "__main__":
    main()
