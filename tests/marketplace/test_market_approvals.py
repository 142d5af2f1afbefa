"""A market in which an office decides by steps of its own before its organisation acts."""

import io
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from approval_desk import asked, part, passed
from market import BANK, DAY, LABOUR, TAX, WHY, Market, terms
from office import CHIEF, HANDLER, LEADER, THREE, a_step, configure, open_office, person, started
from PIL import Image
from sqlalchemy import select

from compute.market.demands import DemandRequest, WantedField
from compute.records import contract_name
from compute.signing import digest
from marketplace.command import COMMANDS
from marketplace.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    WrongStateError,
)
from marketplace.flow.actor import Principal
from marketplace.flow.office import Approval, Matter
from marketplace.flow.office_states import ApprovalState
from marketplace.store import deadlines
from marketplace.store.notice_tables import notices


@pytest.fixture
def market(listed: Path | str) -> Iterator[Market]:
    with open_office(listed) as market:
        yield market


def told(market: Market, topic: str) -> list[tuple[str, str | None, str]]:
    with market.exchange.log.snapshot() as connection:
        rows = connection.execute(select(notices).where(notices.c.topic == topic).order_by(notices.c.id))
        return [(row.organisation, row.member, row.about) for row in rows]


def test_every_matter_that_can_have_steps_is_a_commands() -> None:
    assert {command.matter for command in COMMANDS.values()} == set(Matter)


def test_a_demand_is_posted_as_its_office_has_read_it(market: Market) -> None:
    demands, ma = market.exchange.demands, person("ma", BANK)
    first = DemandRequest(
        title="用工数据",
        description="贷前审批",
        fields=(WantedField(words="employees"),),
        purpose="credit_approval",
        until="2026-12-31",
    )
    other = msgspec.structs.replace(first, title="另一项")
    draft = demands.write(ma, first).demand
    configure(market, Matter.DEMAND_POST, a_step(LEADER), organisation=BANK)
    approval = started(demands.post, ma, draft.name)
    with pytest.raises(ConflictError, match="already"):
        demands.edit(ma, draft.name, other, draft.revision)
    market.exchange.approvals.return_for_correction(person("luo", BANK), approval.id, "say more")
    assert demands.edit(ma, draft.name, other, draft.revision).demand.wanted.title == "另一项"


def test_without_steps_an_organisation_acts_at_once(market: Market) -> None:
    contract = market.applied()
    read = digest(market.exchange.applications.load(TAX, contract).terms).hex()
    assert market.exchange.applications.approve(person("li"), contract, read).parts[TAX] == "approved"
    assert "approval_started" not in market.kinds()


def test_no_key_of_a_machine_goes_round_the_steps_that_its_issuer_has_to_pass(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE, node=True)  # the node alone may act without them
    read = digest(market.exchange.applications.load(TAX, contract).terms).hex()
    with pytest.raises(ConflictError, match="steps of its own"):
        market.exchange.applications.approve(Principal(TAX, key="key-0"), contract, read)
    assert part(market, contract) == "submitted"
    assert market.exchange.applications.approve(TAX, contract, read).parts[TAX] == "approved"


