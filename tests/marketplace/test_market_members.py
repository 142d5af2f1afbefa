"""People and programs: accounts are taken once, logins need two factors, and nobody gets more than was given."""

import pyotp
import pytest
from entry import admit, profile_of
from market import BANK, DAY, SUPERVISOR, TAX, Market
from member_office import HERE, PASSWORD, Office, found_office, principal
from sqlalchemy import text

from compute.canonical import HOUR
from compute.records import PartyKind
from marketplace import matrix
from marketplace.commands.organisations import CORRECTIONS
from marketplace.commands.sessions import MAX_RECORDED
from marketplace.credentials import STEP
from marketplace.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    NotProvenError,
    StaleError,
    TooManyError,
)
from marketplace.flow.login import SESSION_IDLE, SESSION_TERM, Failures
from marketplace.flow.permission import AccessRole
from marketplace.revision import revision_of
from marketplace.store import sessions as stored
from marketplace.throttle import subject

OTHER_PASSWORD = "Wind auf Hainan im Juli"  # noqa: S105 -- likewise


@pytest.fixture
def office(empty: Market) -> Office:
    return found_office(empty)


# --- applications ---------------------------------------------------------------------------------------------


def test_nobody_is_admitted_as_something_that_the_operator_has_not_read(empty: Market) -> None:
    exchange = empty.exchange
    admit(exchange, TAX, PartyKind.PROVIDER)
    newest, organisations = exchange.agreements.load(), exchange.organisations
    applied, token = organisations.apply(BANK, profile_of(BANK, PartyKind.BUYER))
    organisations.accept(BANK, token, newest.version, newest.digest, "行长")
    read = organisations.load("operator", BANK)[0].revision
    organisations.correct(BANK, token, profile_of(BANK, PartyKind.AUTHORITY), applied.revision)
    with pytest.raises(StaleError):
        organisations.admit("operator", BANK, read)
    found, _ = organisations.load("operator", BANK)
    assert (found.state, found.kind) == ("applied", PartyKind.AUTHORITY)
    assert organisations.admit("operator", BANK, found.revision).state == "admitted"


def test_an_applicant_cannot_fill_the_log_with_corrections(empty: Market) -> None:
    organisations = empty.exchange.organisations
    found, token = organisations.apply(BANK, profile_of(BANK, PartyKind.BUYER))
    for _ in range(CORRECTIONS):
        empty.clock.now += 1
        found, _ = organisations.correct(BANK, token, found.profile, found.revision)
    size = len(list(empty.exchange.log.entries()))
    with pytest.raises(TooManyError):
        organisations.correct(BANK, token, found.profile, found.revision)
    assert len(list(empty.exchange.log.entries())) == size
    empty.clock.now += HOUR
    organisations.correct(BANK, token, found.profile, found.revision)


# --- logins ---------------------------------------------------------------------------------------------------


