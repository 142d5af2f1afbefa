"""An answer leaves a provider's node only if those who watch the log can know of it."""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cosigned import LOG_KEY, NOW, WITNESSES, cosigned, head, policy, witness_name
from node.local_log import PERMIT, PROVIDER, Clock, LocalLog, answer_sent

from audit.database import open_engine
from audit.entry import Event
from audit.errors import IdTakenError
from audit.receipt import Receipt, parse
from audit.witness import Witness
from compute.node.following import Follower
from compute.node.journal import EventJournal
from compute.node.quorums import QuorumStore
from compute.node.receipts import ReceiptStore
from compute.node.release import WitnessedRelease
from compute.protocols.base import UNAVAILABLE, RefusalError
from compute.web.errors import PeerProblemError, PeerUnreachableError

PARTIES = ("lender", "bank")
"""Of the contract; the office is the witness outside it."""


class Node:
    """A provider's node: its journal, its follower and the rule, over one file."""

    def __init__(self, path: Path, log: LocalLog, patience: float = 0.0) -> None:
        self.log, self.clock = log, log.clock
        self.engine = open_engine(path)
        witness = Witness(self.engine, witness_name("bank"), WITNESSES["bank"], LOG_KEY, log.clock)
        self.follower = Follower(log, witness, policy(), QuorumStore(self.engine), log.clock)  # type: ignore[arg-type]
        self.journal = EventJournal(self.engine, log, PROVIDER)  # type: ignore[arg-type]
        self.receipts = ReceiptStore(self.engine)
        self.release = WitnessedRelease(self.follower, self.journal, self.receipts, self.parties_of, patience)

    def parties_of(self, permit: str) -> tuple[str, ...]:
        assert permit == PERMIT
        return PARTIES

    def answer(self, number: int) -> Event:
        """Record an answer, as far as it goes without the rule."""
        event = answer_sent(number)
        self.journal.append(event)
        return event

    def refusal(self, event: Event) -> str:
        with pytest.raises(RefusalError) as refused:
            self.release.require(event.id)
        assert refused.value.check == UNAVAILABLE
        assert "nothing was released" in refused.value.remedy
        return refused.value.reason

    def receipt(self, event: Event) -> tuple[Receipt, bool]:
        kept = self.receipts.find(event.id)
        assert kept is not None
        return parse(kept.receipt), kept.has_quorum


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LocalLog]:
    log = LocalLog(tmp_path / "log", Clock())
    yield log
    log.engine.dispose()


@pytest.fixture
def node(tmp_path: Path, log: LocalLog) -> Iterator[Node]:
    node = Node(tmp_path / "node.db", log)
    yield node
    node.engine.dispose()


def test_an_answer_whose_receipt_has_a_quorum_leaves_and_needs_the_log_no_more(log: LocalLog, node: Node) -> None:
    event = node.answer(1)
    log.publish("office", "bank")
    node.release.require(event.id)
    receipt, has_quorum = node.receipt(event)
    assert has_quorum
    assert receipt.checkpoint == log.log.published()
    log.down = True
    log.clock.seconds += 10_000
    node.release.require(event.id)  # the stored answer is asked for again


def test_an_answer_under_the_log_s_word_alone_leaves_while_the_log_is_watched(log: LocalLog, node: Node) -> None:
    log.grow()
    log.publish("office", "bank")
    event = node.answer(1)
    log.clock.seconds += 600
    node.release.require(event.id)
    receipt, has_quorum = node.receipt(event)
    assert not has_quorum
    assert receipt.checkpoint.size == 2 > log.log.published().size
    log.down = True
    node.release.require(event.id)  # what was verified here is enough for as long as it is fresh
    log.down = False
    log.clock.seconds += 1
    assert "missing: bank, lender, office" in node.refusal(event)


def test_a_receipt_is_completed_once_there_is_a_quorum(log: LocalLog, node: Node) -> None:
    log.grow()
    log.publish("office", "bank")
    events = [node.answer(number) for number in range(3)]
    for event in events:
        node.release.require(event.id)
    node.release.complete()
    assert not any(node.receipt(event)[1] for event in events)
    log.publish("office", "lender")
    node.release.complete()
    assert all(node.receipt(event)[1] for event in events)
    assert node.receipts.without_quorum(10) == []


def test_without_witnesses_nothing_leaves_and_all_are_named(log: LocalLog, node: Node) -> None:
    event = node.answer(1)
    assert "missing: bank, lender, office" in node.refusal(event)
    log.publish("office")
    assert "missing: bank, lender" in node.refusal(event)
    assert "office" not in node.refusal(event)


def test_a_quorum_of_the_contract_s_own_parties_is_none(log: LocalLog, node: Node) -> None:
    event = node.answer(1)
    log.publish("bank", "lender")
    assert "missing: office" in node.refusal(event)
    assert not node.receipt(event)[1]
    log.publication.add_cosignatures(cosigned(log.log.candidate(), office=NOW))
    node.release.require(event.id)


def test_after_max_age_without_witnesses_a_provider_stops_and_goes_on_when_they_are_back(
    log: LocalLog, node: Node
) -> None:
    log.grow()
    log.publish("office", "bank")
    node.follower.round()
    for minute in range(3):
        log.clock.seconds = NOW + 600 - minute
        node.release.require(node.answer(minute).id)
    log.clock.seconds = NOW + 601
    late = node.answer(5)
    assert "no quorum of witnesses has seen the log of late" in node.refusal(late)
    log.publish("office", "lender")
    node.release.require(late.id)
    node.release.require(node.answer(6).id)


