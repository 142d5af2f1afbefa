"""E-mail addresses: nothing but a code goes to one until its reader confirms it, and no code is guessed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from market import TAX, Market
from notice_desk import about, open_desk, tell
from office import person
from postbox import Postbox, confirmed

from marketplace.errors import ForbiddenError, InvalidError, TooManyError
from marketplace.flow.actor import Principal
from marketplace.flow.address import CODE_LIFE, OF_ADDRESS, OF_MEMBER, TRIES
from marketplace.flow.notice import Topic

LI, SUN = person("li"), person("sun")
HERS, HIS = "li@tax.example", "sun@tax.example"
TOPICS = frozenset({Topic.CONTRACT_DRAFTED})


@pytest.fixture
def market(enrolled: Path | str) -> Iterator[Market]:
    with open_desk(enrolled) as market:
        yield market


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


def entered(market: Market, postbox: Postbox, who: Principal = LI, email: str = HERS) -> str:
    """The code that a member is sent to an address that it has entered."""
    market.exchange.notices.prefer(who, email, "zh", TOPICS)
    postbox.deliver(market.exchange)
    return postbox.code(email)


def another(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 10**8:08}"


def refused(market: Market, who: Principal, code: str) -> None:
    """The code is refused, in words that tell nothing of why, and that is in the log."""
    before = market.refusals()
    with pytest.raises(InvalidError, match="the code is wrong, used up or too old") as error:
        market.exchange.addresses.confirm(who, code)
    assert code not in str(error.value)
    assert market.refusals() == [*before, (TAX, "confirm_address", "invalid")]


@pytest.mark.both_databases
def test_nothing_but_a_code_goes_to_an_address_until_it_is_confirmed(market: Market, postbox: Postbox) -> None:
    code = entered(market, postbox)
    ((to, text),) = postbox.letters
    assert (to, text.splitlines()[0]) == (HERS, code)
    assert "veilmart market notice confirm" in text
    tell(market)
    assert postbox.deliver(market.exchange) == 0
    assert about(market, "li") == ["contract_drafted", "address_entered"]  # the inbox has all
    assert market.exchange.addresses.confirm(LI, code).confirmed == market.clock.now
    assert postbox.deliver(market.exchange) == 0  # what waited in the inbox stays there
    tell(market)
    assert postbox.deliver(market.exchange) == 1
    assert [to for to, _ in postbox.letters] == [HERS, HERS]
    assert about(market, "sun") == ["contract_drafted"] * 2  # nobody else hears of her address


@pytest.mark.both_databases
def test_five_guesses_use_a_code_up(market: Market, postbox: Postbox) -> None:
    code = entered(market, postbox)
    for _ in range(TRIES):
        refused(market, LI, another(code))
    refused(market, LI, code)  # it was right, and is too late
    again = entered(market, postbox)
    assert market.exchange.addresses.confirm(LI, again).confirmed is not None


def test_the_fifth_try_may_be_the_right_one(market: Market, postbox: Postbox) -> None:
    code = entered(market, postbox)
    for _ in range(TRIES - 1):
        refused(market, LI, another(code))
    assert market.exchange.addresses.confirm(LI, code).confirmed is not None


@pytest.mark.both_databases
def test_guesses_at_the_same_time_are_counted_each(market: Market, postbox: Postbox) -> None:
    code = entered(market, postbox)

    def guess(_number: int) -> str:
        try:
            market.exchange.addresses.confirm(LI, another(code))
        except InvalidError:
            return "refused"
        return "right"

    with ThreadPoolExecutor(TRIES) as pool:
        assert {*pool.map(guess, range(TRIES))} == {"refused"}
    refused(market, LI, code)


@pytest.mark.both_databases
def test_a_code_is_good_once(market: Market, postbox: Postbox) -> None:
    code = entered(market, postbox)
    market.exchange.addresses.confirm(LI, code)
    refused(market, LI, code)
    market.exchange.notices.prefer(LI, "other@tax.example", "zh", TOPICS)
    refused(market, LI, code)  # nor for the next address
    market.exchange.notices.prefer(LI, HERS, "zh", TOPICS)
    refused(market, LI, code)  # nor for the same one, entered anew


def test_a_code_is_good_for_its_own_member_only(market: Market, postbox: Postbox) -> None:
    """Whoever reads a colleague's mail, or has the same address, confirms nothing by her code."""
    hers, his = entered(market, postbox), entered(market, postbox, SUN, HIS)
    refused(market, SUN, hers)
    refused(market, LI, his)
    market.exchange.notices.prefer(SUN, HERS, "zh", TOPICS)
    refused(market, SUN, hers)
    assert market.exchange.addresses.confirm(LI, hers).email == HERS


