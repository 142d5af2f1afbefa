"""A contract that is revoked: no query 5 seconds later, jobs stopped, what is left destroyed and certified."""

from dataclasses import dataclass

import pytest
from market import BANK, DAY, KEYS, LABOUR, NOW, TAX, WHY, Market
from node.admission_office import SUBJECTS, Office
from node.conftest import AT_REST, Engines
from node.exchange_client import ExchangeClient
from node.test_node_label_vectors import PARTS, name, statement

from compute.agreement.documents import amended
from compute.canonical import encode
from compute.market.contracts import Certificates, ContractRecord, DestructionCertificate, Kept
from compute.node.bank import watch as bank_watch
from compute.node.console.messages import Scoring
from compute.node.destruction import Destruction, DestructionStore
from compute.node.jobs.estimate import Cost
from compute.node.jobs.states import State
from compute.node.jobs.store import JobStore
from compute.node.legal_holds import Hold, HoldStore
from compute.node.provider import watch
from compute.node.provider.label_vectors import LabelVectorStore
from compute.node.salts import SaltStore
from compute.node.stopping import stop_jobs
from compute.permit import permit_name
from compute.protocols.base import RefusalError
from compute.protocols.key_enrolment.messages import AskRingPedersen
from compute.protocols.risk_score.messages import Query
from compute.signing import Signed, sign, verify
from compute.web.errors import PeerUnreachableError
from marketplace.api import render

KINDS = {"answer": Cost(1.0, 0.001), "ring_pedersen": Cost(1.0, 1.0), "score": Cost(1.0, 0.001)}
NONCE = bytes(32)


def jobs_of(office: Office) -> JobStore:
    return JobStore(office.engine, AT_REST, KINDS, office.market.clock)


def query(office: Office, contract: str, number: int) -> bytes:
    job = sign(office.job(contract, number), BANK, KEYS[BANK])
    return encode(Query(job=job, salt=NONCE, subjects=SUBJECTS))


def stands(office: Office, permit: str) -> bool:
    return office.desk.permit_status(permit, NONCE).statement.active


# --- revoked, and 5 seconds later -----------------------------------------------------------------------------


@pytest.mark.parametrize("side", [BANK, LABOUR, "operator"])
def test_five_seconds_after_any_side_revoked_nothing_is_answered_and_jobs_are_stopped(
    office: Office, side: str
) -> None:
    contract, other = office.agree(), office.agree("loans-2")
    for each in (contract, other):
        office.present(each)
    jobs = jobs_of(office)
    queued = jobs.submit(BANK, "answer", query(office, contract, 1), "1", 3)
    standing = jobs.submit(BANK, "answer", query(office, other, 2), "1", 3)
    needs_none = jobs.submit(BANK, "ring_pedersen", encode(AskRingPedersen(bank=BANK)), "1", 1)

    def one_round() -> int:
        return stop_jobs(jobs, lambda _, data: watch.permit_of(TAX, data), lambda permit: stands(office, permit))

    assert one_round() == 0
    office.market.exchange.contracts.revoke(side, contract, WHY)
    office.later(5000)
    with pytest.raises(RefusalError, match="permit check 4: the permit is suspended, revoked or ended"):
        office.present(contract)
    assert one_round() == 1
    assert jobs.get(queued.id).state is State.CANCELLED
    assert {jobs.get(each.id).state for each in (standing, needs_none)} == {State.QUEUED}
    assert one_round() == 0


def test_a_running_job_is_asked_to_stop(office: Office) -> None:
    contract = office.agree()
    jobs = jobs_of(office)
    job = jobs.submit(BANK, "answer", query(office, contract, 1), "1", 3)
    with office.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET state = 'running' WHERE id = ?", (job.id,))
    office.market.exchange.contracts.suspend(TAX, contract, WHY)
    assert stop_jobs(jobs, lambda *_: permit_name(contract, TAX), lambda permit: stands(office, permit)) == 1
    assert jobs.get(job.id).state is State.CANCELLING  # which its worker hears within a second


def test_while_the_marketplace_is_away_nothing_is_stopped(office: Office) -> None:
    contract = office.agree()
    jobs = jobs_of(office)
    jobs.submit(BANK, "answer", query(office, contract, 1), "1", 3)
    office.desk.gone = True
    assert stop_jobs(jobs, lambda *_: permit_name(contract, TAX), lambda permit: stands(office, permit)) == 0


def test_a_bank_stops_its_own_jobs_by_their_contract(office: Office) -> None:
    contract = office.agree()
    jobs = jobs_of(office)
    scoring = Scoring(
        reference="first",
        contract=contract,
        model="sme",
        model_version="1.0.0",
        as_of="2026-11-01",
        subjects=SUBJECTS,
    )
    job = jobs.submit(BANK, "score", encode(scoring), "1", 3)
    market = office.market.exchange

    def in_force(name: str) -> bool:
        return market.contracts.load(BANK, name).state == "active"

    assert stop_jobs(jobs, bank_watch.contract_of, in_force) == 0
    market.contracts.terminate(TAX, contract, WHY)
    assert stop_jobs(jobs, bank_watch.contract_of, in_force) == 1
    assert jobs.get(job.id).state is State.CANCELLED


