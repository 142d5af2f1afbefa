"""Nobody alone is two: neither by accounts that he makes or takes over, nor by an application that he enters."""

from dataclasses import dataclass

import pytest
from entry import SIGNATORY, TEXTS, profile_of
from market import DAY, TAX, Market
from office import CHIEF, HANDLER, a_step, started
from postbox import Postbox, confirmed
from sqlalchemy import select, update

from compute.at_rest import AtRestError
from compute.market.reasons import Reason, Why
from compute.records import PartyKind
from compute.signing import digest
from marketplace import matrix
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from marketplace.flow.actor import Principal
from marketplace.flow.notice import Topic
from marketplace.flow.office import Approval, Matter, Rule
from marketplace.flow.permission import AccessRole
from marketplace.revision import revision_of
from marketplace.store.approval_rules import revision
from marketplace.store.office_tables import approval_processes

PASSWORD = "Regen auf Hainan im Juni"  # noqa: S105 -- of accounts that are made here
HERE = "198.51.100.7"
NEWCOMER = "new-bank"


def person(member: str, organisation: str = TAX, role: AccessRole = AccessRole.ADMINISTRATOR) -> Principal:
    return Principal(organisation, member, permissions=matrix.load().permissions([role]))


ADMINISTRATOR = person("member-0")


@dataclass
class Office:
    """A department with one administrator, a handler and a chief, who decide on applications in two steps."""

    market: Market
    handler: Principal
    chief: Principal

    def approval(self) -> Approval:
        """An application that waits for the chief."""
        exchange, contract = self.market.exchange, self.market.applied()
        read = digest(exchange.applications.load(TAX, contract).terms).hex()
        begun = started(exchange.applications.approve, self.handler, contract, read)
        return exchange.approvals.pass_step(self.handler, begun.id)

    def state(self, approval: Approval) -> str:
        return self.market.exchange.approvals.load(TAX, approval.id).state.value

    def letters(self) -> list[tuple[str, str]]:
        """What goes out by e-mail now."""
        postbox = Postbox()
        postbox.deliver(self.market.exchange)
        return postbox.letters


def joined(
    market: Market, login: str, *roles: str, email: str | None = None, by: Principal = ADMINISTRATOR
) -> Principal:
    """Somebody whom an administrator has invited, and whom nobody has confirmed."""
    members = market.exchange.members
    invited = members.invite(by, login, login, roles, email)
    members.take(invited.token, PASSWORD, HERE)
    return Principal(TAX, invited.member.id)


@pytest.fixture
def office(market: Market) -> Office:
    handler = joined(market, "li", "handler")
    chief = joined(market, "zhao", "section_chief", email="zhao@tax.example")
    for each in (handler, chief):
        market.exchange.members.confirm("operator", each.member or "", TAX)
    rules, matter = market.exchange.approval_rules, Matter.APPLICATION_APPROVE
    steps = (a_step(HANDLER), a_step(CHIEF))
    rules.put(ADMINISTRATOR, Rule(matter, steps), revision(rules.load(ADMINISTRATOR, matter)))
    return Office(market, handler, chief)


def taken_over(office: Office) -> None:
    """The administrator invites the chief anew, and takes the account."""
    members = office.market.exchange.members
    again = members.reinvite(ADMINISTRATOR, office.chief.member or "")
    members.take(again.token, PASSWORD, HERE)


@pytest.mark.both_databases
def test_an_administrator_who_takes_a_colleague_s_account_passes_no_step_with_it(office: Office) -> None:
    exchange, waiting = office.market.exchange, office.approval()
    taken_over(office)
    now = office.market.clock.now
    for attempt in (
        lambda: exchange.approvals.pass_step(office.chief, waiting.id),
        lambda: exchange.approvals.reject(office.chief, waiting.id, "no"),
        lambda: exchange.deputies.name(office.chief, office.handler.member or "", now, now + DAY),
        lambda: exchange.members.confirm(ADMINISTRATOR, office.chief.member or ""),
        lambda: exchange.members.confirm(office.chief, office.chief.member or ""),
    ):
        with pytest.raises(ForbiddenError):
            attempt()
    assert office.state(waiting) == "running"
    exchange.members.confirm("operator", office.chief.member or "", TAX)
    assert exchange.approvals.pass_step(office.chief, waiting.id).state == "completed"


def test_nor_with_accounts_that_it_makes_nor_with_an_administrator_of_its_own_making(office: Office) -> None:
    market, waiting = office.market, office.approval()
    made = joined(market, "nobody", "section_chief")
    helper = joined(market, "helper", "administrator")
    rules = market.exchange.approval_rules
    kept = rules.load(ADMINISTRATOR, Matter.APPLICATION_APPROVE)
    for attempt in (
        lambda: market.exchange.approvals.pass_step(made, waiting.id),
        lambda: market.exchange.members.confirm(helper, made.member or ""),
        lambda: rules.put(helper, Rule(kept.matter, ()), revision(kept)),
    ):
        with pytest.raises(ForbiddenError):
            attempt()
    with pytest.raises(NotFoundError):  # nor do others than the operator confirm for an organisation
        market.exchange.members.confirm("bank", made.member or "", TAX)
    assert office.state(waiting) == "running"
    market.exchange.members.confirm("operator", helper.member or "", TAX)
    market.exchange.members.confirm(helper, made.member or "")
    assert market.exchange.approvals.pass_step(made, waiting.id).state == "completed"


