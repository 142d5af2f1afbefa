"""The whole flow with three parties, and what the nodes can check of it for themselves."""

import subprocess
import sys
from pathlib import Path

import pytest
from market import (
    BANK,
    DAY,
    EXAMPLES,
    LABOUR,
    NOW,
    OTHER,
    REVIEWER,
    SALTS,
    SEED,
    TAX,
    VERSIONS,
    WHY,
    Market,
    grant,
    terms,
)

import marketplace.flow
from audit.entry import EntryKind
from compute.permit import check_permit
from compute.records import Consents, commitment
from compute.signing import Pin, digest, verify
from compute.terms import Use
from marketplace.errors import MarketplaceError, NotFoundError
from marketplace.flow.consent_states import CONSENT_REQUEST, DISPUTE
from marketplace.flow.event import MOVED
from marketplace.flow.intervention import INTERVENTION
from marketplace.flow.states import (
    APPLICATION,
    CASE,
    CONTRACT,
    ORGANISATION,
    PERMIT,
    PRODUCT,
    RESOURCE,
    ApplicationState,
    ContractState,
    Move,
    PermitState,
)

SUBJECTS = [
    line.split(",")[0] for line in (EXAMPLES / "market_regulation.csv").read_text("utf-8").splitlines()[1:201]
]
NONCE = b"\7" * 32
READ = digest(terms()).hex()


def test_from_enrolment_to_a_traced_use(market: Market) -> None:
    exchange = market.exchange
    assert [listing.key for listing in market.listed()] == [VERSIONS[TAX], VERSIONS[LABOUR]]

    name = market.applied()
    assert (
        exchange.applications.page(TAX, "", 10)
        == exchange.applications.page(BANK, "", 10)
        == [exchange.applications.load(LABOUR, name)]
    )
    assert market.approve(TAX, name).state is ApplicationState.SUBMITTED
    assert market.approve(LABOUR, name).state is ApplicationState.APPROVED
    assert exchange.contracts.load(BANK, name).terms == terms()

    for party in (TAX, BANK):
        assert exchange.contracts.sign(party, market.signed(party, name)).state is ContractState.DRAFTED
    with pytest.raises(NotFoundError):
        exchange.permits.load(BANK, name, TAX)
    contract = exchange.contracts.sign(LABOUR, market.signed(LABOUR, name))
    assert contract.state is ContractState.ACTIVE
    assert exchange.contracts.load(TAX, name) == contract

    assert exchange.consents.register(BANK, market.registration(name, "batch-1", SUBJECTS)) == len(SUBJECTS)

    # What a provider's node checks, knowing only the operator's and the marketplace's keys.
    own = {party: exchange.pins()[party] for party in ("market", "operator")}
    records = [verify(admission, "operator", "operator", own) for admission in exchange.directory(TAX)]
    pins: dict[str, Pin] = own | {record.name: record.pin for record in records}
    permit = exchange.permits.load(BANK, name, TAX)
    use = Use(
        consumer=BANK,
        provider=TAX,
        product="market-registration",
        product_version="1.0.0",
        fields=frozenset({"naics"}),
        operation="risk_score",
        purpose="credit_approval",
        uses=len(SUBJECTS),
        used=0,
        time=NOW,
    )
    status = exchange.permits.status(TAX, permit.id, NONCE)
    check_permit(permit.token, contract.signed, status, nonce=NONCE, issuer="market", pins=pins, use=use)
    held = exchange.consents.of(TAX, name)
    for batch in held.batches:
        verify(batch, BANK, "consumer", pins)
    assert held.standing(NOW) == {commitment(SALTS.salt(subject), subject) for subject in SUBJECTS}

    job = "5e" * 32
    made = {"permit_id": permit.id, "job": job}
    answer = market.entry(EntryKind.ANSWER_SENT, TAX, name, counterparty=BANK, **made)
    index = exchange.append_events([answer])
    assert exchange.append_events([answer]) == index
    market.report(EntryKind.ANSWER_RECEIVED, BANK, name, **made)
    # A stranger's word about the same job is kept, but is no part of the contract's trace.
    market.report(EntryKind.REFUSED, OTHER, job=job)
    with pytest.raises(NotFoundError):
        market.report(EntryKind.REFUSED, OTHER, name, permit_id=permit.id)

    told = [(entry.kind.value, entry.node) for _, entry in exchange.trace("operator", name)]
    assert told == [
        ("application_submitted", "market"),
        ("application_approved", "market"),
        ("application_approved", "market"),
        ("contract_drafted", "market"),
        ("price_agreed", "market"),
        ("price_agreed", "market"),
        ("contract_signed", "market"),
        ("contract_signed", "market"),
        ("contract_signed", "market"),
        ("contract_activated", "market"),
        ("permit_issued", "market"),
        ("permit_issued", "market"),
        ("consent_registered", "market"),
        ("consent_noticed", "market"),
        ("answer_sent", TAX),
        ("answer_received", BANK),
    ]
    assert market.check().size == exchange.log.size()


def test_no_subject_is_written_anywhere(market: Market) -> None:
    name = market.active()
    market.exchange.consents.register(BANK, market.registration(name, "batch-1", SUBJECTS))
    market.exchange.consents.withdraw(BANK, market.withdrawal(name, SUBJECTS[:5]))
    stored = market.stored()
    assert commitment(SALTS.salt(SUBJECTS[0]), SUBJECTS[0]) in stored
    assert b"contract_activated" in stored
    assert not [subject for subject in SUBJECTS if subject.encode() in stored]
    assert SEED not in stored
    logged = str(list(market.exchange.log.entries()))
    assert not [subject for subject in SUBJECTS if commitment(SALTS.salt(subject), subject).hex() in logged]


