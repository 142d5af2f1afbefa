"""The release rule in a market of real processes: a provider stops without the witness outside."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from processes.live_market import BITS, MARKET_REGULATION, ignore, logged, plant

from audit import checkpoint as checkpoints
from audit import policy as policies
from audit import receipt as receipts
from audit.database import open_engine
from audit.entry import EntryKind, encode
from audit.policy import Policy
from compute.log_client import LogClient
from compute.node.console.messages import JobView, Scoring
from compute.node.jobs.states import State
from compute.node.receipts import ReceiptStore
from veilmart.demo.data import load_scorecard
from veilmart.demo.processes import Process, running
from veilmart.demo.sites import BANK, SUPERVISOR, Sites, lay_out
from veilmart.demo.story import Outcome, staff, today, walk

pytestmark = pytest.mark.long

MAX_AGE = 6
"""Seconds; long enough for cosignatures that are renewed after a quarter of it."""


@dataclass
class Market:
    """A market whose policy is strict about time."""

    sites: Sites
    processes: dict[str, Process]
    outcome: Outcome
    asked: int = 0

    @property
    def policy(self) -> Policy:
        return policies.parse((self.sites.market.folder / "policy.toml").read_text("utf-8"))

    def score(self) -> JobView:
        """Score one more applicant, as a job that ends."""
        self.asked += 1
        card = load_scorecard(self.sites.directory.parent / "data")
        with staff(self.sites.nodes[BANK]) as analyst:
            asked = Scoring(
                reference=f"one-{self.asked}",
                contract=self.outcome.contract,
                model=card.name,
                model_version=card.version,
                as_of=today(),
                subjects=("91460100MAG8UND7X2",),
            )
            return analyst.follow(analyst.score(asked), lambda _: None)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    folder = tmp_path_factory.mktemp("witnessed")
    examples = plant(folder / "data")
    sites = lay_out(folder / "sites", examples, BITS)
    for path in sites.directory.rglob("policy.toml"):
        path.write_text(re.sub(r"max_age = \d+", f"max_age = {MAX_AGE}", path.read_text("utf-8")), "utf-8")
    config = sites.nodes[BANK].config  # its worker does not wait for ever for a provider that stopped
    config.write_text(re.sub(r"patience = \d+", "patience = 1", config.read_text("utf-8")), "utf-8")
    with running(sites) as processes:
        outcome = walk(sites, examples, load_scorecard(examples), ignore)
        yield Market(sites, {process.name: process for process in processes}, outcome)


def now() -> int:
    return int(time.time())


def soon(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_published_checkpoint_has_all_witnesses(market: Market) -> None:
    def is_complete() -> bool:
        with LogClient(market.policy.log_url, market.sites.market.authority) as log:
            standing = market.policy.judge(log.published(), now())
        return not standing.missing and standing.is_fresh(now(), MAX_AGE)

    soon(is_complete)
    time.sleep(MAX_AGE)  # nothing happens meanwhile, and it is as fresh as before
    soon(is_complete, 1)


def test_each_answer_has_a_receipt_with_a_quorum_that_verifies_offline(market: Market) -> None:
    entries = logged(market.sites)
    sent = [entry for entry in entries if entry.kind is EntryKind.ANSWER_SENT]
    assert len(sent) == 2
    parties = {BANK, *(entry.node for entry in sent)}
    for entry in sent:
        engine = open_engine(market.sites.nodes[entry.node].folder / "node.sqlite")
        store = ReceiptStore(engine)
        soon(lambda store=store: not store.without_quorum(1))  # type: ignore[misc]
        kept = store.find(entry.id)
        engine.dispose()
        assert kept is not None
        standing = receipts.verify(encode(entry), receipts.parse(kept.receipt), market.policy, now(), parties)
        assert standing.has_quorum


def test_the_watermark_is_what_was_shown(market: Market) -> None:
    kept = checkpoints.parse((market.sites.market.folder / "watermark.checkpoint").read_bytes())
    with LogClient(market.policy.log_url, market.sites.market.authority) as log:
        assert log.published().size <= kept.size <= log.candidate().size


def test_a_provider_stops_without_the_witness_outside_and_goes_on_with_it(market: Market) -> None:
    assert market.score().state == State.DONE
    watching = [process for name, process in market.processes.items() if name.startswith(SUPERVISOR)]
    for process in watching:
        process.stop()
    assert market.score().state == State.DONE  # it was there a moment ago
    time.sleep(MAX_AGE + 1)
    released = len([entry for entry in logged(market.sites) if entry.kind is EntryKind.ANSWER_RECEIVED])
    job = market.score()
    assert job.state == State.FAILED
    assert "no quorum of witnesses has seen the log of late" in str(job.reason)
    assert f"{SUPERVISOR}" in str(job.reason)
    entries = logged(market.sites)
    assert len([entry for entry in entries if entry.kind is EntryKind.ANSWER_RECEIVED]) == released
    assert any(entry.kind is EntryKind.REFUSED and entry.detail["check"] == 97 for entry in entries)
    assert "no cosignature of supervisor" in market.processes["marketplace-work"].log.read_text("utf-8")
    for process in watching:
        process.start()
    for process in watching:
        process.wait_until_ready()
    soon(lambda: market.score().state == State.DONE, 40)


def test_a_log_that_was_restored_from_a_backup_is_not_opened(market: Market) -> None:
    """The last test: the marketplace stays down."""
    folder = market.sites.market.folder
    for name in ("marketplace-work", "marketplace"):
        market.processes[name].stop()
    with closing(sqlite3.connect(folder / "market.sqlite")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in folder.glob("market.sqlite*"):
        path.unlink()
    for name in ("marketplace-work", "marketplace"):
        process = market.processes[name]
        process.start()
        assert process.running is not None
        assert process.running.wait(30) == 1
        assert "restored from an old backup" in process.log.read_text("utf-8").splitlines()[-1]
    assert market.processes[f"{MARKET_REGULATION}-serve"].alive
