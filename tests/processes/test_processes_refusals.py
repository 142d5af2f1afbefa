"""Who and what is refused, over HTTPS: a problem document for who asks, an event for a party's message."""

import re
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from entry import admit_over
from locks import lay_key, load_beside
from processes.live_market import MARKET_REGULATION, Market, rows
from processes.refusal_checks import asked, forge, kind, problem_of, refused, seen, send, send_signed
from processes.started_market import MAX_BODY

from compute.canonical import encode
from compute.node.console.messages import ModelRegistration, Scoring
from compute.protocols.base import Collect
from compute.protocols.risk_score.messages import AskProviderTerms, Query, RegisterTables
from compute.records import PartyKind, PartyRecord
from compute.signing import sign
from compute.web import messages
from compute.web.errors import PeerProblemError
from veilmart.demo.data import PROVIDERS, SCORECARD_FILE
from veilmart.demo.sites import BANK, MARKET, OPERATOR, REVIEWER, SUPERVISOR
from veilmart.demo.story import operator, today

pytestmark = pytest.mark.long

OTHER_BANK = "reef-bank"


# --- who asks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [MARKET, BANK, REVIEWER, *PROVIDERS])
def test_a_stranger_is_refused_by_every_process(market: Market, name: str, tmp_path: Path) -> None:
    site = next(site for site in market.all_sites if site.name == name)
    lay_key(tmp_path / "stranger.jwe", Ed25519PrivateKey.generate())
    with market.peer("stranger", site, tmp_path / "stranger.jwe") as peer:
        for method, path in (("GET", "/identity"), ("POST", "/messages"), ("GET", "/parties")):
            with pytest.raises(PeerProblemError) as caught:
                peer.request(method, path, expected=bytes)
            assert caught.value.status in {401, 404, 405}, path
        path = "/parties" if name == MARKET else "/identity"
        assert kind(asked(peer, "GET", path)) == (401, "signature-unknown-key")


def test_a_party_s_name_without_its_key_is_refused(market: Market, tmp_path: Path) -> None:
    lay_key(tmp_path / "false.jwe", Ed25519PrivateKey.generate())
    with market.peer(BANK, market.provider(), tmp_path / "false.jwe") as peer:
        problem = asked(peer, "POST", "/messages", encode(AskProviderTerms(bank=BANK)))
    assert kind(problem) == (401, "signature-wrong")


def test_a_request_that_was_taken_is_not_taken_again(market: Market) -> None:
    site, body, key = market.provider(), encode(AskProviderTerms(bank=BANK)), market.bank.folder / "identity.jwe"
    first = send_signed(site, BANK, key, "/messages", body)
    again = messages.Request("POST", f"{site.url}/messages", messages.pick_fields(first.request.headers.get))
    assert first.status_code == 200
    replayed = send(site, again, body)
    assert replayed.headers["Content-Type"] == "application/problem+json"
    assert kind(replayed.json()) == (401, "signature-replayed")
    changed = send(site, again, body.replace(b"harbour", b"harboir"))
    assert kind(changed.json()) == (401, "signature-wrong-digest")


def test_staff_send_no_messages_and_parties_command_no_node(market: Market) -> None:
    site = market.provider()
    with market.peer(site.staff, site, site.folder / "staff.jwe") as clerk:
        problem = asked(clerk, "POST", "/messages", encode(AskProviderTerms(bank=BANK)))
    assert kind(problem) == (403, "forbidden")
    with market.peer(BANK, site) as bank:
        for method, path in (("POST", "/product/publish"), ("GET", "/identity"), ("GET", "/applications")):
            assert kind(asked(bank, method, path)) == (403, "forbidden")
    with market.peer(MARKET_REGULATION, market.bank) as provider:
        assert kind(asked(provider, "GET", "/jobs/" + "0" * 32)) == (403, "forbidden")


def test_the_staff_of_one_party_are_strangers_to_another(market: Market) -> None:
    with market.peer("clerk", market.bank, market.provider().folder / "staff.jwe") as clerk:
        assert kind(asked(clerk, "GET", "/identity")) == (401, "signature-unknown-key")


# --- what is asked -----------------------------------------------------------------------------------------------


OWN_ROUTES = {MARKET: "/parties", BANK: "/scorings", SUPERVISOR: "/witness/add-checkpoint"}
"""Of those that take no messages."""