def test_a_code_is_good_for_half_an_hour(market: Market, postbox: Postbox) -> None:
    code = entered(market, postbox)
    market.clock.now += CODE_LIFE
    refused(market, LI, code)


def test_only_the_last_code_counts(market: Market, postbox: Postbox) -> None:
    first = entered(market, postbox)
    second = entered(market, postbox)
    refused(market, LI, first)
    assert market.exchange.addresses.confirm(LI, second).confirmed is not None


@pytest.mark.both_databases
def test_another_address_starts_again(market: Market, postbox: Postbox) -> None:
    confirmed(market.exchange, LI, HERS, topics=TOPICS)
    tell(market)
    market.exchange.notices.prefer(LI, "new@tax.example", "zh", TOPICS)
    postbox.deliver(market.exchange)
    told = dict(postbox.letters)
    assert told.keys() == {"new@tax.example", HERS}  # its code; and the old one that, and nothing more
    assert "以其他邮箱替换了本邮箱" in told[HERS]
    assert "new@tax.example" not in told[HERS]
    tell(market)
    assert postbox.deliver(market.exchange) == 0
    market.exchange.addresses.confirm(LI, postbox.code("new@tax.example"))
    market.exchange.notices.prefer(LI, HERS, "zh", TOPICS)  # back again: it was confirmed once, and is not now
    wish = market.exchange.notices.preference(LI)
    assert wish is not None
    assert wish.confirmed is None


def test_other_topics_and_language_keep_a_confirmed_address(market: Market, postbox: Postbox) -> None:
    confirmed(market.exchange, LI, HERS)
    made = market.exchange.notices.prefer(LI, HERS, "en", TOPICS)
    assert made.confirmed is not None
    assert postbox.deliver(market.exchange) == 0
    tell(market)
    assert postbox.deliver(market.exchange) == 1


def test_nobody_is_flooded_with_codes(market: Market) -> None:
    prefer = market.exchange.notices.prefer
    for number in range(OF_MEMBER):
        prefer(LI, f"stranger-{number}@home.example", "zh", TOPICS)
    with pytest.raises(TooManyError, match="codes for a member"):
        prefer(LI, HERS, "zh", TOPICS)
    for number in range(OF_ADDRESS):
        prefer(person(f"clerk-{number}"), "Victim@home.example", "zh", TOPICS)
    with pytest.raises(TooManyError, match="codes to an address"):
        prefer(SUN, "victim@home.example", "zh", TOPICS)
    assert [each[1:] for each in market.refusals()] == [("prefer_notices", "too_many")] * 2
    assert market.exchange.notices.preference(SUN) is None


def test_a_code_lies_nowhere(market: Market, postbox: Postbox, caplog: pytest.LogCaptureFixture) -> None:
    """Neither database nor log nor the process's own log have it, also where the mail server is down."""
    postbox.is_down = True
    market.exchange.notices.prefer(LI, HERS, "zh", TOPICS)
    assert postbox.deliver(market.exchange) == 1
    postbox.is_down = False
    market.clock.now += 60_000
    assert postbox.deliver(market.exchange) == 1  # tried again, with a code of its own
    code = postbox.code(HERS)
    refused(market, LI, another(code))
    assert code.encode() not in market.stored()
    assert code not in caplog.text
    assert market.exchange.addresses.confirm(LI, code).confirmed is not None
    market.check()


def test_a_node_or_a_machine_has_no_address(market: Market) -> None:
    for who in (Principal(TAX), Principal(TAX, key="key-1")):
        with pytest.raises(ForbiddenError, match="log in"):
            market.exchange.addresses.confirm(who, "00000000")


def test_who_is_stopped_guesses_nothing(market: Market, postbox: Postbox) -> None:
    code = entered(market, postbox)
    market.exchange.organisations.suspend("operator", TAX, "breach")
    with pytest.raises(ForbiddenError, match="is suspended"):
        market.exchange.addresses.confirm(LI, code)
