"""What joint statistics refuse, and by which check: nothing is then stored, charged, or kept of what was told."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import literal_column, select, text
from sqlalchemy import table as sql_table
from statistics_tables import COMPANIES, FRAME, TAX, K, holding, number_grid, refreshed, text_grid
from statistics_world import BANK, DISCLOSURE, StatisticsNode, StatisticsWorld, build_statistics, statistics_node
from world import TODAY

from compute.binning import NumberBins
from compute.canonical import Message
from compute.disclosure.policy import Policy
from compute.frame import Frame
from compute.paillier.private import PrivateKey
from compute.protocols.base import RefusalError
from compute.protocols.joint_statistics.messages import AskPrecheck, AskStatistics, StatisticsQuestion
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.bank import Labels, label_vector
from compute.protocols.label_vector.messages import HiddenCohort
from compute.signing import Pin, sign

RIVAL = "rival"
M = TypeVar("M", bound=Message)
ONE = Alphabet(classes=1, width=64, with_zero=True)
FIRST_DAY = "2026-11-01"
"""Of the snapshot that the provider has."""
STAFF = NumberBins(column="staff", edges=("10",))
MOST_USES = 100


@pytest.fixture(scope="module")
def world(key: PrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StatisticsWorld]:
    """A provider of 200 companies of the frame's 300, some of whose values are missing."""
    places, held = range(200), COMPANIES[:200]
    table = holding(
        {
            "staff": [None if place % 5 == 0 else place % 20 for place in places],
            "same": [7] * 200,
            "turns": [1000 * place for place in places],
            "sales": [1000 * place for place in places],
            "name": [f"n{place}" for place in places],
            "region": [("east", "west")[place % 2] for place in places],
        },
        number_grid("staff", 10),
        number_grid("same", 5, 10),
        number_grid("turns", 0, 100_000),
        number_grid("sales", 0, 1_000_000),
        text_grid("region", "east", "west"),
        subjects=held,
    )
    folder = tmp_path_factory.mktemp("refusals")
    with build_statistics(key, folder, {TAX: table}, DISCLOSURE, [FRAME], max_uses=MOST_USES) as made:
        made.identities[RIVAL] = Ed25519PrivateKey.generate()
        made.pins[RIVAL] = Pin("consumer", made.identities[RIVAL].public_key().public_bytes_raw())
        yield made


@pytest.fixture(scope="module")
def vector(world: StatisticsWorld) -> bytes:
    return world.vector(TAX, [1] * len(COMPANIES), ONE, FRAME)


def kept_here(node: StatisticsNode) -> dict[str, list[Any]]:
    """All that answers leave in the database; the numbering of companies is no answer."""
    tables = ("answers", "disclosure_releases", "disclosure_rests", "disclosure_columns")
    with node.engine.connect() as connection:
        return {
            table: [
                tuple(row) for row in connection.execute(select(literal_column("*")).select_from(sql_table(table)))
            ]
            for table in tables
        }


def refused(node: StatisticsNode, message: AskStatistics, check: int, reason: str) -> None:
    """The node refuses by this check, for this reason, and is as before."""
    before = kept_here(node)
    with pytest.raises(RefusalError) as caught:
        node.role.answer(message)
    assert caught.value.check == check, caught.value.reason
    assert reason in caught.value.reason, caught.value.reason
    assert caught.value.remedy
    assert kept_here(node) == before


def of(message: M, /, **changes: Any) -> M:
    return msgspec.structs.replace(message, **changes)


def asks(world: StatisticsWorld, question: StatisticsQuestion, bank: str = BANK) -> AskStatistics:
    """A job that the bank itself signs."""
    message = world.ask(question)
    job = of(message.job.statement, bank=bank)
    return AskStatistics(job=sign(job, bank, world.identities[bank]), question=question)


# --- the question ------------------------------------------------------------------------------------------------

