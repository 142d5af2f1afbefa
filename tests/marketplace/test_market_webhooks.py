"""Notices called out to organisations' webhooks: signed, tried again, and never into a private network."""

import ipaddress
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread, Timer

import pytest
from market import DAY, KEYS, LABOUR, NOW, TAX, Market
from notice_desk import ALL, PIN, a_caller, about, deliver, here, open_desk, tell
from office import person
from receivers import Receiver

from compute.web.tls import make_ca, make_certificate
from marketplace.calling import MAX_BODY, Caller
from marketplace.errors import ConflictError, InvalidError, NotFoundError
from marketplace.flow import delivery as delivering
from marketplace.flow.delivery import DeliveryState
from marketplace.flow.notice import Topic
from marketplace.flow.webhook import MAX_WEBHOOKS, check_url, is_public
from marketplace.mail import DeliveryError


@pytest.fixture
def market(enrolled: Path | str) -> Iterator[Market]:
    with open_desk(enrolled) as market:
        yield market


def test_a_webhook_gets_each_notice_signed_by_the_marketplace(market: Market, hook: Receiver) -> None:
    market.exchange.notices.add_webhook(TAX, hook.url, ALL)
    tell(market)
    tell(market, LABOUR)
    caller = a_caller(hook)
    assert deliver(market, caller) == 1
    (call,) = hook.calls
    call.check(hook.url, "market", PIN)
    body = json.loads(call.body)
    assert body.pop("id").startswith("delivery-")
    assert body == {
        "type": "notice",
        "organisation": TAX,
        "topic": "contract_drafted",
        "about": "contract-1",
        "at": NOW,
        "data": {"due": NOW},
    }
    assert call.path == "/in"
    assert call.headers["Host"] == f"hook.example:{hook.port}"
    assert deliver(market, caller) == 0
    caller.close()


def test_topics_are_chosen_and_what_is_for_one_person_stays(market: Market, hook: Receiver) -> None:
    market.exchange.notices.add_webhook(TAX, hook.url, frozenset({Topic.CONTRACT_STOPPED}))
    tell(market)
    tell(market, topic=Topic.CONTRACT_STOPPED, member="li")
    tell(market, topic=Topic.CONTRACT_STOPPED)
    assert deliver(market, a_caller(hook)) == 1
    assert json.loads(hook.calls[0].body)["topic"] == "contract_stopped"


def test_what_fails_is_tried_again_and_again_for_a_day(market: Market, hook: Receiver) -> None:
    webhook = market.exchange.notices.add_webhook(TAX, hook.url, ALL)
    tell(market)
    hook.status = 503
    caller, began = a_caller(hook), market.clock.now
    pauses = []
    while (state := _state(market, webhook.id)) is not DeliveryState.DEAD:
        before = market.clock.now
        assert deliver(market, caller) == 1
        held = market.exchange.notices.deliveries(TAX, webhook.id)[0]
        if held.state is DeliveryState.DEAD:
            break
        pauses.append(held.due - before)
        market.clock.now = held.due
        assert market.clock.now - began <= DAY, state
    assert pauses[:4] == [30_000, 60_000, 120_000, 240_000]
    assert max(pauses) == delivering.LONGEST_PAUSE
    assert len({json.loads(call.body)["id"] for call in hook.calls}) == 1  # its receiver knows the repeats
    assert len({call.headers["Signature"] for call in hook.calls}) == len(hook.calls) == len(pauses) + 1
    assert about(market, None) == ["delivery_failed", "contract_drafted"]
    deliver(market, caller)
    assert _state(market, webhook.id) is DeliveryState.DEAD
    assert len(hook.calls) == len(pauses) + 1  # and of that the webhook is not told


def _state(market: Market, webhook: str) -> DeliveryState | None:
    held = market.exchange.notices.deliveries(TAX, webhook)
    return held[0].state if held else None


@pytest.mark.parametrize(("status", "location"), [(301, "https://127.0.0.1/"), (404, None), (500, None)])
def test_anything_but_success_is_no_delivery(
    market: Market, hook: Receiver, status: int, location: str | None
) -> None:
    webhook = market.exchange.notices.add_webhook(TAX, hook.url, ALL)
    tell(market)
    hook.status, hook.location = status, location
    deliver(market, a_caller(hook))
    assert len(hook.calls) == 1  # a redirect is not followed
    (held,) = market.exchange.notices.deliveries(TAX, webhook.id)
    assert (held.state, held.problem) == (DeliveryState.WAITING, f"the answer was {status}")
    hook.status = 200
    market.clock.now = held.due
    deliver(market, a_caller(hook))
    assert _state(market, webhook.id) is DeliveryState.DELIVERED


def test_what_is_gone_is_given_up_at_once(market: Market, hook: Receiver) -> None:
    webhook = market.exchange.notices.add_webhook(TAX, hook.url, ALL)
    tell(market)
    hook.status = 410
    deliver(market, a_caller(hook))
    assert _state(market, webhook.id) is DeliveryState.DEAD