def test_a_body_above_the_limit_is_refused_unread(market: Market) -> None:
    """Straight to the process: the proxy could drop an answer that comes before the body has gone."""
    body = b"x" * (MAX_BODY + 1)
    for site in market.all_sites:
        path = OWN_ROUTES.get(site.name, "/messages")
        person = (BANK, market.bank.folder / "identity.jwe")
        if site.name == BANK:
            person = (market.bank.staff, market.bank.folder / "staff.jwe")
        response = send_signed(site, *person, path, body, port=site.port)
        assert (response.status_code, response.headers["Content-Type"]) == (413, "application/problem+json")
        assert kind(response.json()) == (413, "request-entity-too-large")


@pytest.mark.parametrize("spoil", [b" %s", b"%s\n", b"{%s}", b"\xff%s", b"[%s]"])
def test_a_message_in_another_form_is_refused_and_the_refusal_recorded(market: Market, spoil: bytes) -> None:
    problem = refused(market, spoil % encode(AskProviderTerms(bank=BANK)))
    assert kind(problem) == (400, "check-0")


def test_a_console_takes_canonical_requests_of_its_own_type(market: Market) -> None:
    with market.peer(market.bank.staff, market.bank, market.bank.folder / "staff.jwe") as analyst:
        assert kind(asked(analyst, "POST", "/scorings", b'{"type":"scoring"}')) == (400, "invalid-message")
        assert kind(asked(analyst, "POST", "/models", b"")) == (400, "not-canonical")
        with pytest.raises(PeerProblemError) as caught:
            analyst.request("POST", "/models", expected=bytes, content=b"{}", content_type="text/plain")
    assert problem_of(caught.value)["status"] == 415


def test_a_job_that_is_not_there_is_told(market: Market) -> None:
    with market.peer(market.bank.staff, market.bank, market.bank.folder / "staff.jwe") as analyst:
        for method, path in (
            ("GET", "/jobs/" + "0" * 32),
            ("GET", "/jobs/" + "0" * 32 + "/result"),
            ("POST", "/jobs/" + "0" * 32 + "/cancel"),
            ("GET", "/scorings/" + "0" * 32 + "/scores.csv"),
        ):
            assert kind(asked(analyst, method, path)) == (404, "not-found")
        assert kind(asked(analyst, "GET", "/nothing")) == (404, "not-found")
        assert kind(asked(analyst, "POST", "/identity")) == (405, "method-not-allowed")
    assert kind(refused(market, Collect(ticket="0" * 32))) == (403, "check-1")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"edges": [2, 3', '"edges": [3, 2', "sources.social-insurance[0]"),
        ('"prefix": 2', '"prefix": 3', "can never match"),
        ('"name"', '"nome"', "not a scorecard"),
        ('"column": "low_doc"', '"column": "lowdoc"', "lowdoc"),
        ('"base_points": 500', '"base_points": 5e99', "number"),
    ],
)
def test_a_scorecard_with_a_mistake_is_refused_with_its_place(
    market: Market, old: str, new: str, told: str
) -> None:
    card = (market.examples / SCORECARD_FILE).read_text("utf-8")
    assert old in card
    with market.analyst() as analyst, pytest.raises(PeerProblemError) as caught:
        analyst.submit_model(
            ModelRegistration(
                reference="mistaken", contract=market.outcome.contract, scorecard=card.replace(old, new, 1)
            )
        )
    problem = problem_of(caught.value)
    assert kind(problem) == (422, "bad-scorecard")
    assert told in str(problem["detail"])


def test_a_model_that_nobody_approved_is_not_scored(market: Market, query: Query) -> None:
    unknown = Scoring(
        reference="unknown",
        contract=market.outcome.contract,
        model="never-approved",
        model_version="1.0.0",
        as_of=today(),
        subjects=None,
    )
    with market.analyst() as analyst, pytest.raises(PeerProblemError) as caught:
        analyst.score(unknown)
    assert kind(problem_of(caught.value)) == (409, "model-not-registered")
    assert kind(refused(market, forge(market, query, approval=b"\1" * 32))) == (422, "check-4")


# --- what a cheating bank sends ----------------------------------------------------------------------------------


def test_the_same_job_gets_the_same_answer_and_another_under_its_nonce_none(market: Market, query: Query) -> None:
    assert market.send(query) == market.send(query)
    reused = forge(market, query, nonce=query.job.statement.nonce, subjects=query.subjects[:5])
    problem = refused(market, reused)
    assert kind(problem) == (422, "check-2")
    assert "nonce" in str(problem["detail"])


