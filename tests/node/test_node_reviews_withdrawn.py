"""Approvals that rest on others, and approvals that are taken back, at reviewer, bank and providers."""

import dataclasses
import sqlite3

import pytest
from msgspec.structs import replace
from world import BANK, DAY, EXAMINERS, NOW, REVIEWER, SUBJECTS, World, scorecard

from audit.entry import EntryKind
from compute.canonical import decode
from compute.node.reviewer.upkeep import round_
from compute.node.reviewer.withdrawals import deliver
from compute.protocols.base import Accepted, ProtocolError, RefusedByPeerError
from compute.protocols.risk_score.case import Case
from compute.protocols.risk_score.case_states import ModelCaseState, WrongCaseStateError
from compute.protocols.risk_score.messages import ModelApproval, Withdrawal, WithdrawModel
from compute.protocols.risk_score.scorecard import Scorecard
from compute.signing import digest, sign

FIRST = EXAMINERS[0]
REASON = "The bank found a mistake in its sample."


def case_under(world: World, approval: ModelApproval) -> Case:
    return next(case for case in world.cases.latest(20) if case.approval and case.approval.statement == approval)


def withdraw(world: World, approval: ModelApproval) -> None:
    world.desk.withdraw(case_under(world, approval).case, FIRST, REASON)


def tidy(world: World) -> None:
    round_(world.desk, world.cases, world.journal(REVIEWER), world.transport)


def other_points() -> Scorecard:
    card = scorecard()
    (region,) = card.sources["register"]
    changed = dataclasses.replace(region, points=(-14, 26, 7))
    return dataclasses.replace(card, version="1.1.0", sources={**card.sources, "register": (changed,)})


# --- what tells nothing new --------------------------------------------------------------------------------------


def test_a_model_encrypted_anew_is_approved_by_rule_for_as_long_as_the_first(world: World) -> None:
    first = world.model()
    world.clock.now += 100 * DAY
    world.enrol()
    submitted = world.submit(scorecard())
    case = world.cases.find(submitted.submission)
    assert case is not None
    assert (case.state, case.approvers, case.readings) == (ModelCaseState.APPROVED, (), ())
    assert case.approval is not None
    second = case.approval.statement
    assert second.tables != first.tables
    assert (second.rests_on, second.points_id) == (digest(first), first.points_id)
    assert second.expires == first.expires == NOW + 365 * DAY
    third = world.model()  # rests on the examined one, and not on the one that rests
    assert third.rests_on == digest(first)
    tidy(world)
    approved = [event.detail for event in world.events() if event.kind is EntryKind.MODEL_APPROVED]
    assert [detail.get("rests_on") for detail in approved] == [None, digest(first).hex(), digest(first).hex()]


def test_a_bank_cannot_fill_the_reviewers_database_with_one_model_encrypted_anew(world: World) -> None:
    world.model()
    world.reviewer.office = world.office(max_resting=1, max_undecided=1)
    states = [world.cases.find(world.submit(scorecard()).submission) for _ in range(2)]
    assert [case.state for case in states if case] == [ModelCaseState.APPROVED, ModelCaseState.OPEN]
    with pytest.raises(RefusedByPeerError, match="too many models under review"):
        world.submit(scorecard())


def test_its_file_is_never_kept(world: World) -> None:
    world.model()
    world.submit(scorecard())
    with sqlite3.connect(world.engines[REVIEWER].url.database or "") as database:
        assert database.execute("SELECT count(*) FROM model_case_files").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM model_cases").fetchone() == (2,)


@pytest.mark.parametrize("why", ["other points", "withdrawn", "expired", "other bank", "other purpose"])
def test_all_else_is_for_the_examiners(world: World, why: str) -> None:
    first, card = world.model(), scorecard()
    case = case_under(world, first)
    assert case.approval is not None
    match why:
        case "other points":
            card = other_points()
        case "withdrawn":
            withdraw(world, first)
        case "expired":
            world.clock.now += 366 * DAY
            world.enrol()
        case "other bank" | "other purpose":
            changes = {"bank": "rival"} if why == "other bank" else {"purpose": "curiosity"}
            statement = sign(replace(first, **changes), REVIEWER, world.identities[REVIEWER])
            world.cases.change(case.case, lambda kept: replace(kept, approval=statement))
    new = world.cases.find(world.submit(card).submission)
    assert new is not None
    assert (new.state, new.approval) == (ModelCaseState.OPEN, None)


# --- what is taken back ------------------------------------------------------------------------------------------


