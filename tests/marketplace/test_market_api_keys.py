"""Keys of programs: what they may, and when they end."""

import pytest
from market import BANK, DAY, TAX, Market
from member_office import Office, found_office, principal

from marketplace import matrix
from marketplace.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from marketplace.flow.actor import Principal
from marketplace.revision import revision_of


@pytest.fixture
def office(empty: Market) -> Office:
    return found_office(empty)


def test_a_key_has_what_its_issuer_gave_and_ends(office: Office) -> None:
    keys = office.market.exchange.api_keys
    issuer = principal(BANK, office.person("second", "handler").member.id, "handler")
    key, secret = keys.issue(issuer, "对账", ["own:application:list", "own:party:list"], 30)
    found = keys.principal(secret)
    assert found == Principal(BANK, key=key.id, permissions=frozenset({"own:application:list", "own:party:list"}))
    assert keys.principal(secret + "x") is None
    assert [each.id for each in keys.page(issuer, "", 10)] == [key.id]
    office.later(30 * DAY)
    assert keys.principal(secret) is None


def test_nobody_gives_more_than_they_have_or_than_machines_may(office: Office) -> None:
    keys, me = office.market.exchange.api_keys, office.taken.member.id
    for issuer, asked in (
        (principal(BANK, me, "auditor_reader"), ["own:application:submit"]),
        (principal(BANK, me, "administrator"), ["own:member:invite"]),
        (principal(BANK, me, "handler"), ["any:application:list"]),
    ):
        with pytest.raises(InvalidError) as refused:
            keys.issue(issuer, "对账", asked, 30)
        assert refused.value.fields.keys() == {"permissions"}
    with pytest.raises(ForbiddenError):
        keys.issue(Principal(BANK, permissions=matrix.load().known), "对账", ["own:party:list"], 30)


def test_a_key_loses_what_its_issuer_loses(office: Office) -> None:
    exchange = office.market.exchange
    second = office.person("second", "handler").member
    asked = ["own:application:list", "own:application:submit"]
    key, secret = exchange.api_keys.issue(principal(BANK, second.id, "handler"), "对账", asked, 30)
    read = revision_of(exchange.members.load(office.administrator, second.id))
    exchange.members.change(office.administrator, second.id, read, name="乙", roles=["auditor_reader"], email=None)
    left = Principal(BANK, key=key.id, permissions=frozenset({"own:application:list"}))
    assert exchange.api_keys.principal(secret) == left


def test_a_key_ends_when_it_is_revoked_and_when_its_issuer_leaves(office: Office) -> None:
    exchange = office.market.exchange
    second = office.person("second", "handler").member
    issuer = principal(BANK, second.id, "handler")
    one, secret = exchange.api_keys.issue(issuer, "一", ["own:party:list"], 30)
    exchange.api_keys.revoke(office.administrator, one.id)
    assert exchange.api_keys.principal(secret) is None
    with pytest.raises(ConflictError):
        exchange.api_keys.revoke(office.administrator, one.id)
    with pytest.raises(NotFoundError):
        exchange.api_keys.revoke(principal(TAX, "member-0", "administrator"), one.id)
    _, other = exchange.api_keys.issue(issuer, "二", ["own:party:list"], 30)
    assert exchange.members.remove(office.administrator, second.id).keys == 1
    assert exchange.api_keys.principal(other) is None