def test_a_session_opens_with_both_factors_and_ends(office: Office) -> None:
    sessions = office.market.exchange.sessions
    token = office.login()
    found = sessions.principal(token)
    assert found is not None
    assert (found.organisation, found.member) == (BANK, office.taken.member.id)
    assert found.permissions == matrix.load().permissions([AccessRole.ADMINISTRATOR])
    assert sessions.principal(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert sessions.end(token) == 1
    assert sessions.principal(token) is None


def test_whatever_is_wrong_is_told_alike(office: Office) -> None:
    sessions, code = office.market.exchange.sessions, office.code()
    told = set()
    for organisation, login, password, second in (
        (BANK, "first", OTHER_PASSWORD, code),
        (BANK, "first", PASSWORD, "000000" if code != "000000" else "000001"),
        (BANK, "first", PASSWORD, "aaaa-aaaa-aaaa-aaaa"),
        (BANK, "nobody", PASSWORD, code),
        (TAX, "first", PASSWORD, code),
        ("nowhere", "first", PASSWORD, code),
    ):
        with pytest.raises(NotProvenError) as refused:
            sessions.login(organisation, login, password, second, HERE)
        told.add(str(refused.value))
    assert len(told) == 1
    assert office.login()  # the code was not used up by what failed


def test_a_code_opens_once_and_so_does_a_recovery_code(office: Office) -> None:
    office.login()
    with pytest.raises(NotProvenError):
        office.login()
    office.later()
    old = office.code()
    office.later(2 * STEP)
    with pytest.raises(NotProvenError):
        office.login(code=old)  # two steps ago
    office.login(code=office.taken.recovery_codes[3].upper())
    with pytest.raises(NotProvenError):
        office.login(code=office.taken.recovery_codes[3])


def test_a_neighbouring_step_is_taken_and_then_no_earlier_one(office: Office) -> None:
    step = office.market.clock.now // STEP
    codes = [pyotp.HOTP(office.taken.totp).at(step + shift) for shift in (-1, 0, 1)]
    office.login(code=codes[2])
    for earlier in codes:
        with pytest.raises(NotProvenError):
            office.login(code=earlier)


def test_a_session_ends_by_itself(office: Office) -> None:
    sessions, began = office.market.exchange.sessions, office.market.clock.now
    token = office.login()
    while office.market.clock.now < began + SESSION_TERM - SESSION_IDLE:
        office.later(SESSION_IDLE - 1)
        assert sessions.principal(token) is not None
    office.market.clock.now = began + SESSION_TERM
    assert sessions.principal(token) is None
    office.market.clock.now += DAY
    idle = office.login()
    office.later(SESSION_IDLE)
    assert sessions.principal(idle) is None
    office.later(SESSION_TERM)
    office.market.exchange.expire()
    with office.market.exchange.log.snapshot() as connection:
        assert connection.scalar(text("SELECT count(*) FROM sessions")) == 0


def test_guessing_gets_slower_for_the_account_also_where_there_is_none(office: Office) -> None:
    sessions = office.market.exchange.sessions
    for login in ("first", "nobody"):
        host = f"host of {login}"
        for _ in range(5):
            with pytest.raises(NotProvenError):
                sessions.login(BANK, login, OTHER_PASSWORD, "000000", host)
        with pytest.raises(TooManyError, match="try again in 1 s"):
            sessions.login(BANK, login, OTHER_PASSWORD, "000000", host)
        office.later(1000)
        with pytest.raises(NotProvenError):
            sessions.login(BANK, login, OTHER_PASSWORD, "000000", host)
        with pytest.raises(TooManyError, match="try again in 2 s"):
            sessions.login(BANK, login, PASSWORD, office.code(), host)
    office.later(STEP)
    assert office.login()


def test_guessing_from_many_places_gets_slower_too_and_its_owner_s_device_goes_on(office: Office) -> None:
    sessions, code = office.market.exchange.sessions, office.code
    device = sessions.login(BANK, "first", PASSWORD, code(), HERE).device
    office.later()
    accounts = [subject("account", BANK, login) for login in ("first", "nobody")]
    with office.market.exchange.log.transaction() as batch:  # as 70 guesses from as many places leave it
        for account in accounts:
            stored.set_failed(batch.connection, account, Failures(70, office.market.clock.now))
    for login in ("first", "nobody"):
        with pytest.raises(TooManyError):
            sessions.login(BANK, login, PASSWORD, code(), "yet another place")
    with pytest.raises(TooManyError):
        sessions.login(BANK, "first", PASSWORD, code(), HERE, "vmd_of-nobody")
    opened = sessions.login(BANK, "first", PASSWORD, code(), HERE, device)
    assert opened.device == device
    with pytest.raises(TooManyError):  # nor is a device known to anybody but its owner
        sessions.login(BANK, "nobody", PASSWORD, code(), HERE, device)


def test_a_stranger_s_guesses_keep_nobody_out(office: Office) -> None:
    sessions = office.market.exchange.sessions
    device = sessions.login(BANK, "first", PASSWORD, office.code(), HERE).device
    for _ in range(5):
        with pytest.raises(NotProvenError):
            sessions.login(BANK, "first", OTHER_PASSWORD, "000000", "elsewhere")
    with pytest.raises(TooManyError):
        sessions.login(BANK, "first", OTHER_PASSWORD, "000000", "elsewhere")
    office.later(STEP)
    assert office.login()  # from another source, without any delay
    with office.market.exchange.log.transaction() as batch:  # who guesses behind the same proxy
        stored.set_failed(batch.connection, subject("source", HERE), Failures(70, office.market.clock.now))
    office.later(STEP)
    with pytest.raises(TooManyError):
        office.login()
    assert sessions.login(BANK, "first", PASSWORD, office.code(), HERE, device)


def test_a_device_that_guesses_is_slowed_down_itself_and_an_account_that_is_invited_anew_knows_none(
    office: Office,
) -> None:
    exchange = office.market.exchange
    clerk = office.person("second", "handler")
    device = exchange.sessions.login(BANK, "second", PASSWORD, office.code(clerk), HERE).device
    for _ in range(5):
        with pytest.raises(NotProvenError):
            exchange.sessions.login(BANK, "second", OTHER_PASSWORD, "000000", HERE, device)
    with pytest.raises(TooManyError):
        exchange.sessions.login(BANK, "second", PASSWORD, office.code(clerk), HERE, device)
    exchange.members.reinvite(office.administrator, clerk.member.id)
    with exchange.log.snapshot() as connection:
        assert connection.scalar(text("SELECT count(*) FROM known_devices")) == 0


def test_failures_are_recorded_by_powers_of_two_and_name_nobody(office: Office) -> None:
    exchange = office.market.exchange
    before = len(list(exchange.log.entries()))
    for _ in range(9):
        with pytest.raises(NotProvenError):
            exchange.sessions.login(BANK, "first", OTHER_PASSWORD, "000000", HERE)
        office.later(20_000)
    added = list(exchange.log.entries())[before:]
    assert [(each.kind, each.counterparty) for each in added] == [("refused", None)] * 4  # 1, 2, 4, 8
    assert {tuple(sorted(each.detail.items())) for each in added} == {
        (("command", "login"), ("reason", "not_proven"))
    }
    assert MAX_RECORDED < 100


def test_a_password_is_changed_by_who_has_it_and_other_sessions_end(office: Office) -> None:
    sessions, me = office.market.exchange.sessions, office.administrator
    other = office.login()
    office.later()
    mine = office.login()
    office.later()
    with pytest.raises(NotProvenError):
        sessions.change_password(me, mine, OTHER_PASSWORD, OTHER_PASSWORD, office.code())
    with pytest.raises(InvalidError):
        sessions.change_password(me, mine, PASSWORD, "first-at-bank", office.code())
    assert sessions.change_password(me, mine, PASSWORD, OTHER_PASSWORD, office.code()) == 1
    assert sessions.principal(other) is None
    assert sessions.principal(mine) is not None
    office.later()
    with pytest.raises(NotProvenError):
        office.login()
    assert office.login(password=OTHER_PASSWORD)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 129,
        "password1234",
        "PASSWORD1234",
        "aaaaaaaaaaaaaaa",
        "bankfirstbank",
        "a\nb" * 5,
        "1212" * 4,
    ],
)
def test_a_weak_password_is_refused_and_not_repeated(office: Office, password: str) -> None:
    invited = office.market.exchange.members.invite(office.administrator, "second", "乙", ["handler"], None)
    with pytest.raises(InvalidError) as refused:
        office.market.exchange.members.take(invited.token, password, HERE)
    assert password not in str(refused.value)
    assert refused.value.fields.keys() == {"password"}
    assert office.market.exchange.members.take(invited.token, PASSWORD, HERE)