@pytest.mark.both_databases
def test_the_last_step_carries_the_command_out_in_the_organisations_name(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    approval = asked(market, contract)
    assert (approval.state, part(market, contract)) == (ApprovalState.RUNNING, "submitted")
    approval = passed(market, approval, "li", "zhao")
    assert part(market, contract) == "submitted"
    assert passed(market, approval, "sun").state is ApprovalState.COMPLETED
    assert part(market, contract) == "approved"
    log = list(market.exchange.log.entries())
    mine = [each for each in log if each.kind.value.startswith("approval_")]
    assert [(each.kind.value, each.counterparty) for each in mine] == [
        ("approval_rule_changed", TAX),
        ("approval_started", TAX),
        *[("approval_passed", TAX)] * 3,
        ("approval_completed", TAX),
    ]
    (approved,) = (each for each in log if each.kind.value == "application_approved")
    assert (approved.counterparty, approved.contract) == (TAX, contract)
    assert {each for entry in mine for each in entry.detail} == {
        "process",
        "matter",
        "round",
        "step",
        "steps",
        "node",
    }
    assert told(market, "approval_waiting") == [
        (TAX, "li", approval.id),
        (TAX, "wang", approval.id),
        (TAX, "qian", approval.id),
        (TAX, "zhao", approval.id),
        (TAX, "sun", approval.id),
    ]
    assert told(market, "approval_decided") == [(TAX, "li", approval.id)]
    market.check()


def test_what_would_be_refused_is_not_started(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    with pytest.raises(ConflictError, match="other terms"):
        market.exchange.applications.approve(person("li"), contract, "0" * 64)
    with pytest.raises(NotFoundError):
        market.exchange.applications.approve(person("li"), "contract-none", "0" * 64)
    assert market.exchange.approvals.page(person("li"), None, 10) == []
    assert part(market, contract) == "submitted"
    assert market.refusals() == [
        (TAX, "start_approval", "conflict"),
        (TAX, "start_approval", "not_found"),
    ]


@pytest.mark.both_databases
def test_a_rehearsal_leaves_nothing(market: Market) -> None:
    configure(market, Matter.APPLICATION_SUBMIT, a_step(HANDLER))
    contract = market.applied()
    market.approve(LABOUR, contract)
    before = market.kinds()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    asked(market, contract)  # alone it would draft the contract
    assert market.kinds() == [*before, "approval_rule_changed", "approval_started"]
    with pytest.raises(ConflictError, match="no contract yet"):
        market.exchange.contracts.load(TAX, contract)
    assert told(market, "contract_drafted") == []


@pytest.mark.both_databases
def test_refused_at_the_end_it_stays_at_its_last_step(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    approval = passed(market, asked(market, contract), "li", "zhao")
    market.exchange.applications.reject(LABOUR, contract, WHY)  # which ends the whole application
    before = market.exchange.approvals.load(person("sun"), approval.id)
    with pytest.raises(WrongStateError):
        passed(market, approval, "sun")
    assert market.exchange.approvals.load(person("sun"), approval.id) == before
    assert (before.state, before.step) == (ApprovalState.RUNNING, 2)
    assert market.refusals()[-1] == (TAX, "pass_approval", "wrong_state")
    ended = market.exchange.approvals.reject(person("sun"), approval.id, "对方已驳回")
    assert ended.state is ApprovalState.REJECTED
    market.check()


def test_a_node_leaves_it_to_the_members_unless_it_may(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    with pytest.raises(ConflictError, match="have a member send this"):
        market.approve(TAX, contract)
    assert market.refusals()[-1] == (TAX, "approve_application", "conflict")
    assert market.approve(LABOUR, contract).parts[LABOUR] == "approved"  # its own steps bind nobody else
    configure(market, Matter.APPLICATION_APPROVE, *THREE, node=True)
    assert market.approve(TAX, contract).parts[TAX] == "approved"


def test_one_is_open_at_a_time(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    first = asked(market, contract)
    with pytest.raises(ConflictError, match=f"{first.id} about {contract} is running"):
        asked(market, contract, "wang")
    market.exchange.approvals.withdraw(person("li"), first.id, "改由他人经办")
    second = asked(market, contract, "wang")
    assert second.id != first.id
    assert [each.id for _, each, _ in market.exchange.approvals.page(person("li"), None, 10)] == sorted(
        (first.id, second.id), reverse=True
    )


@pytest.mark.both_databases
def test_returned_it_is_corrected_by_the_command_itself(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    first = passed(market, asked(market, contract), "li")
    market.exchange.approvals.return_for_correction(person("zhao"), first.id, "请核对")
    assert told(market, "approval_decided") == [(TAX, "li", first.id)]
    with pytest.raises(ForbiddenError, match="li has started"):
        asked(market, contract, "wang")
    again = asked(market, contract)
    assert (again.id, again.round, again.step, again.state) == (first.id, 2, 0, ApprovalState.RUNNING)
    assert [each.text for each in again.history] == [None, None, "请核对", None]
    market.exchange.approvals.return_for_correction(person("li"), first.id, "再核")
    resubmitted = market.exchange.approvals.resubmit(person("li"), first.id, "已核对")
    assert resubmitted.round == 3
    assert passed(market, again, "wang", "qian", "sun").is_complete
    assert part(market, contract) == "approved"


def test_another_organisation_knows_of_none(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    approval = asked(market, contract)
    for stranger in (person("chen", LABOUR), LABOUR, BANK, "operator"):
        with pytest.raises(NotFoundError):
            market.exchange.approvals.load(stranger, approval.id)
        assert market.exchange.approvals.page(stranger, None, 10) == []
    with pytest.raises(NotFoundError):
        market.exchange.approvals.pass_step(person("chen", LABOUR), approval.id)
    with pytest.raises(ForbiddenError, match="log in"):
        market.exchange.approvals.pass_step(TAX, approval.id)  # type: ignore[arg-type]


def test_a_deputy_acts_within_its_time(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    approval = passed(market, asked(market, contract), "li", "zhao")
    now = market.clock.now
    with pytest.raises(ForbiddenError):
        passed(market, approval, "qian")
    named = market.exchange.deputies.name(person("sun"), "qian", now + DAY, now + 3 * DAY)
    with pytest.raises(ForbiddenError):
        passed(market, approval, "qian")
    market.clock.now += DAY
    done = passed(market, approval, "qian")
    assert (done.is_complete, done.history[-1].member, done.history[-1].on_behalf_of) == (True, "qian", "sun")
    assert told(market, "deputy_named") == [(TAX, "qian", named.id)]
    with pytest.raises(ForbiddenError, match="sun named"):
        market.exchange.deputies.end(person("qian"), named.id)
    with pytest.raises(NotFoundError):
        market.exchange.deputies.end(person("chen", LABOUR), named.id)
    market.exchange.deputies.end(person("sun"), named.id)
    assert market.exchange.deputies.all_of(person("li")) == []
    assert market.kinds()[-1] == "deputy_ended"


def test_an_overdue_step_is_told_of_within_the_office(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, a_step(HANDLER, days=1), a_step(CHIEF, days=1), a_step(LEADER))
    approval = passed(market, asked(market, contract), "li")
    with market.exchange.log.snapshot() as connection:
        (due,) = (each.due for each in deadlines.of(connection, "approval", approval.id))
    market.clock.now = due - 1
    market.exchange.expire()
    assert overdue(market, approval) == []
    market.clock.now = due
    market.exchange.expire()
    market.clock.now += 30 * DAY
    market.exchange.expire()
    assert overdue(market, approval) == ["section_chief", "leader"]
    passed(market, approval, "zhao")
    market.clock.now += 30 * DAY
    market.exchange.expire()
    assert overdue(market, approval) == ["section_chief", "leader", "leader"]  # the leader's own step


def overdue(market: Market, approval: Approval) -> list[str | None]:
    """The roles that were told that a step of the approval is overdue, in their order."""
    with market.exchange.log.snapshot() as connection:
        query = select(notices).where(notices.c.topic == "step_overdue", notices.c.about == approval.id)
        return [row.role for row in connection.execute(query.order_by(notices.c.id))]


def test_a_joint_step_keeps_its_deadline_while_it_goes_on(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, a_step(HANDLER), a_step(CHIEF, joint=True, days=1))
    approval = passed(market, asked(market, contract), "li")
    before = len(told(market, "approval_waiting"))
    passed(market, approval, "zhao")
    assert len(told(market, "approval_waiting")) == before
    assert passed(market, approval, "qian").is_complete


# --- signing --------------------------------------------------------------------------------------------------


def test_a_signature_waits_for_the_offices_word_on_just_these_terms(market: Market) -> None:
    configure(market, Matter.CONTRACT_SIGN_READY, a_step(HANDLER), a_step(LEADER))
    contract = market.drafted()
    with pytest.raises(ConflictError, match="steps of its own before it signs"):
        market.exchange.contracts.sign(TAX, market.signed(TAX, contract))
    read = digest(market.exchange.contracts.load(TAX, contract).terms).hex()
    with pytest.raises(ConflictError, match="other terms"):
        market.exchange.readiness.declare(person("li"), contract, "0" * 64)
    passed(market, started(market.exchange.readiness.declare, person("li"), contract, read), "li", "sun")
    assert market.exchange.contracts.sign(TAX, market.signed(TAX, contract)).signed
    other = market.drafted("loans-2")
    with pytest.raises(ConflictError, match="steps of its own"):
        market.exchange.contracts.sign(TAX, market.signed(TAX, other))
    assert market.exchange.contracts.sign(LABOUR, market.signed(LABOUR, other)).signed


def test_without_steps_every_organisation_is_ready(market: Market) -> None:
    contract = market.drafted()
    read = digest(market.exchange.contracts.load(TAX, contract).terms).hex()
    assert market.exchange.readiness.declare(person("li"), contract, read).terms.contract == contract


# --- what can be kept -----------------------------------------------------------------------------------------


def test_an_application_is_submitted_after_the_steps(market: Market) -> None:
    configure(market, Matter.APPLICATION_SUBMIT, a_step(HANDLER), a_step(LEADER), organisation=BANK)
    approval = started(market.exchange.applications.apply, person("ma", BANK), "loans-1", terms())
    name = contract_name(BANK, "loans-1")
    assert approval.about == name
    for member in ("ma", "luo"):
        market.exchange.approvals.pass_step(person(member, BANK), approval.id)
    assert market.exchange.applications.load(BANK, name).terms == terms()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_that_can_be_kept_has_its_method(market: Market, name: str) -> None:
    command = COMMANDS[name]
    assert command.matter in Matter
    owner, method = command.owner.split(".")
    assert owner in {type(value).__name__ for value in vars(market.exchange).values()}
    assert method


# --- what is attached -----------------------------------------------------------------------------------------


def test_files_go_with_an_approval_and_stay_in_its_organisation(market: Market) -> None:
    contract = market.applied()
    configure(market, Matter.APPLICATION_APPROVE, *THREE)
    approval, files = asked(market, contract), market.exchange.attachments
    image = io.BytesIO()
    Image.new("L", (8, 8)).save(image, "PNG")
    content = image.getvalue()
    made = files.add(person("li"), approval.id, "../签报.exe", content)
    assert (made.number, made.name, made.media_type, made.size) == (1, "签报.exe.png", "image/png", len(content))
    assert made.digest == sha256(content).hexdigest()
    assert files.of(person("sun"), approval.id) == [made]
    assert files.load(person("sun"), approval.id, 1) == (made, content)
    with pytest.raises(ForbiddenError, match="does not wait for you"):
        files.add(person("sun"), approval.id, "a.png", content)
    with pytest.raises(InvalidError, match="no known kind"):
        files.add(person("li"), approval.id, "a.png", b"<html>")
    for stranger in (person("chen", LABOUR), BANK, "operator"):
        with pytest.raises(NotFoundError):
            files.load(stranger, approval.id, 1)
    with pytest.raises(NotFoundError):
        files.load(person("li"), approval.id, 2)
    for _ in range(9):
        files.add(person("wang"), approval.id, "a.png", content)
    with pytest.raises(ConflictError, match="10 at most"):
        files.add(person("li"), approval.id, "a.png", content)
    market.exchange.approvals.withdraw(person("li"), approval.id)
    with pytest.raises(ConflictError, match="while it is open"):
        files.add(person("li"), approval.id, "a.png", content)
