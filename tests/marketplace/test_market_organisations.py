"""How organisations come in: whose word it takes, what the log has of them, what stops when one is stopped."""

from typing import Any

import msgspec
import pytest
from entry import SIGNATORY, TEXTS, admit, code_of, profile_of
from market import BANK, DAY, KEYS, RECORDS, TAX, Market

from compute.market.organisations import Desk
from compute.records import PartyKind
from compute.signing import sign
from marketplace import matrix
from marketplace.api.organisations import ALL, EACH
from marketplace.commands.organisations import Organisations
from marketplace.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    StaleError,
    TooManyError,
    WrongStateError,
)
from marketplace.flow.actor import Principal
from marketplace.flow.permission import AccessRole
from marketplace.throttle import Throttle, network_of, source_of

PROFILE = profile_of(BANK, PartyKind.BUYER)


def revision(organisations: Organisations, name: str) -> str:
    """That of the application as the operator reads it now."""
    return organisations.load("operator", name)[0].revision


def operator(member: str) -> Principal:
    roles = (AccessRole.OPERATOR_CLERK, AccessRole.OPERATOR_REVIEWER)
    return Principal("operator", member, permissions=matrix.load().permissions(roles))


def kinds(market: Market) -> list[str]:
    return [kind for kind in market.kinds() if kind != "refused"]


@pytest.fixture
def applied(empty: Market) -> str:
    """The token of the bank's application, in a market with an entry agreement."""
    empty.exchange.agreements.publish("operator", *TEXTS, 30)
    return empty.exchange.organisations.apply(BANK, PROFILE)[1]


def accept(market: Market, token: str) -> None:
    newest = market.exchange.agreements.load()
    market.exchange.organisations.accept(BANK, token, newest.version, newest.digest, SIGNATORY)


def test_from_an_application_that_is_returned_to_a_node(empty: Market, applied: str) -> None:
    organisations = empty.exchange.organisations
    organisations.return_for_correction("operator", BANK, "incomplete", "请补充联系人。")
    read, _ = organisations.follow(BANK, applied)
    assert (read.state, read.reason, read.opinion) == ("returned", "incomplete", "请补充联系人。")
    with pytest.raises(WrongStateError):
        organisations.admit("operator", BANK, revision(organisations, BANK))
    better = msgspec.structs.replace(PROFILE, address="三亚市")
    corrected, _ = organisations.correct(BANK, applied, better, read.revision)
    assert (corrected.state, corrected.profile.address, corrected.opinion) == ("applied", "三亚市", None)
    with pytest.raises(StaleError):
        organisations.correct(BANK, applied, PROFILE, read.revision)
    with pytest.raises(InvalidError, match="has not accepted version 1"):
        organisations.admit("operator", BANK, revision(organisations, BANK))
    accept(empty, applied)
    assert organisations.admit("operator", BANK, revision(organisations, BANK)).state == "admitted"
    record = RECORDS[BANK]
    empty.exchange.enrol_party(
        "operator", sign(record, BANK, KEYS[BANK]), sign(record, "operator", KEYS["operator"])
    )
    assert kinds(empty) == [
        "agreement_published",
        "organisation_applied",
        "organisation_returned",
        "organisation_applied",
        "agreement_accepted",
        "organisation_admitted",
        "party_enrolled",
    ]


def test_the_log_learns_a_name_only_when_it_is_admitted(empty: Market, applied: str) -> None:
    accept(empty, applied)
    assert BANK not in repr(list(empty.exchange.log.entries()))
    empty.exchange.organisations.admit("operator", BANK, revision(empty.exchange.organisations, BANK))
    entries = list(empty.exchange.log.entries())
    admitted = entries[-1]
    assert (admitted.counterparty, admitted.detail["party_kind"]) == (BANK, "buyer")
    applications = {each.detail["application"] for each in entries if "application" in each.detail}
    assert applications == {empty.exchange.organisations.load("operator", BANK)[0].application}
    for secret in (applied, SIGNATORY, PROFILE.title_zh, PROFILE.address, PROFILE.desk.email, PROFILE.code):
        assert secret not in repr(entries)