def test_a_withdrawn_model_scores_nobody_any_more(world: World) -> None:
    model = world.model()
    query = world.query(model)
    assert len(world.score(model, SUBJECTS[:3])) == 3
    withdraw(world, model)
    assert b'"check"' not in world.send("tax", query)  # no provider has heard yet
    tidy(world)
    for provider in world.providers:
        refused = world.send(provider, world.query(model))
        assert b'"check":4' in refused
        assert b"withdrew the model's approval" in refused
    case = case_under(world, model)
    assert [each.accepted_at for each in world.cases.deliveries(case.case)] == [NOW, NOW]
    told = [
        (event.node, event.counterparty) for event in world.events() if event.kind is EntryKind.MODEL_WITHDRAWN
    ]
    assert told == [(REVIEWER, BANK), ("labour", REVIEWER), ("tax", REVIEWER)]


def test_the_bank_hears_why_and_registers_nothing(world: World) -> None:
    world.enrol()
    submitted = world.submit(scorecard())
    world.examine(submitted)
    approved = world.bank.ask_decision(submitted)
    withdraw(world, approved.approval)  # type: ignore[union-attr]
    tidy(world)
    with pytest.raises(RefusedByPeerError, match=f"check 4: the examiners withdrew the approval: {REASON}"):
        world.bank.ask_decision(submitted)
    with pytest.raises(RefusedByPeerError, match="check 3: the reviewer withdrew"):
        world.bank.register_model(approved)  # type: ignore[arg-type]


def test_an_answer_that_was_stored_before_is_given_again(world: World) -> None:
    """It was counted, and nothing is computed anew."""
    model = world.model()
    query = world.query(model)
    first = world.send("tax", query)
    withdraw(world, model)
    tidy(world)
    assert world.send("tax", query) == first


def test_what_rests_on_a_withdrawn_approval_is_withdrawn_with_it(world: World) -> None:
    first, second, other = world.model(), world.model(), world.model(other_points())
    assert second.rests_on == digest(first)
    withdraw(world, second)
    assert case_under(world, first).state is ModelCaseState.APPROVED
    third = world.model()
    withdraw(world, first)
    case = case_under(world, third)
    assert case.state is ModelCaseState.WITHDRAWN
    assert (case.steps[-1].examiner, case.steps[-1].actor) == (None, "rule")
    assert case_under(world, other).state is ModelCaseState.APPROVED
    tidy(world)
    assert world.cases.deliveries() == []
    assert b'"check":4' in world.send("tax", world.query(third))


def test_a_provider_that_was_down_hears_of_it_once_it_is_up(world: World) -> None:
    model, handler = world.model(), world.transport.handlers["labour"]
    tried = []

    def down(data: bytes) -> bytes:
        tried.append(data)
        raise ProtocolError("labour does not answer; start it")

    world.transport.handlers["labour"] = down
    withdraw(world, model)
    for _ in range(3):
        tidy(world)
    assert len(tried) == 3
    assert [each.provider for each in world.cases.deliveries()] == ["labour"]
    world.transport.handlers["labour"] = handler
    assert b'"check"' not in world.send("labour", world.query(model))
    tidy(world)
    assert world.cases.deliveries() == []
    assert b'"check":4' in world.send("labour", world.query(model))


def test_a_withdrawal_that_comes_first_keeps_the_tables_out(world: World) -> None:
    world.enrol()
    submitted = world.submit(scorecard())
    case = world.examine(submitted)
    approved = world.bank.ask_decision(submitted)
    world.desk.withdraw(case.case, FIRST, REASON)
    deliver(world.cases, world.transport)
    with pytest.raises(RefusedByPeerError, match="check 3: the reviewer withdrew"):
        world.bank.register_model(approved)  # type: ignore[arg-type]


def test_it_is_taken_from_the_pinned_reviewer_only_and_once(world: World) -> None:
    model = world.model()

    def message(reviewer: str, signer: str) -> WithdrawModel:
        withdrawal = Withdrawal(reviewer=reviewer, bank=BANK, approval=digest(model), at=NOW)
        return WithdrawModel(withdrawal=sign(withdrawal, signer, world.identities[signer]))

    assert b'"check":1' in world.send("tax", message("bank", "bank"))
    assert b'"check":1' in world.send("tax", message(REVIEWER, "labour"))
    assert b'"check":2' in world.send("tax", message("somebody", REVIEWER))
    assert b'"check"' not in world.send("tax", world.query(model))
    first = decode(world.send("tax", message(REVIEWER, REVIEWER)), Accepted)
    world.clock.now += DAY
    assert decode(world.send("tax", message(REVIEWER, REVIEWER)), Accepted) == first
    assert world.restarted("tax")._registry.is_withdrawn(digest(model))


def test_only_what_is_approved_can_be_withdrawn(world: World) -> None:
    world.enrol()
    case = world.cases.find(world.submit(scorecard()).submission)
    assert case is not None
    with pytest.raises(WrongCaseStateError, match="is open and has no approval; refuse it instead"):
        world.desk.withdraw(case.case, FIRST, REASON)
    world.model()
    approved = case_under(world, world.model())
    world.desk.withdraw(approved.case, FIRST, REASON)
    with pytest.raises(WrongCaseStateError, match="nobody can withdraw it"):
        world.desk.withdraw(approved.case, FIRST, REASON)
