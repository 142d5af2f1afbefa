"""What stops with a source, how a suspension ends, and who reviews: a version's life among others."""

import pytest
from derived import derived
from entry import profile_of
from market import BANK, DAY, LABOUR, STOP, TAX, VERSIONS, Market, passing
from store_contents import rows

from catalog.dcat.dates import Dates
from catalog.search.query import Query
from compute.market.products import Outcome, ProductStop, Review, ReviewDecision, ReviewReason, StopReason
from compute.records import PartyKind
from marketplace.errors import ForbiddenError, InvalidError, WrongStateError
from marketplace.flow.actor import Principal
from marketplace.flow.permission import AccessRole
from marketplace.flow.product import Key
from marketplace.flow.states import ProductState
from marketplace.store.migration import migrate

SOURCE, FIRST, SECOND = VERSIONS[LABOUR], (TAX, "derived", "1.0.0"), (TAX, "again", "1.0.0")
OTHERS = 'reason = { zh = "去除明细", en = "Without detail" }'
PASSWORD = "Regen auf Hainan im Juni"  # noqa: S105 -- of accounts that are made here


def states(market: Market, *keys: Key) -> list[str]:
    return [market.exchange.products.version(key).state.value for key in keys]


def topics(market: Market, organisation: str) -> list[tuple[str, object]]:
    found = market.exchange.notices.page(organisation, None, 100, unread=False)
    return [(each.notice.about, each.notice.data.get("reason")) for each in found]


@pytest.fixture
def chain(market: Market) -> Market:
    """Another department's product was derived from a product, and one more from that."""
    market.offer(TAX, derived(SOURCE, "general_3", reason=OTHERS))
    market.offer(TAX, derived(FIRST, "general_2", name="again"))
    return market


def test_what_comes_from_a_suspended_product_is_suspended(chain: Market) -> None:
    products = chain.exchange.products
    products.suspend("operator", SOURCE, STOP)
    assert states(chain, SOURCE, FIRST, SECOND, VERSIONS[TAX]) == ["suspended"] * 3 + ["listed"]
    for key in (FIRST, SECOND):
        assert (" ".join(key), "source") in topics(chain, TAX)
        last = products.record(TAX, key)[2][-1]
        assert (last.move, last.reason, last.organisation) == ("suspend", "source", "market")
    assert [each.detail.get("reason") for each in chain.exchange.log.entries()][-2:] == ["source", "source"]
    with pytest.raises(InvalidError) as refused:
        products.reinstate("operator", FIRST)
    assert {*refused.value.fields} == {"derivation.sources.social-insurance"}
    with pytest.raises(InvalidError):
        products.reinstate("operator", SECOND)
    for key in (SOURCE, FIRST, SECOND):  # in their order, as the operator decides
        assert products.reinstate("operator", key).state is ProductState.LISTED
    chain.check()


def test_what_comes_from_a_delisted_product_waits_for_the_operator(chain: Market) -> None:
    chain.exchange.products.delist(LABOUR, SOURCE, ProductStop(reason=StopReason.DISCONTINUED))
    assert states(chain, SOURCE, FIRST, SECOND) == ["delisted", "suspended", "suspended"]
    assert chain.exchange.products.reinstate("operator", FIRST).state is ProductState.LISTED


def test_an_ended_resource_reaches_what_was_derived(chain: Market) -> None:
    chain.exchange.resources.cancel(LABOUR, (LABOUR, "DEMO-SS-0001"))
    assert states(chain, SOURCE, FIRST, SECOND) == ["suspended"] * 3


def test_nobody_stops_or_lists_in_the_marketplace_s_name(chain: Market) -> None:
    products = chain.exchange.products
    with pytest.raises(InvalidError, match="itself stops"):
        products.suspend("operator", FIRST, ProductStop(reason=StopReason.SOURCE))
    products.suspend("operator", SOURCE, STOP)
    with pytest.raises(InvalidError, match=r"derivation\.sources"):
        products.publish(TAX, derived(SOURCE, "general_3", reason=OTHERS, name="late"))


def test_a_delisted_version_comes_back_delisted(market: Market) -> None:
    products, key = market.exchange.products, VERSIONS[TAX]
    permit = market.exchange.permits.load(BANK, market.active(), TAX).id
    products.delist(TAX, key, STOP)
    products.suspend("operator", key, STOP)
    assert not market.exchange.permits.status(BANK, permit, b"\1" * 32).statement.active
    for _ in range(2):  # and once more: it never comes back on offer
        assert products.reinstate("operator", key).state is ProductState.DELISTED
        assert market.exchange.permits.status(BANK, permit, b"\2" * 32).statement.active
        with pytest.raises(WrongStateError):
            products.reinstate("operator", key)
        products.suspend("operator", key, STOP)


