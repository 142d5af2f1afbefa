"""Mask and sealing keys: one for all processes of a node, a new one in time, none kept for longer."""

from pathlib import Path

import pytest
from node.conftest import AT_REST, Engines
from node.statements import at_once
from sqlalchemy import Engine
from world import NOW, Clock

from compute.at_rest import AtRest, AtRestError
from compute.node.epochs import EPOCH, OVERLAP, EpochStore
from compute.protocols.risk_score.epochs import KeyEpoch


def told(epoch: KeyEpoch) -> tuple[bytes, int]:
    return epoch.public_key, epoch.expires


def stored(engine: Engine) -> set[int]:
    """When the keys in the file expire."""
    with engine.begin() as connection:
        return {expires for (expires,) in connection.exec_driver_sql("SELECT expires FROM key_epochs")}


def test_processes_offer_one_key(engines: Engines) -> None:
    first, second = (EpochStore(engine, AT_REST, Clock()) for engine in engines)
    offered = first.current()
    assert offered.expires == NOW + EPOCH
    assert told(second.current()) == told(offered) == told(first.current())
    assert [told(epoch) for epoch in second.alive()] == [told(offered)]
    assert second.current().key.private_bytes_raw() == offered.key.private_bytes_raw()


def test_processes_that_need_a_key_at_once_make_one(engines: Engines) -> None:
    clock = Clock()
    stores = [EpochStore(engine, AT_REST, clock) for engine in engines * 4]
    for moment in (NOW, NOW + EPOCH - OVERLAP, NOW + 9 * EPOCH):
        clock.now = moment
        assert len({told(epoch) for epoch in at_once([store.current for store in stores])}) == 1
    assert stored(engines[0]) == {NOW + 10 * EPOCH}


def test_a_key_is_offered_until_the_overlap_and_serves_to_its_end(engines: Engines) -> None:
    clock = Clock()
    store = EpochStore(engines[0], AT_REST, clock)
    old = store.current()
    clock.now = old.expires - OVERLAP - 1
    assert told(store.current()) == told(old)
    clock.now += 1
    new = store.current()
    assert new.expires == clock.now + EPOCH
    assert new.public_key != old.public_key
    clock.now = old.expires - 1
    assert {told(epoch) for epoch in store.alive()} == {told(old), told(new)}
    assert told(store.current()) == told(new)
    clock.now += 1
    assert [told(epoch) for epoch in store.alive()] == [told(new)]


def test_what_is_offered_always_lives_for_the_overlap(engines: Engines) -> None:
    clock, seen = Clock(), set()
    stores = [EpochStore(engine, AT_REST, clock) for engine in engines]
    for quarter in range(4 * 24 * 4):
        clock.now = NOW + quarter * OVERLAP // 4
        offered = stores[quarter % 2].current()
        assert offered.expires - clock.now > OVERLAP
        seen.add(told(offered))
    assert len(seen) == 5  # in four days, of 23 hours each


def test_expired_keys_are_deleted_with_the_next_one(engines: Engines) -> None:
    """What was sealed or masked under a key that is gone cannot be opened by whoever takes the machine."""
    clock = Clock()
    store = EpochStore(engines[0], AT_REST, clock)
    store.current()
    clock.now += EPOCH - OVERLAP
    store.current()
    assert stored(engines[1]) == {NOW + EPOCH, NOW + 2 * EPOCH - OVERLAP}
    clock.now += EPOCH - OVERLAP
    store.current()
    assert stored(engines[1]) == {NOW + 2 * EPOCH - OVERLAP, NOW + 3 * EPOCH - 2 * OVERLAP}


def test_after_days_without_a_process_nothing_old_is_alive(engines: Engines) -> None:
    clock = Clock()
    old = EpochStore(engines[0], AT_REST, clock).current()
    clock.now += 5 * EPOCH
    restarted = EpochStore(engines[1], AT_REST, clock)
    assert restarted.alive() == []
    assert told(restarted.current()) != told(old)
    assert len(stored(engines[0])) == 1


def test_no_file_has_a_private_key(engines: Engines, tmp_path: Path) -> None:
    key = EpochStore(engines[0], AT_REST, Clock()).current().key.private_bytes_raw()
    data = b"".join(path.read_bytes() for path in tmp_path.glob("node.sqlite*"))
    assert b"key_epochs" in data  # the search would find it
    assert key not in data


def test_a_key_serves_neither_longer_nor_in_another_s_place_nor_at_another_node(engines: Engines) -> None:
    clock = Clock()
    store = EpochStore(engines[0], AT_REST, clock)
    store.current()
    clock.now += EPOCH - OVERLAP
    store.current()
    with pytest.raises(AtRestError):
        EpochStore(engines[1], AtRest(b"\1" * 32), clock).alive()
    for change in (
        "UPDATE key_epochs SET expires = expires + 1",
        "UPDATE key_epochs SET key = (SELECT key FROM key_epochs ORDER BY expires LIMIT 1)",
    ):
        with engines[1].begin() as connection:
            connection.exec_driver_sql("CREATE TEMP TABLE kept AS SELECT * FROM key_epochs")
            connection.exec_driver_sql(change)
        with pytest.raises(AtRestError, match="key_epochs key"):
            store.alive()
        with engines[1].begin() as connection:
            connection.exec_driver_sql("DELETE FROM key_epochs")
            connection.exec_driver_sql("INSERT INTO key_epochs SELECT * FROM kept")
            connection.exec_driver_sql("DROP TABLE kept")
        assert len(store.alive()) == 2
