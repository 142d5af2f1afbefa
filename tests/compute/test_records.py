"""Records of parties and consents: their one form, and which consents stand."""

from typing import Any

import msgspec
import pytest

from compute.canonical import FormatError, decode, encode
from compute.records import (
    MAX_BATCH,
    ConsentBatch,
    ConsentKind,
    Consents,
    ConsentWithdrawal,
    PartyKind,
    PartyRecord,
    commitment,
    commitments,
    contract_name,
)
from compute.signing import Pin, Signed

ONE, TWO = b"\1" * 32, b"\2" * 32
RECORD = PartyRecord(name="bank", kind=PartyKind.BUYER, public_key=ONE, base_url="https://bank.example:8443")


def batch(at: int, *commitments: bytes, expires: int = 1000) -> Signed[ConsentBatch]:
    made = ConsentBatch(
        contract="contract-1",
        batch="b",
        kind=ConsentKind.SEPARATE_CONSENT,
        evidence=ONE,
        at=at,
        expires=expires,
        commitments=commitments,
    )
    return Signed(suite="intl", signer="bank", signature=bytes(64), statement=made)


def withdrawal(at: int, *commitments: bytes) -> Signed[ConsentWithdrawal]:
    made = ConsentWithdrawal(contract="contract-1", at=at, commitments=commitments)
    return Signed(suite="intl", signer="bank", signature=bytes(64), statement=made)


def consents(*parts: Signed[Any]) -> Consents:
    batches = tuple(part for part in parts if isinstance(part.statement, ConsentBatch))
    withdrawals = tuple(part for part in parts if isinstance(part.statement, ConsentWithdrawal))
    return Consents(contract="contract-1", batches=batches, withdrawals=withdrawals)


@pytest.mark.parametrize(
    "message",
    [RECORD, msgspec.structs.replace(RECORD, base_url=None), consents(batch(1, ONE, TWO), withdrawal(2, ONE))],
)
def test_round_trip(message: Any) -> None:
    assert decode(encode(message), type(message)) == message


@pytest.mark.parametrize(
    "url",
    ["http://bank.example", "https://bank.example/", "https://bank.example/a", "https://u@bank.example", "https://",
     "https://bank.example:0", "https://BANK.example", "https://bank.example\n", "https://银行.example"],
)  # fmt: skip
def test_a_node_is_an_https_origin(url: str) -> None:
    with pytest.raises(FormatError):
        decode(encode(msgspec.structs.replace(RECORD, base_url=url)), PartyRecord)


def test_loopback_and_ipv6_are_origins_too() -> None:
    for url in ("https://127.0.0.1:8443", "https://[::1]:8443"):
        assert decode(encode(msgspec.structs.replace(RECORD, base_url=url)), PartyRecord).base_url == url


def test_each_kind_signs_in_one_role() -> None:
    roles = {kind: kind.signing_role for kind in PartyKind}
    assert roles.pop(PartyKind.PROVIDER) == "provider"
    assert roles.pop(PartyKind.MODEL_REVIEWER) == "model_reviewer"
    assert len(roles) == 9  # the eight kinds, and the authority
    assert set(roles.values()) == {"consumer"}
    assert RECORD.pin == Pin("consumer", ONE)


@pytest.mark.parametrize("commitments", [(TWO, ONE), (ONE, ONE)])
def test_commitments_stand_in_one_order_each_once(commitments: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="ascending"):
        batch(1, *commitments)
    with pytest.raises(ValueError, match="ascending"):
        withdrawal(1, *commitments)


def test_bounds_of_a_batch() -> None:
    with pytest.raises(ValueError, match="expire"):
        batch(1000, ONE)
    for count in (0, MAX_BATCH + 1):
        many = ConsentWithdrawal(contract="c", at=1, commitments=tuple(i.to_bytes(32) for i in range(count)))
        with pytest.raises(FormatError):
            decode(encode(many), ConsentWithdrawal)


def test_which_consents_stand() -> None:
    assert consents().standing(1) == frozenset()
    assert consents(batch(0, ONE, TWO)).standing(999) == {ONE, TWO}
    assert consents(batch(0, ONE)).standing(1000) == frozenset()
    assert consents(batch(5, ONE, TWO), withdrawal(5, ONE)).standing(6) == {TWO}
    assert consents(batch(5, ONE), withdrawal(6, ONE), batch(7, ONE)).standing(8) == {ONE}
    assert consents(withdrawal(9, ONE), withdrawal(6, ONE), batch(7, ONE)).standing(8) == frozenset()
    assert consents(batch(1, ONE, expires=3), batch(2, ONE, expires=9)).standing(5) == {ONE}


def test_a_commitment_hides_behind_its_salt() -> None:
    assert commitment(ONE, "91460100MAQBDL395F") != commitment(TWO, "91460100MAQBDL395F")
    with pytest.raises(ValueError, match="31 bytes"):
        commitment(ONE[1:], "91460100MAQBDL395F")


def test_many_commitments_at_once_are_each_one_s() -> None:
    subjects = ["91460100MAQBDL395F", "91460100MAYBH984XM"]
    assert commitments([ONE, TWO], subjects) == [commitment(ONE, subjects[0]), commitment(TWO, subjects[1])]
    with pytest.raises(ValueError, match="32 bytes"):
        commitments([ONE, TWO[1:]], subjects)
    with pytest.raises(ValueError, match="zip"):
        commitments([ONE], subjects)


def test_a_contract_is_named_after_who_applies_and_for_what() -> None:
    names = {contract_name(consumer, reference) for consumer in ("bank", "bank-b") for reference in ("1", "b\n1")}
    assert len(names) == 4
    assert contract_name("bank", "1") == contract_name("bank", "1")
