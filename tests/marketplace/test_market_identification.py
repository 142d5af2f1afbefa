"""A subject shows who it is by a code: few tries, few messages, and nobody learns who there is."""

import pytest
from consent_desk import COMPANY, RIVAL, SOURCE, VISIT, identified
from market import Market
from subjects import telephone

from compute.canonical import HOUR
from marketplace.commands.identification import NotIdentifiedError
from marketplace.flow.identification import OF_SOURCE, TRIES, TooManyError


def test_a_code_is_guessed_five_times_and_no_more(market: Market) -> None:
    desk = market.exchange.identification
    desk.send_code(VISIT, SOURCE, COMPANY, telephone(COMPANY), None)
    market.exchange.messenger.deliver()
    right = market.mailbox.code(COMPANY)
    wrong = "000000" if right != "000000" else "000001"
    for _ in range(TRIES):
        with pytest.raises(NotIdentifiedError):
            desk.verify_code(VISIT, SOURCE, wrong)
    with pytest.raises(NotIdentifiedError):
        desk.verify_code(VISIT, SOURCE, right)


def test_a_code_is_for_one_browser_and_five_minutes_and_once(market: Market) -> None:
    desk = market.exchange.identification
    for spoil in ("w" * 43, None):
        desk.send_code(VISIT, SOURCE, COMPANY, telephone(COMPANY), None)
        market.exchange.messenger.deliver()
        if spoil is None:
            market.clock.now += 5 * 60 * 1000
        with pytest.raises(NotIdentifiedError):
            desk.verify_code(spoil or VISIT, SOURCE, market.mailbox.code(COMPANY))
    identified(market)
    with pytest.raises(NotIdentifiedError):
        desk.verify_code(VISIT, SOURCE, market.mailbox.code(COMPANY))


def test_no_answer_tells_whether_there_is_such_a_subject(market: Market) -> None:
    desk, wanted = market.exchange.identification, market.setting.subjects
    assert wanted is not None
    for subject, number, only in (
        (COMPANY, telephone(RIVAL), None),
        (COMPANY, telephone(COMPANY), wanted.tag(RIVAL)),
    ):
        desk.send_code(VISIT, SOURCE, subject, number, only)
        assert market.exchange.messenger.deliver() == 0
        with pytest.raises(NotIdentifiedError):
            desk.verify_code(VISIT, SOURCE, "123456")


def test_attempts_are_limited_by_subject_and_by_source(market: Market) -> None:
    desk = market.exchange.identification
    for turn in range(8):
        desk.send_code(VISIT, f"198.51.100.{turn}", COMPANY, telephone(COMPANY), None)
    assert market.exchange.messenger.deliver() == 5  # an hour's, and nothing says so
    for _ in range(OF_SOURCE[HOUR]):
        desk.send_code(VISIT, SOURCE, RIVAL, telephone(COMPANY), None)
    with pytest.raises(TooManyError):
        desk.send_code(VISIT, SOURCE, RIVAL, telephone(COMPANY), None)
    market.clock.now += HOUR + 1
    desk.send_code(VISIT, SOURCE, COMPANY, telephone(COMPANY), None)
    assert market.exchange.messenger.deliver() == 1
