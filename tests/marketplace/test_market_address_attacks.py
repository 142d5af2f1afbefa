"""Attacks by way of addresses: a mailbox flooded, others kept from theirs, addresses told or misread."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from market import BANK, OTHER, Market
from member_office import Office, found_office
from msgspec import ValidationError, json
from notice_desk import open_desk
from office import person
from postbox import Postbox, confirmed

from compute.canonical import HOUR
from compute.market.members import MemberDraft
from compute.market.notices import NoticePreference
from marketplace.errors import TooManyError
from marketplace.flow.address import OF_ACCOUNT, OF_ACCOUNTS, OF_MEMBER, OF_ORGANISATION
from marketplace.flow.notice import Topic
from marketplace.mail import DeliveryError, Mailer
from marketplace.revision import revision_of
from marketplace.settings import Smtp

LI = person("li")
VICTIM = "victim@home.example"
NONE: frozenset[Topic] = frozenset()
HIDDEN = (
    "=?utf-8?q?v=0D=0ABcc?=@mine.example",
    "=?utf-8?q?v=40x.example=2C?=@mine.example",
    "=?us-ascii?b?dkB4?=@mine.example",
)
"""What a reader of a header decodes (RFC 2047): to a line's end, to two addresses, to another."""


@pytest.fixture
def market(enrolled: Path | str) -> Iterator[Market]:
    with open_desk(enrolled) as market:
        yield market


@pytest.fixture
def office(empty: Market) -> Office:
    return found_office(empty)


@pytest.mark.both_databases
def test_codes_that_wait_for_one_address_do_not_all_go_to_the_next(market: Market) -> None:
    """Who has its own server refuse them for a day gathers codes, and then enters a stranger's address."""
    postbox = Postbox(is_down=True)
    for hour in range(3):
        for number in range(OF_MEMBER):
            market.exchange.notices.prefer(LI, f"own-{hour}-{number}@mine.example", "zh", NONE)
            postbox.deliver(market.exchange)
        market.clock.now += HOUR
    market.exchange.notices.prefer(LI, VICTIM, "zh", NONE)
    postbox.is_down = False
    for _ in range(30):
        postbox.deliver(market.exchange)
        market.clock.now += HOUR
    assert [to for to, _ in postbox.letters] == [VICTIM]


def test_addresses_entered_at_once_are_sent_one_code(market: Market) -> None:
    postbox = Postbox()
    for number in range(OF_MEMBER - 1):
        market.exchange.notices.prefer(LI, f"own-{number}@mine.example", "zh", NONE)
    market.exchange.notices.prefer(LI, VICTIM, "zh", NONE)
    postbox.deliver(market.exchange)
    assert [to for to, _ in postbox.letters] == [VICTIM]
    assert market.exchange.addresses.confirm(LI, postbox.code(VICTIM)).confirmed is not None


def test_one_organisation_s_accounts_use_up_nobody_else_s_codes(market: Market) -> None:
    prefer = market.exchange.notices.prefer
    members = (person(f"clerk-{number}") for number in itertools.count())
    for number in range(OF_ORGANISATION):
        prefer(next(members), f"own-{number}@mine.example", "zh", NONE)
    with pytest.raises(TooManyError, match="codes for an organisation"):
        prefer(next(members), "one-more@mine.example", "zh", NONE)
    assert prefer(person("somebody", OTHER), "a@other.example", "zh", NONE).confirmed is None


def test_an_administrator_floods_no_mailbox_by_changing_an_account(office: Office) -> None:
    """What an administrator says is an address is told of changes unconfirmed: a few times, then none is made."""
    members, administrator = office.market.exchange.members, office.administrator
    member = members.invite(administrator, "second", "乙", ["handler"], VICTIM).member
    for _ in range(OF_ACCOUNT):
        members.reinvite(administrator, member.id)
    with pytest.raises(TooManyError, match="told to one"):
        members.reinvite(administrator, member.id)
    with pytest.raises(TooManyError, match="told to one"):  # nor in silence: the change is not made
        members.change(
            administrator, member.id, revision(office, member.id), name="乙", roles=["handler"], email=None
        )
    postbox = Postbox()
    postbox.deliver(office.market.exchange)
    assert [to for to, _ in postbox.letters] == [VICTIM] * OF_ACCOUNT
    office.later(HOUR)
    members.reinvite(administrator, member.id)


def test_an_administrator_floods_no_host_by_changing_many_accounts(office: Office) -> None:
    members, administrator = office.market.exchange.members, office.administrator
    for number in range(OF_ACCOUNTS):
        made = members.invite(
            administrator, f"clerk-{number}", "乙", ["handler"], f"v{number}@home.example"
        ).member
        members.reinvite(administrator, made.id)
    last = members.invite(administrator, "last", "乙", ["handler"], VICTIM).member
    with pytest.raises(TooManyError, match="account changes told"):
        members.reinvite(administrator, last.id)


def revision(office: Office, member: str) -> str:
    return revision_of(office.market.exchange.members.load(office.administrator, member))


def test_where_a_person_was_told_of_a_change_is_shown_to_nobody(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Not to who takes the account, nor to its organisation's programs, nor in the process's own log."""
    exchange, administrator = office.market.exchange, office.administrator
    member = office.person("second", "handler").member
    confirmed(exchange, person(member.id, BANK), "private@home.example")
    exchange.members.reinvite(administrator, member.id)
    for reader in (BANK, person(member.id, BANK)):
        (told,) = [
            each.notice
            for each in exchange.notices.page(reader, None, 20, unread=False)
            if each.notice.topic is Topic.ACCOUNT_CHANGED
        ]
        assert told.shown == {}
        assert told.data == {"addresses": "private@home.example"}
    postbox = Postbox(is_down=True)
    for _ in range(30):
        postbox.deliver(exchange)
        office.later(4 * HOUR)
    assert "is given up" in caplog.text
    assert "private@home.example" not in caplog.text


@pytest.mark.parametrize("address", HIDDEN)
def test_an_address_that_reads_as_another_is_none(address: str) -> None:
    for form, said in (
        (NoticePreference, {"email": address, "language": "zh", "topics": []}),
        (MemberDraft, {"login": "li", "name": "李", "roles": ["handler"], "email": address}),
    ):
        with pytest.raises(ValidationError, match="email"):
            json.decode(json.encode(said), type=form)


@pytest.mark.parametrize("address", HIDDEN)
def test_no_letter_is_made_of_an_address_that_reads_as_another(address: str) -> None:
    """One that was entered before is given up: it stops no worker, and with it everybody's notices."""
    mailer = Mailer(Smtp(host="localhost", port=1, security="starttls", sender="market@market.example"))
    with pytest.raises(DeliveryError, match="no letter can be made") as refused:
        mailer.send(address, "Veilmart", "12345678", "delivery-1", 0)
    assert refused.value.is_final
