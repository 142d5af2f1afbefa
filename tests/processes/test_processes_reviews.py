"""A model's way through real processes: submitted, read and approved by two, registered, used, taken back.

One story, in the order of the tests; the first examiner decides in a real browser, the second at the command line.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from processes.browser import DRIVER, MISSING, Browser, open_browser
from processes.live_market import BITS, ignore, logged

from audit.entry import EntryKind
from compute.canonical import decode
from compute.node.console.client import NodeClient
from compute.node.console.messages import JobView, ModelRegistration, Scoring
from compute.node.console.review_messages import Cases, CaseView
from compute.node.jobs.states import State
from compute.protocols.risk_score.case_states import ModelCaseState
from compute.web.errors import PeerProblemError
from veilmart.demo.data import APPLICANTS_FILE, EXAMPLES, SCORECARD_FILE, load_scorecard
from veilmart.demo.processes import Process, running
from veilmart.demo.sites import BANK, REVIEWER, Sites, lay_out
from veilmart.demo.story import agree, consent, enrol_key, onboard, publish, staff, today

pytestmark = pytest.mark.long

VEILMART = [sys.executable, "-m", "veilmart"]
DOWN = "social-security-serve"
UNIT = Decimal("24.571")
"""All points are multiples of it: numbers that nothing else has."""
NUMBERS = re.compile(rb"(?<![0-9A-Za-z+/_.-])-?[0-9]{5,7}(?![0-9A-Za-z+/_=-])")
"""Those that stand by themselves: digits within a longer word are chance."""
PATIENCE = 60.0
SUBJECTS = 3
WHY = "The bank found a mistake in its sample."


@dataclass
class Story:
    """The market of the story, and what it has come to."""

    sites: Sites
    processes: list[Process]
    contract: str
    card: str
    points: set[bytes]
    case: str = ""
    jobs: list[JobView] = field(default_factory=list)

    @property
    def reviewer(self) -> Path:
        return self.sites.nodes[REVIEWER].folder

    @contextmanager
    def analyst(self) -> Iterator[NodeClient]:
        with staff(self.sites.nodes[BANK]) as analyst:
            yield analyst

    def process(self, name: str) -> Process:
        return next(process for process in self.processes if process.name == name)

    def command(self, *arguments: str, examiner: str) -> list[str]:
        command, *rest = arguments
        return [*VEILMART, "reviewer", command, "--config", str(self.reviewer / f"{examiner}.toml"), *rest]

    def run(self, *arguments: str, examiner: str = "second-examiner") -> str:
        done = subprocess.run(  # noqa: S603 -- our own command
            self.command(*arguments, examiner=examiner), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def shown(self) -> CaseView:
        """The case as the second examiner's node shows it."""
        with staff(self.sites.nodes[REVIEWER], "second-examiner") as examiner:
            return examiner.case(self.case)

    def register(self) -> JobView:
        with self.analyst() as analyst:
            return analyst.follow(analyst.register_model("sme-default", "1.0.0"), lambda _: None)

    def score(self, reference: str) -> JobView:
        rows = (self.sites.nodes[BANK].folder / APPLICANTS_FILE).read_text("utf-8").splitlines()
        asked = Scoring(
            reference=reference,
            contract=self.contract,
            model="sme-default",
            model_version="1.0.0",
            as_of=today(),
            subjects=tuple(row.split(",")[0] for row in rows[1 : SUBJECTS + 1]),
        )
        with self.analyst() as analyst:
            return analyst.follow(analyst.score(asked), lambda _: None)

    def holders_of_points(self) -> list[str]:
        """The reviewer's files in which one of the model's points stands, in units, as a number of its own."""
        files = [path for path in self.reviewer.rglob("*") if path.is_file()]
        return [path.name for path in files if set(NUMBERS.findall(path.read_bytes())) & self.points]


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def rescaled() -> tuple[str, set[bytes]]:
    """The shipped card in multiples of UNIT, and its points in the units that the reviewer opens."""
    card = json.loads((EXAMPLES / SCORECARD_FILE).read_text("utf-8"), parse_float=Decimal)
    shared: set[Decimal] = set()
    for features in [*card["sources"].values(), card["local"]]:
        for feature in features:
            given = _rescale(feature)
            shared |= set() if features is card["local"] else given
    return json.dumps(card, default=float), {str(int(UNIT * 1000 * each)).encode() for each in shared if each}


