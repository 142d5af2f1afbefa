"""One SME's score, from the analyst's request at the bank's console to the score in hand, over a whole market.

Nine real processes as in the demo, over HTTPS: marketplace, two providers, bank, reviewer. Each scoring is a use
of its own: permit and consent proven, the answer stored, its events in the marketplace's log. The score is
compared with the one in the clear. Times are wall milliseconds of warm processes; the breakdown is from the bank's
own job times, the servers' access logs and the kernel's CPU times. ``make latency ARGS='--scorings 50'``.
"""

import csv
import io
import json
import os
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console
from rich.table import Table

from compute.node.console.client import NodeClient
from compute.node.console.messages import JobView, Scoring
from compute.node.jobs.states import State
from veilmart.demo.clear import scores_in_the_clear
from veilmart.demo.data import EXAMPLES, load_scorecard
from veilmart.demo.processes import Process, running
from veilmart.demo.sites import BANK, lay_out
from veilmart.demo.story import prepare, staff, today

TARGET = 250.0
"""Milliseconds that a scoring may take."""
_TICK = os.sysconf("SC_CLK_TCK")
_REQUEST = re.compile(r'\S+ "(\w+) (\S+)" \d+ \S+ (\d+)ms')
_NAMES = re.compile(r"[0-9a-f]{32}")


class Meter:
    """What the processes say of themselves: CPU times of their families, requests in their access logs."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._processes = processes
        self._cpu = {process.name: self._seconds(process) for process in processes}
        self._read = {process.log: process.log.stat().st_size for process in processes}

    def cpu(self, scorings: int) -> dict[str, float]:
        """Give the CPU milliseconds of each command's processes since the start, for one scoring."""
        return {
            process.name: 1000 * (self._seconds(process) - self._cpu[process.name]) / scorings
            for process in self._processes
        }

    def requests(self, scorings: int) -> dict[str, tuple[float, float]]:
        """Give each route's requests for one scoring, and the median milliseconds of one."""
        found: dict[str, list[int]] = defaultdict(list)
        for process in self._processes:
            with process.log.open("rb") as log:
                log.seek(self._read[process.log])
                text = log.read().decode("utf-8", "replace")
            for method, path, milliseconds in _REQUEST.findall(text):
                found[f"{process.folder.name}: {method} {_NAMES.sub('…', path)}"].append(int(milliseconds))
        return {route: (len(each) / scorings, statistics.median(each)) for route, each in sorted(found.items())}

    @staticmethod
    def _seconds(process: Process) -> float:
        """CPU of all living processes of the command's session, and of those that they have waited for."""
        session, ticks = process.running.pid if process.running else 0, 0
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(entry.name)) == session:
                    ticks += sum(map(int, (entry / "stat").read_text().rpartition(")")[2].split()[11:15]))
            except OSError:
                continue  # it has ended meanwhile
        return ticks / _TICK


def score_one(analyst: NodeClient, asked: Scoring) -> tuple[float, JobView, Decimal]:
    """Give the milliseconds of one scoring, its job, and the score."""
    began = time.perf_counter()
    job = analyst.follow(analyst.score(asked), lambda _: None)
    if job.state != State.DONE:
        raise click.ClickException(f"{job.state}: {job.reason}")
    _, (_, score) = csv.reader(io.StringIO(analyst.scores(job.job).decode()))
    return 1000 * (time.perf_counter() - began), job, Decimal(score)


def measure(directory: Path, bits: int, scorings: int, warm_up: int) -> dict[str, object]:
    """Start a market, score one subject after another, and give the figures."""
    card, sites = load_scorecard(EXAMPLES), lay_out(directory, EXAMPLES, bits)
    clear = scores_in_the_clear(EXAMPLES, card)
    with running(sites) as processes, staff(sites.nodes[BANK]) as analyst:
        contract, model = prepare(sites, analyst, EXAMPLES, card, lambda *_: None)
        times, waiting, computing, meter = [], [], [], Meter(processes)
        for number, subject in enumerate(list(clear)[: warm_up + scorings]):
            if number == warm_up:
                times, waiting, computing, meter = [], [], [], Meter(processes)
            asked = Scoring(
                reference=f"one-{number}",
                contract=contract,
                model=model.model,
                model_version=model.model_version,
                as_of=today(),
                subjects=(subject,),
            )
            milliseconds, job, score = score_one(analyst, asked)
            if score != clear[subject]:
                raise click.ClickException(f"the score of {subject} is {score}, in the clear {clear[subject]}")
            times.append(milliseconds)
            waiting.append((job.started_at or 0) - job.created_at)
            computing.append((job.finished_at or 0) - (job.started_at or 0))
        return {
            "bits": bits,
            "scorings": scorings,
            "median_ms": statistics.median(times),
            "min_ms": min(times),
            "max_ms": max(times),
            "within_target": sum(each <= TARGET for each in times),
            "queued_ms": statistics.median(waiting),
            "running_ms": statistics.median(computing),
            "cpu_ms": meter.cpu(scorings),
            "requests": meter.requests(scorings),
        }


def show(figures: dict[str, object]) -> None:
    """Print the figures."""
    console = Console(width=120)
    table = Table(title=f"One subject, {figures['bits']}-bit Paillier, ms over {figures['scorings']} scorings")
    for name in ("median_ms", "min_ms", "max_ms", "queued_ms", "running_ms", "within_target"):
        table.add_column(name.replace("_", " "), justify="right")
    table.add_row(*(f"{figures[column.header.replace(' ', '_')]:.0f}" for column in table.columns))  # type: ignore[union-attr]
    console.print(table)
    table = Table("process", "CPU ms for one scoring")
    for name, cpu in figures["cpu_ms"].items():  # type: ignore[attr-defined]
        table.add_row(name, f"{cpu:.0f}")
    console.print(table)
    table = Table("route", "requests for one scoring", "median ms at the server")
    for route, (count, milliseconds) in figures["requests"].items():  # type: ignore[attr-defined]
        table.add_row(route, f"{count:.2f}", f"{milliseconds:.0f}")
    console.print(table)


@click.command()
@click.option("--bits", default=2048, show_default=True, help="Length of the bank's Paillier modulus.")
@click.option("--scorings", default=20, show_default=True, help="How many are timed.")
@click.option("--warm-up", default=3, show_default=True, help="How many go before.")
@click.option(
    "--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures here too."
)
def main(bits: int, scorings: int, warm_up: int, path: Path | None) -> None:
    """Time the score of one subject in a market of real processes."""
    with TemporaryDirectory(prefix="veilmart-") as folder:
        figures = measure(Path(folder) / "market", bits, scorings, warm_up)
    show(figures)
    if path is not None:
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
