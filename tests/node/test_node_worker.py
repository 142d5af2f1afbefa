"""A message on its whole way: through the front door, a worker's own process, and back to a bank that waits."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from node.conftest import AT_REST, Engines
from node.desk import Desk
from world import REVIEWER, World, scorecard

from audit.entry import EntryKind
from compute.canonical import encode
from compute.node.intake import Intake, LongMessage
from compute.node.jobs.store import JobStore
from compute.node.jobs.worker import Worker
from compute.node.reviewer.kinds import KINDS, REVIEW
from compute.node.reviewer.serve import REPLIES, bins
from compute.protocols.base import RefusedByPeerError
from compute.protocols.risk_score.messages import ModelReceived, SubmitModel
from compute.protocols.risk_score.scorecard import Scorecard


@pytest.fixture
def asked(world: World, engines: Engines, tmp_path: Path) -> Iterator[list[tuple[str, int, int]]]:
    """Put the reviewer behind a front door with a worker; give what the bank hears while it waits."""
    desk = Desk(tmp_path, world.identities[REVIEWER].private_bytes_raw(), world.pins)
    store = JobStore(engines[0], AT_REST, KINDS, world.clock)
    role, dispatcher = desk.play()
    submission = LongMessage(REVIEW, role.check, bins, ModelReceived)
    intake = Intake(dispatcher, store, {SubmitModel: submission}, REPLIES)
    world.transport.handlers[REVIEWER] = lambda data: encode(intake.handle("bank", data))
    heard: list[tuple[str, int, int]] = []
    world.bank._progress = lambda step, done, total: heard.append((step, done, total))
    with Worker(store, {REVIEW: desk}, lease=5.0, poll=0.02) as worker:
        thread = threading.Thread(target=worker.run)
        thread.start()
        yield heard
        worker.stop()
        thread.join(20)
        assert not thread.is_alive()


def test_a_bank_waits_for_long_work_and_gets_its_answer(world: World, asked: list[tuple[str, int, int]]) -> None:
    approval = world.model()
    assert approval.reviewer == REVIEWER
    assert any(step.startswith(f"{REVIEWER}: ") for step, _, _ in asked)
    kinds = [event.kind for event in world.events() if event.node == REVIEWER]
    assert kinds == [EntryKind.MODEL_APPROVED]
    assert world.bank.score(approval, (), world.permits, "2026-11-22", world.record) == []


def test_a_refusal_comes_back_by_its_check(world: World, asked: list[tuple[str, int, int]]) -> None:
    greedy = scorecard()
    (region,), sources = greedy.sources["register"], dict(greedy.sources)
    sources["register"] = (type(region)(region.bins, (5, 5, 5)),)
    card = Scorecard(greedy.name, greedy.version, 0, 500, sources, ())
    with pytest.raises(RefusedByPeerError, match="check 5: the tables at tax are constant"):
        world.submit(card)
    assert asked