def _rescale(feature: dict[str, Any]) -> set[Decimal]:
    """Make a feature's points multiples of UNIT; give what they were."""
    found: set[Decimal] = set()
    for place in feature.get("bins", [feature]):
        given = place["points"] if isinstance(place["points"], list) else [place["points"]]
        found |= set(given)
        scaled = [UNIT * each for each in given]
        place["points"] = scaled if isinstance(place["points"], list) else scaled[0]
    last = next(name for name in feature if name.endswith("missing_points"))
    found.add(feature[last])
    feature[last] *= UNIT
    return found


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    sites = lay_out(tmp_path_factory.mktemp("reviewed"), EXAMPLES, BITS, lease=2)
    card, points = rescaled()
    with running(sites) as processes, staff(sites.nodes[BANK]) as analyst:
        onboard(sites, ignore)
        enrol_key(analyst, ignore)
        publish(sites, ignore)
        terms = agree(sites, analyst, load_scorecard(EXAMPLES), ignore)
        consent(sites, analyst, terms, ignore)
        yield Story(sites, processes, terms.contract, card, points)


@pytest.fixture
def browser(story: Story, tmp_path: Path) -> Iterator[Browser]:
    """A browser at the first examiner's page."""
    if DRIVER is None:
        pytest.skip(MISSING)
    command = story.command("console", examiner="examiner")
    with ExitStack() as stack:
        page = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- our own command
        stack.callback(page.wait)
        stack.callback(page.terminate)
        assert page.stdout is not None
        stack.callback(page.stdout.close)
        address = re.search(r"http://\S+", page.stdout.readline())
        assert address
        opened = stack.enter_context(open_browser(tmp_path / "profile"))
        opened.get(address[0])
        yield opened


def test_a_submitted_model_waits_for_its_examiners(story: Story) -> None:
    asked = ModelRegistration(reference="first", contract=story.contract, scorecard=story.card)
    with story.analyst() as analyst:
        job = analyst.follow(analyst.submit_model(asked), lambda _: None)
        assert job.state == State.DONE, job
        (held,) = analyst.models()
    assert (held.state, held.approval, held.reviewer) == ("under_review", None, REVIEWER)
    waiting = story.register()
    assert waiting.state == State.FAILED
    assert str(waiting.reason).startswith(f"{REVIEWER} has the model under review since 20")
    (case,) = decode(story.run("review", "--json").encode(), Cases).cases
    assert (case.state, case.approvers) == (ModelCaseState.OPEN, ())
    assert held.submission.startswith(case.case)
    story.case = case.case
    assert story.holders_of_points() == []


def test_the_first_examiner_reads_and_approves_it_in_a_browser(story: Story, browser: Browser) -> None:
    assert browser.sees("待审 Open")
    (cookie,) = browser.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    browser.follow(story.case)
    assert browser.sees("模型材料 Dossier")
    text = browser.text
    for shown in (
        "单户评分可透露",
        "6.97",
        "0.6823",
        "employees",
        "2 ≤ x < 3",
        "没有可比的模型",
    ):
        assert shown in text
    assert {point.decode() for point in story.points} <= set(re.split(r"\s+", text))
    drawn = browser.run(
        "return [...document.querySelectorAll('svg')].map(s => [s.getBoundingClientRect().width,"
        " s.querySelectorAll('rect').length])"
    )
    assert len(drawn) == 2 + 8
    assert all(width > 300 and bars >= 3 for width, bars in drawn)
    loaded = browser.run("return performance.getEntriesByType('resource').map(r => r.name)")
    assert loaded
    assert all(name.startswith(browser.url.split("/cases/")[0]) for name in loaded)
    browser.click("#approve")
    assert browser.sees("一人已通过 Approved by one")
    assert "examiner" in browser.texts("header strong")
    browser.click("#approve")
    assert browser.sees("has approved case")
    assert [line for line in browser.complaints() if "403" not in line and "favicon" not in line] == []


