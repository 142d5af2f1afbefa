"""Who takes part, as a node sees it: on the operator's signature, for a minute, and strangers cost little."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from market import BANK, KEYS, LABOUR, OTHER, RECORDS, REVIEWER, TAX, Market, open_market
from node.exchange_client import ExchangeClient

from compute.node.directory import LIFETIME, Directory
from compute.records import PartyKind, PartyRecord
from compute.signing import Pin, SignatureError, Signed, sign
from compute.web.errors import PeerUnreachableError

PINNED = {name: Pin("operator", KEYS[name].public_key().public_bytes_raw()) for name in ("market", "operator")}


@dataclass
class Seconds:
    """A monotonic clock that a test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk(ExchangeClient):
    """The exchange, or a marketplace that adds what it likes to the directory, or one that is gone."""

    added: list[Signed[PartyRecord]] = field(default_factory=list)
    gone: bool = False

    def directory(self) -> Sequence[Signed[PartyRecord]]:
        if self.gone:
            self.asked += 1
            raise PeerUnreachableError("no answer")
        return [*super().directory(), *self.added]


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    with open_market(tmp_path / "market.db") as opened:
        opened.enrol(BANK, TAX, REVIEWER)
        yield opened


@pytest.fixture
def desk(market: Market) -> Desk:
    return Desk(market, TAX)


def opened(desk: Desk, clock: Seconds | None = None) -> Directory:
    return Directory(desk, PINNED, "operator", clock or Seconds())  # type: ignore[arg-type]


def test_it_names_who_is_pinned_and_whom_the_operator_admitted(desk: Desk) -> None:
    directory = opened(desk)
    assert dict(directory) == PINNED | {name: RECORDS[name].pin for name in (BANK, TAX, REVIEWER)}
    assert len(directory) == 5
    assert {name: directory[name].role for name in (BANK, TAX, REVIEWER)} == {
        BANK: "consumer",
        TAX: "provider",
        REVIEWER: "model_reviewer",
    }
    assert directory.record(BANK) == RECORDS[BANK]
    assert desk.asked == 1


@pytest.mark.parametrize("signer", ["market", OTHER, BANK])
@pytest.mark.parametrize("named", ["operator", "own"])
def test_nobody_else_admits_a_party(desk: Desk, signer: str, named: str) -> None:
    """Neither the marketplace, whose key is pinned as well, nor a party; under no name."""
    desk.added = [sign(RECORDS[OTHER], "operator" if named == "operator" else signer, KEYS[signer])]
    directory = opened(desk)
    for name in (OTHER, BANK):
        with pytest.raises(SignatureError):
            directory[name]
    assert directory["market"] == PINNED["market"]


def test_a_record_that_was_changed_after_it_was_signed_is_not_believed(desk: Desk) -> None:
    signed = sign(RECORDS[OTHER], "operator", KEYS["operator"])
    changed = msgspec.structs.replace(signed.statement, public_key=RECORDS[BANK].public_key)
    desk.added = [msgspec.structs.replace(signed, statement=changed)]
    with pytest.raises(SignatureError, match="does not verify"):
        opened(desk)[OTHER]


@pytest.mark.parametrize("name", ["market", "operator"])
def test_no_directory_replaces_a_pinned_key(desk: Desk, name: str) -> None:
    record = msgspec.structs.replace(RECORDS[OTHER], name=name, kind=PartyKind.BUYER)
    desk.added = [sign(record, "operator", KEYS["operator"])]
    directory = opened(desk)
    with pytest.raises(SignatureError, match=f"the directory gives {name} another key"):
        directory[BANK]
    assert directory[name] == PINNED[name]


def test_a_party_that_is_pinned_and_admitted_by_one_key_is_one_party(desk: Desk) -> None:
    pinned = PINNED | {TAX: RECORDS[TAX].pin}
    directory = Directory(desk, pinned, "operator", Seconds())  # type: ignore[arg-type]
    assert sorted(directory) == sorted({*pinned, BANK, TAX, REVIEWER})
    assert len(directory) == 5
    assert directory[TAX] == RECORDS[TAX].pin
    assert directory.record(TAX) == RECORDS[TAX]


def test_an_answer_serves_for_its_lifetime(desk: Desk) -> None:
    clock = Seconds()
    directory = opened(desk, clock)
    for _ in range(60):
        assert directory[BANK] == RECORDS[BANK].pin
        clock.now += 0.9 * LIFETIME / 60
    assert desk.asked == 1
    clock.now += LIFETIME
    assert BANK in directory
    assert desk.asked == 2


def test_a_suspended_party_is_a_stranger_within_the_lifetime(market: Market, desk: Desk) -> None:
    clock = Seconds()
    directory = opened(desk, clock)
    assert BANK in directory
    market.exchange.organisations.suspend("operator", BANK, "breach")
    clock.now += LIFETIME
    assert BANK not in directory
    with pytest.raises(KeyError):
        directory.record(BANK)
    assert set(directory) == {*PINNED, TAX, REVIEWER}
    market.exchange.organisations.reinstate("operator", BANK)
    clock.now += 1.0
    assert directory[BANK] == RECORDS[BANK].pin


def test_a_party_that_was_just_enrolled_is_found_within_a_second(market: Market, desk: Desk) -> None:
    clock = Seconds()
    directory = opened(desk, clock)
    assert LABOUR not in directory
    market.enrol(LABOUR)
    clock.now += 1.0
    assert directory[LABOUR] == RECORDS[LABOUR].pin


def test_strangers_make_it_ask_no_more_than_once_a_second(desk: Desk) -> None:
    clock = Seconds()
    directory = opened(desk, clock)
    for tenth in range(100):
        clock.now = 1000.0 + tenth / 10
        assert f"stranger-{tenth}" not in directory
        assert BANK in directory
    assert desk.asked <= 10


def test_pinned_keys_need_no_marketplace_and_all_others_do(desk: Desk) -> None:
    clock = Seconds()
    directory = opened(desk, clock)
    desk.gone = True
    assert directory["operator"] == PINNED["operator"]
    with pytest.raises(PeerUnreachableError):
        directory[BANK]
    asked = desk.asked
    for _ in range(5):  # whoever comes in the same second does not wait for the marketplace too
        with pytest.raises(PeerUnreachableError):
            directory[BANK]
    assert desk.asked == asked
    desk.gone, clock.now = False, clock.now + 1
    assert directory[BANK] == RECORDS[BANK].pin
    desk.gone, clock.now = True, clock.now + LIFETIME
    with pytest.raises(PeerUnreachableError):  # nobody is believed for longer than that
        directory[BANK]
