"""Consents as a provider's process knows them: only new statements are sent, and what stands is always current."""

import dataclasses

import pytest
from contracts import TERMS
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.canonical import HOUR
from compute.node import consents as node_consents
from compute.node.consents import KnownConsents
from compute.records import ConsentBatch, ConsentKind, Consents, ConsentWithdrawal
from compute.signing import Pin, SignatureError, Signed, sign

NOW = 1_795_000_000_000
ONE, TWO = b"\1" * 32, b"\2" * 32
KEYS = [Ed25519PrivateKey.generate() for _ in range(2)]


def pin(key: Ed25519PrivateKey) -> Pin:
    return Pin("consumer", key.public_key().public_bytes_raw())


@dataclasses.dataclass
class Source:
    """A marketplace that notes what it was asked for."""

    batches: list[Signed[ConsentBatch]] = dataclasses.field(default_factory=list)
    withdrawals: list[Signed[ConsentWithdrawal]] = dataclasses.field(default_factory=list)
    asked: list[tuple[int, int]] = dataclasses.field(default_factory=list)

    def consents(self, contract: str, batches: int = 0, withdrawals: int = 0) -> Consents:
        self.asked.append((batches, withdrawals))
        return Consents(
            contract=contract,
            batches=tuple(self.batches[batches:]),
            withdrawals=tuple(self.withdrawals[withdrawals:]),
        )

    def give(self, *commitments: bytes, contract: str = TERMS.contract, hours: int = 1, key: int = 0) -> None:
        batch = ConsentBatch(
            contract=contract,
            batch=f"batch-{len(self.batches)}",
            kind=ConsentKind.ENTERPRISE_LETTER,
            evidence=b"\5" * 32,
            at=NOW - 10 + len(self.batches),
            expires=NOW + hours * HOUR,
            commitments=commitments,
        )
        self.batches.append(sign(batch, TERMS.consumer, KEYS[key]))

    def withdraw(self, *commitments: bytes) -> None:
        taken = ConsentWithdrawal(contract=TERMS.contract, at=NOW, commitments=commitments)
        self.withdrawals.append(sign(taken, TERMS.consumer, KEYS[0]))


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def known(source: Source) -> KnownConsents:
    return KnownConsents(source, {TERMS.consumer: pin(KEYS[0])}, "market")


def test_each_use_asks_and_only_what_is_new_is_sent(source: Source, known: KnownConsents) -> None:
    assert known.standing(TERMS, NOW) == frozenset()
    source.give(ONE)
    assert known.standing(TERMS, NOW) == {ONE}
    assert known.standing(TERMS, NOW) == {ONE}
    source.give(TWO)
    source.withdraw(ONE)
    assert known.standing(TERMS, NOW) == {TWO}
    assert source.asked == [(0, 0), (0, 0), (1, 0), (1, 0)]
    known.standing(TERMS, NOW)
    assert source.asked[-1] == (2, 1)


def test_a_consent_that_expires_stands_no_more_though_nothing_new_came(
    source: Source, known: KnownConsents
) -> None:
    source.give(ONE, hours=1)
    source.give(TWO, hours=2)
    assert known.standing(TERMS, NOW) == {ONE, TWO}
    assert known.standing(TERMS, NOW + HOUR - 1) == {ONE, TWO}
    assert known.standing(TERMS, NOW + HOUR) == {TWO}
    assert known.standing(TERMS, NOW + 2 * HOUR) == frozenset()
    assert known.standing(TERMS, NOW) == {ONE, TWO}  # a clock that was set back


def test_what_the_consumer_did_not_sign_is_refused_and_not_kept(source: Source, known: KnownConsents) -> None:
    source.give(ONE)
    source.give(TWO, key=1)
    for _ in range(2):
        with pytest.raises(SignatureError, match="does not verify"):
            known.standing(TERMS, NOW)
    source.batches.pop()
    source.give(TWO, contract="contract-other")
    with pytest.raises(SignatureError, match="another contract"):
        known.standing(TERMS, NOW)
    source.batches.pop()
    assert known.standing(TERMS, NOW) == {ONE}


def test_under_another_key_of_the_bank_all_is_proven_anew(source: Source) -> None:
    pins = {TERMS.consumer: pin(KEYS[0])}
    known = KnownConsents(source, pins, "market")
    source.give(ONE)
    assert known.standing(TERMS, NOW) == {ONE}
    pins[TERMS.consumer] = pin(KEYS[1])
    with pytest.raises(SignatureError, match="does not verify"):
        known.standing(TERMS, NOW)
    del pins[TERMS.consumer]
    with pytest.raises(SignatureError, match="no key"):
        known.standing(TERMS, NOW)


def test_no_more_is_kept_than_memory_is_given(
    source: Source, known: KnownConsents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_consents, "MAX_KEPT", 1)
    source.give(ONE, TWO)
    assert known.standing(TERMS, NOW) == {ONE, TWO}
    assert known.standing(TERMS, NOW) == {ONE, TWO}
    assert source.asked == [(0, 0), (0, 0)]