@pytest.mark.usefixtures("dear_passwords")
def test_what_is_kept_opens_nothing(office: Office) -> None:
    token = office.login()
    taken, secret = office.taken, office.taken.totp
    with office.market.exchange.log.snapshot() as connection:
        for table in ("members", "sessions", "recovery_codes", "organisations"):
            rows = repr(connection.execute(text(f"SELECT * FROM {table}")).all())  # noqa: S608 -- our own names
            for value in (PASSWORD, token, secret, *taken.recovery_codes):
                assert value not in rows
            assert table != "members" or "$argon2id$v=19$m=65536,t=3,p=4$" in rows


# --- members --------------------------------------------------------------------------------------------------


def test_an_invitation_is_taken_once_and_in_time(office: Office) -> None:
    members = office.market.exchange.members
    invited = members.invite(office.administrator, "second", "乙", ["handler"], None)
    members.take(invited.token, PASSWORD, HERE)
    for token in (invited.token, "vmi_" + "x" * 43, ""):
        with pytest.raises(NotProvenError):
            members.take(token, PASSWORD, HERE)
    late = members.invite(office.administrator, "third", "丙", ["handler"], None)
    office.later(8 * DAY)
    with pytest.raises(NotProvenError):
        members.take(late.token, PASSWORD, HERE)
    with pytest.raises(ConflictError):
        members.invite(office.administrator, "third", "丁", ["handler"], None)
    again = members.reinvite(office.administrator, late.member.id)
    assert members.take(again.token, PASSWORD, HERE).member.login == "third"


