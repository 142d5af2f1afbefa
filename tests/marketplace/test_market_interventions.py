"""What the operator does for an organisation that cannot by itself: two do it, and those concerned are told."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from entry import code_of, profile_of
from market import BANK, DAY, INSPECTOR, KINDS, LABOUR, SUPERVISOR, TAX, Market, open_market
from store_contents import policy

from audit.storage.watermark import Watermark
from compute.market.interventions import AdministratorProposal
from compute.market.organisations import OrganisationProfile
from compute.records import PartyKind
from marketplace import matrix
from marketplace.commands.members import Taken
from marketplace.credentials import digest
from marketplace.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    NotProvenError,
    StaleError,
    WrongStateError,
)
from marketplace.flow import organisation as entering
from marketplace.flow.actor import Principal
from marketplace.flow.intervention import Intervention
from marketplace.flow.permission import AccessRole
from marketplace.revision import revision_of
from marketplace.store import restore
from marketplace.store.migration import incomplete
from marketplace.store.migrations import r0002_rows

FIRST = Path(__file__).with_name("market-0001.backup")
PASSWORD = "Regen auf Hainan im Juni"  # noqa: S105 -- of accounts that are made here
SOURCE, EVIDENCE = "192.0.2.7", "7" * 64
TOKEN = "vmi_drawn by the person whom the letter names"  # noqa: S105 -- of an invitation that is made here


@dataclass
class Desk:
    """A market whose operator has two people."""

    market: Market
    root: Principal
    clerk: Principal
    reviewer: Principal

    def person(self, login: str, *roles: str, by: Principal | None = None) -> Principal:
        return of(self.taken(login, *roles, by=by), *roles)

    def taken(self, login: str, *roles: str, by: Principal | None = None) -> Taken:
        exchange = self.market.exchange
        invited = exchange.members.invite(by or self.root, login, "乙", roles, None)
        taken = exchange.members.take(invited.token, PASSWORD, SOURCE)
        exchange.members.confirm("operator", taken.member.id, taken.member.organisation)
        return taken

    def organisation(self, name: str) -> entering.Organisation:
        return self.market.exchange.organisations.load("operator", name)[0]

    def proposed(self, organisation: str = LABOUR, **changes: str) -> Intervention:
        return self.market.exchange.interventions.readminister(self.clerk, organisation, administrator(**changes))

    def confirm(self, made: Intervention, actor: Principal | None = None) -> Intervention:
        interventions = self.market.exchange.interventions
        return interventions.confirm(actor or self.reviewer, made.id, revision_of(made))

    def account(self, made: Intervention) -> Taken:
        """Confirm it, and take the account."""
        self.confirm(made)
        return self.market.exchange.members.take(TOKEN, PASSWORD, SOURCE)

    def told(self, organisation: str) -> list[tuple[str, str]]:
        found = self.market.exchange.notices.page(organisation, None, 100, unread=False)
        return [(each.notice.topic.value, each.notice.about) for each in found]


def of(taken: Taken, *roles: str) -> Principal:
    permissions = matrix.load().permissions(AccessRole(each) for each in roles)
    return Principal(taken.member.organisation, taken.member.id, permissions=permissions)


def administrator(**changes: str) -> AdministratorProposal:
    values = {"login": "chen", "name": "己", "reason": "administrators_left", "evidence": EVIDENCE}
    values["invitation"] = digest(TOKEN)
    return AdministratorProposal(**values | changes)  # type: ignore[arg-type]


def opened(market: Market) -> Desk:
    profile = profile_of("operator", PartyKind.OPERATOR)
    invited = market.exchange.organisations.found_operator(profile, "first", "甲")
    root = of(market.exchange.members.take(invited.token, PASSWORD, SOURCE), "operator_administrator")
    desk = Desk(market, root, root, root)
    desk.clerk, desk.reviewer = desk.person("asks", "operator_clerk"), desk.person("confirms", "operator_reviewer")
    return desk


@pytest.fixture
def desk(empty: Market) -> Desk:
    empty.enrol()
    return opened(empty)


@pytest.fixture
def upgraded(empty_store: Path | str, tmp_path: Path) -> Iterator[Desk]:
    """A market of the first release on the tables of today."""
    trusted = policy()
    restore.restore(FIRST, empty_store, trusted, Watermark(tmp_path / "watermark", trusted.log))
    with open_market(empty_store) as market:
        yield opened(market)


def described(name: str, **changes: str) -> OrganisationProfile:
    return profile_of(name, KINDS[name], **changes)


# --- an organisation that an upgrade has left to be completed -------------------------------------------------


def test_the_placeholder_is_the_same_as_in_the_migration() -> None:
    assert entering.UNKNOWN_CODE == r0002_rows.UNKNOWN_CODE


def test_an_upgraded_organisation_is_completed_by_two(upgraded: Desk) -> None:
    interventions = upgraded.market.exchange.interventions
    assert BANK in incomplete(upgraded.market.path)
    read = upgraded.organisation(BANK)
    made = interventions.complete(upgraded.clerk, BANK, described(BANK), EVIDENCE, read.revision)
    assert upgraded.organisation(BANK).is_incomplete
    with pytest.raises(ForbiddenError, match="you have proposed this"):
        upgraded.confirm(made, replace(upgraded.clerk, permissions=upgraded.reviewer.permissions))
    assert upgraded.confirm(made).state == "confirmed"
    found = upgraded.organisation(BANK)
    assert (found.profile, found.state, found.since) == (described(BANK), read.state, read.since)
    assert BANK not in incomplete(upgraded.market.path)
    (entry,) = [each for each in upgraded.market.exchange.log.entries() if each.kind == "intervention_confirmed"]
    assert entry.counterparty == BANK
    assert dict(entry.detail) == {
        "intervention": made.id,
        "matter": "profile",
        "reason": "records_incomplete",
        "evidence": EVIDENCE,
    }
    upgraded.market.check()


def test_what_is_complete_is_changed_by_itself_only(desk: Desk) -> None:
    read = desk.organisation(BANK)
    with pytest.raises(ConflictError, match="is complete"):
        desk.market.exchange.interventions.complete(
            desk.clerk, BANK, described(BANK, title_zh="别家银行"), EVIDENCE, read.revision
        )


def test_a_completion_says_the_truth_in_form(upgraded: Desk) -> None:
    complete, read = upgraded.market.exchange.interventions.complete, upgraded.organisation(BANK)
    wrong = (described(BANK, code="9" * 18), described(BANK, code=entering.UNKNOWN_CODE))
    for profile in wrong:
        with pytest.raises(InvalidError) as refused:
            complete(upgraded.clerk, BANK, profile, EVIDENCE, read.revision)
        assert {*refused.value.fields} == {"profile.code"}
    with pytest.raises(InvalidError) as refused:
        complete(upgraded.clerk, BANK, profile_of(BANK, PartyKind.AUTHORITY), EVIDENCE, read.revision)
    assert {*refused.value.fields} == {"profile.kind"}
    with pytest.raises(StaleError):
        complete(upgraded.clerk, BANK, described(BANK), EVIDENCE, "0" * 64)
    with pytest.raises(NotFoundError):
        complete(upgraded.clerk, "nowhere", described(BANK), EVIDENCE, read.revision)


def test_no_organisation_is_completed_as_another_one(upgraded: Desk) -> None:
    exchange = upgraded.market.exchange
    made = [
        exchange.interventions.complete(
            upgraded.clerk,
            name,
            described(name, code=code_of(BANK)),
            EVIDENCE,
            upgraded.organisation(name).revision,
        )
        for name in (BANK, TAX)
    ]
    upgraded.confirm(made[0])
    with pytest.raises(ConflictError, match="bank takes part with the same code"):
        upgraded.confirm(made[1])
    assert upgraded.organisation(TAX).is_incomplete


# --- an organisation that has lost its administrators ---------------------------------------------------------


@pytest.mark.both_databases
def test_an_administrator_is_invited_by_two_and_all_concerned_are_told(desk: Desk) -> None:
    exchange = desk.market.exchange
    made = desk.proposed()
    for name in (LABOUR, SUPERVISOR, INSPECTOR):
        assert ("intervention_proposed", made.id) in desk.told(name)
    assert desk.told(BANK) == [("organisation_admitted", BANK)]
    assert [each.name for each in exchange.deadlines(desk.reviewer)] == [made.id]
    taken = desk.account(made)
    done = exchange.interventions.load(desk.clerk, made.id)
    assert (done.decider, exchange.deadlines(desk.reviewer)) == (desk.reviewer.member, [])
    assert taken.member.organisation == LABOUR
    assert taken.member.administers
    for name in (LABOUR, SUPERVISOR, INSPECTOR):
        assert ("intervention_decided", made.id) in desk.told(name)
    kinds = [each.kind.value for each in exchange.log.entries() if each.kind.value.startswith("intervention")]
    assert kinds == ["intervention_proposed", "intervention_confirmed"]
    assert "己" not in str([dict(each.detail) for each in exchange.log.entries()])  # the log names no person
    with pytest.raises(StaleError):
        desk.confirm(made)
    with pytest.raises(WrongStateError):
        desk.confirm(done)
    desk.market.check()


def test_one_person_alone_gives_nobody_an_administrator(desk: Desk) -> None:
    both = desk.person("both", "operator_clerk", "operator_reviewer")
    interventions = desk.market.exchange.interventions
    made = interventions.readminister(both, LABOUR, administrator())
    with pytest.raises(ForbiddenError, match="you have proposed this"):
        desk.confirm(made, both)
    for nobody in (Principal("operator"), Principal("operator", key="key-1")):  # the operator's key, a machine's
        with pytest.raises(ForbiddenError, match="two members"):
            desk.confirm(made, nobody)
        with pytest.raises(ForbiddenError, match="two members"):
            interventions.readminister(nobody, TAX, administrator())
    outsider = Principal(LABOUR, "member-1")
    with pytest.raises(ForbiddenError):
        desk.confirm(made, outsider)
    with pytest.raises(ForbiddenError):
        interventions.readminister(outsider, LABOUR, administrator())
    assert desk.market.exchange.members.page(Principal(LABOUR, "m"), "", 10) == []


def test_who_asked_has_to_be_there_still(desk: Desk) -> None:
    made = desk.proposed()
    desk.market.exchange.members.remove(desk.root, desk.clerk.member or "")
    with pytest.raises(ConflictError, match="no confirmed member of the operator any more"):
        desk.confirm(made)
    desk.market.exchange.interventions.reject(desk.reviewer, made.id, "经办已离岗。")
    desk.market.exchange.interventions.readminister(
        desk.person("again", "operator_clerk"), LABOUR, administrator()
    )


def test_an_administrator_of_the_operator_is_not_both(desk: Desk) -> None:
    """Who reinvites a colleague could take the account and be two: it counts once somebody else confirms it."""
    exchange, made = desk.market.exchange, desk.proposed()
    invited = exchange.members.reinvite(desk.root, desk.reviewer.member or "")
    exchange.members.take(invited.token, PASSWORD, SOURCE)
    with pytest.raises(ForbiddenError, match="this takes two people"):
        desk.confirm(made)
    exchange.members.confirm("operator", desk.reviewer.member or "")
    exchange.members.take(exchange.members.reinvite(desk.root, desk.clerk.member or "").token, PASSWORD, SOURCE)
    with pytest.raises(ConflictError, match="no confirmed member"):
        desk.confirm(made)
    with pytest.raises(ForbiddenError, match="this takes two people"):
        desk.proposed(TAX)


def test_administrators_who_are_there_can_object(desk: Desk) -> None:
    exchange = desk.market.exchange
    own = of(desk.account(desk.proposed()), "administrator")
    forged = desk.proposed(login="thief", reason="accounts_lost", invitation=digest("thief"))
    with pytest.raises(ConflictError, match="can object until"):
        desk.confirm(forged)
    with pytest.raises(NotFoundError):
        exchange.interventions.reject(Principal(BANK, "member-1"), forged.id, "与我无关。")
    objected = exchange.interventions.reject(own, forged.id, "我仍在岗,来函不实。")
    assert (objected.state, objected.decider) == ("rejected", own.member)
    desk.market.clock.now += 30 * DAY
    with pytest.raises(WrongStateError):
        desk.confirm(objected)
    silent = desk.proposed(login="next", reason="accounts_lost", invitation=digest("next"))
    desk.market.clock.now = silent.not_before
    assert desk.confirm(silent).state == "confirmed"


def test_of_one_matter_one_proposal_is_open(desk: Desk) -> None:
    made = desk.proposed()
    with pytest.raises(ConflictError, match="is open"):
        desk.proposed(login="other")
    with pytest.raises(StaleError):
        desk.market.exchange.interventions.confirm(desk.reviewer, made.id, "0" * 64)
    desk.market.exchange.interventions.reject(desk.clerk, made.id, "重复。")
    assert desk.proposed(login="other").state == "proposed"


def test_it_is_for_organisations_that_take_part(desk: Desk) -> None:
    desk.market.exchange.organisations.apply("newcomer", profile_of("newcomer", PartyKind.BUYER))
    for name in ("newcomer", "operator"):
        with pytest.raises(ConflictError, match="the operator does not act"):
            desk.proposed(name)
    with pytest.raises(InvalidError) as refused:
        desk.proposed(reason="records_incomplete")
    assert {*refused.value.fields} == {"reason"}


def test_others_hear_nothing_of_it(desk: Desk) -> None:
    interventions, made = desk.market.exchange.interventions, desk.proposed()
    for sees in (LABOUR, SUPERVISOR, "operator"):
        assert interventions.load(sees, made.id) == made
        assert interventions.page(sees, None, 10) == [made]
    assert interventions.page(BANK, None, 10) == []
    for name in (made.id, "intervention-none"):
        with pytest.raises(NotFoundError):
            interventions.load(BANK, name)


def test_nobody_of_the_operator_can_take_the_account(desk: Desk) -> None:
    desk.confirm(desk.proposed())
    with pytest.raises(NotProvenError):  # all that the operator has been told
        desk.market.exchange.members.take(administrator().invitation, PASSWORD, SOURCE)
    with pytest.raises(ConflictError, match="the token is that of another invitation"):
        desk.confirm(desk.proposed(TAX))
    desk.market.exchange.members.take(TOKEN, PASSWORD, SOURCE)
    with pytest.raises(NotProvenError):
        desk.market.exchange.members.take(TOKEN, PASSWORD, SOURCE)


def test_accounts_that_one_administrator_of_the_operator_made_are_not_two(desk: Desk) -> None:
    exchange = desk.market.exchange
    invited = exchange.members.invite(desk.root, "made", "乙", ["operator_clerk", "operator_reviewer"], None)
    made = of(exchange.members.take(invited.token, PASSWORD, SOURCE), "operator_clerk", "operator_reviewer")
    with pytest.raises(ForbiddenError, match="takes two people"):
        exchange.interventions.readminister(made, LABOUR, administrator())
    with pytest.raises(ForbiddenError, match="takes two people"):
        desk.confirm(desk.proposed(), made)
