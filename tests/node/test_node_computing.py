"""A provider's blinding pools and finished parts: files that only the node itself can have made."""

from collections.abc import Callable
from pathlib import Path

import engine
import gmpy2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.at_rest import AtRest
from compute.node.provider.parts import forget_ended_parts, forget_parts, open_parts
from compute.node.provider.pools import PoolStore
from compute.node.settings import Computing
from compute.paillier import pool as pool_module
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.private import PrivateKey
from compute.paillier.public import PublicKey
from compute.paillier.runner import Runner

QUERY, OTHER = b"a query", b"another"


@pytest.fixture
def computing(tmp_path: Path) -> Computing:
    return Computing(processes=1, folder=tmp_path / "computing")


@pytest.fixture
def identity() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture
def small_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pools of three residues: the files are the same but for their length."""
    monkeypatch.setattr(pool_module, "pool_size", lambda _bits: 3)


def pool_file(computing: Computing, key: PrivateKey) -> Path:
    return computing.folder / "pools" / key.public.fingerprint


@pytest.mark.usefixtures("small_pools")
def test_a_pool_is_made_once(computing: Computing, identity: Ed25519PrivateKey, key: PrivateKey) -> None:
    store = PoolStore(computing, identity)
    assert store.find(key.public) is None
    made = store.make(key.public)
    assert key.decrypt(int.from_bytes(made.residues[:512])) == 0
    assert PoolStore(computing, identity).find(key.public) == made
    assert PoolStore(computing, identity).find_or_make(key.public, 1) == made


def test_few_outputs_do_not_pay_for_a_pool(
    computing: Computing, identity: Ed25519PrivateKey, key: PrivateKey
) -> None:
    assert PoolStore(computing, identity).find_or_make(key.public, 3, Runner(costs=engine.small)) is None


@pytest.mark.usefixtures("small_pools")
@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda data: data[:-1], lambda data: data[:-1] + bytes([data[-1] ^ 1])]
)
def test_an_altered_pool_is_logged_and_made_anew(
    computing: Computing,
    identity: Ed25519PrivateKey,
    key: PrivateKey,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[bytes], bytes],
) -> None:
    store = PoolStore(computing, identity)
    store.make(key.public)
    path = pool_file(computing, key)
    path.write_bytes(damage(path.read_bytes()))
    assert store.find(key.public) is None
    assert f"the file {path} is not taken" in caplog.text
    made = store.make(key.public)
    assert store.find(key.public) == made


@pytest.mark.usefixtures("small_pools")
def test_another_nodes_pool_is_not_taken(
    computing: Computing, identity: Ed25519PrivateKey, key: PrivateKey
) -> None:
    PoolStore(computing, Ed25519PrivateKey.from_private_bytes(b"\1" * 32)).make(key.public)
    assert PoolStore(computing, identity).find(key.public) is None


@pytest.mark.usefixtures("small_pools")
def test_only_pools_of_enrolled_keys_stay(
    computing: Computing, identity: Ed25519PrivateKey, key: PrivateKey
) -> None:
    other = PublicKey(gmpy2.next_prime(key.factors[0]) * key.factors[1])
    store = PoolStore(computing, identity)
    store.make(key.public)
    store.make(other)
    being_written = pool_file(computing, key).with_name(f"{key.public.fingerprint}.x1y2")
    left_over = pool_file(computing, key).with_name(f"{other.fingerprint}.x1y2")
    for path in (being_written, left_over):
        path.touch()
    store.keep_only([key.public])
    assert set((computing.folder / "pools").iterdir()) == {pool_file(computing, key), being_written}


def test_parts_are_kept_for_each_query(computing: Computing, identity: Ed25519PrivateKey) -> None:
    open_parts(computing, QUERY, identity).put("name", b"data")
    assert open_parts(computing, QUERY, identity).get("name") == b"data"
    assert open_parts(computing, OTHER, identity).get("name") is None
    stranger = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
    assert open_parts(computing, QUERY, stranger).get("name") is None
    forget_parts(computing, QUERY, AtRest.of(identity))
    forget_parts(computing, QUERY, AtRest.of(identity))
    assert open_parts(computing, QUERY, identity).get("name") is None


def test_a_part_that_another_user_wrote_enters_no_answer(
    computing: Computing, identity: Ed25519PrivateKey, key: PrivateKey
) -> None:
    """Who can write into the folder could otherwise choose what a bank decrypts."""
    sizes, layout, many = (3, 2), SlotLayout(9, 2, 0), Runner(costs=engine.large)
    tables, codes = engine.tables_of(key.public, sizes), engine.columns(sizes, 20)
    lookup_sum(key.public, tables, codes, layout, many, open_parts(computing, QUERY, identity))
    (folder,) = (computing.folder / "parts").iterdir()
    paths = sorted(folder.iterdir())
    assert len(paths) > 1
    for path in paths:
        path.write_bytes(key.encrypt(7).to_bytes(512, "big") * (len(path.read_bytes()) // 512))
    sums = lookup_sum(key.public, tables, codes, layout, many, open_parts(computing, QUERY, identity))
    assert sums == engine.plain_lookup(key.public, tables, codes, layout)


def test_parts_of_ended_queries_are_removed_and_nothing_else(
    computing: Computing, identity: Ed25519PrivateKey
) -> None:
    forget_ended_parts(computing, lambda _: False)
    for query in (QUERY, OTHER):
        open_parts(computing, query, identity).put("name", b"data")
    strange = computing.folder / "parts" / "lost+found"
    strange.mkdir()
    unfinished = []
    forget_ended_parts(computing, lambda digest: bool(unfinished.append(digest)) or len(unfinished) == 1)
    assert len(unfinished) == 2
    assert strange.exists()
    assert len(list(strange.parent.iterdir())) == 2