CHANGES: list[tuple[dict[str, Any], int, str]] = [
    ({"product": "others"}, 3, "not about tax-returns"),
    ({"product_version": "2.0.0"}, 3, "not about tax-returns"),
    ({"cohort": bytes(32)}, 4, "no complete label vector"),
    ({"histograms": (number_grid("turnover", 1),)}, 5, "no field turnover"),
    ({"histograms": (text_grid("name", "n1"),)}, 5, "name has no published grid"),
    ({"histograms": (NumberBins(column="staff", edges=("11",)),)}, 5, "the edge 11 is not one"),
    ({"histograms": (text_grid("staff", "10"),)}, 5, "do not fit its type"),
    ({"moments": ("region",)}, 5, "region has no published range"),
    ({"moments": ("staff",)}, 5, "staff has no published range"),
    ({"as_of": "2026-11-23"}, 6, "lies in the future"),
    ({"milliepsilon": DISCLOSURE.question_milliepsilon + 1}, 7, "is not within"),
    ({"milliepsilon": DISCLOSURE.least_milliepsilon - 1}, 7, "is not within"),
]


@pytest.mark.parametrize(("changes", "check", "reason"), CHANGES, ids=[each[2] for each in CHANGES])
def test_a_question_that_cannot_be_answered_is_refused(
    world: StatisticsWorld, vector: bytes, changes: dict[str, Any], check: int, reason: str
) -> None:
    question = of(world.question(TAX, vector, [STAFF]), **changes)
    refused(world.nodes[TAX], world.ask(question), check, reason)
    with pytest.raises(RefusalError) as caught:  # the dry run says the same
        world.nodes[TAX].role.precheck(AskPrecheck(question=sign(question, BANK, world.identities[BANK])))
    assert caught.value.check == check


@pytest.mark.parametrize(
    ("changes", "kind", "reason"),
    [
        ({"max_cells": 2}, "hidden", "cells are more than 2"),
        ({"hidden_cohorts": False}, "hidden", "no hidden cohorts"),
        ({"disclosed_cohorts": False}, "disclosed", "no disclosed cohorts"),
    ],
)
def test_the_policy_refuses_kinds_of_cohorts_and_too_many_cells(
    world: StatisticsWorld, vector: bytes, changes: dict[str, Any], kind: str, reason: str
) -> None:
    strict = with_policy(world, msgspec.structs.replace(DISCLOSURE, **changes))
    hidden = kind == "hidden"
    cohort = vector if hidden else world.alignment(TAX, COMPANIES)
    refused(strict, world.ask(world.question(TAX, cohort, [STAFF], weighted=hidden)), 7, reason)


def with_policy(world: StatisticsWorld, policy: Policy, **grant: Any) -> StatisticsNode:
    """The provider's next process, under another policy."""
    node = world.nodes[TAX]
    return statistics_node(world, TAX, node.engine, node.holding, policy, [FRAME], **grant)


@pytest.mark.parametrize(
    ("column", "reason"), [("turns", "of turns take slots of"), ("sales", "too wide for the noise that is due")]
)
def test_sums_that_could_overflow_their_slots_or_the_noise_are_refused(
    world: StatisticsWorld, column: str, reason: str
) -> None:
    narrow = Alphabet(classes=1, width=32, with_zero=True)
    vector = world.vector(TAX, [1] * len(COMPANIES), narrow, FRAME)
    question = world.question(TAX, vector, moments=[column], milliepsilon=100)
    refused(world.nodes[TAX], world.ask(question), 7, reason)


# --- the job -----------------------------------------------------------------------------------------------------


def test_a_job_of_another_or_for_another_question_is_refused(world: StatisticsWorld, vector: bytes) -> None:
    node, question = world.nodes[TAX], world.question(TAX, vector, [STAFF])
    message = world.ask(question)
    forged = sign(message.job.statement, BANK, world.identities[RIVAL])
    refused(node, of(message, job=forged), 1, "")
    refused(node, of(message, question=of(question, milliepsilon=2999)), 3, "not the one")
    refused(node, asks(world, question, RIVAL), 3, "not the one")
    refused(node, asks(world, of(question, bank=RIVAL), RIVAL), 4, "no complete label vector")
    refused(node, asks(world, of(question, provider="other")), 3, "")