def test_who_gains_a_role_waits_for_a_second_person_and_who_loses_one_does_not(office: Office) -> None:
    members, waiting = office.market.exchange.members, office.approval()
    handler, chief = office.handler.member or "", office.chief.member or ""
    read = office.market.exchange.members.load(ADMINISTRATOR, handler)
    revised = revision_of(read)
    both = members.change(
        ADMINISTRATOR, handler, revised, name=read.name, roles=["handler", "section_chief"], email=None
    )
    assert not both.is_confirmed
    less = members.change(ADMINISTRATOR, handler, revision_of(both), name="li", roles=["handler"], email=None)
    assert not less.is_confirmed  # the confirmation is of the person, and still due
    assert members.load(ADMINISTRATOR, chief).is_confirmed
    members.confirm("operator", handler, TAX)
    assert office.market.exchange.approvals.pass_step(office.chief, waiting.id).state == "completed"


def test_two_administrators_who_have_both_changed_an_account_confirm_it_neither(office: Office) -> None:
    market = office.market
    second = joined(market, "second", "administrator")
    market.exchange.members.confirm("operator", second.member or "", TAX)
    taken_over(office)
    chief = office.chief.member or ""
    read = market.exchange.members.load(second, chief)
    market.exchange.members.change(
        second, chief, revision_of(read), name=read.name, roles=["handler", "section_chief"], email=read.email
    )
    for each in (ADMINISTRATOR, second):
        with pytest.raises(ForbiddenError, match="have another"):
            market.exchange.members.confirm(each, chief)


def test_an_account_is_confirmed_once_it_is_taken(office: Office) -> None:
    members = office.market.exchange.members
    invited = members.invite(ADMINISTRATOR, "wang", "wang", ["handler"], None)
    with pytest.raises(ConflictError, match="taken the account"):
        members.confirm("operator", invited.member.id, TAX)
    with pytest.raises(ConflictError, match="confirmed already"):
        members.confirm("operator", office.chief.member or "", TAX)
    members.take(invited.token, PASSWORD, HERE)
    held = office.market.exchange.notices.page("operator", None, 10, unread=True)
    assert (Topic.ACCOUNT_WAITING, invited.member.id) in {(each.notice.topic, each.notice.about) for each in held}


@pytest.mark.parametrize("also", ["reinvite", "change"])
def test_the_person_is_told_at_the_address_that_the_account_had(office: Office, also: str) -> None:
    members, chief = office.market.exchange.members, office.chief.member or ""
    confirmed(office.market.exchange, office.chief, "zhao@home.example")
    if also == "change":  # the address first, so that the invitation's notice would go to another one
        read = members.load(ADMINISTRATOR, chief)
        changed = members.change(
            ADMINISTRATOR, chief, revision_of(read), name="x", roles=["section_chief"], email="me@evil.example"
        )
        assert changed.email == "me@evil.example"
    else:
        members.reinvite(ADMINISTRATOR, chief)
    told = office.letters()
    assert {to for to, _ in told} == {"zhao@home.example", "zhao@tax.example"}
    assert all("zhao" in text for _, text in told)


def test_an_address_that_nobody_has_confirmed_is_told_nothing_of_the_account(office: Office) -> None:
    office.market.exchange.notices.prefer(office.chief, "stranger@home.example", "zh", frozenset())
    office.market.exchange.members.reinvite(ADMINISTRATOR, office.chief.member or "")
    told = {to: text for to, text in office.letters() if "管理员" in text}
    assert {*told} == {"zhao@tax.example"}


# --- what becomes of an approval meanwhile -------------------------------------------------------------------


@pytest.mark.parametrize("meanwhile", ["removed", "invited anew", "of another office"])
def test_what_its_initiator_stands_for_no_more_takes_no_effect(office: Office, meanwhile: str) -> None:
    exchange, waiting = office.market.exchange, office.approval()
    handler = office.handler.member or ""
    if meanwhile == "removed":
        exchange.members.remove(ADMINISTRATOR, handler)
    elif meanwhile == "invited anew":
        exchange.members.take(exchange.members.reinvite(ADMINISTRATOR, handler).token, PASSWORD, HERE)
    else:
        read = exchange.members.load(ADMINISTRATOR, handler)
        exchange.members.change(
            ADMINISTRATOR, handler, revision_of(read), name="li", roles=["auditor_reader"], email=None
        )
    with pytest.raises(ConflictError, match="or reject it"):
        exchange.approvals.pass_step(office.chief, waiting.id)
    part = exchange.applications.load(TAX, waiting.about).parts[TAX]
    assert (office.state(waiting), part) == ("running", "submitted")
    assert exchange.approvals.reject(office.chief, waiting.id, "has left").state == "rejected"