def test_a_token_is_of_one_application(empty: Market, applied: str) -> None:
    organisations = empty.exchange.organisations
    other = organisations.apply("other-bank", profile_of("other-bank", PartyKind.BUYER))[1]
    for name, token in ((BANK, other), (BANK, ""), (BANK, applied + "x"), ("nowhere", applied)):
        with pytest.raises(NotFoundError):
            organisations.follow(name, token)
        with pytest.raises(NotFoundError):
            organisations.claim(name, token, "first", "甲")


def test_who_enters_an_application_does_not_admit_it(empty: Market) -> None:
    exchange = empty.exchange
    newest = exchange.agreements.publish("operator", *TEXTS, 30)
    _, half = exchange.organisations.enter(operator("member-1"), BANK, PROFILE)
    token = half + exchange.organisations.hand_over(operator("member-2"), BANK)
    exchange.organisations.accept(BANK, token, newest.version, newest.digest, SIGNATORY)
    with pytest.raises(ForbiddenError, match="somebody else admit"):
        exchange.organisations.admit(operator("member-1"), BANK, revision(exchange.organisations, BANK))
    assert (
        exchange.organisations.admit(operator("member-2"), BANK, revision(exchange.organisations, BANK)).state
        == "admitted"
    )
    with pytest.raises(ForbiddenError):
        exchange.organisations.enter(BANK, "third-bank", profile_of("third-bank", PartyKind.BUYER))


def test_the_first_administrator_is_named_once_and_by_the_applicant(empty: Market, applied: str) -> None:
    organisations = empty.exchange.organisations
    with pytest.raises(ConflictError, match="is applied"):
        organisations.claim(BANK, applied, "first", "甲")
    accept(empty, applied)
    organisations.admit("operator", BANK, revision(organisations, BANK))
    assert organisations.claim(BANK, applied, "first", "甲").member.roles == (AccessRole.ADMINISTRATOR,)
    with pytest.raises(ConflictError):
        organisations.claim(BANK, applied, "second", "乙")


@pytest.mark.parametrize(
    "changes",
    [{"code": code_of(BANK)[:17] + "0"}, {"code": code_of(BANK)[:16] + "00"}, {"code": "ABCDEFGH" * 2 + "JK"}],
)
def test_a_code_that_is_none_is_named(empty: Market, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidError) as refused:
        empty.exchange.organisations.apply(BANK, msgspec.structs.replace(PROFILE, **changes))
    assert refused.value.fields.keys() == {"profile.code"}


def test_names_and_codes_are_one_organisation_s(empty: Market, applied: str) -> None:
    organisations = empty.exchange.organisations
    for name in (BANK, "operator", "market"):
        with pytest.raises(ConflictError):
            organisations.apply(name, PROFILE)
    organisations.reject("operator", BANK, "not_eligible", "非入驻对象。")
    with pytest.raises(ConflictError):
        accept(empty, applied)
    again = organisations.apply(BANK, PROFILE)[1]  # the name is free again
    accept(empty, again)
    organisations.admit("operator", BANK, revision(organisations, BANK))
    twin = organisations.apply(
        "twin", msgspec.structs.replace(profile_of("twin", PartyKind.BUYER), code=PROFILE.code)
    )
    newest = empty.exchange.agreements.load()
    organisations.accept("twin", twin[1], newest.version, newest.digest, SIGNATORY)
    with pytest.raises(ConflictError, match="takes part with the same code"):
        organisations.admit("operator", "twin", revision(organisations, "twin"))


def test_who_is_not_in_is_shown_to_the_operator_only(empty: Market, applied: str) -> None:
    organisations = empty.exchange.organisations
    assert applied
    admit(empty.exchange, TAX, PartyKind.PROVIDER)
    clerk = Principal(TAX, "member-0", permissions=matrix.load().permissions([AccessRole.HANDLER]))
    assert [found.name for found, _ in organisations.page("operator", "", 10)] == [BANK, TAX]
    assert [found.name for found, _ in organisations.page(clerk, "", 10)] == [TAX]
    with pytest.raises(NotFoundError):
        organisations.load(clerk, BANK)
    with pytest.raises(NotFoundError):
        organisations.relocate(clerk, BANK, PROFILE.desk, "三亚市", "00" * 32)
    mine, _ = organisations.load(clerk, TAX)
    desk = Desk(title="大数据处", email="desk@tax.example.cn", phone="0898-6511 1111")
    moved, _ = organisations.relocate(clerk, TAX, desk, "三亚市", mine.revision)
    assert moved.profile.desk == desk
    with pytest.raises(StaleError):
        organisations.relocate(clerk, TAX, desk, "海口市", mine.revision)


