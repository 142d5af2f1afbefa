"""A legend tells what identifiers are called, to who may read the terms, and changes nothing that is signed."""

import hashlib

import pytest
from entry import profile_of
from market import BANK, KINDS, LABOUR, OTHER, REVIEWER, TAX, Market

from catalog.search.document import Facet
from catalog.search.query import Query, read_query
from compute.agreement.text import text
from marketplace.errors import NotFoundError
from marketplace.legend import NOTE, legend
from marketplace.store import organisations, products


def query(*wanted: str) -> Query:
    return read_query("", {Facet.PROVIDER: frozenset(wanted)}, None, every_version=False)


def test_every_identifier_of_a_contract_is_told_in_both_languages(market: Market) -> None:
    contract = market.drafted()
    found = market.exchange.contracts.legend(TAX, contract)
    assert [each.name for each in found.organisations] == [BANK, TAX, LABOUR, REVIEWER]
    titles = {each.name: (each.title.zh, each.title.en) for each in found.organisations}
    profile = profile_of(TAX, KINDS[TAX])
    assert titles[TAX] == (profile.title_zh, profile.title_en)
    registration = found.products[0]
    assert (registration.title.zh, registration.provider) == ("小企业市场主体登记信息", TAX)
    held = market.exchange.contracts.load(BANK, contract).terms
    assert [field.name for field in registration.fields] == list(held.grants[0].fields)
    assert all(field.meaning.zh and field.meaning.en != field.name for field in registration.fields)
    assert found.note == NOTE
    assert market.exchange.applications.legend(BANK, contract) == found


def test_the_text_that_is_signed_is_the_same_whatever_the_legend_says(market: Market) -> None:
    contract = market.drafted()
    before = market.exchange.contracts.agreement(BANK, contract)
    with market.exchange.log.transaction() as batch:  # as an operator might who wants a contract to read otherwise
        old = organisations.load(batch.connection, TAX)
        assert old is not None
        renamed = profile_of(TAX, KINDS[TAX], title_zh="另一个名称")
        organisations.replace(batch.connection, old, type(old)(**{**vars(old), "profile": renamed}))
    assert market.exchange.contracts.legend(BANK, contract).organisations[1].title.zh == "另一个名称"
    after = market.exchange.contracts.agreement(BANK, contract)
    assert hashlib.sha256(after.zh).digest() == hashlib.sha256(before.zh).digest()
    assert after.zh == text(after.terms, "zh").encode()
    assert "另一个名称".encode() not in after.zh


def test_who_may_not_read_a_contract_gets_no_legend_of_it(market: Market) -> None:
    contract = market.drafted()
    for read in (market.exchange.contracts.legend, market.exchange.applications.legend):
        with pytest.raises(NotFoundError):
            read(OTHER, contract)
    with pytest.raises(NotFoundError, match="7 of"):
        market.exchange.contracts.legend(BANK, contract, 7)


def test_what_nobody_has_described_is_told_by_its_identifier(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = market.exchange.contracts.load(BANK, market.drafted()).terms
    monkeypatch.setattr(products, "load", lambda _connection, _key: None)
    monkeypatch.setattr(organisations, "profiles", lambda _connection, _names: {})
    with market.exchange.log.snapshot() as connection:
        found = legend(connection, terms)
    assert found.organisations[0].title.zh == BANK
    assert found.products[0].title.en == terms.grants[0].product
    assert [each.meaning.zh for each in found.products[0].fields] == list(terms.grants[0].fields)


def test_of_whom_nothing_is_on_offer_no_title_is_told_to_whoever_asks_for_the_name(market: Market) -> None:
    """The catalog is open to all, who has only applied to take part is nobody's business."""
    market.exchange.organisations.apply("secret-bureau", profile_of("secret-bureau", KINDS[TAX]))
    found = market.exchange.product_search.find(query(TAX, "secret-bureau", OTHER), None, 5)
    assert found.counts[Facet.PROVIDER]["secret-bureau"] == 0
    assert "secret-bureau" not in found.titles
    assert OTHER not in found.titles
    assert found.titles[TAX].zh == profile_of(TAX, KINDS[TAX]).title_zh