# --- what an approval keeps -----------------------------------------------------------------------------------


def rejection(office: Office, reference: str, words: str) -> Approval:
    """A rejection that waits for the office's steps, and says why."""
    exchange, contract = office.market.exchange, office.market.applied(reference)
    rules, matter = exchange.approval_rules, Matter.APPLICATION_REJECT
    kept = rules.load(ADMINISTRATOR, matter)
    rules.put(ADMINISTRATOR, Rule(matter, (a_step(CHIEF),)), revision(kept))
    why = Why(reason=Reason.OTHER, note=words)
    return started(exchange.applications.reject, office.handler, contract, why)


@pytest.mark.both_databases
def test_what_an_office_has_not_decided_yet_stands_nowhere_in_the_database(office: Office) -> None:
    words = "not-to-be-read-before-the-leader-has-passed-it"
    waiting = rejection(office, "loans-1", words)
    assert words.encode() not in office.market.stored()
    assert office.market.exchange.approvals.pass_step(office.chief, waiting.id).state == "completed"


@pytest.mark.both_databases
def test_no_approval_carries_out_what_another_one_was_given(office: Office) -> None:
    first, second = (rejection(office, f"loans-{number}", f"reason {number}") for number in (1, 2))
    with office.market.exchange.log.transaction() as batch:
        columns = approval_processes.c
        other = batch.connection.scalar(select(columns.arguments).where(columns.id == second.id))
        batch.connection.execute(update(approval_processes).where(columns.id == first.id).values(arguments=other))
    with pytest.raises(AtRestError):
        office.market.exchange.approvals.pass_step(office.chief, first.id)
    assert office.state(first) == "running"


# --- an application on paper ----------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_who_enters_an_application_accepts_nothing_for_it_and_names_nobody(empty: Market) -> None:
    organisations = empty.exchange.organisations
    newest = empty.exchange.agreements.publish("operator", *TEXTS, 30)
    clerk = person("member-1", "operator", AccessRole.OPERATOR_CLERK)
    reviewer = person("member-2", "operator", AccessRole.OPERATOR_REVIEWER)
    _, half = organisations.enter(clerk, NEWCOMER, profile_of(NEWCOMER, PartyKind.BUYER))
    for attempt in (
        lambda: organisations.follow(NEWCOMER, half),
        lambda: organisations.accept(NEWCOMER, half, newest.version, newest.digest, SIGNATORY),
        lambda: organisations.claim(NEWCOMER, half, "first", "甲"),
    ):
        with pytest.raises(NotFoundError):
            attempt()
    with pytest.raises(ForbiddenError, match="somebody else"):
        organisations.hand_over(clerk, NEWCOMER)
    empty.enrol(TAX)
    with pytest.raises(ForbiddenError):
        organisations.hand_over(TAX, NEWCOMER)
    other = organisations.hand_over(reviewer, NEWCOMER)
    with pytest.raises(ConflictError, match="left to hand over"):
        organisations.hand_over(reviewer, NEWCOMER)
    with pytest.raises(NotFoundError):  # one half is as little as the other
        organisations.accept(NEWCOMER, other, newest.version, newest.digest, SIGNATORY)
    organisations.accept(NEWCOMER, half + other, newest.version, newest.digest, SIGNATORY)
    read = organisations.load("operator", NEWCOMER)[0].revision
    assert organisations.admit(reviewer, NEWCOMER, read).state == "admitted"
    assert half.encode() not in empty.stored()
    assert other.encode() not in empty.stored()


def test_nothing_of_an_application_that_came_by_itself_is_handed_over(empty: Market) -> None:
    empty.exchange.organisations.apply(NEWCOMER, profile_of(NEWCOMER, PartyKind.BUYER))
    with pytest.raises(NotFoundError):
        empty.exchange.organisations.hand_over("operator", NEWCOMER)


def test_what_a_rejected_applicant_has_accepted_the_next_of_its_name_has_not(empty: Market) -> None:
    organisations, profile = empty.exchange.organisations, profile_of(NEWCOMER, PartyKind.BUYER)
    newest = empty.exchange.agreements.publish("operator", *TEXTS, 30)
    _, token = organisations.apply(NEWCOMER, profile)
    organisations.accept(NEWCOMER, token, newest.version, newest.digest, SIGNATORY)
    organisations.reject("operator", NEWCOMER, "materials", "伪造")
    organisations.apply(NEWCOMER, profile)
    with pytest.raises(InvalidError, match="has not accepted"):
        organisations.admit("operator", NEWCOMER, organisations.load("operator", NEWCOMER)[0].revision)
