"""A model's case: its states, four eyes, what is erased once it is decided, what comes of time."""

import dataclasses
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from node.statements import at_once
from world import BANK, DAY, DOSSIER, EXAMINERS, PURPOSE, REVIEWER, World, scorecard

from audit.entry import EntryKind
from compute.canonical import decode, encode
from compute.node import wiping
from compute.node.reviewer.cases import CaseStore
from compute.node.reviewer.telling import tell
from compute.node.reviewer.upkeep import round_
from compute.protocols.base import RefusedByPeerError
from compute.protocols.risk_score.case import Case
from compute.protocols.risk_score.case_states import (
    MOVES,
    Actor,
    FourEyesError,
    ModelCaseState,
    Move,
    RefusalCode,
    UnknownCaseError,
    WrongCaseStateError,
    advance,
)
from compute.protocols.risk_score.desk import ModelDesk
from compute.protocols.risk_score.messages import AskDecision, UnderReview
from compute.protocols.risk_score.submitted import SubmittedModel

FIRST, SECOND = EXAMINERS


def submit(world: World) -> SubmittedModel:
    world.enrol()
    return world.submit(scorecard())


def case_of(world: World, submitted: SubmittedModel) -> Case:
    case = world.cases.find(submitted.submission)
    assert case is not None
    return case


@pytest.fixture
def submitted(world: World) -> SubmittedModel:
    return submit(world)


@pytest.fixture
def case(world: World, submitted: SubmittedModel) -> Case:
    return case_of(world, submitted)


def refusal(world: World, submitted: SubmittedModel) -> tuple[int, str]:
    with pytest.raises(RefusedByPeerError) as caught:
        world.bank.ask_decision(submitted)
    return caught.value.refused.check, caught.value.refused.reason


# --- the states --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ModelCaseState)
@pytest.mark.parametrize("move", Move)
@pytest.mark.parametrize("actor", Actor)
def test_no_move_but_those_of_the_table(state: ModelCaseState, move: Move, actor: Actor) -> None:
    following, actors = MOVES.get((state, move), (None, frozenset()))
    if actor in actors:
        assert advance("case", state, move, actor) is following
    else:
        with pytest.raises(WrongCaseStateError):
            advance("case", state, move, actor)


def test_every_state_is_reached_and_the_ends_are_ends() -> None:
    assert {following for following, _ in MOVES.values()} | {ModelCaseState.OPEN} == set(ModelCaseState)
    ends = set(ModelCaseState) - {state for state, _ in MOVES}
    assert ends == {
        ModelCaseState.REFUSED,
        ModelCaseState.LAPSED,
        ModelCaseState.WITHDRAWN,
        ModelCaseState.EXPIRED,
    }


def test_nobody_but_the_submitting_bank_hears_of_a_case(world: World, submitted: SubmittedModel) -> None:
    rival = AskDecision(bank="rival", submission=submitted.submission)
    nothing = AskDecision(bank=BANK, submission=b"\0" * 32)
    for question in (rival, nothing):
        assert b'"check":1' in world.send(REVIEWER, question)
    reply = decode(world.send(REVIEWER, AskDecision(bank=BANK, submission=submitted.submission)), UnderReview)
    assert (reply.since, reply.lapses) == (world.clock.now, world.clock.now + 30 * DAY)


def test_the_same_submission_again_has_the_same_case(world: World) -> None:
    world.enrol()
    card = dataclasses.replace(scorecard(), dossier=DOSSIER)
    message = world.bank.prepare_model(card, list(world.providers), REVIEWER, PURPOSE)
    first = world.bank.submit_model(REVIEWER, message)
    world.desk.refuse(case_of(world, first).case, FIRST, RefusalCode.OTHER, "no")
    assert world.bank.submit_model(REVIEWER, message) == first
    assert [case.state for case in world.cases.latest(10)] == [ModelCaseState.REFUSED]


# --- four eyes ---------------------------------------------------------------------------------------------------


