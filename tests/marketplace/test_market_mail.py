"""Notices by e-mail: to whom they are for, by a server that is proven."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from market import NOW, TAX, Market
from notice_desk import a_caller, about, deliver, open_desk, tell
from office import person
from postbox import confirmed
from receivers import PASSWORD, USER, MailServer, Receiver

from marketplace.errors import ForbiddenError
from marketplace.flow import delivery as delivering
from marketplace.flow.notice import Topic
from marketplace.mail import DeliveryError, Mailer
from marketplace.settings import Password, Smtp


@pytest.fixture
def market(enrolled: Path | str) -> Iterator[Market]:
    with open_desk(enrolled) as market:
        yield market


def a_mailer(server: MailServer, monkeypatch: pytest.MonkeyPatch, password: str = PASSWORD) -> Mailer:
    monkeypatch.setenv("MAIL_PASSWORD", password)
    return Mailer(
        Smtp(
            host="localhost",
            port=server.port,
            security="starttls",
            sender="market@market.example",
            user=USER,
            password=Password(env="MAIL_PASSWORD"),
            authority=server.authority,
        )
    )


def test_a_member_is_told_by_e_mail_of_what_it_chose(
    market: Market, mail: MailServer, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = frozenset({Topic.CONTRACT_DRAFTED})
    confirmed(market.exchange, person("li"), "li@tax.example", "zh", topics)
    confirmed(market.exchange, person("sun"), "sun@tax.example", "en", topics)
    confirmed(market.exchange, person("gone"), "gone@tax.example", "zh", topics)  # no member any more
    tell(market)
    tell(market, topic=Topic.CONTRACT_STOPPED)
    tell(market, role="leader")
    assert deliver(market, a_caller(hook), a_mailer(mail, monkeypatch)) == 3
    got = sorted((each["To"], each["Subject"], each.get_content().strip()) for each in mail.messages)
    assert got == [
        ("li@tax.example", "Veilmart: 合约待签署", "合约 contract-1 已拟定,待签署。"),
        *[
            (
                "sun@tax.example",
                "Veilmart: Contract to sign",
                "Contract contract-1 is drafted and waits to be signed.",
            )
        ]
        * 2,
    ]
    assert len({each["Message-ID"] for each in mail.messages}) == 3
    assert {each["Auto-Submitted"] for each in mail.messages} == {"auto-generated"}


def test_the_code_of_an_address_goes_by_the_same_server(
    market: Market, mail: MailServer, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.exchange.notices.prefer(person("li"), "li@tax.example", "en", frozenset())
    assert deliver(market, a_caller(hook), a_mailer(mail, monkeypatch)) == 1
    (letter,) = mail.messages
    assert (letter["To"], letter["Subject"]) == ("li@tax.example", "Veilmart: Address to confirm")
    code = letter.get_content().splitlines()[0]
    assert market.exchange.addresses.confirm(person("li"), code).email == "li@tax.example"


def test_a_refused_address_is_given_up_and_told(
    market: Market, mail: MailServer, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed(market.exchange, person("li"), "li@tax.example", "zh", frozenset({Topic.CONTRACT_DRAFTED}))
    tell(market)
    mail.code = 451
    mailer = a_mailer(mail, monkeypatch)
    deliver(market, a_caller(hook), mailer)
    assert about(market, "li") == ["contract_drafted", "address_entered"]
    mail.code = 550
    market.clock.now += delivering.FIRST_PAUSE
    deliver(market, a_caller(hook), mailer)
    assert about(market, "li") == ["delivery_failed", "contract_drafted", "address_entered"]
    assert about(market, "sun") == ["contract_drafted"]
    assert mail.messages == []


@pytest.mark.parametrize("what", ["password", "certificate", "nobody"])
def test_a_mail_server_that_is_not_proven_or_there_gets_nothing(
    mail: MailServer, hook: Receiver, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    mailer = a_mailer(mail, monkeypatch, "wrong" if what == "password" else PASSWORD)
    settings = mailer._settings
    if what == "certificate":  # of another authority
        mailer = Mailer(Smtp(**{**_members(settings), "authority": hook.authority}))
    if what == "nobody":
        mailer = Mailer(Smtp(**{**_members(settings), "port": 1}))
    with pytest.raises(DeliveryError, match="did not take it") as failed:
        mailer.send("li@tax.example", "x", "y", "delivery-1", NOW)
    assert not failed.value.is_final
    assert mail.messages == []


def _members(settings: Smtp) -> dict[str, object]:
    return {name: getattr(settings, name) for name in settings.__struct_fields__}


@pytest.mark.parametrize(
    "changes",
    [{"security": "none", "host": "mail.example"}, {"user": None}, {"password": None}],
)
def test_mail_settings_send_no_password_in_clear(changes: dict[str, object]) -> None:
    members = {"host": "localhost", "port": 25, "security": "tls", "sender": "a@b.example", "user": "u"}
    with pytest.raises(ValueError, match=r"security none|name user and password"):
        Smtp(**{**members, "password": Password(env="X"), **changes})


def test_without_a_mail_server_nothing_waits_for_one(market: Market, hook: Receiver) -> None:
    market.exchange.notices.prefer(person("li"), "li@tax.example", "zh", frozenset(Topic))
    tell(market)
    assert deliver(market, a_caller(hook)) == 0
    with pytest.raises(ForbiddenError, match="log in"):
        market.exchange.notices.prefer(TAX, "a@b.example", "zh", frozenset())  # type: ignore[arg-type]