def test_an_upgrade_finds_what_was_derived_before(chain: Market) -> None:
    held = rows(chain.path)["product_sources"]
    assert len(held) == 2
    migrate(chain.path, "0002")
    migrate(chain.path)
    assert rows(chain.path)["product_sources"] == held


def test_the_catalog_tells_when_a_version_was_first_listed_and_last_changed(market: Market) -> None:
    products, search, key = market.exchange.products, market.exchange.product_search, VERSIONS[TAX]
    listed = market.clock.now
    assert search.dates(search.find(Query(), None, 10))[key] == Dates(listed, listed)
    market.clock.now += DAY
    products.suspend("operator", key, STOP)
    market.clock.now += DAY
    products.reinstate("operator", key)
    assert search.dates(search.find(Query(), None, 10))[key] == Dates(listed, listed + 2 * DAY)


# --- two reviews, two persons ---------------------------------------------------------------------------------


def reviewers(market: Market, *logins: str) -> list[Principal]:
    """People of the operator who review."""
    exchange = market.exchange
    if not market.exchange.organisations.titles(["operator"])["operator"][0].startswith("机构"):
        profile = profile_of("operator", PartyKind.OPERATOR)
        exchange.organisations.found_operator(profile, "first", "甲")
    made = []
    for login in logins:
        invited = exchange.members.invite(
            Principal("operator", "member-0"), login, "乙", [AccessRole.OPERATOR_REVIEWER], None
        )
        exchange.members.take(invited.token, PASSWORD, "192.0.2.7")
        exchange.members.confirm("operator", invited.member.id)
        made.append(Principal("operator", invited.member.id))
    return made


def test_one_person_does_not_list_a_product_where_there_are_two(market: Market) -> None:
    products = market.exchange.products
    one, two = reviewers(market, "one", "two")
    listing = products.publish(TAX, derived(VERSIONS[TAX], "general_2"))
    first, second = (passing(listing.digest, each) for each in Review)
    products.review(one, listing.key, first)
    with pytest.raises(ForbiddenError, match="you have passed the other review"):
        products.review(one, listing.key, second)
    assert products.record(TAX, listing.key)[0].state is ProductState.SUBMITTED
    assert products.review(two, listing.key, second).state is ProductState.LISTED


def test_nor_under_a_colleague_s_name(market: Market) -> None:
    products, people = market.exchange.products, market.exchange.members
    one, two = reviewers(market, "one", "two")
    listing = products.publish(TAX, derived(VERSIONS[TAX], "general_2"))
    first, second = (passing(listing.digest, each) for each in Review)
    products.review(one, listing.key, first)
    again = people.reinvite(Principal("operator", one.member), two.member or "")
    people.take(again.token, PASSWORD, "192.0.2.7")
    with pytest.raises(ForbiddenError, match="this takes two people"):
        products.review(two, listing.key, second)


def test_one_key_does_not_either(market: Market) -> None:
    products = market.exchange.products
    reviewers(market, "one", "two")
    listing = products.publish(TAX, derived(VERSIONS[TAX], "general_2"))
    first, second = (passing(listing.digest, each) for each in Review)
    products.review("operator", listing.key, first)
    with pytest.raises(ForbiddenError, match="you have passed the other review"):
        products.review("operator", listing.key, second)


def test_who_is_alone_reviews_alone_and_whoever_sees_a_fault_says_so(market: Market) -> None:
    products = market.exchange.products
    (one,) = reviewers(market, "one")
    alone = products.publish(TAX, derived(VERSIONS[TAX], "general_2"))
    for each in Review:
        last = products.review(one, alone.key, passing(alone.digest, each))
    assert last.state is ProductState.LISTED
    reviewers(market, "two")
    listing = products.publish(TAX, derived(VERSIONS[TAX], "general_2", name="again"))
    first, second = Review
    products.review(one, listing.key, passing(listing.digest, first))
    returned = ReviewDecision(
        review=second,
        outcome=Outcome.RETURNED,
        digest=listing.digest,
        reason=ReviewReason.SAMPLE,
        remark="样例太少",
    )
    assert products.review(one, listing.key, returned).state is ProductState.RETURNED