def test_an_attempt_that_died_is_made_again_after_its_lease(market: Market, hook: Receiver) -> None:
    market.exchange.notices.add_webhook(TAX, hook.url, ALL)
    tell(market)
    deliverer = market.exchange.deliverer(a_caller(hook), None)
    deliverer._spread()
    assert len(deliverer._lease()) == 1  # and the process is killed here
    assert deliver(market, a_caller(hook)) == 0
    market.clock.now += delivering.LEASE
    assert deliver(market, a_caller(hook)) == 1
    assert len(hook.calls) == 1


def test_a_certificate_of_another_name_is_refused(hook: Receiver) -> None:
    caller = a_caller(hook)
    with pytest.raises(DeliveryError, match="no answer: ConnectError"):
        caller.call(hook.url.replace("hook.example", "other.example"), b"{}")
    assert hook.calls == []


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104
        *("224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fd00::1", "ff02::1"),
        *(
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001:db8::1",
        ),
    ],
)
def test_no_address_that_is_not_public_is_called(hook: Receiver, address: str) -> None:
    found = ipaddress.ip_address(address)
    assert not is_public(found)
    literal = f"[{address}]" if found.version == 6 else address
    with pytest.raises(InvalidError):
        check_url(f"https://{literal}/", allow_private=False)
    for resolved in ([found], [ipaddress.ip_address("93.184.216.34"), found]):  # also as one of several
        caller = Caller("market", KEYS["market"], allow_private=False, resolve=lambda *_, it=resolved: it)
        with pytest.raises(DeliveryError, match="not public"):
            caller.call("https://rebinds.example/", b"{}")
        caller.close()
    assert hook.calls == []


def test_a_receiver_that_drips_holds_nobody_up(tmp_path: Path) -> None:
    ca = make_ca(tmp_path)
    pair = make_certificate(ca, "hook", ["hook.example"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    stopped = Event()

    def drip(listening: socket.socket) -> None:
        with suppress(OSError):
            held, _ = listening.accept()
            with context.wrap_socket(held, server_side=True) as stream:
                stream.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not stopped.wait(0.05):  # each within the time for one read
                    stream.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Thread(target=drip, args=(listening,))
        server.start()
        giving_up = Timer(20, stopped.set)  # then the test has failed
        giving_up.start()
        caller = Caller(
            "market", KEYS["market"], allow_private=True, authority=ca.certificate, resolve=here, limit=0.5
        )
        try:
            with pytest.raises(DeliveryError, match="no answer"):
                caller.call(f"https://hook.example:{listening.getsockname()[1]}/", b"{}")
            assert not stopped.is_set()
        finally:
            stopped.set()
            giving_up.cancel()
            caller.close()
            server.join()


def test_public_addresses_are_called() -> None:
    for address in ("93.184.216.34", "2606:2800:220:1::1"):
        assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://hook.example/",
            "ftp://hook.example/",
            "https://",
            "https:///x",
            "hook.example/in",
            "https://a b/",
        ),
        *(
            "https://user@hook.example/",
            "https://user:pw@hook.example/",
            "https://hook.example/#x",
            "https://[::1/",
        ),
        *("https://hook.example:99999/", "https://localhost/", "https://LOCALHOST./", "https://h\\@evil.example/"),
        *("https://例子.example/", "https://hook.example/\r\nX: y", f"https://hook.example/{'a' * 500}"),
    ],
)
def test_a_url_is_https_to_a_host(url: str) -> None:
    with pytest.raises(InvalidError) as refused:
        check_url(url, allow_private=False)
    assert set(refused.value.fields) == {"url"}


def test_a_body_is_bounded(hook: Receiver) -> None:
    with pytest.raises(DeliveryError) as refused:
        a_caller(hook).call(hook.url, b"x" * (MAX_BODY + 1))
    assert refused.value.is_final
    assert hook.calls == []


def test_webhooks_are_an_organisations_own(market: Market, hook: Receiver) -> None:
    notices = market.exchange.notices
    made = notices.add_webhook(TAX, hook.url, ALL)
    for stranger in (LABOUR, person("chen", LABOUR), "operator"):
        assert notices.webhooks(stranger) == []
        with pytest.raises(NotFoundError):
            notices.deliveries(stranger, made.id)
        with pytest.raises(NotFoundError):
            notices.remove_webhook(stranger, made.id)
    with pytest.raises(InvalidError, match="inbox only"):
        notices.add_webhook(TAX, hook.url, frozenset({Topic.DELIVERY_FAILED}))
    for _ in range(MAX_WEBHOOKS - 1):
        notices.add_webhook(TAX, hook.url, ALL)
    with pytest.raises(ConflictError, match="has 10 webhooks"):
        notices.add_webhook(TAX, hook.url, ALL)
    tell(market)
    caller = a_caller(hook)
    market.exchange.deliverer(caller, None)._spread()
    notices.remove_webhook(TAX, made.id)
    assert deliver(market, caller) == MAX_WEBHOOKS
    assert len(hook.calls) == MAX_WEBHOOKS - 1  # what was on its way to it is given up