def test_an_earlier_quorum_with_the_witness_outside_counts_while_it_is_fresh(log: LocalLog, node: Node) -> None:
    log.grow()
    log.publish("office", "bank")
    node.follower.look()
    log.clock.seconds += 300
    log.grow()
    log.publish("bank", "lender")
    node.follower.look()
    event = node.answer(1)
    node.release.require(event.id)
    log.clock.seconds += 301
    assert "missing: office" in node.refusal(event)


def test_a_stale_view_is_refused(log: LocalLog, node: Node) -> None:
    """Somebody goes on to show this node an old checkpoint, quorum and all."""
    log.grow()
    log.publish("office", "bank")
    log.shown = log.log.published()
    event = node.answer(1)
    node.release.require(event.id)
    log.clock.seconds += 601
    log.publish("office", "bank")
    other = node.answer(2)
    assert "missing" in node.refusal(other)
    log.shown = None
    node.release.require(other.id)


def test_while_the_log_does_not_answer_nothing_leaves(log: LocalLog, node: Node) -> None:
    event = node.answer(1)
    log.publish("office", "bank")
    log.down = True
    with pytest.raises(PeerUnreachableError):
        node.release.require(event.id)
    with pytest.raises(PeerUnreachableError):
        node.answer(2)
    log.down = False
    node.release.require(event.id)


def test_what_the_log_did_not_take_does_not_leave(log: LocalLog, node: Node) -> None:
    log.grow()
    log.publish("office", "bank")
    with pytest.raises(LookupError):
        node.release.require(answer_sent(1).id)


def test_a_receipt_that_does_not_hold_keeps_the_answer_back(
    log: LocalLog, node: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    first, second = node.answer(1), node.answer(2)
    log.publish("office", "bank")
    honest = log.log.receipt
    good = honest(1, log.log.published())
    lies = [
        honest(0, log.log.published()),  # of another entry
        replace(good, index=0),
        replace(good, hashes=(b"h" * 32,)),
        replace(good, checkpoint=cosigned(head(2, b"r" * 32), office=NOW, bank=NOW)),
        replace(good, checkpoint=head(2, good.checkpoint.root, origin="other.example/log")),
    ]
    for lie in lies:
        with monkeypatch.context() as patch:
            patch.setattr(LocalLog, "receipt", lambda _self, _index, lie=lie: lie)
            assert "what the log says does not hold" in node.refusal(second)
    assert node.receipts.find(second.id) is None
    assert caplog.text.count("an answer is kept back") == len(lies)
    node.release.require(first.id)
    node.release.require(second.id)


def test_a_log_that_gives_no_receipt(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    event = node.answer(1)

    def fails(_self: LocalLog, _index: int) -> Receipt:
        raise PeerProblemError("the log", 500, {"detail": "It failed."})

    monkeypatch.setattr(LocalLog, "receipt", fails)
    assert "gives no receipt" in node.refusal(event)


def test_once_the_log_was_caught_nothing_leaves(log: LocalLog, node: Node) -> None:
    event = node.answer(1)
    log.publish("office", "lender")
    node.follower.round()
    node.release.require(event.id)
    node.follower.witness.accuse(head(1, b"r" * 32))
    assert "showing two trees" in node.refusal(event)


def test_it_waits_a_little_for_the_witnesses(tmp_path: Path, log: LocalLog) -> None:
    node = Node(tmp_path / "patient.db", log, patience=20)
    event = node.answer(1)
    timer = threading.Timer(0.3, log.publish, ["office", "bank"])
    timer.start()
    began = time.monotonic()
    node.release.require(event.id)
    assert 0.25 < time.monotonic() - began < 15
    timer.join()
    node.engine.dispose()


def test_a_tree_that_is_made_for_one_node_alone_does_not_last(
    log: LocalLog, node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log that all others see goes on, watched and fresh; this node's events stand in another tree."""
    log.grow()
    log.publish("office", "bank")
    aside = LocalLog(tmp_path / "aside", log.clock)
    aside.log.append_many(log.log.entries())
    monkeypatch.setattr(log, "append", aside.append)
    monkeypatch.setattr(log, "receipt", aside.receipt)
    first = node.answer(1)
    node.release.require(first.id)
    log.clock.seconds += 600
    log.grow()
    log.publish("office", "bank")
    node.release.require(node.answer(2).id)  # for so long nobody can tell
    log.clock.seconds += 1
    node.release.complete()
    assert "no quorum has seen the event of an answer that left" in node.refusal(node.answer(3))
    aside.publish("office", "bank")  # what those who watch would have to see
    node.release.complete()
    node.release.require(node.answer(4).id)


def test_an_answer_cannot_hide_behind_the_event_of_another(node: Node) -> None:
    """Whoever finds two jobs whose events get one id must not have the second answered without an entry."""
    first = node.answer(1)
    node.journal.append(first, replace(first, time=first.time + 1))  # told again, a moment later
    with pytest.raises(IdTakenError, match="by another event"):
        node.journal.append(replace(answer_sent(2), id=first.id))
