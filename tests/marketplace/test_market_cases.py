"""An auditor's case through the commands: who may, what is read, what the log says before and after."""

import hashlib
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from market import BANK, DAY, INSPECTOR, KINDS, LABOUR, NOW, OTHER, REVIEWER, SUPERVISOR, TAX, WHY, Market

from audit.entry import EntryKind, encode
from audit.tracing.seals import READS, Read, check_seals, seal
from compute.agreement.documents import amended
from compute.records import contract_name
from marketplace.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    MarketplaceError,
    NotFoundError,
    WrongStateError,
)
from marketplace.flow.states import CaseState

UNTIL = NOW + 10 * DAY
ROOT = Path(__file__).parents[2]
NUMBER = "沪经信监〔2026〕17号"


@pytest.fixture
def contract(market: Market) -> str:
    return contracted(market)


def contracted(market: Market) -> str:
    """A contract about which there is something of everything that is read."""
    name = market.active()
    market.exchange.consents.register(BANK, market.registration(name, "batch-1", ["a", "b"]))
    terms = market.exchange.contracts.load(BANK, name).terms
    market.exchange.amendments.propose(BANK, name, amended(terms, version=2, max_uses=terms.max_uses - 1))
    return name


@pytest.fixture
def case(market: Market) -> str:
    """An approved one."""
    case = market.exchange.cases.open(SUPERVISOR, NUMBER, UNTIL).id
    assert market.exchange.cases.approve(INSPECTOR, case).state is CaseState.APPROVED
    return case


Asking = Callable[[Market, str, str, str | None], Any]
READING: dict[str, Asking] = {
    "application": lambda m, actor, name, case: m.exchange.applications.load(actor, name, case),
    "contract": lambda m, actor, name, case: m.exchange.contracts.load(actor, name, case),
    "agreement": lambda m, actor, name, case: m.exchange.contracts.agreement(actor, name, case=case),
    "amendment": lambda m, actor, name, case: m.exchange.amendments.load(actor, name, case),
    "certificates": lambda m, actor, name, case: m.exchange.contracts.certificates(actor, name, case),
    "history": lambda m, actor, name, case: m.exchange.applications.history(actor, name, case),
    "legend": lambda m, actor, name, case: m.exchange.contracts.legend(actor, name, case=case),
    "prices": lambda m, actor, name, case: m.exchange.prices.of(actor, name, case),
    "versions": lambda m, actor, name, case: m.exchange.contracts.versions(actor, name, case),
    "permit": lambda m, actor, name, case: m.exchange.permits.load(actor, name, TAX, case),
    "consents": lambda m, actor, name, case: m.exchange.consents.of(actor, name, case=case),
    "trace": lambda m, actor, name, case: m.exchange.trace(actor, name, case),
}


def sealed(market: Market) -> list[int]:
    return [
        index for index, entry in enumerate(market.exchange.log.entries()) if entry.kind is EntryKind.CASE_READ
    ]


def flaws(market: Market) -> list[str]:
    found = check_seals(list(enumerate(market.exchange.log.entries())), "market").flaws
    return [flaw.problem for flaw in found]


def test_what_can_be_read_under_a_case_is_what_the_log_knows() -> None:
    assert sorted(READING) == sorted(READS)
    source = "".join(file.read_text("utf-8") for file in (ROOT / "marketplace").rglob("*.py"))
    assert set(re.findall(r'cases\.reading\("(\w+)"', source)) == set(READS)  # else a lawful read is called a flaw


@pytest.mark.parametrize("what", READING)
def test_under_a_case_a_supervisor_reads_what_the_parties_do(
    market: Market, contract: str, case: str, what: str
) -> None:
    own = READING[what](market, BANK, contract, None)
    assert READING[what](market, SUPERVISOR, contract, case) == own
    (index,) = sealed(market)
    assert index == market.exchange.log.size() - 1
    assert market.exchange.cases.load(SUPERVISOR, case)[1] == 1
    assert flaws(market) == []


@pytest.mark.parametrize("what", READING)
def test_without_a_case_a_supervisor_reads_nothing_and_learns_nothing(
    market: Market, contract: str, what: str
) -> None:
    said = set()
    for name in (contract, "contract-0"):
        with pytest.raises(ForbiddenError, match="open a case, have it approved, and name it") as refused:
            READING[what](market, SUPERVISOR, name, None)
        said.add(str(refused.value))
    assert len(said) == 1
    assert market.kinds()[-1] == "refused"
    with pytest.raises(NotFoundError):
        market.exchange.contracts.terminate(SUPERVISOR, contract, WHY)


