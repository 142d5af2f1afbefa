"""Label vectors in a provider's database: counted once, whole or not at all, also between two processes."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from node.conftest import Engines
from node.statements import at_once
from world import NOW

from compute.node.provider.label_vectors import LabelVectorStore
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.messages import HiddenCohort, LabelStatement
from compute.signing import Signed, digest, sign

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PARTS = (b"first part" * 60, b"second part" * 60)


def statement(nonce: int, bank: str = "bank", contract: str = "contract-1") -> Signed[LabelStatement]:
    content = LabelStatement(
        suite="intl",
        bank=bank,
        contract=contract,
        n=b"\xff" * 256,
        cohort=HiddenCohort(frame="f" * 64, rows=20_000),
        alphabet=Alphabet(classes=2, width=64, with_zero=True),
        parts=tuple(hashlib.sha256(part).digest() for part in PARTS),
        issued_at=NOW,
        nonce=nonce.to_bytes(32, "big"),
    )
    return sign(content, bank, KEY)


def name(signed: Signed[LabelStatement]) -> bytes:
    return digest(signed.statement)


def stores(engines: Engines) -> tuple[LabelVectorStore, LabelVectorStore]:
    return LabelVectorStore(engines[0]), LabelVectorStore(engines[1])


def test_a_vector_is_kept_part_by_part_until_it_is_complete(engines: Engines) -> None:
    one, other = stores(engines)
    signed = statement(1)
    assert one.find(name(signed)) is None
    assert list(one.ciphertexts(name(signed))) == []
    assert one.open(signed, NOW, 8)
    assert other.register(name(signed), 1, PARTS[1], NOW + 1) == NOW + 1
    kept = one.find(name(signed))
    assert kept is not None
    assert (kept.statement, kept.opened_at, kept.refused_at, kept.parts) == (signed, NOW, None, (1,))
    assert not kept.complete
    assert one.registered(name(signed), 0) is None
    assert one.register(name(signed), 0, PARTS[0], NOW + 2) == NOW + 2
    kept = other.find(name(signed))
    assert kept is not None
    assert kept.complete
    assert list(other.ciphertexts(name(signed))) == list(PARTS)


def test_a_part_is_kept_as_it_came_first(engines: Engines) -> None:
    one, other = stores(engines)
    signed = statement(1)
    one.open(signed, NOW, 8)
    assert one.register(name(signed), 0, PARTS[0], NOW) == NOW
    assert other.register(name(signed), 0, PARTS[1], NOW + 1) == NOW
    assert other.registered(name(signed), 0) == NOW
    assert list(other.ciphertexts(name(signed))) == [PARTS[0]]


def test_a_contract_has_so_many_vectors_refused_ones_counted(engines: Engines) -> None:
    one, other = stores(engines)
    for nonce in range(3):
        assert one.open(statement(nonce), NOW, 3)
    one.refuse(name(statement(0)), NOW)
    assert not other.open(statement(3), NOW, 3)
    assert other.find(name(statement(3))) is None
    assert other.open(statement(2), NOW, 3)  # it is one of them
    assert other.open(statement(3, contract="contract-2"), NOW, 3)
    assert other.open(statement(3, bank="rival"), NOW, 3)


def test_of_many_opened_at_once_no_more_than_may_be_are(engines: Engines) -> None:
    both = stores(engines)
    opened = at_once([lambda i=i: both[i % 2].open(statement(i), NOW, 3) for i in range(8)])  # type: ignore[misc]
    assert sorted(opened) == [False] * 5 + [True] * 3
    assert [both[0].find(name(statement(i))) is not None for i in range(8)] == opened


def test_the_same_opened_at_once_is_one(engines: Engines) -> None:
    both = stores(engines)
    assert all(at_once([lambda i=i: both[i % 2].open(statement(1), NOW + i, 2) for i in range(6)]))  # type: ignore[misc]
    assert both[0].open(statement(2), NOW, 2)
    assert not both[0].open(statement(3), NOW, 2)


@pytest.mark.parametrize("again", [False, True])
def test_a_refused_vector_has_no_parts_any_more_and_takes_none(engines: Engines, *, again: bool) -> None:
    one, other = stores(engines)
    signed = statement(1)
    one.open(signed, NOW, 8)
    one.register(name(signed), 0, PARTS[0], NOW)
    one.refuse(name(signed), NOW + 1)
    if again:
        other.refuse(name(signed), NOW + 2)
    assert other.register(name(signed), 1, PARTS[1], NOW + 3) is None
    assert other.registered(name(signed), 0) is None
    assert list(other.ciphertexts(name(signed))) == []
    kept = other.find(name(signed))
    assert kept is not None
    assert (kept.refused_at, kept.parts, kept.complete) == (NOW + 1, (), False)


def test_a_part_of_a_vector_that_was_never_opened_is_not_kept(engines: Engines) -> None:
    one, _ = stores(engines)
    assert one.register(name(statement(1)), 0, PARTS[0], NOW) is None
    assert one.registered(name(statement(1)), 0) is None
