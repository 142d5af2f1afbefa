"""Statements out of their place: replayed, reordered, mixed, made by the marketplace, older than a revocation."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import msgspec
import pytest
from attacker import answer as ask
from attacker import assert_refused, beyond_chance, hits, plaintexts, unpacked
from attacker import ciphertexts as numbers_of
from begun import open_begun
from gmpy2 import mpz
from market import BANK, DAY, KEYS, NOW, SALTS, TAX, WHY, Market, commitments, registered
from node.exchange_client import ExchangeClient
from web.party import KEYS as PARTY_KEYS
from web.party import make_app
from world import SUBJECTS, World

from compute import permit
from compute.node import consents as consents_module
from compute.node.consents import KnownConsents
from compute.permit import PermitError, PermitStatus, check_permit, permit_name
from compute.protocols.risk_score import checks, provider
from compute.protocols.risk_score.messages import Query
from compute.records import Consents, commitment
from compute.signing import Pin, Role, SignatureError, Signed, sign
from compute.terms import Use
from compute.web import messages
from compute.web.nonces import NonceStore

ROTATED = (*SUBJECTS[1:], SUBJECTS[0])


def totals(world: World, answers: Sequence[Sequence[mpz]], query: Query) -> list[int]:
    job = query.job.statement
    return unpacked(job.layout, plaintexts(world.key, answers), job.rows)


def numbers(world: World, party: str, query: Query) -> list[mpz]:
    return numbers_of(world, query, ask(world, party, query))


def partials_from(sums: Sequence[int], crossed: Sequence[int], first: int) -> list[int]:
    """The tax office's partial scores from L(i) + T(i), L(i) + T(i+1) and T(0), of one's own company."""
    steps = [b - a for a, b in zip(sums, crossed, strict=True)]
    return list(accumulate(steps[:-1], initial=first))


# --- subjects in another order -------------------------------------------------------------------------------


def test_subjects_in_another_order_at_one_provider_give_all_partial_scores(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a job does not bind the list: the masks cancel, and each total is of two companies.

    With the honest totals beside them, and one company of the bank's own, every partial score follows.
    """
    model = world.model()
    honest, second = world.query(model, SUBJECTS), world.query(model, SUBJECTS)
    sums = totals(world, [numbers(world, party, honest) for party in ("labour", "tax")], honest)
    root = second.job.statement.subjects_root
    monkeypatch.setattr(checks, "subjects_root", lambda _salt, _subjects: root)
    rotated = msgspec.structs.replace(second, subjects=ROTATED)
    crossed = totals(world, [numbers(world, "labour", second), numbers(world, "tax", rotated)], second)
    clear = world.clear(SUBJECTS)["tax"]
    assert partials_from(sums, crossed, clear[0]) == clear


def test_subjects_in_another_order_are_refused(world: World) -> None:
    query = world.query(world.model(), SUBJECTS)
    for subjects in (ROTATED, query.subjects[:-1], (*query.subjects[:-1], query.subjects[0])):
        message = msgspec.structs.replace(query, subjects=subjects)
        assert_refused(world, "tax", message, 8, "not those that the job commits to")


# --- answers of two jobs -------------------------------------------------------------------------------------


def both(world: World) -> tuple[Query, list[int], list[int]]:
    """A job over the companies and one over the rotated list: totals of the first, and of one answer of each."""
    model = world.model()
    first, second = world.query(model, SUBJECTS), world.query(model, ROTATED)
    labour = numbers(world, "labour", first)
    sums = totals(world, [labour, numbers(world, "tax", first)], first)
    return first, sums, totals(world, [labour, numbers(world, "tax", second)], first)