def test_the_same_job_again_has_the_same_answer_and_its_nonce_is_no_other_s(
    world: StatisticsWorld, vector: bytes
) -> None:
    node = world.nodes[TAX]
    message = world.ask(world.question(TAX, vector, [STAFF], milliepsilon=100))
    first = node.role.answer(message)
    before = kept_here(node)
    assert node.role.answer(message) == first
    assert kept_here(node) == before
    other = world.ask(world.question(TAX, vector, [STAFF], milliepsilon=101))
    job = of(other.job.statement, nonce=message.job.statement.nonce)
    replayed = of(other, job=sign(job, BANK, world.identities[BANK]))
    refused(node, replayed, 2, "nonce was used")


def test_a_permit_that_does_not_cover_it_or_is_used_up_is_refused(world: StatisticsWorld, vector: bytes) -> None:
    question = world.question(TAX, vector, [STAFF], milliepsilon=102)
    ungranted = with_policy(world, DISCLOSURE, max_uses=0)
    refused(ungranted, world.ask(question), 8, "used up")
    job = world.ask(question).job.statement
    other = of(job, asked=(of(job.asked[0], permit="permit-2"),))
    message = AskStatistics(job=sign(other, BANK, world.identities[BANK]), question=question)
    refused(world.nodes[TAX], message, 8, "no such permit")
    foreign = world.alignment(TAX, COMPANIES, contract="another")
    refused(world.nodes[TAX], world.ask(world.question(TAX, foreign, [STAFF], weighted=False)), 8, "cover")


def test_a_vector_that_is_incomplete_refused_or_another_bank_s_is_none(
    world: StatisticsWorld, key: PrivateKey
) -> None:
    node = world.nodes[TAX]
    cohort = HiddenCohort(frame=FRAME.digest, rows=len(COMPANIES))
    labels = Labels(cohort, ONE, [1] * len(COMPANIES))
    made = label_vector(key, world.identities[BANK], BANK, "loans-2026", labels, 1)
    question = world.question(TAX, made.name, [STAFF], milliepsilon=103)
    node.vectors.open(made.statement, 1, 1000)
    refused(node, world.ask(question), 4, "no complete label vector")  # no part came
    node.vectors.register(made.name, 0, made.parts[0], 1)
    refused(node, asks(world, of(question, bank=RIVAL), RIVAL), 4, "no complete label vector")
    node.vectors.refuse(made.name, 2)
    refused(node, world.ask(question), 4, "no complete label vector")


def test_a_frame_or_an_alignment_that_is_not_known_here_is_refused(world: StatisticsWorld) -> None:
    elsewhere = Frame(COMPANIES[:40])
    vector = world.vector(TAX, [1] * 40, ONE, elsewhere)
    node = world.nodes[TAX]
    refused(node, world.ask(world.question(TAX, vector, [STAFF])), 4, "not known here")
    theirs = world.alignment(TAX, COMPANIES, bank=RIVAL)
    question = world.question(TAX, theirs, [STAFF], weighted=False)
    refused(node, world.ask(question), 4, "no complete alignment")


# --- the data ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cohort", [COMPANIES[200:], COMPANIES[200 - K + 1 :]], ids=["empty", "below k"])
def test_an_intersection_of_fewer_than_k_is_refused_alike(world: StatisticsWorld, cohort: Sequence[str]) -> None:
    question = world.question(TAX, world.alignment(TAX, cohort), [STAFF], weighted=False)
    refused(world.nodes[TAX], world.ask(question), 9, f"fewer than {K} enterprises here")


def test_a_constant_column_tells_no_cell_exactly_and_moments_without_variance(world: StatisticsWorld) -> None:
    """One cell has everybody: that the others are empty would be told of each of them."""
    node, cohort = world.nodes[TAX], world.alignment(TAX, COMPANIES)
    refused(node, world.ask(world.question(TAX, cohort, ["same"], weighted=False)), 9, "too few enterprises")
    told = world.told(world.question(TAX, cohort, moments=["same"], weighted=False))
    assert [table.numbers for table in told.tables] == [((200,),), ((1400,),), ((9800,),)]