def test_the_providers_are_the_approved_ones_in_their_order(market: Market, query: Query) -> None:
    job = query.job.statement
    for count, changes in enumerate(
        (
            {"providers": job.providers[::-1], "permits": job.permits[::-1]},
            {"providers": job.providers[:1], "permits": job.permits[:1]},
            {"providers": job.providers[:1] * 2, "permits": job.permits[:1] * 2},
        )
    ):
        assert kind(refused(market, forge(market, query, **changes))) == (422, "check-5"), count


def test_a_job_that_is_changed_after_its_signature_is_refused(market: Market, query: Query) -> None:
    statement = msgspec.structs.replace(query.job.statement, nonce=b"\2" * 32)
    forged = msgspec.structs.replace(query, job=msgspec.structs.replace(query.job, statement=statement))
    assert kind(refused(market, forged)) == (403, "check-1")
    swapped = msgspec.structs.replace(forge(market, query), subjects=query.subjects[::-1])
    assert kind(refused(market, swapped)) == (422, "check-8")


def test_subjects_are_valid_codes_each_once(market: Market, query: Query) -> None:
    first, second, *_ = query.subjects
    twice = refused(market, forge(market, query, subjects=(first, second, first)))
    assert (kind(twice), "more than once" in str(twice["detail"])) == ((422, "check-8"), True)
    wrong = first[:-1] + ("0" if first[-1] != "0" else "1")
    assert kind(refused(market, forge(market, query, subjects=(wrong, second)))) == (422, "check-8")


def test_a_permit_of_nobody_is_refused(market: Market, query: Query) -> None:
    problem = refused(market, forge(market, query, permits=("permit-of-nobody",) * 2))
    assert kind(problem) == (422, "check-9")


def test_subjects_without_a_consent_are_listed_to_who_asked(market: Market, query: Query) -> None:
    """Straight to the provider: two companies of its table that never applied at the bank."""
    table = rows(market.examples / "market_regulation.csv")
    strangers = [row["uscc"] for row in table[-2:]]
    assert not set(strangers) & set(query.subjects)
    problem = refused(market, forge(market, query, subjects=(query.subjects[0], *strangers)))
    assert kind(problem) == (422, "check-9")
    assert problem["subjects"] == strangers


@pytest.fixture(scope="module")
def other_bank(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second bank, enrolled, without a node; give the file of its key."""
    path = tmp_path_factory.mktemp(OTHER_BANK) / "identity.jwe"
    key = Ed25519PrivateKey.generate()
    lay_key(path, key)
    record = PartyRecord(
        name=OTHER_BANK, kind=PartyKind.BUYER, public_key=key.public_key().public_bytes_raw(), base_url=None
    )
    with operator(market.sites) as desk:
        admit_over(market.sites.market.url, market.sites.market.authority, desk, OTHER_BANK, PartyKind.BUYER)
        desk.enrol(sign(record, OTHER_BANK, key), sign(record, OPERATOR, market.sites.operator_key))
    return path


def test_a_bank_whose_key_is_not_enrolled_is_refused(market: Market, query: Query, other_bank: Path) -> None:
    registration = next(seen(market, RegisterTables))
    assert isinstance(registration, RegisterTables)
    stolen = msgspec.structs.replace(
        registration, tables=msgspec.structs.replace(registration.tables, bank=OTHER_BANK)
    )
    job = msgspec.structs.replace(query.job.statement, bank=OTHER_BANK, nonce=b"\3" * 32)
    own = msgspec.structs.replace(query, job=sign(job, OTHER_BANK, load_beside(other_bank)))
    before = len(market.refusals())
    with market.peer(OTHER_BANK, market.provider(), other_bank) as peer:
        registering = asked(peer, "POST", "/messages", encode(stolen))
        asking = asked(peer, "POST", "/messages", encode(own))
        lent = asked(peer, "POST", "/messages", encode(query))
    assert kind(registering) == (422, "check-2")
    assert "enrolled key" in str(registering["detail"])
    assert kind(asking) == (422, "check-3")
    assert kind(lent) == (403, "check-1")
    assert "harbour-bank, but reef-bank sent it" in str(lent["detail"])
    assert [entry.detail["check"] for entry in market.refusals()[before:]] == [2, 3, 1]


def test_the_work_of_one_bank_is_none_to_another(market: Market, other_bank: Path) -> None:
    tickets = {
        match[1].decode()
        for exchange in market.exchanges()
        if exchange.server == MARKET_REGULATION
        and (match := re.search(rb'"ticket":"([0-9a-f]{32})"', exchange.answered))
    }
    assert tickets
    with market.peer(OTHER_BANK, market.provider(), other_bank) as peer:
        for ticket in tickets:
            assert kind(asked(peer, "POST", "/messages", encode(Collect(ticket=ticket)))) == (403, "check-1")
