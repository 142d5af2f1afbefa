"""Joint statistics under weights, against a bank that averages noise out, abandons answers, labels one company."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from math import comb, exp
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
from label_vectors import claim_of, prove_by_the_letter
from statistics_tables import COMPANIES, FRAME, GENEROUS, TAX, holding, number_grid
from statistics_world import BANK, CONTRACT, DISCLOSURE, NOW, StatisticsWorld, build_statistics

from compute.disclosure.policy import Policy
from compute.frame import Frame
from compute.paillier.ciphertexts import from_bytes
from compute.paillier.histogram import group_sum
from compute.paillier.private import PrivateKey
from compute.protocols.base import RefusalError
from compute.protocols.closed_answer.messages import Abandon, Answer, Tombstone
from compute.protocols.joint_statistics import release
from compute.protocols.joint_statistics.messages import AskStatistics, StatisticsQuestion
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.messages import HiddenCohort, LabelStatement, RegisterLabels
from compute.protocols.label_vector.provider import Registrar
from compute.signing import SUITE, Signed, digest, sign

pytestmark = pytest.mark.long

X = 0
"""The place of the company that is spied on."""
BINS = 3
COPIES = 8
"""Columns that all hold the same, so that a question draws noise so many times, each with a part of its ε."""
ONE = Alphabet(classes=1, width=64, with_zero=True)
TWO = Alphabet(classes=2, width=64, with_zero=True)
BY_CHANCE = 1e-9
Build = Callable[..., StatisticsWorld]


@pytest.fixture
def build(key: PrivateKey, tmp_path: Path) -> Iterator[Build]:
    """Builds worlds, one after another, that end with the test."""
    with ExitStack() as stack:
        count = iter(range(100))

        def made(of_x: int = 0, policy: Policy = GENEROUS) -> StatisticsWorld:
            folder = tmp_path / str(next(count))
            folder.mkdir()
            cells = [place % BINS for place in range(len(COMPANIES))]
            cells[X] = of_x
            names = [f"copy{number}" for number in range(COPIES)]
            table = holding(dict.fromkeys(names, cells), *(number_grid(name, 1, 2) for name in names))
            return stack.enter_context(build_statistics(key, folder, {TAX: table}, policy, [FRAME]))

        yield made


def told(world: StatisticsWorld, vector: bytes, alphabet: Alphabet, milliepsilon: int) -> np.ndarray:
    """The numbers of a question about every copy: copy, bin, class."""
    columns = list(world.nodes[TAX].holding.grids)
    answer = world.told(world.question(TAX, vector, columns, milliepsilon=milliepsilon), alphabet)
    return np.array([list(table.numbers[:BINS]) for table in answer.tables])


def at_least(draws: int, probability: float, hits: int) -> float:
    """P(so many hits or more)."""
    return sum(
        comb(draws, hit) * probability**hit * (1 - probability) ** (draws - hit) for hit in range(hits, draws + 1)
    )


def refused(act: Callable[[], object], check: int) -> str:
    with pytest.raises(RefusalError) as caught:
        act()
    assert caught.value.check == check, caught.value.reason
    return caught.value.reason


# --- labels of one company ---------------------------------------------------------------------------------------


def test_one_label_among_zeros_guesses_a_bin_no_better_than_the_noise_allows(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who guesses among m bins under ε-differential privacy is right with e^ε/(e^ε + m − 1) at most."""
    world = build(of_x=2)
    vector = world.vector(TAX, [int(place == X) for place in range(len(COMPANIES))], ONE, FRAME)
    with monkeypatch.context() as patch:
        patch.setattr(release, "laplace", lambda _b, shape, _t: np.zeros(shape, dtype=np.int64))
        assert (told(world, vector, ONE, 4000)[:, :, 0].argmax(axis=1) == 2).all()
    epsilon = 4 / COPIES
    most = exp(epsilon) / (exp(epsilon) + BINS - 1)
    guesses = [told(world, vector, ONE, 4001 + ask)[:, :, 0].argmax(axis=1) == 2 for ask in range(25)]
    hits, draws = int(np.sum(guesses)), np.size(guesses)
    assert draws == 200
    assert at_least(draws, most, hits) > BY_CHANCE