def test_missing_values_are_a_bin_of_their_own(world: StatisticsWorld, vector: bytes) -> None:
    """Those of companies that the table lacks too, where the cohort is hidden."""
    told = world.told(world.question(TAX, world.alignment(TAX, COMPANIES), [STAFF], weighted=False))
    assert told.tables[0].numbers == ((80,), (80,), (40,))
    hidden = world.told(world.question(TAX, vector, [STAFF]), ONE)
    (table,) = hidden.tables
    assert table.numbers[2] is not None
    assert abs(table.numbers[2][0] - 140) <= table.bound


@pytest.mark.parametrize("ended", ["bank_milliepsilon", "all_milliepsilon"])
def test_an_exhausted_budget_refuses_and_does_not_say_whose_it_is(
    key: PrivateKey, tmp_path: Path, ended: str
) -> None:
    policy = msgspec.structs.replace(DISCLOSURE, bank_milliepsilon=5000, all_milliepsilon=8000)
    table = holding({"staff": [place % 2 * 10 for place in range(300)]}, number_grid("staff", 10))
    with build_statistics(key, tmp_path, {TAX: table}, policy, [FRAME]) as world:
        vector, node = world.vector(TAX, [1] * 300, ONE, FRAME), world.nodes[TAX]
        if ended == "all_milliepsilon":  # others spent most
            with node.engine.begin() as connection:
                connection.execute(
                    text("INSERT INTO disclosure_releases VALUES ('other', :question, 5500, :content)"),
                    {"question": bytes(32), "content": bytes(32)},
                )
        else:
            world.told(world.question(TAX, vector, [STAFF], milliepsilon=2500), ONE)
        question = world.question(TAX, vector, [STAFF], milliepsilon=3000)
        refused(node, world.ask(question), 9, "the privacy budget has no room for this")
        last = world.question(TAX, vector, [STAFF], milliepsilon=2500, as_of=FIRST_DAY)
        world.told(last, ONE)
        exact = world.question(TAX, world.alignment(TAX, COMPANIES), [STAFF], weighted=False)
        assert world.told(exact).tables[0].numbers[0] == (150,)
        assert node.ledger.spent(BANK)[1] == (8000 if ended == "all_milliepsilon" else 5000)


# --- days --------------------------------------------------------------------------------------------------------


def test_values_are_those_of_the_day_asked_for(key: PrivateKey, tmp_path: Path) -> None:
    """The snapshot then valid; without a history the present one, and said so; none before the first one kept."""
    old, new = ([place % 3 // shift * 10 for place in range(300)] for shift in (1, 2))
    table = holding({"staff": old}, number_grid("staff", 10))
    with build_statistics(key, tmp_path, {TAX: table}, DISCLOSURE, [FRAME]) as world:
        node = world.nodes[TAX]

        def asked(day: str, bank_cohort: Callable[[], bytes] = lambda: world.alignment(TAX, COMPANIES)) -> Any:
            told = world.told(world.question(TAX, bank_cohort(), [STAFF], weighted=False, as_of=day))
            release = told.release
            return told.tables[0].numbers[0], release.snapshot_date, release.is_present_only

        assert asked(TODAY) == ((100,), FIRST_DAY, False)
        assert asked("2026-10-01") == ((100,), FIRST_DAY, True)
        later = refreshed(table, {"staff": new}, "2026-11-10")
        world.nodes[TAX] = statistics_node(world, TAX, node.engine, later, DISCLOSURE, [FRAME])
        assert asked("2026-11-09") == ((100,), FIRST_DAY, False)
        assert asked("2026-11-10") == ((200,), "2026-11-10", False)
        before = world.question(TAX, world.alignment(TAX, COMPANIES), [STAFF], weighted=False, as_of="2026-10-31")
        refused(world.nodes[TAX], world.ask(before), 6, f"the first snapshot here is of {FIRST_DAY}")
        unlisted = replace(later, is_told_as_aggregates=False)
        closed = statistics_node(world, TAX, node.engine, unlisted, DISCLOSURE, [FRAME])
        refused(closed, world.ask(of(before, as_of=TODAY)), 3, "not delivered as aggregates")