def test_the_second_examiner_approves_it_at_the_command_line_after_a_crash(story: Story) -> None:
    if story.shown().summary.state is ModelCaseState.OPEN:  # without a browser
        story.run("review", story.case, examiner="examiner")
        story.run("approve", story.case, examiner="examiner")
    for name in (f"{REVIEWER}-serve", f"{REVIEWER}-work"):
        process = story.process(name)
        assert process.running is not None
        os.killpg(process.running.pid, signal.SIGKILL)
        process.running.wait()
        process.start()
        process.wait_until_ready()
    view = story.shown()
    assert view.summary.approvers == ("examiner",)
    assert view.file is not None
    story.run("approve", story.case)
    after = story.shown()
    assert (after.summary.state, after.file) == (ModelCaseState.APPROVED, None)
    assert after.summary.approvers == ("examiner", "second-examiner")
    assert {reading.examiner for reading in after.readings} == {"examiner", "second-examiner"}
    assert story.holders_of_points() == []


def test_the_bank_registers_it_and_scores(story: Story) -> None:
    registered = story.register()
    assert registered.state == State.DONE, registered
    with story.analyst() as analyst:
        (held,) = analyst.models()
    assert held.state == "registered"
    assert held.approval == story.shown().approval
    assert story.score("approved").state == State.DONE


def test_a_model_of_the_same_points_is_approved_without_examiners(story: Story) -> None:
    card = json.loads(story.card)
    card["version"] = "1.0.1"
    asked = ModelRegistration(reference="again", contract=story.contract, scorecard=json.dumps(card))
    with story.analyst() as analyst:
        assert analyst.follow(analyst.submit_model(asked), lambda _: None).state == State.DONE
        assert analyst.follow(analyst.register_model("sme-default", "1.0.1"), lambda _: None).state == State.DONE
    newest = decode(story.run("review", "--json").encode(), Cases).cases[0]
    assert (newest.model_version, newest.state, newest.approvers) == ("1.0.1", ModelCaseState.APPROVED, ())


def test_a_withdrawal_reaches_a_provider_that_was_down(story: Story) -> None:
    down = story.process(DOWN)
    down.stop()
    story.run("withdraw", story.case, "--reason", WHY)
    wait_for(lambda: any(each.accepted_at for each in story.shown().deliveries))
    taken = {each.provider: each.accepted_at for each in story.shown().deliveries}
    assert taken["social-security"] is None
    assert taken["market-regulation"] is not None
    down.start()
    down.wait_until_ready()
    wait_for(lambda: all(each.accepted_at for each in story.shown().deliveries))
    refused = story.score("withdrawn")
    assert refused.state == State.FAILED
    assert "the reviewer withdrew the model's approval" in str(refused.reason)


def test_the_bank_hears_of_it_and_forgets_the_model(story: Story) -> None:
    job = story.register()
    assert job.state == State.FAILED
    assert WHY in str(job.reason)
    with story.analyst() as analyst:
        held = analyst.models()[-1]
    assert (held.model_version, held.state) == ("1.0.0", "refused")
    assert WHY in str(held.reason)
    with pytest.raises(PeerProblemError, match="No approved model"):
        story.score("forgotten")


def test_the_log_tells_all_of_it_and_no_reason(story: Story) -> None:
    def told() -> list[tuple[str, str]]:
        of_models = {EntryKind.MODEL_APPROVED, EntryKind.MODEL_REFUSED, EntryKind.MODEL_WITHDRAWN}
        return [(entry.node, entry.kind) for entry in logged(story.sites) if entry.kind in of_models]

    # Two approvals, the second by rule; both withdrawn, the second with the first; each told to both providers.
    wait_for(lambda: len(told()) == 2 + 2 + 4)
    assert sorted(told()) == sorted(
        [(REVIEWER, EntryKind.MODEL_APPROVED)] * 2
        + [(REVIEWER, EntryKind.MODEL_WITHDRAWN)] * 2
        + [("market-regulation", EntryKind.MODEL_WITHDRAWN)] * 2
        + [("social-security", EntryKind.MODEL_WITHDRAWN)] * 2
    )
    details = [str(dict(entry.detail)) for entry in logged(story.sites)]
    assert not any("mistake" in detail or "examiner" in detail for detail in details)
    assert story.holders_of_points() == []
