"""kill -9 of every process while a job runs: the same scores, each use counted once, the log whole."""

import csv
import io
import itertools
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread, Timer
from typing import TypeVar

import msgspec
import pytest
from click.testing import CliRunner
from processes.live_market import BITS, ignore, logged, memory

from audit.database import open_engine
from audit.entry import Entry, EntryKind
from compute.node.answers import AnswerStore
from compute.node.console.client import NodeClient
from compute.node.console.messages import JobView, ModelRegistration, Scoring
from compute.node.jobs.states import ENDED, State
from compute.web.errors import PeerProblemError, PeerUnreachableError, ResponseError
from veilmart.cli import main
from veilmart.demo.clear import scores_in_the_clear
from veilmart.demo.data import APPLICANTS_FILE, EXAMPLES, PROVIDERS, SCORECARD_FILE, load_scorecard
from veilmart.demo.processes import Process, running
from veilmart.demo.sites import BANK, Sites, lay_out
from veilmart.demo.story import agree, consent, enrol_key, model, onboard, operator, publish, staff, today

pytestmark = pytest.mark.long

APPLICANTS = 6656
PATIENCE = 150.0
"""Seconds in which the job must be done."""
ROUNDS = 2
"""A job whose worker dies three times fails, so none is killed more often."""
MEMORY_LIMIT = 2**30
FIRED_AT = {"market-regulation-serve", "social-security-serve", f"{BANK}-work", "marketplace"}
SEED = int(os.environ.get("KILL_SEED", "20261122"))
"""Of the moments and the order."""

T = TypeVar("T")


@dataclass
class Run:
    """The scoring under fire, and what is known of it afterwards."""

    sites: Sites
    processes: list[Process]
    contract: str
    asked: Scoring
    job: JobView
    killed: list[str]
    peaks: dict[str, int] = field(default_factory=dict)

    def patiently(self, ask: Callable[[NodeClient], T]) -> T:
        """Ask the bank's node until it answers: its server may be starting."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with staff(self.sites.nodes[BANK]) as analyst:
                    return ask(analyst)
            except (PeerUnreachableError, PeerProblemError, ResponseError) as error:
                passing = not isinstance(error, PeerProblemError) or error.status >= 500
                if not passing or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def used(self, provider: str) -> int:
        with operator(self.sites) as desk:
            permit = desk.permit(self.contract, provider).permit
        engine = open_engine(self.sites.nodes[provider].folder / "node.sqlite")
        try:
            return AnswerStore(engine).used(permit)
        finally:
            engine.dispose()

    def subjects(self, count: int) -> list[str]:
        with (EXAMPLES / APPLICANTS_FILE).open(encoding="utf-8", newline="") as file:
            return [row["uscc"] for row in itertools.islice(csv.DictReader(file), count)]

    def entries(self) -> list[Entry]:
        return logged(self.sites)


def kill(process: Process) -> None:
    """Kill all of a command's processes at once, and start it again."""
    assert process.running is not None
    os.killpg(process.running.pid, signal.SIGKILL)
    process.running.wait()
    process.start()


@contextmanager
def measuring(processes: list[Process], peaks: dict[str, int]) -> Iterator[None]:
    """Note the peak memory of each command's processes meanwhile."""
    over = Event()

    def look() -> None:
        while not over.wait(0.3):
            for process in processes:
                if process.running is not None:
                    found = memory(process.running.pid).values()
                    peaks[process.name] = max([peaks.get(process.name, 0), *found])

    thread = Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def fire(run: Run, rng: random.Random) -> None:
    """Kill one process after another, in two rounds, until the job is over."""
    deadline = time.monotonic() + PATIENCE
    order = [process for _ in range(ROUNDS) for process in rng.sample(run.processes, len(run.processes))]
    while run.job.state not in ENDED:
        assert time.monotonic() < deadline, run.job
        time.sleep(rng.uniform(0.05, 0.8))
        run.job = run.patiently(lambda analyst: analyst.job(run.job.job))
        if order and run.job.state not in ENDED:
            process = order.pop()
            kill(process)
            run.killed.append(process.name)
    for process in run.processes:
        process.wait_until_ready()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    sites = lay_out(tmp_path_factory.mktemp("killed"), EXAMPLES, BITS, lease=4)
    card = load_scorecard(EXAMPLES)
    with running(sites) as processes:
        onboard(sites, ignore)
        with staff(sites.nodes[BANK]) as analyst:
            enrol_key(analyst, ignore)
            publish(sites, ignore)
            terms = agree(sites, analyst, card, ignore)
            consent(sites, analyst, terms, ignore)
            scorecard = (EXAMPLES / SCORECARD_FILE).read_text("utf-8")
            asked = ModelRegistration(reference="card", contract=terms.contract, scorecard=scorecard)
            model(sites, analyst, asked, ignore)
            scoring = Scoring(
                reference="all",
                contract=terms.contract,
                model=card.name,
                model_version=card.version,
                as_of=today(),
                subjects=None,
            )
            made = Run(sites, processes, terms.contract, scoring, analyst.score(scoring), [])
        with measuring(processes, made.peaks):
            fire(made, random.Random(SEED))  # noqa: S311 -- the same moments in each run
        print(f"killed {', '.join(made.killed)}")  # noqa: T201 -- shown when a test fails
        yield made


