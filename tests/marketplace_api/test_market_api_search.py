import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from market import BANK, LABOUR, TAX, VERSIONS
from marketplace_api.process import Server

from compute.market.products import StopReason
from compute.web.errors import PeerProblemError


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[httpx.Client]:
    """Somebody without a key."""
    trust = ssl.create_default_context(cafile=str(server.folder / "ca.pem"))
    with httpx.Client(base_url=server.url, verify=trust, trust_env=False) as client:
        yield client


def errors(browser: httpx.Client, **query: Any) -> list[tuple[str, str]]:
    answer = browser.get("/products", params=query)
    assert answer.status_code == 422, answer.text
    return [(each["location"], each["field"]) for each in answer.json()["errors"]]


def test_anybody_finds_products_by_words_and_facets(browser: httpx.Client) -> None:
    found = browser.get("/products", params={"text": "登记", "kind": ["dataset", "api"], "provider": TAX}).json()
    assert {(each["provider"], each["product"]) for each in found["items"]} == {VERSIONS[TAX][:2]}
    counts = {
        each["facet"]: {value["value"]: value["products"] for value in each["values"]} for each in found["facets"]
    }
    assert counts["provider"][TAX] == 1
    assert counts["kind"] == {"dataset": 1, "api": 0}
    assert list(counts) == ["theme", "kind", "provider", "grade", "delivery", "price", "refresh"]


def test_the_client_walks_all_pages(server: Server) -> None:
    with server.client(BANK) as bank:
        whole = [(each.provider, each.product) for each in bank.products()]
        first = bank.catalog.search(limit=1, sort="title")
        assert first.next is not None
        second = bank.catalog.search(limit=1, sort="title", cursor=first.next)
        assert {each.provider for each in (*first.items, *second.items)} <= {TAX, LABOUR}
        assert first.items != second.items
        assert bank.catalog.search("social insurance", theme=["legal_entity", "population"]).total <= 1
        assert {each.provider for each in bank.catalog.all(provider=[LABOUR])} == {LABOUR}
    assert set(whole) >= {VERSIONS[TAX][:2], VERSIONS[LABOUR][:2]}
    assert len(set(whole)) == len(whole)


@pytest.mark.parametrize("facet", ["theme", "kind", "grade", "delivery", "price", "refresh", "sort", "versions"])
def test_an_unknown_value_is_refused_by_its_field(browser: httpx.Client, facet: str) -> None:
    located = errors(browser, **{facet: "nothing"})
    assert [(place, field.partition(".")[0]) for place, field in located] == [("query", facet)]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1_0", "x", "٥"])
def test_a_page_has_1_to_100(browser: httpx.Client, limit: str) -> None:
    assert errors(browser, limit=limit) == [("query", "limit")]


@pytest.mark.parametrize("text", ["x" * 201, "!!!", "***"])
def test_a_text_that_nothing_is_found_by_is_refused(browser: httpx.Client, text: str) -> None:
    assert [field for _, field in errors(browser, text=text)] == ["text"]


def test_a_long_line_is_refused_before_it_is_read(browser: httpx.Client) -> None:
    with suppress(httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):  # it may hang up meanwhile
        assert browser.get("/products", params={"text": "x" * 60_000}).status_code == 400
    assert browser.get("/products").status_code == 200


def test_bytes_that_are_no_text_find_nothing(browser: httpx.Client) -> None:
    for text in ("%ff%fe", "%e7%99", "%ed%a0%80"):
        assert browser.get(f"/products?text={text}").json()["total"] == 0
    assert browser.get("/products?text=%00%00x%00").status_code == 400  # what nobody sees


@pytest.mark.parametrize(
    "cursor", ["x", "", "W10", "WyJ0aXRsZSIsInh4IiwxXQ", "WyJuZXdlc3QiLDAsLTFd", "WyJuZXdlc3QiLC01LDFd"]
)
def test_a_cursor_that_was_not_given_out_is_refused(browser: httpx.Client, cursor: str) -> None:
    assert [field for _, field in errors(browser, cursor=cursor, sort="newest")] == ["cursor"]


def test_a_cursor_is_of_one_order(browser: httpx.Client) -> None:
    cursor = browser.get("/products", params={"limit": 1, "sort": "newest"}).json()["next"]
    for sort in ("title", "price", "relevance"):
        assert [field for _, field in errors(browser, cursor=cursor, sort=sort)] == ["cursor"]


def test_a_cursor_behind_everything_costs_nothing(browser: httpx.Client) -> None:
    far = "WyJuZXdlc3QiLDAsOTIyMzM3MjAzNjg1NDc3NTgwN10"  # ["newest",0,9223372036854775807]
    assert len(browser.get("/products", params={"cursor": far, "sort": "newest"}).json()["items"]) >= 2


def test_who_has_the_page_gets_it_again_only_once_the_catalog_has_changed(
    server: Server, browser: httpx.Client
) -> None:
    first = browser.get("/products")
    assert first.headers["Cache-Control"] == "no-cache"
    held = {"If-None-Match": first.headers["ETag"]}
    again = browser.get("/products", headers=held)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    with server.client("operator") as operator:
        operator.product_desk.suspend(*VERSIONS[LABOUR], StopReason.OTHER)
        try:
            changed = browser.get("/products", headers=held)
            assert changed.status_code == 200
            assert LABOUR not in {each["provider"] for each in changed.json()["items"]}
        finally:
            operator.product_desk.reinstate(*VERSIONS[LABOUR])


def test_a_refusal_to_a_signed_request_is_proven(server: Server) -> None:
    with server.client(BANK) as bank, pytest.raises(PeerProblemError) as refused:
        bank.catalog.search(theme=["nothing"])
    assert refused.value.status == 422