def test_the_last_administrator_stays(office: Office) -> None:
    members, first = office.market.exchange.members, office.taken.member
    second = office.person("second", "handler").member
    with pytest.raises(ConflictError, match="last administrator"):
        members.remove(office.administrator, first.id)
    with pytest.raises(ConflictError, match="last administrator"):
        members.change(
            office.administrator, first.id, revision_of(first_now(office)), name="甲", roles=["leader"], email=None
        )
    members.invite(office.administrator, "third", "丙", ["administrator"], None)  # who may never come
    with pytest.raises(ConflictError, match="last administrator"):
        members.remove(office.administrator, first.id)
    members.change(
        office.administrator,
        second.id,
        revision_of(members.load(office.administrator, second.id)),
        name="乙",
        roles=["administrator", "handler"],
        email="yi@bank.example",
    )
    assert members.remove(office.administrator, first.id).member.state == "removed"


def first_now(office: Office) -> object:
    return office.market.exchange.members.load(office.administrator, office.taken.member.id)


def test_roles_are_those_of_the_organisation_s_kind(office: Office) -> None:
    members = office.market.exchange.members
    for roles in (["operator_reviewer"], ["supervisor_officer"], ["handler", "operator_clerk"], ["node"], []):
        with pytest.raises(InvalidError) as refused:
            members.invite(office.administrator, "second", "乙", roles, None)
        assert refused.value.fields.keys() == {"roles"}
    admit(office.market.exchange, SUPERVISOR, PartyKind.SUPERVISOR)
    inspector = principal(SUPERVISOR, "member-0", "administrator")
    assert members.invite(inspector, "second", "乙", ["supervisor_officer"], None)


def test_nobody_reaches_into_another_organisation(office: Office) -> None:
    members, stranger = office.market.exchange.members, principal(TAX, "member-0", "administrator")
    mine = office.taken.member.id
    for call in (members.load, members.remove, members.reinvite):
        with pytest.raises(NotFoundError):
            call(stranger, mine)
    assert members.page(stranger, "", 10) == []
    with pytest.raises(StaleError):
        members.change(office.administrator, mine, "00" * 32, name="甲", roles=["administrator"], email=None)


def test_who_is_removed_or_invited_anew_is_out_at_once(office: Office) -> None:
    exchange = office.market.exchange
    second = office.person("second", "handler", "leader")
    token = office.login(second)
    exchange.members.reinvite(office.administrator, second.member.id)
    assert exchange.sessions.principal(token) is None
    office.later()
    with pytest.raises(NotProvenError):
        office.login(second)
    removed = exchange.members.remove(office.administrator, second.member.id)
    assert (removed.sessions, removed.keys) == (0, 0)
    with pytest.raises(ConflictError):
        exchange.members.reinvite(office.administrator, second.member.id)


def test_the_log_has_roles_and_no_person(office: Office) -> None:
    office.person("geheim", "handler")
    entries = list(office.market.exchange.log.entries())
    (added,) = [each for each in entries if each.kind == "member_added" and "handler" in str(each.detail["roles"])]
    assert (added.counterparty, added.detail) == (BANK, {"roles": ("handler",)})
    assert "geheim" not in repr(entries)


def test_the_operator_begins_without_a_default_password(empty: Market) -> None:
    organisations, profile = empty.exchange.organisations, profile_of("operator", PartyKind.OPERATOR)
    invited = organisations.found_operator(profile, "first", "甲")
    taken = empty.exchange.members.take(invited.token, PASSWORD, HERE)
    assert taken.member.roles == (AccessRole.OPERATOR_ADMINISTRATOR,)
    with pytest.raises(ConflictError):
        organisations.found_operator(profile, "first", "甲")
    assert organisations.found_operator(profile, "second", "乙").token != invited.token
