import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import postgres
import pytest
from begun import Stage, open_begun
from catalog_texts import description, listing
from market import LABOUR, TAX, Market, open_market

from catalog.search.document import Facet, Sort
from catalog.search.order import Key
from catalog.search.query import read_query
from marketplace.commands.product_search import Found
from marketplace.flow.product import Listing
from marketplace.flow.states import ProductState
from marketplace.store import product_search, products

FREE, USE = '{ plan = "free" }', '{ plan = "per_use", amount_fen = %d }'
CORPUS = [
    listing(text)
    for text in (
        description("tax-credit", "纳税信用等级", "Tax credit rating", theme="social_credit", price=FREE),
        description("social-insurance", "社会保险缴费", "Social insurance", provider=LABOUR, theme="population"),
        description(
            "loans", "小微企业贷款", "Small loans", field=("rating", "信用等级", "Credit rating"), price=USE % 300
        ),
        description(
            "ports",
            "口岸货运",
            "Port freight",
            summary=("含企业信用记录", "With credit records"),
            grade="general_3",
        ),
        description(
            "hotels",
            "酒店入住",
            "Hotel stays",
            theme="tourism",
            refresh="daily",
            delivery=("encrypted", "aggregate"),
        ),
        description(
            "visitors", "游客信用消费", "Visitors' spending", theme="tourism", refresh="monthly", price=USE % 20
        ),
    )
]


@pytest.fixture(params=["sqlite", "postgresql"])
def market(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Market]:
    if request.param == "sqlite":
        with open_begun(tmp_path / "market.db", Stage.ENROLLED) as made:
            yield made
        return
    url = request.getfixturevalue("postgres_url")
    with postgres.database(url) as database, open_market(database) as made:
        made.enrol()
        yield made


def add(market: Market, *listings: Listing) -> None:
    with market.exchange.log.transaction() as batch:
        for each in listings:
            products.add(batch.connection, each)


def move(market: Market, old: Listing, state: ProductState) -> Listing:
    new = replace(old, state=state)
    with market.exchange.log.transaction() as batch:
        products.move(batch.connection, old, new)
    return new


def find(market: Market, text: str = "", after: Key | None = None, limit: int = 100, **asked: Any) -> Found:
    sort, versions = asked.pop("sort", None), asked.pop("every_version", False)
    values = {Facet(name): frozenset(wanted) for name, wanted in asked.items()}
    query = read_query(text, values, sort, every_version=versions)
    return market.exchange.product_search.find(query, after, limit)


def ids(found: Found) -> list[str]:
    return [card.product for card in found.cards]


def test_words_in_a_title_go_before_those_of_a_field_and_of_the_rest(market: Market) -> None:
    add(market, *CORPUS)
    assert ids(find(market, "信用")) == ["visitors", "tax-credit", "loans", "ports"]
    assert ids(find(market, "credit rat")) == ["tax-credit", "loans"]
    assert ids(find(market, "credit")) == ["tax-credit", "loans", "ports"]
    assert ids(find(market, "信用 企业")) == ["visitors", "loans", "tax-credit", "ports"]  # every code is 企业代码
    assert ids(find(market, "口岸 hotel")) == []
    assert ids(find(market, "社")) == ["social-insurance", "tax-credit"]  # the second by its theme


def test_facets_count_what_choosing_would_leave(market: Market) -> None:
    add(market, *CORPUS)
    found = find(market, theme=["tourism"], refresh=["daily", "monthly"])
    assert ids(found) == ["visitors", "hotels"]
    assert found.counts[Facet.THEME] == {"tourism": 2}  # of what is renewed daily or monthly
    assert found.counts[Facet.REFRESH] == {"daily": 1, "monthly": 1}
    assert found.counts[Facet.PRICE] == {"per_use": 1}
    assert find(market).counts[Facet.THEME] == {"industry": 2, "tourism": 2, "population": 1, "social_credit": 1}
    assert find(market, "信用").counts[Facet.PROVIDER] == {TAX: 4}
    assert find(market, delivery=["aggregate"]).total == 1


def test_only_what_is_listed_is_found_and_at_once(market: Market) -> None:
    add(market, *CORPUS[:2])
    before = market.exchange.product_search.revision()
    stopped = move(market, CORPUS[0], ProductState.SUSPENDED)
    assert market.exchange.product_search.revision() != before
    assert ids(find(market)) == ["social-insurance"]
    assert find(market, "纳税").total == 0
    assert find(market).counts[Facet.THEME] == {"population": 1}
    move(market, stopped, ProductState.LISTED)
    assert ids(find(market)) == ["social-insurance", "tax-credit"]  # where it stood before
    assert ids(find(market, "纳税")) == ["tax-credit"]
    add(market, listing(description("draft", "草稿"), ProductState.DRAFT))
    assert find(market, "草稿").total == 0


def test_what_is_rolled_back_is_not_found(market: Market) -> None:
    def interrupted() -> None:
        with market.exchange.log.transaction() as batch:
            products.add(batch.connection, CORPUS[0])
            raise RuntimeError("thought better of it")

    with pytest.raises(RuntimeError, match="thought better"):
        interrupted()
    assert find(market).total == 0
    add(market, CORPUS[1])
    assert ids(find(market)) == ["social-insurance"]


