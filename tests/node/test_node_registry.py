"""What banks brought to a provider: the later statement wins, a look at the data is counted before it is taken."""

import pytest
from node.conftest import Engines
from node.statements import at_once, key_statement, presentation, registration
from world import NOW

from compute.node.registry import KeptPresentation, RegistryStore
from compute.protocols.risk_score.provider_stores import Registration
from compute.signing import digest

APPROVALS = [digest(registration(model).approval.statement) for model in range(5)]


def stores(engines: Engines) -> tuple[RegistryStore, RegistryStore]:
    return RegistryStore(engines[0]), RegistryStore(engines[1])


# --- keys --------------------------------------------------------------------------------------------------------


def test_a_later_statement_replaces_an_earlier_one_and_never_the_other_way_round(engines: Engines) -> None:
    one, other = stores(engines)
    assert one.enrolment("bank") is None
    assert one.enrol(key_statement(10), NOW) == NOW
    assert other.enrolment("bank") == (key_statement(10), NOW)
    for late in (9, 10):
        assert other.enrol(key_statement(late), NOW + 1) is None
    assert one.enrolment("bank") == (key_statement(10), NOW)
    assert other.enrol(key_statement(11), NOW + 2) == NOW + 2
    assert one.enrolment("bank") == (key_statement(11), NOW + 2)


def test_banks_do_not_touch_each_other(engines: Engines) -> None:
    one, other = stores(engines)
    one.enrol(key_statement(10), NOW)
    assert other.enrol(key_statement(1, "rival"), NOW) == NOW
    assert one.enrolment("bank") == (key_statement(10), NOW)
    assert one.enrolment("nobody") is None


def test_of_statements_at_once_the_latest_is_in_force(engines: Engines) -> None:
    both = stores(engines)
    order = (3, 7, 1, 8, 5, 2, 6, 4)
    at_once([lambda i=i: both[i % 2].enrol(key_statement(i), NOW + i) for i in order])  # type: ignore[misc]
    assert both[0].enrolment("bank") == (key_statement(8), NOW + 8)


# --- tables ------------------------------------------------------------------------------------------------------


def test_tables_are_kept_as_they_came_first(engines: Engines) -> None:
    one, other = stores(engines)
    assert one.registration(APPROVALS[0]) is None
    assert one.register(APPROVALS[0], registration(0), "monday", NOW, 16) == NOW
    assert other.register(APPROVALS[0], registration(1), "tuesday", NOW + 1, 16) == NOW
    assert other.registration(APPROVALS[0]) == Registration(registration(0), NOW, "monday")
    other.confirm(APPROVALS[0], "tuesday")
    assert one.registration(APPROVALS[0]) == Registration(registration(0), NOW, "tuesday")


def test_looks_are_counted_and_registering_gives_one_back(engines: Engines) -> None:
    one, other = stores(engines)
    assert one.open_probe("bank", 16, 2)
    assert other.open_probe("bank", 16, 2)
    assert not one.open_probe("bank", 16, 2)
    assert one.open_probe("rival", 16, 2)
    one.register(APPROVALS[0], registration(0), "monday", NOW, 16)
    assert other.open_probe("bank", 16, 2)
    assert not one.open_probe("bank", 16, 2)


def test_registrations_that_pass_use_up_no_look(engines: Engines) -> None:
    store = RegistryStore(engines[0])
    for model, approval in enumerate(APPROVALS):
        assert store.open_probe("bank", len(APPROVALS), 1)
        store.register(approval, registration(model), "monday", NOW, len(APPROVALS))
    assert not store.open_probe("bank", len(APPROVALS), 1)  # the models are as many as may be
    assert store.open_probe("bank", len(APPROVALS) + 1, 1)
    assert store.open_probe("rival", 1, 1)


def test_looks_at_once_are_no_more_than_are_left(engines: Engines) -> None:
    both = stores(engines)
    opened = at_once([lambda i=i: both[i % 2].open_probe("bank", 16, 3) for i in range(8)])  # type: ignore[misc]
    assert sum(opened) == 3


def test_a_process_that_dies_between_look_and_registration_has_used_a_look(engines: Engines) -> None:
    assert RegistryStore(engines[0]).open_probe("bank", 16, 1)
    assert not RegistryStore(engines[1]).open_probe("bank", 16, 1)


def test_registrations_at_once_are_no_more_than_the_models_that_may_be(engines: Engines) -> None:
    both = stores(engines)
    assert all(both[i % 2].open_probe("bank", 2, 3) for i in range(3))  # all look before one is kept

    def register(model: int) -> int | None:
        return both[model % 2].register(APPROVALS[model], registration(model), "monday", NOW, 2)

    kept = at_once([lambda model=model: register(model) for model in range(3)])  # type: ignore[misc]
    assert sorted(kept, key=str) == [NOW, NOW, None]


# --- questions about bins ----------------------------------------------------------------------------------------


def test_a_bank_asks_about_so_many_bins_and_about_the_same_ones_as_often_as_it_likes(engines: Engines) -> None:
    one, other = stores(engines)
    first, second, third = (bytes([number]) * 32 for number in range(3))
    assert one.open_question("bank", first, 2)
    assert other.open_question("bank", second, 2)
    assert not one.open_question("bank", third, 2)
    assert other.open_question("bank", first, 2)
    assert one.open_question("rival", third, 2)


def test_questions_at_once_are_no_more_than_may_be_asked(engines: Engines) -> None:
    both = stores(engines)
    asked = [lambda i=i: both[i % 2].open_question("bank", bytes([i]) * 32, 3) for i in range(8)]  # type: ignore[misc]
    assert sum(at_once(asked)) == 3


# --- permits -----------------------------------------------------------------------------------------------------


@pytest.fixture
def permits(engines: Engines) -> tuple[RegistryStore, RegistryStore]:
    one, other = stores(engines)
    one.present("permit-a", presentation(10), NOW)
    one.present("permit-b", presentation(10), NOW + 1)
    one.present("permit-c", presentation(10, "rival"), NOW + 2)
    return one, other


def test_a_presentation_is_kept_until_a_later_one_comes(permits: tuple[RegistryStore, RegistryStore]) -> None:
    one, other = permits
    assert other.presented("permit-a") == (KeptPresentation.of(presentation(10)), NOW)
    assert other.presented("permit-z") is None
    assert other.present("permit-a", presentation(10), NOW + 9) is None
    assert other.present("permit-a", presentation(11), NOW + 9) == NOW + 9
    assert one.presented("permit-a") == (KeptPresentation.of(presentation(11)), NOW + 9)


def test_a_bank_s_permits_are_listed_the_latest_first(permits: tuple[RegistryStore, RegistryStore]) -> None:
    one, other = permits
    assert one.permits_of("bank") == ["permit-b", "permit-a"]
    other.present("permit-a", presentation(11), NOW + 9)
    assert one.permits_of("bank") == ["permit-a", "permit-b"]
    assert (one.permits_of("rival"), one.permits_of("nobody")) == (["permit-c"], [])


def test_a_permit_that_was_revoked_here_stays_so(permits: tuple[RegistryStore, RegistryStore]) -> None:
    one, other = permits
    assert not other.is_revoked("permit-a")
    one.revoke("permit-a", NOW)
    one.revoke("permit-a", NOW + 1)
    assert other.is_revoked("permit-a")
    assert not other.is_revoked("permit-b")