def test_two_examiners_who_have_read_it_approve_a_model(
    world: World, case: Case, submitted: SubmittedModel
) -> None:
    with pytest.raises(FourEyesError, match="first-examiner has not read"):
        world.desk.approve(case.case, FIRST)
    shown, file = world.desk.read(case.case, FIRST)
    assert file is not None
    assert file.model.tables[0].features[0].points == scorecard().sources["insurance"][0].points
    assert shown.readings[0].times == 1
    once = world.desk.approve(case.case, FIRST)
    assert (once.state, once.approvers, once.approval) == (ModelCaseState.APPROVED_ONCE, (FIRST,), None)
    with pytest.raises(FourEyesError, match="first-examiner has approved"):
        world.desk.approve(case.case, FIRST)
    assert isinstance(world.bank.ask_decision(submitted), UnderReview)
    world.desk.read(case.case, SECOND)
    approved = world.desk.approve(case.case, SECOND)
    assert (approved.state, approved.approvers) == (ModelCaseState.APPROVED, EXAMINERS)
    decision = world.bank.ask_decision(submitted)
    assert not isinstance(decision, UnderReview)
    assert approved.approval == decision.registrations[0].approval
    with pytest.raises(WrongCaseStateError, match="is approved, so nobody can"):
        world.desk.approve(case.case, "third-examiner")


def test_one_examiner_refuses_with_a_code_for_the_log_and_a_sentence_for_the_bank(
    world: World, case: Case, submitted: SubmittedModel
) -> None:
    world.desk.read(case.case, FIRST)
    world.desk.approve(case.case, FIRST)
    world.desk.refuse(case.case, SECOND, RefusalCode.DIFFERENCE, "Why did state change?")
    assert refusal(world, submitted) == (2, "the examiners refused the model (difference): Why did state change?")
    tell(REVIEWER, world.cases, world.journal(REVIEWER))
    (event,) = (event for event in world.events() if event.kind is EntryKind.MODEL_REFUSED)
    assert (event.counterparty, event.detail["reason"]) == (BANK, "difference")
    assert event.detail["submission"] == submitted.submission.hex()
    assert not any("Why" in str(value) for entry in world.events() for value in entry.detail.values())


def test_approvals_of_two_examiners_at_once_are_both_counted(world: World, case: Case) -> None:
    desks = [
        ModelDesk(
            world.desk.office,
            world.identities[REVIEWER],
            CaseStore(world.open(REVIEWER), world.cases._at_rest),
            world.clock,
        )
        for _ in range(2)
    ]
    for examiner in EXAMINERS:
        world.desk.read(case.case, examiner)
    at_once([lambda i=i: desks[i].approve(case.case, EXAMINERS[i]) for i in range(2)])  # type: ignore[misc]
    found = world.cases.get(case.case)
    assert found.state is ModelCaseState.APPROVED
    assert set(found.approvers) == set(EXAMINERS)


def test_one_examiner_twice_at_once_counts_once(world: World, case: Case) -> None:
    world.desk.read(case.case, FIRST)
    refused = []

    def approve() -> None:
        try:
            world.desk.approve(case.case, FIRST)
        except FourEyesError as error:
            refused.append(error)

    at_once([approve] * 4)
    assert len(refused) == 3
    assert world.cases.get(case.case).state is ModelCaseState.APPROVED_ONCE


def test_a_case_that_is_none_is_named(world: World) -> None:
    with pytest.raises(UnknownCaseError, match="no case 0000"):
        world.desk.read("0000", FIRST)


# --- what is kept, and what is erased ----------------------------------------------------------------------------


def files_in(folder: Path) -> dict[str, bytes]:
    """Every byte that the reviewer's process has on the disk."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name.startswith(REVIEWER)}


@pytest.mark.parametrize("end", ["approved", "refused", "lapsed"])
def test_once_decided_no_file_holds_the_points(world: World, case: Case, tmp_path: Path, end: str) -> None:
    _, file = world.desk.read(case.case, FIRST)
    assert file is not None
    clear = encode(file.model.tables[0].features[0])
    with world.engines[REVIEWER].connect() as connection:
        (sealed,) = connection.exec_driver_sql("SELECT sealed FROM model_case_files").scalars()
        connection.rollback()
    before = files_in(tmp_path)
    assert any(sealed[:64] in data or sealed[-64:] in data for data in before.values())
    assert not any(clear in data for data in before.values())
    match end:
        case "approved":
            for examiner in EXAMINERS:
                world.desk.read(case.case, examiner)
                world.desk.approve(case.case, examiner)
        case "refused":
            world.desk.refuse(case.case, FIRST, RefusalCode.OTHER, "no")
        case "lapsed":
            world.clock.now += 31 * DAY
            world.desk.keep_up()
    assert world.cases.get(case.case).state == end
    assert world.desk.read(case.case, FIRST)[1] is None
    after = files_in(tmp_path)
    pieces = [sealed[at : at + 32] for at in range(0, len(sealed) - 32, 32)]
    assert len(pieces) > 20
    assert not any(piece in data for piece in pieces for data in after.values())
    assert not any(clear in data for data in after.values())


def test_what_a_reader_kept_from_being_wiped_is_wiped_by_upkeep(
    world: World, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has a long transaction open, or kills the process in that moment, keeps no points on the disk."""
    world.desk.read(case.case, FIRST)
    with sqlite3.connect(tmp_path / f"{REVIEWER}.sqlite") as connection:
        (sealed,) = connection.execute("SELECT sealed FROM model_case_files").fetchone()
    pieces = [sealed[at : at + 32] for at in range(0, len(sealed) - 32, 32)]
    monkeypatch.setattr(wiping, "WIPE", 0)
    with closing(sqlite3.connect(tmp_path / f"{REVIEWER}.sqlite", isolation_level=None)) as long:
        long.execute("BEGIN")
        long.execute("SELECT count(*) FROM model_cases").fetchone()
        world.desk.refuse(case.case, FIRST, RefusalCode.OTHER, "no")
        assert any(piece in data for piece in pieces for data in files_in(tmp_path).values())
    round_(world.desk, world.cases, world.journal(REVIEWER), world.transport)
    assert not any(piece in data for piece in pieces for data in files_in(tmp_path).values())


