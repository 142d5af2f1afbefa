"""The kill-loop: writers and readers at a real marketplace, whose processes are killed at random. ``make hammer``.

`veilmart marketplace serve` over SQLite, two gunicorn workers, TLS. SIGKILL hits a worker, which the master
replaces, or all of them, which this script starts again. At the end every index that was acknowledged holds the
very entry, the check of the whole log finds nothing (so no counter has a gap), and every checkpoint that anybody
has seen is of the log's tree. The same seed draws the same victims and sizes; when a signal comes is up to the
machine.
"""

import contextlib
import multiprocessing
import os
import random
import secrets
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import click
from hammer.crowd import Place, Report, read_all, read_at_random, write
from locks import unlock
from log_writers import Writer
from market import ORIGIN
from marketplace_api.process import Server, active, enrol, now, publish, start

from audit import checkpoint as checkpoints
from audit.database import open_engine
from audit.entry import encode
from audit.log import Log
from audit.note import VerifierKey
from audit.storage.batch import Signer
from audit.storage.check import check
from compute.signing import LOG_KEY, derived_key
from compute.web.keyfile import load_or_make

PROCESSES = multiprocessing.get_context("fork")
WRITERS = 4
READERS: tuple[Callable[[Place, str], Report], ...] = (read_all, read_at_random, read_at_random)
PAUSES = (0.2, 2.5)  # seconds between two kills
GRACE = 90.0  # seconds that the crowd has to end


def hammer(folder: Path, seconds: float, seed: str) -> str:
    """Hammer a new marketplace in this folder; gives what was done, raises AssertionError for what went wrong."""
    server = start(folder)
    try:
        enrol(server)
        publish(server)
        writers = [Writer(active(server, f"contract-{number}"), now()) for number in range(WRITERS)]
        key = derived_key(load_or_make(folder / "identity.jwe", unlock), LOG_KEY)
        place = Place(server.port, folder / "ca.pem", VerifierKey.of(ORIGIN, key), time.monotonic() + seconds)
        crowd = [_start(write, place, writer, f"{seed} writer {at}") for at, writer in enumerate(writers)]
        crowd += [_start(read, place, f"{seed} reader {at}") for at, read in enumerate(READERS)]
        server, kills = _kill(server, place, random.Random(seed))  # noqa: S311 -- victims
        reports = [_end(child, pipe) for child, pipe in crowd]
    finally:
        _kill_all(server)
    engine = open_engine(folder / "market.db")
    try:
        size = _verify(Log(engine, Signer(ORIGIN, "market", key, now)), place.key, reports)
    finally:
        engine.dispose()
    return (
        f"{kills} kills, {size} entries, {sum(len(each.acknowledged) for each in reports)} acknowledged, "
        f"{sum(each.repeated for each in reports)} requests repeated, {sum(each.checked for each in reports)} "
        f"proofs, {len({size for each in reports for size in each.checkpoints})} checkpoints: nothing lost"
    )


def _start(work: Callable[..., Report], *args: object) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    ours, theirs = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=_run, args=(theirs, work, args))
    child.start()
    theirs.close()
    return child, ours


def _run(pipe: Connection, work: Callable[..., Report], args: tuple[object, ...]) -> None:
    pipe.send(work(*args))


def _end(child: multiprocessing.process.BaseProcess, pipe: Connection) -> Report:
    if not pipe.poll(GRACE):
        child.kill()
        raise AssertionError(f"{child.name} has not ended")
    try:
        report: Report = pipe.recv()
    except EOFError as error:  # it has printed what it found
        raise AssertionError(f"{child.name} found something wrong") from error
    child.join()
    return report


def _kill(server: Server, place: Place, drawn: random.Random) -> tuple[Server, int]:
    """Kill a worker or the whole server, again and again; leave one that runs."""
    kills = 0
    while True:
        time.sleep(drawn.uniform(*PAUSES))
        if place.is_over:
            return server, kills
        kills += 1
        workers = server.workers
        if workers and drawn.random() < 0.7:
            _signal(drawn.choice(workers))
        else:
            _kill_all(server)
            server = start(server.folder, server.port)


def _kill_all(server: Server) -> None:
    """First the master: it would replace its workers."""
    workers = server.workers if server.process.poll() is None else []
    server.process.kill()
    server.process.wait()
    for worker in workers:
        _signal(worker)
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        time.sleep(0.01)


def _signal(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _verify(log: Log, key: VerifierKey, reports: list[Report]) -> int:
    with log.snapshot() as connection:
        head = check(connection, key, "market")
    for report in reports:
        for index, entry in report.acknowledged.items():
            if encode(log.entry(index)) != entry:
                raise AssertionError(f"entry {index} is not the one that was acknowledged")
        for size, data in report.checkpoints.items():
            if log.root(size) != checkpoints.parse(data).root:
                raise AssertionError(f"the checkpoint of size {size} is not of this log:\n{data.decode()}")
    return head.size


@click.command()
@click.option("--seconds", default=300.0, show_default=True, help="How long.")
@click.option("--seed", help="What is drawn follows from it; a new one by default.")
def main(*, seconds: float, seed: str | None) -> None:
    """Kill a marketplace's processes at random while others write and read."""
    seed = seed or secrets.token_hex(4)
    click.echo(f"hammer: {seconds:g} s, --seed {seed}")
    with TemporaryDirectory(prefix="veilmart-hammer-") as folder:
        click.echo(f"hammer: {hammer(Path(folder), seconds, seed)}")


if __name__ == "__main__":
    main()