def test_the_latest_listed_version_is_found_unless_all_are_asked_for(market: Market) -> None:
    versions = ["1.10.0", "1.2.0", "2.0.0-rc.1"]
    made = [listing(description("tax-credit", "纳税信用等级", version=version)) for version in versions]
    add(market, *made)
    assert [card.version for card in find(market).cards] == ["1.10.0"]
    assert [card.version for card in find(market, every_version=True).cards] == ["2.0.0-rc.1", "1.2.0", "1.10.0"]
    move(market, made[0], ProductState.DELISTED)
    assert [card.version for card in find(market, "信用").cards] == ["1.2.0"]
    move(market, made[1], ProductState.DELISTED)
    assert [card.version for card in find(market).cards] == ["2.0.0-rc.1"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (Sort.NEWEST, ["visitors", "hotels", "ports", "loans", "social-insurance", "tax-credit"]),
        (Sort.TITLE, ["hotels", "ports", "tax-credit", "social-insurance", "loans", "visitors"]),
        (Sort.TITLE_EN, ["hotels", "ports", "loans", "social-insurance", "tax-credit", "visitors"]),
        (Sort.PRICE, ["tax-credit", "visitors", "loans", "hotels", "ports", "social-insurance"]),
    ],
)
def test_orders_hold_over_pages_while_products_come(market: Market, sort: Sort, expected: list[str]) -> None:
    add(market, *CORPUS)
    found = find(market, sort=sort, limit=2)
    shown, late = ids(found), 0
    while found.has_more:
        add(market, listing(description(f"late-{late}", "阿", "A", price=FREE)))  # before every cursor
        late += 1
        found = find(market, sort=sort, limit=2, after=found.places[-1])
        shown += ids(found)
    assert shown == expected


def test_a_second_process_sees_what_the_first_has_listed(market: Market) -> None:
    add(market, CORPUS[0])
    assert find(market).total == 1
    with open_market(market.path, market.clock) as other:
        assert ids(find(other)) == ["tax-credit"]
        add(other, CORPUS[1])
        assert ids(find(market, "社会保险")) == ["social-insurance"]
        move(market, CORPUS[0], ProductState.SUSPENDED)
        assert ids(find(other)) == ["social-insurance"]


def answers(market: Market) -> list[Any]:
    queries: list[dict[str, Any]] = [
        {"text": text, "sort": sort, "every_version": every}
        for text in ("", "信用", "a", "w1", "数据 w2")
        for sort in (None, Sort.TITLE, Sort.PRICE)
        for every in (False, True)
    ]
    found = [find(market, **query) for query in queries]
    return [(each.cards, each.total, each.counts) for each in found]


def test_an_index_made_anew_finds_what_the_kept_one_finds(market: Market) -> None:
    draw = random.Random(8)  # noqa: S311 -- the same in every run
    made = []
    for number in range(60):
        words = [f"w{draw.randrange(9)}" for _ in range(3)]
        zh = "".join(draw.choice(["信用", "数据", "税务"]) for _ in range(2))
        text = description(
            f"product-{number % 40}",
            zh,
            " ".join(words),
            version=f"1.{number}.0",
            summary=(draw.choice(["信用", "数据"]), draw.choice(words)),
            price=draw.choice([FREE, USE % 7, None]),
        )
        made.append(listing(text))
    add(market, *made[:50])
    move(market, made[3], ProductState.SUSPENDED)
    expected, revision = answers(market), market.exchange.product_search.revision()
    progress: list[tuple[int, int]] = []
    assert market.exchange.product_search.reindex(lambda *done: progress.append(done)) == 50
    assert progress == [(number + 1, 50) for number in range(50)]
    assert market.exchange.product_search.revision() != revision
    assert answers(market) == expected
    add(market, *made[50:])  # it goes on from there
    kept = answers(market)
    market.exchange.product_search.reindex(lambda *_: None)
    assert answers(market) == kept


def test_a_restored_index_is_another_one_with_the_same_products(market: Market) -> None:
    add(market, *CORPUS)
    found, revision = find(market, "信用"), market.exchange.product_search.revision()
    with market.exchange.log.transaction() as batch:
        product_search.renew(batch.connection)
    after = find(market, "信用")
    assert (after.cards, after.counts) == (found.cards, found.counts)
    assert revision != after.revision == market.exchange.product_search.revision()


def test_what_is_listed_while_an_index_is_made_anew_is_in_it(market: Market) -> None:
    add(market, *CORPUS[:3])
    changed: list[bool] = []

    def meanwhile(_done: int, _all: int) -> None:
        if not changed:
            changed.append(True)
            add(market, CORPUS[3])
            move(market, CORPUS[0], ProductState.SUSPENDED)

    assert market.exchange.product_search.reindex(meanwhile) == 4
    assert ids(find(market)) == ["ports", "loans", "social-insurance"]


def test_products_of_a_database_without_an_index_are_indexed_at_the_start(market: Market) -> None:
    add(market, *CORPUS)
    with market.exchange.log.transaction() as batch:
        for table in ("search_documents", "search_terms", "search_state"):
            batch.connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 -- of three names
    assert find(market).total == 0
    market.exchange.product_search.warm()
    assert find(market, "信用").total == 4
