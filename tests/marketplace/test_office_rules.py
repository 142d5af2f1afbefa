"""The rules of an office's own steps, without a market around them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import CHIEF, HANDLER, LEADER, PEOPLE, THREE, a_step

from marketplace.errors import ConflictError, ForbiddenError, InvalidError, WrongStateError
from marketplace.flow import deputy, office
from marketplace.flow.deputy import Deputation
from marketplace.flow.office import Approval, Matter, Rule, Staff, StepRule
from marketplace.flow.office_states import MOVES, ApprovalMove, ApprovalState

STAFF: Staff = PEOPLE["market-regulation"]
PASS, RETURN, REJECT = ApprovalMove.PASS, ApprovalMove.RETURN, ApprovalMove.REJECT
DAY = 86_400_000


def begun(*steps: StepRule, by: str = "li", staff: Staff = STAFF) -> Approval:
    asked = Approval("approval-1", "tax", Matter.APPLICATION_APPROVE, "approve", "c-1", b"{}", by, steps or THREE)
    return office.start(asked, staff, 1)


def moved(approval: Approval, move: ApprovalMove, member: str, *represented: str, **changes: str) -> Approval:
    given = {"text": "看过", **changes}
    return office.decide(approval, move, member, STAFF, represented, now=2, **given)


def passed(approval: Approval, *members: str) -> Approval:
    for member in members:
        approval = moved(approval, PASS, member)
    return approval


def test_steps_are_passed_in_their_order() -> None:
    waiting = []
    approval = begun()
    for member in ("li", "zhao", "sun"):
        waiting.append(office.waits_for(approval, STAFF))
        approval = passed(approval, member)
    assert waiting == [{"li", "wang"}, {"zhao", "qian"}, {"sun"}]
    assert approval.state is ApprovalState.COMPLETED
    assert [(each.move, each.member) for each in approval.history] == [
        ("start", "li"),
        ("pass", "li"),
        ("pass", "zhao"),
        ("pass", "sun"),
    ]
    assert office.waits_for(approval, STAFF) == set()


@pytest.mark.parametrize("member", ["zhao", "sun", "wu", "nobody"])
def test_others_do_not_pass_a_step(member: str) -> None:
    with pytest.raises(ForbiddenError, match="waits for li, wang"):
        moved(begun(), PASS, member)


def test_nobody_passes_two_steps_of_one_approval() -> None:
    both = {**STAFF, "zhao": frozenset({"section_chief", "leader"})}
    approval = passed(begun(), "li", "zhao")
    with pytest.raises(ForbiddenError, match="waits for sun"):
        office.decide(approval, PASS, "zhao", both, (), now=2)
    with pytest.raises(ForbiddenError, match="passed a step of it already"):
        moved(approval, PASS, "zhao", "sun")  # nor as the leader's deputy
    assert moved(approval, PASS, "qian", "sun").history[-1].on_behalf_of == "sun"


def test_the_initiator_passes_the_handlers_step_only() -> None:
    approval = begun(a_step(HANDLER), a_step(None, "li", "zhao"))
    approval = passed(approval, "wang")
    with pytest.raises(ForbiddenError, match="waits for zhao"):
        moved(approval, PASS, "li")
    with pytest.raises(ForbiddenError, match="li has started"):
        moved(approval, PASS, "li", "zhao")
    assert passed(approval, "zhao").is_complete


def test_whom_the_initiator_represents_does_not_get_round_it() -> None:
    approval = passed(begun(a_step(HANDLER), a_step(CHIEF), by="zhao"), "li")
    with pytest.raises(ForbiddenError, match="waits for qian"):
        moved(approval, PASS, "wang", "zhao")  # zhao's deputy passes for nobody but zhao, who has started it
    assert passed(approval, "qian").is_complete


def test_a_joint_step_takes_all_of_its_holders() -> None:
    approval = passed(begun(a_step(HANDLER), a_step(CHIEF, joint=True)), "li", "zhao")
    assert approval.step == 1
    assert office.waits_for(approval, STAFF) == {"qian"}
    with pytest.raises(ForbiddenError, match="waits for qian"):
        moved(approval, PASS, "zhao")
    with pytest.raises(ForbiddenError, match="zhao has started"):
        moved(approval, PASS, "zhao", "qian")  # one person does not stand for two
    assert passed(approval, "qian").is_complete


def test_who_has_left_holds_nothing_up() -> None:
    approval = passed(begun(a_step(HANDLER), a_step(None, "qian", "zhao", joint=True)), "li")
    left = {name: roles for name, roles in STAFF.items() if name != "qian"}
    assert office.decide(approval, PASS, "zhao", left, (), now=2).is_complete


def test_a_deputy_says_for_whom() -> None:
    approval = passed(begun(), "li")
    with pytest.raises(InvalidError) as refused:
        moved(approval, PASS, "wang", "zhao", "qian")
    assert set(refused.value.fields) == {"on_behalf_of"}
    done = moved(approval, PASS, "wang", "zhao", "qian", on_behalf_of="qian")
    assert (done.history[-1].member, done.history[-1].on_behalf_of) == ("wang", "qian")
    with pytest.raises(ForbiddenError, match="not the deputy"):
        moved(approval, PASS, "wang", "zhao", on_behalf_of="qian")
    own = moved(approval, PASS, "zhao", "qian")
    assert own.history[-1].on_behalf_of is None


def test_returned_goes_to_the_initiator_and_begins_again() -> None:
    approval = moved(passed(begun(), "li"), RETURN, "zhao", text="附件不全")
    assert approval.state is ApprovalState.RETURNED
    assert office.waits_for(approval, STAFF) == {"li"}
    with pytest.raises(ForbiddenError, match="li has started"):
        office.resubmit(approval, "wang", 3)
    again = office.resubmit(approval, "li", 3, "已补", b'{"a":1}')
    assert (again.state, again.step, again.round, again.arguments) == (ApprovalState.RUNNING, 0, 2, b'{"a":1}')
    assert [each.move for each in again.history] == ["start", "pass", "return", "resubmit"]
    assert passed(again, "li", "zhao", "sun").is_complete  # what was passed before counts no more, for nobody


@pytest.mark.parametrize("move", [RETURN, REJECT])
def test_what_is_not_passed_says_why(move: ApprovalMove) -> None:
    with pytest.raises(InvalidError, match="an opinion"):
        office.decide(begun(), move, "li", STAFF, (), now=2)


@pytest.mark.parametrize("state", [*ApprovalState])
@pytest.mark.parametrize("move", [PASS, RETURN, REJECT, ApprovalMove.WITHDRAW, ApprovalMove.RESUBMIT])
def test_what_is_not_in_the_table_cannot_happen(state: ApprovalState, move: ApprovalMove) -> None:
    approval = replace(begun(), state=state)

    def make() -> Approval:
        match move:
            case ApprovalMove.WITHDRAW:
                return office.withdraw(approval, "li", 2)
            case ApprovalMove.RESUBMIT:
                return office.resubmit(approval, "li", 2)
        return moved(approval, move, "li")

    if (state, move) in MOVES:
        assert make().history[-1].move is move
    else:
        with pytest.raises(WrongStateError) as refused:
            make()
        assert set(refused.value.allowed) == {other for at, other in MOVES if at is state}


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([a_step(None)], "steps.0"),
        ([a_step(HANDLER, "li")], "steps.0"),
        ([a_step(HANDLER), a_step(None, "nobody")], "steps.1.members"),
        ([a_step(None, "li", "li")], "steps.0.members"),
        ([a_step(HANDLER)] * 9, "steps"),
        ([a_step(LEADER), a_step(LEADER)], "steps.1"),  # there is one leader
        ([a_step(None, "li"), a_step(HANDLER), a_step(HANDLER)], "steps.2"),
        ([a_step(CHIEF, joint=True), a_step(None, "zhao")], "steps.1"),
        ([a_step(CHIEF, joint=True), a_step(None, "zhao", "sun", joint=True)], "steps.1"),
    ],
)
def test_steps_that_nobody_could_pass_are_not_set(steps: list[StepRule], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        office.check_rule(Rule(Matter.PRODUCT_SUBMIT, tuple(steps)), STAFF)
    assert set(refused.value.fields) == {field}


def test_steps_that_different_people_can_pass_are_set() -> None:
    steps = (a_step(None, "li", "zhao"), a_step(None, "li"), a_step(CHIEF))  # li has to take the second
    assert office.check_rule(Rule(Matter.PRODUCT_SUBMIT, steps), STAFF).steps == steps


def test_what_only_its_initiator_could_pass_is_not_started() -> None:
    with pytest.raises(ConflictError, match="nobody but sun could pass step 3"):
        begun(by="sun")
    alone = {"chen": frozenset({"handler", "section_chief", "leader"})}
    with pytest.raises(ConflictError, match="step 2"):
        begun(by="chen", staff=alone)
    assert begun(a_step(HANDLER), by="chen", staff=alone).step == 0


@given(data=st.data())
def test_no_two_passes_of_a_round_are_one_persons(data: st.DataObject) -> None:
    roles = st.frozensets(st.sampled_from(["handler", "section_chief", "leader"]))
    staff = data.draw(st.dictionaries(st.sampled_from("abcdef"), roles, min_size=2))
    steps = tuple(
        a_step(role, joint=joint)
        for role, joint in data.draw(
            st.lists(st.tuples(st.sampled_from([HANDLER, CHIEF, LEADER]), st.booleans()), min_size=1, max_size=4)
        )
    )
    initiator = data.draw(st.sampled_from(sorted(staff)))
    deputies = {each: data.draw(st.frozensets(st.sampled_from(sorted(staff)))) - {each} for each in staff}
    try:
        approval = begun(*steps, by=initiator, staff=staff)
    except ConflictError:
        return
    for _ in range(12):
        if approval.is_complete:
            break
        member = data.draw(st.sampled_from(sorted(staff)))
        try:
            approval = office.decide(approval, PASS, member, staff, deputies[member], now=2)
        except (ForbiddenError, InvalidError):
            continue
    people = [each.member for each in approval.passed]
    assert len(people) == len(set(people))
    for each in approval.passed:
        assert initiator not in each.people or steps[each.step].role is HANDLER
    if approval.is_complete:
        assert {each.step for each in approval.passed} == set(range(len(steps)))


# --- deputies -------------------------------------------------------------------------------------------------


def a_deputation(**changes: object) -> Deputation:
    return replace(Deputation("deputy-1", "tax", "zhao", "wang", 10 * DAY, 20 * DAY), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"deputy": "zhao"}, "deputy"),
        ({"deputy": "nobody"}, "deputy"),
        ({"not_after": 10 * DAY}, "not_after"),
        ({"not_before": 0, "not_after": 5 * DAY}, "not_after"),  # it is over already
        ({"not_after": 377 * DAY}, "not_after"),
    ],
)
def test_who_cannot_be_a_deputy(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        deputy.name(a_deputation(**changes), STAFF, 6 * DAY)
    assert set(refused.value.fields) == {field}


def test_a_deputy_acts_within_its_time_for_who_is_still_there() -> None:
    named = [deputy.name(a_deputation(), STAFF, 6 * DAY), a_deputation(member="gone")]
    times = (10 * DAY - 1, 10 * DAY, 20 * DAY - 1, 20 * DAY)
    assert [deputy.represented_by("wang", named, STAFF, at) for at in times] == [set(), {"zhao"}, {"zhao"}, set()]
    assert deputy.represented_by("li", named, STAFF, 15 * DAY) == set()