def test_who_is_suspended_commands_nothing_and_its_party_is_too(market: Market) -> None:
    exchange, before = market.exchange, len(market.kinds())
    exchange.organisations.suspend("operator", BANK, "breach", "见通知。")
    with pytest.raises(ForbiddenError, match="bank is suspended"):
        exchange.directory(BANK)
    assert exchange.organisations.load(BANK, BANK)[0].opinion == "见通知。"
    assert exchange.organisations.load(TAX, BANK)[0].opinion is None
    assert market.kinds()[before:] == ["organisation_suspended", "party_suspended", "refused"]
    exchange.organisations.reinstate("operator", BANK)
    assert exchange.directory(BANK)


# --- the entry agreement --------------------------------------------------------------------------------------


def test_a_new_version_is_accepted_in_time_by_what_was_read(market: Market) -> None:
    exchange, agreements = market.exchange, market.exchange.agreements
    first = agreements.load()
    with pytest.raises(ConflictError, match="has this very text"):
        agreements.publish("operator", *TEXTS, 30)
    with pytest.raises(ForbiddenError):
        agreements.publish(BANK, "新", "new", 30)
    second = agreements.publish("operator", "入驻协议:第二版。", "Entry agreement: second version.", 10)
    assert exchange.directory(BANK)  # days of grace
    for version, digest in ((1, first.digest), (2, first.digest), (2, "00" * 32)):
        with pytest.raises(ConflictError):
            agreements.accept(BANK, version, digest, SIGNATORY)
    market.clock.now += 10 * DAY
    with pytest.raises(ForbiddenError, match="version 2 of the entry agreement"):
        exchange.directory(BANK)
    agreements.accept(BANK, 2, second.digest, SIGNATORY)
    agreements.accept(BANK, 2, second.digest, SIGNATORY)  # a retry
    assert exchange.directory(BANK)
    assert [each.organisation for each in agreements.acceptances("operator", 2, "", 10)] == [BANK]
    with pytest.raises(ForbiddenError):
        agreements.acceptances(BANK, 2, "", 10)


# --- strangers ------------------------------------------------------------------------------------------------


def test_strangers_apply_so_often_and_no_more(empty: Market) -> None:
    organisations = empty.exchange.organisations

    def apply(number: int, source: str) -> None:
        name = f"bank-{number}"
        organisations.apply(name, profile_of(name, PartyKind.BUYER), Throttle("applications", source, 2, 3))

    apply(1, "one")
    apply(2, "one")
    with pytest.raises(TooManyError):
        apply(3, "one")
    apply(4, "two")
    with pytest.raises(TooManyError):
        apply(5, "three")  # of all together
    empty.clock.now += 3600 * 1000
    apply(3, "one")


def test_who_uses_up_the_applications_of_an_hour_stops_nobody_else(empty: Market) -> None:
    def count(source: str) -> bool:
        try:
            with empty.exchange.log.transaction() as batch:
                Throttle("applications", source, EACH, ALL).count(batch.connection, empty.clock.now)
        except TooManyError:
            return False
        return True

    one_network = [f"198.51.100.{host}" for host in range(6) for _ in range(EACH)]
    assert sum(map(count, one_network)) <= 4 * EACH
    others = [f"2001:db8:{host}::/64" for host in range(6) for _ in range(EACH)]
    assert sum(map(count, [*one_network, *others])) < ALL  # and from all of an IPv6 network of 48 bits
    assert count("203.0.113.9")
    assert count("2001:db8:ffff::/64")
    assert network_of("2001:db8:1:2::/64") == "2001:db8:1::/48"
    assert network_of("unknown") == "unknown"


def test_a_source_is_an_address_or_a_customer_s_network() -> None:
    assert source_of("198.51.100.7") == "198.51.100.7"
    assert source_of("2001:db8:1:2:3:4:5:6") == source_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert source_of(None) == source_of("not an address") == "unknown"
