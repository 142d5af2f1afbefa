"""Notices reach those they are for: the inbox, what they say, and the worker that takes them out."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from string import Formatter
from threading import Event, Thread

import pytest
from market import BANK, DAY, LABOUR, NOW, TAX, Market
from notice_desk import a_caller, about, open_desk, tell
from office import person
from receivers import Receiver

from audit.errors import LogError
from marketplace import notice_texts
from marketplace.commands import deadlines
from marketplace.errors import NotFoundError
from marketplace.flow import delivery as delivering
from marketplace.flow.delivery import Channel, Delivery, DeliveryState
from marketplace.flow.notice import Notice, Topic
from marketplace.flow.states import Move
from marketplace.gate import Gate


@pytest.fixture
def market(enrolled: Path | str) -> Iterator[Market]:
    with open_desk(enrolled) as market:
        yield market


@pytest.mark.both_databases
def test_a_notice_is_for_an_organisation_a_role_or_a_member(market: Market) -> None:
    tell(market)
    tell(market, topic=Topic.CONTRACT_ACTIVATED, role="leader")
    tell(market, topic=Topic.CONTRACT_STOPPED, member="li")
    tell(market, LABOUR, topic=Topic.STEP_OVERDUE)
    assert about(market, "li") == ["contract_stopped", "contract_drafted"]
    assert about(market, "sun") == ["contract_activated", "contract_drafted"]
    assert about(market, "wang") == ["contract_drafted"]
    assert about(market, None) == ["contract_stopped", "contract_activated", "contract_drafted"]
    assert about(market, "chen", LABOUR) == ["step_overdue"]


@pytest.mark.both_databases
def test_what_one_has_read_is_ones_own(market: Market) -> None:
    for _ in range(3):
        tell(market)
    inbox = market.exchange.notices
    held = inbox.page(person("li"), None, 20, unread=True)
    assert (len(held), inbox.unread(person("li"))) == (3, 3)
    assert inbox.read(person("li"), held[0].id).is_read
    assert inbox.read(person("li"), held[0].id).is_read  # again is the same
    assert (inbox.unread(person("li")), inbox.unread(person("sun")), inbox.unread(TAX)) == (2, 3, 3)
    assert inbox.read_all(person("li"), held[1].id) == 2
    assert inbox.page(person("li"), None, 20, unread=True) == []
    assert [each.is_read for each in inbox.page(person("li"), None, 20, unread=False)] == [True] * 3
    with pytest.raises(NotFoundError):
        inbox.read(person("chen", LABOUR), held[0].id)


def test_pages_go_on_behind_what_was_seen(market: Market) -> None:
    for _ in range(5):
        tell(market)
    inbox = market.exchange.notices
    held = [each.id for each in inbox.page(TAX, None, 10, unread=False)]
    first = inbox.page(TAX, None, 2, unread=False)
    tell(market)  # what comes meanwhile moves nothing
    rest = inbox.page(TAX, first[-1].id, 10, unread=False)
    assert [each.id for each in (*first, *rest)] == held
    assert len(held) == 5


# --- texts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", sorted(notice_texts.templates()))
def test_a_text_names_what_it_is_about_or_when(topic: Topic) -> None:
    text = notice_texts.templates()[topic]
    for each in (text.zh, text.en):
        names = {name for _, name, _, _ in Formatter().parse(each) if name is not None}
        assert names <= {
            "about",
            "due",
            "since",
            "until",
            "holder",
            "noun",
            "state",
            "matter",
            "channel",
            "whose",
            "whom",
            "month",
            "move",
            "party",
            "reason",
            "version",
        }
        assert names & {"about", "until"}


def test_every_topic_says_something_in_both_languages() -> None:
    for topic in Topic:
        notice = Notice(
            BANK,
            topic,
            "contract-1",
            NOW,
            data={"due": NOW, "since": NOW, "until": NOW, "month": "2026-11", "version": 2}
            | dict.fromkeys(("holder", "whose", "whom", "party"), TAX)
            | {"move": Move.REVOKE.value, "reason": "breach"},
        )
        texts = [notice_texts.sentence(notice, "zh"), notice_texts.sentence(notice, "en")]
        assert len(set(texts)) == 2
        assert not any("{" in each or "–" in each for each in texts)


def test_moves_and_reasons_are_told_as_people_call_them() -> None:
    data: dict[str, str | int] = {"move": "revoke", "reason": "a_later_one"}
    notice = Notice(BANK, Topic.CONTRACT_STOPPED, "contract-1", NOW, data=data)
    assert "撤销;事由:a_later_one" in notice_texts.sentence(notice, "zh")
    assert "(Revoked; a_later_one)" in notice_texts.sentence(notice, "en")


def test_times_are_those_of_shanghai() -> None:
    notice = Notice(BANK, Topic.APPROVAL_WAITING, "approval-1", NOW, data={"due": 1_795_000_000_000})
    assert "2026-11-18 19:06" in notice_texts.sentence(notice, "en")


def test_a_delivery_is_given_up_after_a_day() -> None:
    made = Delivery("delivery-1", 1, TAX, Channel.WEBHOOK, "webhook-1", 0, 0)
    tried = replace(made, attempts=9)
    assert delivering.failed(tried, "x", DAY - delivering.LONGEST_PAUSE).state is DeliveryState.WAITING
    assert delivering.failed(tried, "x", DAY).state is DeliveryState.DEAD
    assert delivering.failed(made, "x", 0, is_final=True).state is DeliveryState.DEAD


# --- the worker -----------------------------------------------------------------------------------------------


def test_the_worker_delivers_and_states_what_is_due(market: Market, hook: Receiver) -> None:
    market.exchange.notices.add_webhook(TAX, hook.url, frozenset({Topic.STEP_OVERDUE}))
    with Gate(market.exchange.log, market.setting).housekeeping() as step:
        deadlines.set(step, "application", "contract-1", TAX, step.now + DAY)
    market.clock.now += DAY
    stopped = Event()
    worker = Thread(target=market.exchange.deliverer(a_caller(hook), None).run, args=(stopped,))
    worker.start()
    until = time.monotonic() + 15
    while not hook.calls and time.monotonic() < until:
        time.sleep(0.01)
    stopped.set()
    worker.join()
    assert [json.loads(call.body)["topic"] for call in hook.calls] == ["step_overdue"]
    assert market.kinds()[-1] == "step_escalated"


def test_a_database_that_is_away_does_not_end_the_worker(
    market: Market, hook: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deliverer, stopped = market.exchange.deliverer(a_caller(hook), None), Event()
    rounds: list[int] = []

    def away(_pool: object) -> int:
        rounds.append(1)
        if len(rounds) == 3:
            stopped.set()
        raise LogError("the database is away")

    monkeypatch.setattr(deliverer, "step", away)
    monkeypatch.setattr("marketplace.delivery.INTERVAL", 0.0)
    deliverer.run(stopped)
    assert len(rounds) == 3
    assert caplog.text.count("the database is away") == 1
