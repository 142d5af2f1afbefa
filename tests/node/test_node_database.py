"""A node's database is taken only under the identity that made it, and never one of an earlier version."""

import multiprocessing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from node.statements import at_once

from audit.database import open_engine
from compute.node.database import open_database
from compute.node.epochs import EpochStore
from compute.settings import SettingsError

OWN, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))


def offered(path: Path, identity: Ed25519PrivateKey) -> bytes:
    """The key that a node with this identity offers, as each of its processes finds it."""
    engine, at_rest = open_database(path, identity)
    try:
        return EpochStore(engine, at_rest, lambda: 1).current().public_key
    finally:
        engine.dispose()


def test_a_database_opens_again_under_its_identity_and_under_no_other(tmp_path: Path) -> None:
    path = tmp_path / "node.sqlite"
    first = offered(path, OWN)
    assert offered(path, OWN) == first
    with pytest.raises(SettingsError, match=r"node\.sqlite: sealed under another identity; name"):
        open_database(path, STRANGER)
    assert offered(path, OWN) == first


def test_a_database_of_an_earlier_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "node.sqlite"
    engine = open_engine(path)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE salt_trees (contract TEXT PRIMARY KEY, seed BLOB, tree BLOB)")
    for _ in range(2):
        with pytest.raises(SettingsError, match=r"of an earlier version, with secrets in clear; name a new file"):
            open_database(path, OWN)
    with engine.begin() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
    assert names == ["salt_trees"]
    engine.dispose()


def test_processes_that_come_first_together_agree(tmp_path: Path) -> None:
    path = tmp_path / "node.sqlite"
    assert len(set(at_once([lambda: offered(path, OWN)] * 8))) == 1
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_offered_elsewhere, (path,)) == offered(path, OWN)


def _offered_elsewhere(path: Path) -> bytes:
    return offered(path, Ed25519PrivateKey.from_private_bytes(b"\1" * 32))
