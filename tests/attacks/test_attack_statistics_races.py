"""Joint statistics asked of two processes at once, and of one that dies: charged once, one after another."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from statistics_tables import COMPANIES, FRAME, TAX, holding, number_grid
from statistics_world import BANK, DISCLOSURE, StatisticsNode, StatisticsWorld, build_statistics, statistics_node

from audit.database import open_engine
from compute.binning import NumberBins
from compute.node.provider import disclosure_ledger
from compute.paillier.private import PrivateKey
from compute.protocols.base import RefusalError
from compute.protocols.closed_answer.messages import Answer
from compute.protocols.joint_statistics import provider
from compute.protocols.joint_statistics.messages import StatisticsQuestion
from compute.protocols.label_vector.alphabet import Alphabet
from compute.signing import Signed

ONE = Alphabet(classes=1, width=64, with_zero=True)
BINS = NumberBins(column="staff", edges=("1",))
Nodes = tuple[StatisticsNode, StatisticsNode]
BUDGET = msgspec.structs.replace(DISCLOSURE, bank_milliepsilon=3000, question_milliepsilon=3000)
"""Of one question."""


@pytest.fixture
def world(key: PrivateKey, tmp_path: Path) -> Iterator[StatisticsWorld]:
    halves = [place % 2 for place in range(len(COMPANIES))]
    table = holding({"staff": halves, "other": halves}, number_grid("staff", 1), number_grid("other", 1))
    with build_statistics(key, tmp_path, {TAX: table}, BUDGET, [FRAME]) as made:
        yield made


@pytest.fixture
def nodes(world: StatisticsWorld, tmp_path: Path) -> Iterator[Nodes]:
    """Two processes of the provider, each with its own connection to their database."""
    one = world.nodes[TAX]
    engine = open_engine(tmp_path / f"{TAX}.sqlite")
    try:
        yield one, statistics_node(world, TAX, engine, one.holding, BUDGET, [FRAME])
    finally:
        engine.dispose()


def at_once(
    monkeypatch: pytest.MonkeyPatch, nodes: Nodes, messages: Sequence[Any], released: str
) -> list[Signed[Answer] | RefusalError]:
    """What each node answers, when both have read the ledger before either writes to it."""
    both, real = threading.Barrier(2, timeout=20), getattr(provider, released)
    waited = threading.local()

    def late(*arguments: Any) -> Any:
        if not getattr(waited, "once", False):
            waited.once = True
            both.wait()
        return real(*arguments)

    monkeypatch.setattr(provider, released, late)

    def ask(node: StatisticsNode, message: Any) -> Signed[Answer] | RefusalError:
        try:
            return node.role.answer(message)
        except RefusalError as refusal:
            return refusal

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(ask, nodes, messages))


def weighted(world: StatisticsWorld, **more: Any) -> StatisticsQuestion:
    vector = world.vector(TAX, [1] * len(COMPANIES), ONE, FRAME)
    return world.question(TAX, vector, [BINS], **more)


def exact(world: StatisticsWorld, cohort: Sequence[str]) -> StatisticsQuestion:
    return world.question(TAX, world.alignment(TAX, cohort), [BINS], weighted=False)


def test_one_question_at_two_processes_has_one_noise_and_one_price(
    world: StatisticsWorld, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = weighted(world)
    answers = at_once(monkeypatch, nodes, [world.ask(question), world.ask(question)], "weighted_release")
    one, other = (world.read(question, each, ONE) for each in answers if not isinstance(each, RefusalError))
    assert one.tables == other.tables
    assert nodes[0].ledger.spent(BANK) == (3000, 3000)


def test_two_questions_at_two_processes_do_not_overdraw_the_budget(
    world: StatisticsWorld, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where nothing of the one rests on what the other changes."""
    first = weighted(world)
    questions = [first, msgspec.structs.replace(first, histograms=(NumberBins(column="other", edges=("1",)),))]
    answers = at_once(monkeypatch, nodes, [world.ask(each) for each in questions], "weighted_release")
    (refusal,) = (each for each in answers if isinstance(each, RefusalError))
    assert refusal.check == 9
    assert "budget" in refusal.reason
    assert nodes[0].ledger.spent(BANK) == (3000, 3000)


def test_cohorts_that_share_one_company_are_not_both_told_at_two_processes(
    world: StatisticsWorld, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = [exact(world, COMPANIES[:150]), exact(world, COMPANIES[149:])]
    messages = [world.ask(each) for each in questions]
    answers = at_once(monkeypatch, nodes, messages, "exact_release")
    (refusal,) = (each for each in answers if isinstance(each, RefusalError))
    assert refusal.check == 9
    for message, answer in zip(messages, answers, strict=True):
        kept = nodes[0].answers.by_nonce(BANK, message.job.statement.nonce)
        assert kept == (None if isinstance(answer, RefusalError) else answer)


@pytest.mark.parametrize("step", ["_keep", "_rest", "require_affordable"])
def test_a_process_that_dies_between_charge_and_store_has_done_neither(
    world: StatisticsWorld, nodes: Nodes, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    message = world.ask(weighted(world))

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(disclosure_ledger, step, die)
        with pytest.raises(KeyboardInterrupt):
            nodes[0].role.answer(message)
    assert nodes[1].answers.by_nonce(BANK, message.job.statement.nonce) is None
    assert nodes[1].ledger.spent(BANK) == (0, 0)
    assert nodes[1].ledger.kept(BANK, "staff") is None
    assert nodes[1].role.answer(message) == nodes[0].role.answer(message)
    assert nodes[1].ledger.spent(BANK) == (3000, 3000)