def test_two_vectors_that_differ_in_a_row_give_answers_of_nearly_the_same_likelihood(build: Build) -> None:
    """Any event of an answer is at most e^ε times as likely under the one as under the other."""
    world, seen = build(of_x=2), []
    for of_x in (1, 2):
        vector = world.vector(TAX, [of_x, *([1, 2] * 150)[1:300]], TWO, FRAME)
        answers = np.concatenate([told(world, vector, TWO, 8000 + ask) for ask in range(20)])
        seen.append(answers[:, 2, 0] - answers[:, 2, 1])
    draws, epsilon = len(seen[0]), 8 / COPIES
    middle = int(np.median(np.concatenate(seen)))
    likely, unlikely = (int((each > middle).sum()) for each in seen)
    assert likely < draws, "noise that hides nothing"
    assert unlikely > 0, "noise that hides nothing"
    # Were p = q·e^ε exactly, with q the largest that makes so few hits credible, so many more were not credible.
    q = max(q for q in np.linspace(0.001, 0.999, 999) if 1 - at_least(draws, q, unlikely + 1) > 1e-5)
    assert at_least(draws, min(1, q * exp(epsilon)), likely) > 1e-5


FEW = Frame(COMPANIES[:40])
BASE = 2**20


def powers(key: PrivateKey, world: StatisticsWorld) -> RegisterLabels:
    """y_i = B^i, with the best proof that can be made of it."""
    plaintexts = [BASE**place for place in range(len(FEW.subjects))]
    claim = claim_of(key, plaintexts, ONE)
    statement = LabelStatement(
        suite=SUITE,
        bank=BANK,
        contract=CONTRACT,
        n=key.public.to_bytes(),
        cohort=HiddenCohort(frame=FEW.digest, rows=len(plaintexts)),
        alphabet=ONE,
        parts=(hashlib.sha256(claim.ciphertexts).digest(),),
        issued_at=NOW,
        nonce=bytes(32),
    )
    claim = replace(claim, vector=digest(statement))
    return RegisterLabels(
        statement=sign(statement, BANK, world.identities[BANK]),
        part=0,
        ciphertexts=claim.ciphertexts,
        proof=prove_by_the_letter(key, claim, plaintexts),
    )


def test_powers_of_a_base_read_every_row_through_any_noise_and_are_refused(
    key: PrivateKey, tmp_path: Path
) -> None:
    cells = [(7 * place) % 5 % BINS for place in range(len(FEW.subjects))]
    table = holding({"copy": cells}, number_grid("copy", 1, 2), subjects=FEW.subjects)
    with build_statistics(key, tmp_path, {TAX: table}, GENEROUS, [FEW]) as world:
        message = powers(key, world)
        node, name = world.nodes[TAX], digest(message.statement.statement)
        ciphertexts = from_bytes(key.public, message.ciphertexts, len(cells))
        (sums,) = group_sum(key.public, ciphertexts, [bytes(cells)], [BINS])
        noisy = [int(key.decrypt(each)) + 1000 for each in sums]
        read = [
            next(code for code in range(BINS) if noisy[code] >> 20 * place & 1) for place in range(1, len(cells))
        ]
        assert read == cells[1:], "the kernel adds what it is given"

        enrolled: Any = SimpleNamespace(
            enrolment=lambda _bank: (SimpleNamespace(statement=SimpleNamespace(n=key.public.to_bytes())), 1)
        )
        registrar = Registrar(
            TAX, world.pins, enrolled, node.role._cohorts, node.vectors, lambda _statement: None, world.clock
        )
        refused(lambda: registrar.register(message), 9)
        question = world.question(TAX, name, ["copy"])
        refused(lambda: world.told(question, ONE), 4)
        assert node.ledger.spent(BANK) == (0, 0)