def test_answers_of_two_jobs_mix_where_masks_are_not_bound_to_a_job(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = provider.zero_sum_masks

    def of_no_job(own: str, key: object, peers: object, _job: bytes, outputs: int, public: object) -> list[mpz]:
        return honest(own, key, peers, b"any job", outputs, public)  # type: ignore[arg-type]

    monkeypatch.setattr(provider, "zero_sum_masks", of_no_job)
    _, sums, crossed = both(world)
    clear = world.clear(SUBJECTS)["tax"]
    assert partials_from(sums, crossed, clear[0]) == clear


def test_answers_of_two_jobs_do_not_mix(world: World) -> None:
    query, sums, crossed = both(world)
    clear = world.clear(SUBJECTS)
    assert sums == [a + b for a, b in zip(clear["labour"], clear["tax"], strict=True)]
    mixed = [a + b for a, b in zip(clear["labour"], world.clear(ROTATED)["tax"], strict=True)]
    assert hits(crossed, mixed) < beyond_chance(len(SUBJECTS), Fraction(1, 2**query.job.statement.slot_width))


# --- a permit that was revoked -------------------------------------------------------------------------------

ROLES: dict[str, Role] = {"market": "operator", "operator": "operator", BANK: "consumer"}
PINS = {name: Pin(ROLES.get(name, "provider"), key.public_key().public_bytes_raw()) for name, key in KEYS.items()}
NONCES = b"\1" * 32, b"\2" * 32


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    with open_begun(tmp_path / "market.db") as opened:
        yield opened


def use_of(market: Market) -> Use:
    return Use(
        consumer=BANK,
        provider=TAX,
        product="market-registration",
        product_version="1.0.0",
        fields=frozenset({"naics"}),
        operation="risk_score",
        purpose="credit_approval",
        uses=1,
        used=0,
        time=market.clock.now,
    )


def admit(market: Market, contract: str, status: Signed[PermitStatus], nonce: bytes) -> None:
    """Check the permit as the provider does, with whatever status the marketplace gave."""
    token = market.exchange.permits.load(BANK, contract, TAX).token
    signed = market.exchange.contracts.load(BANK, contract).signed
    check_permit(token, signed, status, nonce=nonce, issuer="market", pins=PINS, use=use_of(market))


@pytest.fixture
def withheld(market: Market) -> tuple[str, Signed[PermitStatus]]:
    """A contract that was revoked, and the marketplace's word of before."""
    contract = market.active()
    name = permit_name(contract, TAX)
    before = ExchangeClient(market, TAX).permit_status(name, NONCES[0])
    admit(market, contract, before, NONCES[0])
    market.exchange.contracts.terminate(BANK, contract, WHY)
    with pytest.raises(PermitError, match="check 4: the permit is suspended, revoked or ended"):
        admit(market, contract, ExchangeClient(market, TAX).permit_status(name, NONCES[1]), NONCES[1])
    return contract, before


def test_a_revocation_can_be_withheld_from_who_does_not_look_at_the_status(
    market: Market, withheld: tuple[str, Signed[PermitStatus]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token itself is good for its whole term."""
    monkeypatch.setattr(permit, "_check_status", lambda *_: None)
    market.clock.now += DAY
    admit(market, *withheld, NONCES[1])


def test_no_status_of_before_a_revocation_passes_for_one_of_now(
    market: Market, withheld: tuple[str, Signed[PermitStatus]]
) -> None:
    contract, before = withheld
    with pytest.raises(PermitError, match="check 4: the status answers another question"):
        admit(market, contract, before, NONCES[1])
    market.clock.now += 5001  # even if the nonce came again, as by a generator that was resumed
    with pytest.raises(PermitError, match="check 4: the status is not of the last 5 seconds"):
        admit(market, contract, before, NONCES[0])


def test_a_status_of_the_bank_s_own_making_does_not_count(
    market: Market, withheld: tuple[str, Signed[PermitStatus]]
) -> None:
    contract, before = withheld
    fresh = msgspec.structs.replace(before.statement, nonce=NONCES[1], at=market.clock.now)
    for signer in (BANK, "operator", TAX):
        with pytest.raises(PermitError, match="check 4: the status of the permit"):
            admit(market, contract, sign(fresh, "market", KEYS[signer]), NONCES[1])


# --- consents ------------------------------------------------------------------------------------------------

STRANGER = "91330106MA2CFLDG4R"


def invented(market: Market, contract: str, key: str, signer: str) -> Consents:
    """A batch in which a company consents that never did."""
    batch = market.batch(contract, "letters", [STRANGER]).statement
    signed = sign(msgspec.structs.replace(batch, commitments=commitments([STRANGER])), signer, KEYS[key])
    return Consents(contract=contract, batches=(signed,), withdrawals=())


class Lying:
    """The marketplace, as a source of consents."""

    def __init__(self, told: Consents) -> None:
        self._told = told

    def consents(self, _contract: str, _batches: int = 0, _withdrawals: int = 0) -> Consents:
        return self._told


def test_a_marketplace_invents_consents_where_nobody_looks_at_the_signature(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = market.active()
    terms = market.exchange.contracts.load("operator", contract).terms
    monkeypatch.setattr(consents_module, "verify", lambda signed, *_: signed.statement)
    standing = KnownConsents(Lying(invented(market, contract, "market", BANK)), PINS, "market").standing(
        terms, NOW
    )
    assert commitment(SALTS.salt(STRANGER), STRANGER) in standing


FORGERS = [("market", BANK), ("market", "market"), ("operator", BANK), (TAX, TAX)]


@pytest.mark.parametrize(("key", "signer"), FORGERS)
def test_no_consent_counts_that_the_bank_did_not_sign(market: Market, key: str, signer: str) -> None:
    contract = market.active()
    terms = market.exchange.contracts.load("operator", contract).terms
    known = KnownConsents(Lying(invented(market, contract, key, signer)), PINS, "market")
    with pytest.raises(SignatureError, match=r"does not verify|signed by"):
        known.standing(terms, NOW)


def test_a_marketplace_that_leaves_a_withdrawal_out_is_believed_by_a_process_that_never_saw_it(
    market: Market,
) -> None:
    """Not defended, and said so in docs/threat-model.md; one that saw it once does not forget."""
    contract = market.active()
    terms = market.exchange.contracts.load("operator", contract).terms
    letters = market.batch(contract, "letters", [STRANGER])
    market.exchange.consents.register(BANK, registered(letters, [STRANGER]))
    mark = commitment(SALTS.salt(STRANGER), STRANGER)
    known = KnownConsents(ExchangeClient(market, TAX), PINS, "market")
    assert mark in known.standing(terms, market.clock.now)
    market.clock.now += 1
    market.exchange.consents.withdraw(BANK, market.withdrawal(contract, [STRANGER]))
    assert mark not in known.standing(terms, market.clock.now)
    silent = Lying(Consents(contract=contract, batches=(letters,), withdrawals=()))
    assert mark in KnownConsents(silent, PINS, "market").standing(terms, market.clock.now)
    known._source = Lying(Consents(contract=contract, batches=(), withdrawals=()))
    assert mark not in known.standing(terms, market.clock.now)


# --- requests ------------------------------------------------------------------------------------------------


def sent_twice(folder: Path) -> Callable[[], int]:
    """One signed request to a party's app, byte for byte the same at each call; gives the status."""
    client = make_app("https://provider.example", folder, lambda: 1_800_000_000.0).test_client()
    request = messages.Request("POST", "https://provider.example/echo", {"Content-Type": "text/plain"})
    messages.sign(request, "bank", PARTY_KEYS["bank"], b"pay", 1_800_000_000.0)

    def send() -> int:
        base = "https://provider.example"
        return client.post("/echo", base_url=base, data=b"pay", headers=request.headers).status_code

    return send


def test_a_recorded_request_is_taken_again_where_nonces_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NonceStore, "use", lambda *_: True)
    send = sent_twice(tmp_path)
    assert (send(), send()) == (200, 200)


def test_a_recorded_request_is_taken_once(tmp_path: Path) -> None:
    """Over running processes: tests/processes/test_processes_refusals.py."""
    send = sent_twice(tmp_path)
    assert (send(), send(), send()) == (200, 401, 401)


def test_a_recorded_query_gives_what_it_gave_and_counts_nothing(world: World) -> None:
    """Also to whoever recorded it: the bytes are the stored ones, and no event tells of a second use."""
    query = world.query(world.model(), SUBJECTS[:3])
    first = world.send("tax", query)
    size = world.log.size()
    assert world.send("tax", query) == first
    assert world.log.size() == size