def refused(market: Market, contract: str, case: str, actor: str = SUPERVISOR) -> type[MarketplaceError]:
    """Nothing can be read under the case: the error of all five ways, which must be one."""
    before, errors = sealed(market), set()
    for ask in READING.values():
        with pytest.raises(MarketplaceError) as caught:
            ask(market, actor, contract, case)
        errors.add(type(caught.value))
    assert sealed(market) == before
    (error,) = errors
    return error


def test_a_case_that_is_not_approved_reads_nothing(market: Market, contract: str) -> None:
    case = market.exchange.cases.open(SUPERVISOR, NUMBER, UNTIL).id
    assert refused(market, contract, case) is WrongStateError


def test_a_case_that_is_closed_or_over_reads_nothing(market: Market, contract: str, case: str) -> None:
    market.exchange.contracts.load(SUPERVISOR, contract, case)
    market.clock.now = UNTIL
    assert refused(market, contract, case) is WrongStateError  # nobody has closed it yet
    market.clock.now = UNTIL - 1
    market.exchange.contracts.load(SUPERVISOR, contract, case)
    market.exchange.cases.close(SUPERVISOR, case)
    assert refused(market, contract, case) is WrongStateError


@pytest.mark.parametrize(
    ("actor", "error"),
    [
        (INSPECTOR, ForbiddenError),  # who only approved it
        ("operator", ForbiddenError),
        (BANK, NotFoundError),
        (TAX, NotFoundError),
        (OTHER, NotFoundError),
    ],
)
def test_a_case_is_read_under_by_who_opened_it(
    market: Market, contract: str, case: str, actor: str, error: type[MarketplaceError]
) -> None:
    assert refused(market, contract, case, actor) is error


def test_no_case_leads_to_a_contract_that_is_none(market: Market, case: str) -> None:
    assert refused(market, "contract-0", case) is NotFoundError


def test_a_case_is_approved_by_another_supervisor_or_the_operator(market: Market) -> None:
    cases = market.exchange.cases
    for number, approver in enumerate((INSPECTOR, "operator")):
        case = cases.open(SUPERVISOR, str(number), UNTIL).id
        with pytest.raises(ForbiddenError, match="supervisor has opened the case"):
            cases.approve(SUPERVISOR, case)
        for outsider in (BANK, TAX, REVIEWER):
            with pytest.raises(NotFoundError):
                cases.approve(outsider, case)
        assert cases.approve(approver, case).approver == approver
        with pytest.raises(WrongStateError):
            cases.approve(approver, case)
        found, reads = cases.load(approver, case)
        assert (found.state, found.approver, found.number, reads) == (CaseState.APPROVED, approver, str(number), 0)


def test_who_opens_closes_and_sees_a_case(market: Market, case: str) -> None:
    cases = market.exchange.cases
    for other in (INSPECTOR, "operator"):
        with pytest.raises(ForbiddenError):
            cases.close(other, case)
        assert [each.number for each, _ in cases.all_of(other)] == [NUMBER]
    for outsider in (BANK, TAX):
        with pytest.raises(NotFoundError):
            cases.close(outsider, case)
        with pytest.raises(NotFoundError):
            cases.load(outsider, case)
        with pytest.raises(ForbiddenError):
            cases.all_of(outsider)
        with pytest.raises(ForbiddenError):
            cases.open(outsider, "1", UNTIL)
    with pytest.raises(ForbiddenError):
        cases.open("operator", "1", UNTIL)
    with pytest.raises(ConflictError, match="already"):
        cases.open(INSPECTOR, NUMBER, UNTIL)
    for until in (NOW, NOW + 367 * DAY):
        with pytest.raises(InvalidError, match="within 366 days"):
            cases.open(SUPERVISOR, "2", until)
    assert cases.close(SUPERVISOR, case).state is CaseState.CLOSED
    with pytest.raises(WrongStateError):
        cases.close(SUPERVISOR, case)


def test_closing_unseals_every_read_for_all_to_check(market: Market, contract: str, case: str) -> None:
    other = market.active("loans-2")
    for ask in READING.values():
        ask(market, SUPERVISOR, contract, case)
    market.exchange.contracts.load(SUPERVISOR, other, case)
    indices = sealed(market)
    assert len(indices) == len(READS) + 1
    market.exchange.cases.close(SUPERVISOR, case)
    found = check_seals(list(enumerate(market.exchange.log.entries())), "market")
    assert (found.flaws, found.sealed) == ([], [])
    assert found.opened == {
        **{index: Read(case, contract, SUPERVISOR, what) for index, what in zip(indices, READING, strict=False)},
        indices[-1]: Read(case, other, SUPERVISOR, "contract"),
    }
    shown = [entry for _, entry in market.exchange.trace(BANK, contract)]
    assert [entry.kind for entry in shown[-len(READS) :]] == [EntryKind.CASE_UNSEALED] * len(READS)
    assert {entry.counterparty for entry in shown[-len(READS) :]} == {SUPERVISOR}
    assert market.check().size == market.exchange.log.size()