def test_an_amendment_refuses_the_permit_before_until_the_new_one_is_presented(office: Office) -> None:
    contract = office.agree()
    before = office.presentation(contract)
    office.admission.present(before)
    exchange = office.market.exchange
    held = exchange.contracts.load(BANK, contract).terms
    new = amended(held, version=2, max_uses=5)
    exchange.amendments.propose(BANK, contract, new)
    for party in (BANK, TAX, LABOUR):
        exchange.amendments.sign(party, sign(new, party, KEYS[party]))
    office.later(1)
    with pytest.raises(RefusalError, match="the contract has another version; present the permit"):
        office.admission.present(before)
    assert office.present(contract).permit == permit_name(contract, TAX)


# --- what is left -----------------------------------------------------------------------------------------------


@dataclass
class Clerk(ExchangeClient):
    """The exchange as a node's destruction asks it; a test may have it be gone."""

    gone: bool = False

    @property
    def contracts(self) -> "Clerk":
        return self

    def contract(self, contract: str) -> ContractRecord:
        if self.gone:
            raise PeerUnreachableError("no answer")
        with self._asking():
            return render.contract(self.market.exchange.contracts.load(self.party, contract))

    def certify(self, signed: Signed[DestructionCertificate]) -> DestructionCertificate:
        with self._asking():
            return self.market.exchange.contracts.certify(self.party, signed)

    def certificates(self, contract: str) -> Certificates:
        return self.market.exchange.contracts.certificates(self.party, contract)


@dataclass
class Cellar:
    """What the tax office keeps of a contract."""

    market: Market
    clerk: Clerk
    store: DestructionStore
    salts: SaltStore
    holds: HoldStore
    vectors: LabelVectorStore
    destruction: Destruction


def cellar(office: Office, engines: Engines) -> Cellar:
    clerk, salts, holds = Clerk(office.market, TAX), SaltStore(engines[0], AT_REST), HoldStore(engines[0])
    vectors, store = LabelVectorStore(engines[0]), DestructionStore(engines[0])
    destruction = Destruction(
        TAX,
        KEYS[TAX],
        clerk,  # type: ignore[arg-type]
        store,
        salts,
        holds,
        {Kept.LABEL_VECTORS: vectors.destroy},
        90 * DAY,
        office.market.clock,
    )
    return Cellar(office.market, clerk, store, salts, holds, vectors, destruction)


def test_what_is_left_of_a_contract_is_destroyed_at_its_end_and_certified(
    office: Office, engines: Engines
) -> None:
    contract, kept = office.agree(), cellar(office, engines)
    kept.salts.draw(contract)
    signed, other = statement(1, BANK, contract), statement(2, BANK, "contract-2")
    for each in (signed, other):
        kept.vectors.open(each, NOW, 8)
        for number, part in enumerate(PARTS):
            kept.vectors.register(name(each), number, part, NOW)
    assert kept.destruction.round() == 0
    assert list(kept.vectors.ciphertexts(name(signed))) == list(PARTS)
    office.market.exchange.contracts.terminate(BANK, contract, WHY)
    assert kept.destruction.round() == 1
    assert list(kept.vectors.ciphertexts(name(signed))) == []
    assert list(kept.vectors.ciphertexts(name(other))) == list(PARTS)
    (certificate,) = kept.clerk.certificates(contract).certificates
    verify(certificate, TAX, "provider", office.market.exchange.pins())
    assert certificate.statement.destroyed == {Kept.LABEL_VECTORS: 1}
    assert certificate.statement.retained == (Kept.SALTS,)
    assert kept.clerk.certificates(contract).owing == (BANK, LABOUR)
    asked = kept.clerk.asked
    assert kept.destruction.round() == 0
    assert kept.clerk.asked == asked  # nothing is asked or sent twice


def test_the_salts_go_when_their_retention_is_over(office: Office, engines: Engines) -> None:
    contract, kept = office.agree(), cellar(office, engines)
    kept.salts.draw(contract)
    office.market.exchange.contracts.terminate(BANK, contract, WHY)
    kept.destruction.round()
    assert kept.salts.find(contract) is not None
    office.market.clock.now += 90 * DAY
    kept.destruction.round()
    assert kept.salts.find(contract) is None
    assert kept.store.salts_due(office.market.clock.now) == []


def test_a_legal_hold_keeps_all_of_it(office: Office, engines: Engines) -> None:
    contract, kept = office.agree(), cellar(office, engines)
    kept.salts.draw(contract)
    kept.holds.place(Hold(contract, "2026-17", office.market.clock.now + DAY))
    office.market.exchange.contracts.terminate(BANK, contract, WHY)
    assert kept.destruction.round() == 0
    office.market.clock.now += DAY
    assert kept.destruction.round() == 1


def test_a_certificate_waits_for_the_marketplace_and_is_sent_once(office: Office, engines: Engines) -> None:
    contract, kept = office.agree(), cellar(office, engines)
    kept.salts.draw(contract)
    kept.clerk.gone = True
    office.market.exchange.contracts.terminate(BANK, contract, WHY)
    with pytest.raises(PeerUnreachableError):
        kept.destruction.round()
    assert kept.store.contracts() == set()
    kept.clerk.gone = False
    kept.destruction.round()
    assert kept.store.unsent() == []
    assert len(kept.clerk.certificates(contract).certificates) == 1