def test_many_processes_were_killed_while_the_job_ran(run: Run) -> None:
    assert len(set(run.killed)) >= 6


def test_the_scores_are_those_in_the_clear(run: Run) -> None:
    assert run.job.state == State.DONE, run.job
    text = run.patiently(lambda analyst: analyst.scores(run.job.job)).decode()
    header, *rows = csv.reader(io.StringIO(text))
    expected = scores_in_the_clear(EXAMPLES, load_scorecard(EXAMPLES))
    assert header == ["uscc", "score"]
    assert len(rows) == APPLICANTS
    assert {uscc: Decimal(score) for uscc, score in rows} == expected


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_use_is_counted_once(run: Run, provider: str) -> None:
    assert run.used(provider) == APPLICANTS


def test_the_log_has_one_answer_of_each_provider_to_one_job(run: Run) -> None:
    entries = run.entries()
    released = [entry for entry in entries if entry.kind is EntryKind.ANSWER_SENT]
    assert {entry.node for entry in released} == PROVIDERS.keys()
    assert [entry.detail["rows"] for entry in released] == [APPLICANTS] * len(PROVIDERS)
    assert len({entry.job for entry in released}) == 1
    for kind in (EntryKind.QUERY_RECEIVED, EntryKind.ANSWER_ACKNOWLEDGED):
        nodes = [entry.node for entry in entries if entry.kind is kind and entry.job == released[0].job]
        assert all(nodes.count(provider) == 1 for provider in PROVIDERS), kind
    assert len({entry.id for entry in entries}) == len(entries)


def test_the_auditor_finds_the_log_intact(run: Run) -> None:
    config = str(run.sites.nodes[BANK].config)
    for arguments in (["verify"], ["trace", "--contract", run.contract]):
        result = CliRunner().invoke(main, ["audit", *arguments, "--config", config])
        assert result.exit_code == 0, result.output


def test_the_same_request_again_is_the_same_job_and_no_new_use(run: Run) -> None:
    size = len(run.entries())
    again = run.patiently(lambda analyst: analyst.score(run.asked))
    assert (again.job, again.state) == (run.job.job, State.DONE)
    for provider in PROVIDERS:
        assert run.used(provider) == APPLICANTS
    assert len(run.entries()) == size


def test_short_scorings_under_fire_are_done_and_each_use_is_counted_once(run: Run) -> None:
    """Answered within a request, so killed in the middle of one: the server, the worker or the marketplace."""
    rng, subjects = random.Random(SEED), run.subjects(6)  # noqa: S311 -- the same moments in each run
    victims = [process for process in run.processes if process.name in FIRED_AT]
    for number, subject in enumerate(subjects):
        asked = msgspec.structs.replace(run.asked, reference=f"one-{number}", subjects=(subject,))
        firing = Timer(rng.uniform(0.0, 0.3), kill, [victims[number % len(victims)]])
        firing.start()
        job = run.patiently(lambda analyst, asked=asked: analyst.score(asked))  # type: ignore[misc]
        firing.join()
        deadline = time.monotonic() + PATIENCE
        while job.state not in ENDED:
            assert time.monotonic() < deadline, job
            time.sleep(0.1)
            job = run.patiently(lambda analyst, name=job.job: analyst.job(name))  # type: ignore[misc]
        assert job.state == State.DONE, job
    for process in run.processes:
        process.wait_until_ready()
    for provider in PROVIDERS:
        assert run.used(provider) == APPLICANTS + len(subjects)
    entries = run.entries()
    for provider in PROVIDERS:
        released = [
            entry.job for entry in entries if entry.kind is EntryKind.ANSWER_SENT and entry.node == provider
        ]
        assert len(released) == len(set(released)) == 1 + len(subjects)


def test_no_process_needs_a_gibibyte(run: Run) -> None:
    assert run.peaks.keys() == {process.name for process in run.processes}
    for name, peak in run.peaks.items():
        print(f"{name}: {peak >> 20} MiB")  # noqa: T201 -- shown with -rP
        assert 2**24 < peak < MEMORY_LIMIT, name


def test_no_process_said_anything_with_a_traceback(run: Run) -> None:
    """What a killed process leaves behind is no error of the one that goes on from there."""
    for path in Path(run.sites.directory).rglob("*.log"):
        assert "Traceback" not in path.read_text("utf-8", "replace"), path