def test_a_file_opens_for_its_own_case_only(world: World, case: Case) -> None:
    other = case_of(world, submit(world))
    with world.engines[REVIEWER].begin() as connection:
        connection.exec_driver_sql(
            "UPDATE model_case_files SET sealed = (SELECT sealed FROM model_case_files WHERE id = ?) WHERE id = ?",
            (case.case, other.case),
        )
    with pytest.raises(Exception, match="not sealed under this node's identity, or altered"):
        world.desk.read(other.case, FIRST)


# --- time --------------------------------------------------------------------------------------------------------


def test_a_case_that_nobody_decides_lapses(world: World, case: Case, submitted: SubmittedModel) -> None:
    world.clock.now += 30 * DAY
    assert refusal(world, submitted) == (3, "nobody decided in 30 days")
    with pytest.raises(WrongCaseStateError, match="is lapsed"):
        world.desk.approve(case.case, FIRST)
    assert world.desk.read(case.case, FIRST)[1] is None
    world.desk.keep_up()
    assert world.cases.get(case.case).state is ModelCaseState.LAPSED
    assert world.cases.undecided(BANK) == 0


def test_an_approval_expires(world: World, submitted: SubmittedModel) -> None:
    case = world.examine(submitted)
    world.clock.now += 365 * DAY
    assert refusal(world, submitted) == (5, "the approval has expired")
    world.desk.keep_up()
    assert world.cases.get(case.case).state is ModelCaseState.EXPIRED


def test_a_bank_cannot_fill_the_examiners_desk(world: World) -> None:
    world.enrol()
    world.reviewer.office = world.office(max_undecided=2)
    world.submit(scorecard())
    world.submit(scorecard())
    with pytest.raises(RefusedByPeerError, match="too many models under review"):
        world.submit(scorecard())


def test_a_model_without_a_dossier_is_refused(world: World) -> None:
    world.enrol()
    message = world.bank.prepare_model(scorecard(), list(world.providers), REVIEWER, PURPOSE)
    with pytest.raises(RefusedByPeerError, match="check 3: the model comes without a dossier"):
        world.bank.submit_model(REVIEWER, message)
    world.reviewer.office = world.office(require_dossier=False)
    assert world.bank.submit_model(REVIEWER, message).submission


def test_an_office_of_one_approves_alone(world: World, case: Case) -> None:
    desk = ModelDesk(world.office(examiners_needed=1), world.identities[REVIEWER], world.cases, world.clock)
    desk.read(case.case, FIRST)
    assert desk.approve(case.case, FIRST).state is ModelCaseState.APPROVED


# --- events ------------------------------------------------------------------------------------------------------


def test_an_approval_is_one_event_whether_told_or_fetched_first(world: World, submitted: SubmittedModel) -> None:
    world.examine(submitted)
    world.bank.ask_decision(submitted)
    world.clock.now += 5000
    journal = world.journal(REVIEWER)
    round_(world.desk, world.cases, journal, world.transport)
    round_(world.desk, world.cases, journal, world.transport)
    world.bank.ask_decision(submitted)
    kinds = [event.kind for event in world.events() if event.node == REVIEWER]
    assert kinds == [EntryKind.MODEL_APPROVED]
    assert world.cases.untold() == []