def test_time_alone_closes_a_case(market: Market, contract: str, case: str) -> None:
    market.exchange.contracts.load(SUPERVISOR, contract, case)
    market.clock.now = UNTIL - 1
    assert market.exchange.expire() == 0
    market.clock.now = UNTIL
    assert market.exchange.expire() == 1
    assert market.kinds()[-2:] == ["case_closed", "case_unsealed"]
    assert market.exchange.cases.load(SUPERVISOR, case)[0].state is CaseState.CLOSED
    assert flaws(market) == []


def test_an_approval_after_the_end_is_refused(market: Market) -> None:
    case = market.exchange.cases.open(SUPERVISOR, NUMBER, UNTIL).id
    market.clock.now = UNTIL
    with pytest.raises(ConflictError, match="over"):
        market.exchange.cases.approve(INSPECTOR, case)


def test_a_sealed_read_reveals_nothing_to_whoever_tries_all_there_is(
    market: Market, contract: str, case: str
) -> None:
    """All contracts, parties, cases and reads, under no salt and under whatever salt could be known."""
    others = [market.active(f"loans-{number}") for number in range(2, 6)]
    for ask in READING.values():
        ask(market, SUPERVISOR, contract, case)
    size = market.exchange.log.size()
    entries = [market.exchange.log.entry(index) for index in range(size)]
    reads = [entry for entry in entries if entry.kind is EntryKind.CASE_READ]
    seals = {entry.detail["sealed"] for entry in reads}
    assert len(seals) == len(READING)
    for entry in reads:
        assert (entry.contract, entry.counterparty, entry.permit_id, entry.job) == (None,) * 4
        assert set(entry.detail) == {"sealed"}
        assert entry.time == NOW
        shown = encode(entry)
        assert not [name for name in (contract, case, SUPERVISOR, BANK, TAX) if name.encode() in shown]
    assert len({len(encode(entry)) - len(str(entry.counter)) for entry in reads}) == 1
    salts = [b"", bytes(32), *(bytes.fromhex(case) for _ in [0]), hashlib.sha256(NUMBER.encode()).digest()]
    salts += [hashlib.sha256(name.encode()).digest() for name in (*KINDS, contract)]
    names = [contract, *others, *(contract_name(bank, f"loans-{n}") for bank in (BANK, OTHER) for n in range(20))]
    for salt, name, reader, what, number in itertools.product(salts, names, KINDS, READS, (case, NUMBER, "")):
        read = Read(number, name, reader, what)
        guess = hashlib.sha256(salt + read.canonical()).hexdigest() if len(salt) != 32 else seal(salt, read)
        assert guess not in seals
    logged = b"".join(encode(entry) for entry in entries)
    assert NUMBER.encode() not in logged
    assert not any(entry.contract == contract for entry in entries[-len(READING) :])


def test_no_party_sees_a_read_before_the_case_is_closed(market: Market, contract: str, case: str) -> None:
    before = [market.exchange.trace(party, contract) for party in (BANK, TAX, LABOUR)]
    for ask in READING.values():
        ask(market, SUPERVISOR, contract, case)
    assert [market.exchange.trace(party, contract) for party in (BANK, TAX, LABOUR)] == before


def test_a_read_that_fails_hands_nothing_out(
    market: Market, contract: str, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the power fails here")

    with monkeypatch.context() as broken:
        broken.setattr("audit.storage.batch.Batch.seal", fail)
        with pytest.raises(OSError, match="power"):
            market.exchange.contracts.load(SUPERVISOR, contract, case)
    assert sealed(market) == []
    assert market.exchange.cases.load(SUPERVISOR, case)[1] == 0


@pytest.mark.both_databases
def test_a_case_from_its_opening_to_its_end(market: Market) -> None:
    name = contracted(market)
    case = market.exchange.cases.open(SUPERVISOR, NUMBER, UNTIL).id
    assert refused(market, name, case) is WrongStateError
    market.exchange.cases.approve("operator", case)
    for what, ask in READING.items():
        assert ask(market, SUPERVISOR, name, case) == ask(market, BANK, name, None), what
    assert (len(sealed(market)), flaws(market)) == (len(READING), [])
    market.clock.now = UNTIL
    assert market.exchange.expire() == 1
    assert (market.kinds().count("case_unsealed"), flaws(market)) == (len(READING), [])
    assert market.check().size == market.exchange.log.size()
