from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from audit.database import open_engine
from compute.web.nonces import WINDOW, NonceStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nonces.db"


def test_a_nonce_is_used_once_per_party(path: Path) -> None:
    store = NonceStore(open_engine(path))
    assert store.use("bank", "a", 0)
    assert not store.use("bank", "a", 1)
    assert store.use("bank", "b", 1)
    assert store.use("provider", "a", 1)


def test_it_is_remembered_over_a_restart_and_for_twice_the_window(path: Path) -> None:
    assert NonceStore(open_engine(path)).use("bank", "a", 0)
    store = NonceStore(open_engine(path))
    assert not store.use("bank", "a", 2 * WINDOW)
    assert store.use("bank", "a", 2 * WINDOW + 0.001)


def test_what_is_forgotten_takes_no_room(path: Path) -> None:
    engine = open_engine(path)
    store = NonceStore(engine)
    for second in range(0, 10 * WINDOW, WINDOW):
        store.use("bank", str(second), second)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM nonces").scalar() == 3


def race(path: Path) -> list[bool]:
    store = NonceStore(open_engine(path))
    return [store.use("bank", str(number), 0) for number in range(20)]


def test_of_racing_threads_exactly_one_wins(path: Path) -> None:
    store = NonceStore(open_engine(path))
    with ThreadPoolExecutor(8) as pool:
        for number in range(20):
            won = list(pool.map(lambda _, n=number: store.use("bank", str(n), 0), range(8)))
            assert won.count(True) == 1


def test_of_racing_processes_exactly_one_wins(path: Path) -> None:
    with get_context("spawn").Pool(3) as pool:
        results = pool.map(race, [path] * 3, chunksize=1)
    assert [sum(column) for column in zip(*results, strict=True)] == [1] * 20