def test_time_alone_ends_what_is_in_force(market: Market) -> None:
    exchange = market.exchange
    name, draft = market.active(), market.drafted("loans-2")
    permit = exchange.permits.load(BANK, name, TAX).id
    market.clock.now = NOW + 30 * DAY - 1
    assert exchange.expire() == 3  # whoever did not sign the draft is told
    assert exchange.expire() == 0
    assert exchange.permits.status(TAX, permit, NONCE).statement.active
    market.clock.now += 1
    assert not exchange.permits.status(TAX, permit, NONCE).statement.active  # nothing waited for expire()
    assert exchange.contracts.load(BANK, name).state is ContractState.ACTIVE
    assert exchange.expire() == 4  # the contract, the draft, two permits
    assert exchange.expire() == 0
    assert exchange.contracts.load(BANK, name).state is ContractState.EXPIRED
    assert exchange.contracts.load(BANK, draft).state is ContractState.EXPIRED
    assert exchange.permits.load(BANK, name, LABOUR).state is PermitState.EXPIRED
    assert market.kinds()[-4:] == ["contract_expired"] * 2 + ["permit_expired"] * 2


def test_every_move_is_an_event_of_its_own() -> None:
    of_contracts = (APPLICATION, CONTRACT, PERMIT, CASE, CONSENT_REQUEST, DISPUTE)
    machines = (ORGANISATION, INTERVENTION, PRODUCT, RESOURCE, *of_contracts)
    moves = {(machine.noun, move) for machine in machines for _, move in machine.moves}
    # Whether other terms were asked for or offered, they are asked for again, and that says what became of them. A
    # permit that is issued anew is an event like the first.
    within = {("application", move) for move in (Move.ACCEPT, Move.DECLINE, Move.REOPEN)}
    within.add(("permit", Move.REISSUE))
    assert MOVED.keys() == moves - within
    assert MOVED["resource", Move.CHANGE] is MOVED["resource", Move.CORRECT]  # the state tells them apart
    assert len(set(MOVED.values())) == len(MOVED) - 1


def test_every_refusal_is_recorded_without_what_was_typed(market: Market) -> None:
    before = market.exchange.log.size()
    with pytest.raises(MarketplaceError):
        market.exchange.applications.approve(TAX, SUBJECTS[0], READ)
    with pytest.raises(MarketplaceError):
        market.exchange.trace("nobody", "contract-1")
    assert market.refusals() == [(TAX, "approve", "not_found"), ("nobody", "trace", "forbidden")]
    entries = list(market.exchange.log.entries(before))
    assert SUBJECTS[0] not in str(entries)
    assert dict(entries[0].detail) == {"command": "approve", "reason": "not_found"}


def test_what_others_contract_about_looks_as_if_it_were_not_there(market: Market) -> None:
    exchange, name = market.exchange, market.active()
    permit = exchange.permits.load(BANK, name, TAX).id
    secret = [
        lambda known: exchange.applications.load(OTHER, known),
        lambda known: exchange.contracts.load(OTHER, known),
        lambda known: exchange.applications.approve(OTHER, known, READ),
        lambda known: exchange.applications.resubmit(OTHER, known, grant(TAX, "naics")),
        lambda known: exchange.contracts.terminate(REVIEWER, known, WHY),
        lambda known: exchange.consents.of(OTHER, known),
        lambda known: exchange.consents.of("operator", known),
        lambda known: exchange.trace(OTHER, known),
    ]
    for ask in secret:
        told = []
        for known in (name, "contract-0"):
            with pytest.raises(NotFoundError) as refused:
                ask(known)
            told.append(str(refused.value).replace(known, "…"))
        assert told[0] == told[1]
    for asker in (OTHER, LABOUR, REVIEWER):
        with pytest.raises(NotFoundError):
            exchange.permits.status(asker, permit, NONCE)
        with pytest.raises(NotFoundError):
            exchange.permits.load(asker, name, TAX)
        with pytest.raises(NotFoundError):
            exchange.permits.revoke(asker, permit, WHY)


def loaded_by(*modules: str) -> set[str]:
    statement = f"import sys, {', '.join(modules)}\nprint(*sys.modules)"
    command = [sys.executable, "-c", statement]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())  # noqa: S603 -- ours


def test_the_rules_load_no_database_and_no_web() -> None:
    rules = sorted(Path(marketplace.flow.__file__ or "").parent.glob("[a-z]*.py"))
    loaded = loaded_by("compute.records", *(f"marketplace.flow.{path.stem}" for path in rules))
    assert "marketplace.flow.application" in loaded
    assert not {name.split(".")[0] for name in loaded} & {"sqlalchemy", "flask", "httpx", "sqlite3"}


def test_the_marketplace_loads_nothing_that_reads_a_row_or_computes() -> None:
    loaded = loaded_by("marketplace.exchange")
    assert "marketplace.store.consents" in loaded
    assert not {name.split(".")[0] for name in loaded} & {"connectors", "duckdb", "gmpy2", "pandas", "numpy"}
    assert not [
        name for name in loaded if name.startswith(("compute.paillier", "compute.protocols", "compute.node"))
    ]


def test_an_empty_contract_has_no_consents(market: Market) -> None:
    name = market.active()
    assert market.exchange.consents.of(LABOUR, name) == Consents(contract=name, batches=(), withdrawals=())