# --- noise, again and again --------------------------------------------------------------------------------------


def asked(world: StatisticsWorld, question: StatisticsQuestion) -> tuple[AskStatistics, Signed[Answer]]:
    message = world.ask(question)
    return message, world.nodes[TAX].role.answer(message)


def abandon(world: StatisticsWorld, message: AskStatistics) -> None:
    tombstone = Tombstone(bank=BANK, provider=TAX, job=digest(message.job.statement))
    signed = sign(tombstone, BANK, world.identities[BANK])
    world.nodes[TAX].closed.abandon(Abandon(tombstone=signed))


def everybody(world: StatisticsWorld) -> StatisticsQuestion:
    """Of every copy, so many numbers that no two draws of their noise are the same by chance."""
    vector = world.vector(TAX, [1] * len(COMPANIES), ONE, FRAME)
    return world.question(TAX, vector, list(world.nodes[TAX].holding.grids), milliepsilon=3000)


def test_a_question_asked_again_has_the_same_noise_and_costs_nothing(build: Build) -> None:
    world = build()
    question = everybody(world)
    first = world.told(question, ONE).tables
    assert all(world.told(question, ONE).tables == first for _ in range(5))
    assert world.nodes[TAX].ledger.spent(BANK) == (3000, 3000)


def test_a_question_in_other_words_is_paid_for_until_the_budget_ends(build: Build) -> None:
    """The same count, asked as of other days, for less ε, by other columns, from another vector."""
    world = build(policy=DISCLOSURE)
    question = everybody(world)
    other = world.vector(TAX, [1] * len(COMPANIES), ONE, FRAME)
    words: list[dict[str, Any]] = [
        {"as_of": "2026-11-20"},
        {"milliepsilon": 2999},
        {"cohort": other},
        {"histograms": (world.nodes[TAX].holding.grids["copy1"],)},
        {"histograms": (number_grid("copy0", 1),)},
    ]
    spent, answered = 0, 0
    for changes in ({}, *words):
        again = msgspec.structs.replace(question, **changes)
        if spent + again.milliepsilon > DISCLOSURE.bank_milliepsilon:
            reason = refused(lambda again=again: world.told(again, ONE), 9)  # type: ignore[misc]
            assert "budget" in reason
            continue
        world.told(again, ONE)
        spent, answered = spent + again.milliepsilon, answered + 1
        assert world.nodes[TAX].ledger.spent(BANK) == (spent, spent)
    assert answered == 4
    assert len(world.told(question, ONE).tables) == COPIES, "what was told is told still"


def test_an_abandoned_answer_is_never_opened_and_the_next_has_noise_of_its_own(build: Build) -> None:
    """Two sealed draws for the price of one would halve the noise: of the buried one the key is never given."""
    world = build()
    node, question = world.nodes[TAX], everybody(world)
    message, first = asked(world, question)
    job = digest(message.job.statement)
    abandon(world, message)
    assert node.ledger.spent(BANK) == (0, 0)
    _, second = asked(world, question)
    assert node.ledger.spent(BANK) == (3000, 3000)
    assert world.read(question, first, ONE).tables != world.read(question, second, ONE).tables
    with pytest.raises(RefusalError, match="abandoned") as caught:
        node.answers.acknowledge(job, NOW)
    assert caught.value.check == 2
    refused(lambda: node.role.answer(message), 2)


def test_what_was_read_is_paid_for_whatever_is_abandoned_after(build: Build) -> None:
    world = build()
    node, question = world.nodes[TAX], everybody(world)
    (one, first), (other, second) = asked(world, question), asked(world, question)
    assert world.read(question, first, ONE).tables == world.read(question, second, ONE).tables
    node.answers.acknowledge(digest(one.job.statement), NOW)
    refused(lambda: abandon(world, one), 2)
    abandon(world, other)
    assert node.ledger.spent(BANK) == (3000, 3000)
    assert world.told(question, ONE).tables == world.read(question, first, ONE).tables
