"""What a node refuses, over HTTPS: a problem document for who asks, and an event for a party's refused message."""

import re
import secrets
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from processes.live_market import (
    MARKET_REGULATION,
    SOCIAL_SECURITY,
    Market,
    rows,
    write_rows,
)

from compute.canonical import FormatError, Message, decode, encode
from compute.node.console.messages import JobView, ModelRegistration, Scoring
from compute.node.jobs.states import State
from compute.protocols.base import Collect
from compute.protocols.risk_score.job import subjects_root
from compute.protocols.risk_score.messages import AskProviderTerms, JobStatement, Query, RegisterTables
from compute.records import PartyKind, PartyRecord
from compute.signing import sign
from compute.web import messages
from compute.web.client import PeerClient
from compute.web.errors import PeerProblemError
from compute.web.keyfile import load, load_or_make
from veilmart.demo.data import PROVIDERS, SCORECARD_FILE
from veilmart.demo.sites import BANK, HOST, MARKET, OPERATOR, REVIEWER, Site
from veilmart.demo.story import operator, today

OTHER_BANK = "reef-bank"
MEMBERS = {"type", "title", "status", "detail", "remedy"}
JSON = "application/json"


def problem_of(error: PeerProblemError) -> dict[str, object]:
    """Give the problem document, which has all that RFC 9457 and the house want."""
    problem = error.problem
    assert problem.keys() >= MEMBERS
    assert str(problem["type"]).startswith("urn:veilmart:problem:")
    assert problem["status"] == error.status
    assert all(problem[member] for member in MEMBERS)
    return problem


def asked(peer: PeerClient, method: str, path: str, content: bytes | None = None) -> dict[str, object]:
    with pytest.raises(PeerProblemError) as caught:
        peer.request(method, path, expected=bytes, content=content, content_type=JSON)
    return problem_of(caught.value)


def refused(market: Market, message: Message | bytes, provider: str = MARKET_REGULATION) -> dict[str, object]:
    """Give how the provider refuses the bank's message, and see that the log has this refusal."""
    before = len([entry for entry in market.refusals() if entry.node == provider])
    with pytest.raises(PeerProblemError) as caught:
        market.send(message, provider)
    problem = problem_of(caught.value)
    (entry,) = [entry for entry in market.refusals() if entry.node == provider][before:]
    assert entry.detail["check"] == problem["check"]
    if isinstance(message, Message):
        assert entry.detail["message"] == type(message).__name__
    return problem


def kind(problem: dict[str, object]) -> tuple[object, str]:
    return problem["status"], str(problem["type"]).removeprefix("urn:veilmart:problem:")


def seen(market: Market, expected: type[Query] | type[RegisterTables]) -> Iterator[Query | RegisterTables]:
    """Give the messages of this type that passed to a provider."""
    for exchange in market.exchanges():
        if exchange.server == MARKET_REGULATION and exchange.path == "/messages":
            try:
                yield decode(exchange.asked, expected)
            except FormatError:
                continue


@pytest.fixture(scope="module")
def query(market: Market) -> Query:
    """The first query that the bank's node sent."""
    found = next(seen(market, Query))
    assert isinstance(found, Query)
    return found


def forge(market: Market, query: Query, subjects: tuple[str, ...] | None = None, **changes: object) -> Query:
    """Make another query of it, signed with the bank's own key: its owner may send what its node never would."""
    listed = query.subjects if subjects is None else subjects
    fresh = {
        "nonce": secrets.token_bytes(32),
        "rows": len(listed),
        "subjects_root": subjects_root(query.salt, listed),
        "outputs": query.job.statement.layout.outputs(len(listed)),
    }
    job: JobStatement = msgspec.structs.replace(query.job.statement, **(fresh | changes))
    return Query(job=sign(job, BANK, load(market.bank.folder / "identity.pem")), salt=query.salt, subjects=listed)


def send(site: Site, request: messages.Request, body: bytes, port: int | None = None) -> httpx.Response:
    """Send a request that is signed already, and take whatever comes."""
    context = ssl.create_default_context(cafile=site.authority)
    address = f"https://{HOST}:{port or site.public_port}{urlsplit(request.url).path}"
    fields = messages.pick_fields(request.headers.get)
    with httpx.Client(verify=context, trust_env=False) as client:
        return client.post(address, content=body, headers=fields)


def send_signed(
    site: Site, party: str, key: Path, path: str, body: bytes, port: int | None = None
) -> httpx.Response:
    request = messages.Request("POST", f"{site.url}{path}", {"Content-Type": JSON})
    messages.sign(request, party, load(key), body, time.time())
    return send(site, request, body, port)


# --- who asks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [MARKET, BANK, REVIEWER, *PROVIDERS])
def test_a_stranger_is_refused_by_every_process(market: Market, name: str, tmp_path: Path) -> None:
    site = next(site for site in market.all_sites if site.name == name)
    load_or_make(tmp_path / "stranger.pem")
    with market.peer("stranger", site, tmp_path / "stranger.pem") as peer:
        for method, path in (("GET", "/identity"), ("POST", "/messages"), ("GET", "/parties")):
            with pytest.raises(PeerProblemError) as caught:
                peer.request(method, path, expected=bytes)
            assert caught.value.status in {401, 404, 405}, path
        path = "/parties" if name == MARKET else "/identity"
        assert kind(asked(peer, "GET", path)) == (401, "signature-unknown-key")


def test_a_party_s_name_without_its_key_is_refused(market: Market, tmp_path: Path) -> None:
    load_or_make(tmp_path / "false.pem")
    with market.peer(BANK, market.provider(), tmp_path / "false.pem") as peer:
        problem = asked(peer, "POST", "/messages", encode(AskProviderTerms(bank=BANK)))
    assert kind(problem) == (401, "signature-wrong")


def test_a_request_that_was_taken_is_not_taken_again(market: Market) -> None:
    site, body, key = market.provider(), encode(AskProviderTerms(bank=BANK)), market.bank.folder / "identity.pem"
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
    with market.peer(site.staff, site, site.folder / "staff.pem") as clerk:
        problem = asked(clerk, "POST", "/messages", encode(AskProviderTerms(bank=BANK)))
    assert kind(problem) == (403, "forbidden")
    with market.peer(BANK, site) as bank:
        for method, path in (("POST", "/product/publish"), ("GET", "/identity"), ("GET", "/applications")):
            assert kind(asked(bank, method, path)) == (403, "forbidden")
    with market.peer(MARKET_REGULATION, market.bank) as provider:
        assert kind(asked(provider, "GET", "/jobs/" + "0" * 32)) == (403, "forbidden")


def test_the_staff_of_one_party_are_strangers_to_another(market: Market) -> None:
    with market.peer("clerk", market.bank, market.provider().folder / "staff.pem") as clerk:
        assert kind(asked(clerk, "GET", "/identity")) == (401, "signature-unknown-key")


# --- what is asked -----------------------------------------------------------------------------------------------


def test_a_body_above_the_limit_is_refused_unread(market: Market) -> None:
    """Straight to the process: the proxy could drop an answer that comes before the body has gone."""
    body = b"x" * 1_000_001
    for site in market.all_sites:
        path = "/parties" if site.name == MARKET else "/messages" if site.name != BANK else "/scorings"
        person = (BANK, market.bank.folder / "identity.pem")
        if site.name == BANK:
            person = (market.bank.staff, market.bank.folder / "staff.pem")
        response = send_signed(site, *person, path, body, port=site.port)
        assert (response.status_code, response.headers["Content-Type"]) == (413, "application/problem+json")
        assert kind(response.json()) == (413, "request-entity-too-large")


@pytest.mark.parametrize("spoil", [b" %s", b"%s\n", b"{%s}", b"\xff%s", b"[%s]"])
def test_a_message_in_another_form_is_refused_and_the_refusal_recorded(market: Market, spoil: bytes) -> None:
    problem = refused(market, spoil % encode(AskProviderTerms(bank=BANK)))
    assert kind(problem) == (400, "check-0")


def test_a_console_takes_canonical_requests_of_its_own_type(market: Market) -> None:
    with market.peer(market.bank.staff, market.bank, market.bank.folder / "staff.pem") as analyst:
        assert kind(asked(analyst, "POST", "/scorings", b'{"type":"scoring"}')) == (400, "not-canonical")
        assert kind(asked(analyst, "POST", "/models", b"")) == (400, "not-canonical")
        with pytest.raises(PeerProblemError) as caught:
            analyst.request("POST", "/models", expected=bytes, content=b"{}", content_type="text/plain")
    assert problem_of(caught.value)["status"] == 415


def test_a_job_that_is_not_there_is_told(market: Market) -> None:
    with market.peer(market.bank.staff, market.bank, market.bank.folder / "staff.pem") as analyst:
        for method, path in (
            ("GET", "/jobs/" + "0" * 32),
            ("GET", "/jobs/" + "0" * 32 + "/result"),
            ("POST", "/jobs/" + "0" * 32 + "/cancel"),
            ("GET", "/scorings/" + "0" * 32 + "/scores.csv"),
        ):
            assert kind(asked(analyst, method, path)) == (404, "not-found")
        assert kind(asked(analyst, "GET", "/jobs/x?wait=-1"))[0] in {400, 422}
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
        analyst.register_model(
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
    path = tmp_path_factory.mktemp(OTHER_BANK) / "identity.pem"
    key = load_or_make(path)
    record = PartyRecord(
        name=OTHER_BANK, kind=PartyKind.BUYER, public_key=key.public_key().public_bytes_raw(), base_url=None
    )
    with operator(market.sites) as desk:
        desk.enrol(sign(record, OTHER_BANK, key), sign(record, OPERATOR, market.sites.operator_key))
    return path


def test_a_bank_whose_key_is_not_enrolled_is_refused(market: Market, query: Query, other_bank: Path) -> None:
    registration = next(seen(market, RegisterTables))
    assert isinstance(registration, RegisterTables)
    stolen = msgspec.structs.replace(
        registration, tables=msgspec.structs.replace(registration.tables, bank=OTHER_BANK)
    )
    job = msgspec.structs.replace(query.job.statement, bank=OTHER_BANK, nonce=b"\3" * 32)
    own = msgspec.structs.replace(query, job=sign(job, OTHER_BANK, load(other_bank)))
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


# --- what a contract does not allow ------------------------------------------------------------------------------


def failed(job: JobView, *told: str) -> None:
    assert job.state == State.FAILED, job
    assert job.remedy
    for text in told:
        assert text in str(job.reason)


def test_a_scoring_with_subjects_without_consent_names_exactly_these(market: Market) -> None:
    consenting, others = market.applicants[:20], market.applicants[20:27]
    terms = market.agree("some-consents", subjects=consenting)
    before = len(market.refusals())
    job = market.scoring(terms.contract, [*consenting[:5], *others])
    failed(job, "refused at check 9", "7 of 12 subjects have no consent that stands")
    assert list(job.subjects) == others
    assert {entry.node for entry in market.refusals()[before:]} == PROVIDERS.keys()
    assert market.scoring(terms.contract, consenting, "those-who-do").state == State.DONE
    with market.analyst() as analyst:
        assert analyst.withdraw_consents(terms.contract, consenting[:2]) == 2
    job = market.scoring(terms.contract, consenting, "after-withdrawal")
    failed(job, "2 of 20 subjects")
    assert list(job.subjects) == consenting[:2]


def test_no_more_is_scored_than_the_contract_counts(market: Market) -> None:
    terms = market.agree("few-uses", max_uses=10)
    failed(market.scoring(terms.contract, market.applicants[:11], "too-many"), "11 uses asked, 10 of 10 left")
    assert market.scoring(terms.contract, market.applicants[:8], "eight").state == State.DONE
    failed(market.scoring(terms.contract, market.applicants[:8], "eight-more"), "8 uses asked, 2 of 10 left")


def test_a_revoked_permit_allows_nothing(market: Market) -> None:
    terms = market.agree("revoked")
    with market.peer(SOCIAL_SECURITY, market.sites.market) as peer:
        permit = msgspec.json.decode(
            peer.request("GET", f"/contracts/{terms.contract}/permits/{SOCIAL_SECURITY}", expected=bytes)
        )["permit"]
    site = market.provider(SOCIAL_SECURITY)
    with market.peer(site.staff, site, site.folder / "staff.pem") as clerk:
        clerk.request("POST", f"/permits/{permit}/revoke", expected=bytes)
    before = len([entry for entry in market.refusals() if entry.node == SOCIAL_SECURITY])
    failed(market.scoring(terms.contract, market.applicants[:3]), "social-security refused at check 9", "revoked")
    assert len([entry for entry in market.refusals() if entry.node == SOCIAL_SECURITY]) == before + 1


def test_a_suspended_bank_gets_nothing_until_it_is_reinstated(market: Market, query: Query) -> None:
    with operator(market.sites) as desk:
        desk.suspend_party(BANK)
        try:
            with pytest.raises(PeerProblemError) as caught:
                market.send(forge(market, query))
            # By the permit's status at once, or as a stranger once the provider looked again who takes part.
            assert kind(problem_of(caught.value)) in {(422, "check-9"), (401, "signature-unknown-key")}
            failed(market.scoring(market.outcome.contract, None, "while-suspended"))
            with market.analyst() as analyst, pytest.raises(PeerProblemError) as caught:
                analyst.present(market.outcome.contract)
            assert problem_of(caught.value)["status"] == 403
        finally:
            desk.reinstate_party(BANK)
    deadline = time.monotonic() + 10
    while True:
        try:
            market.send(AskProviderTerms(bank=BANK))
        except PeerProblemError:  # the provider asks again for one it did not find a second ago
            assert time.monotonic() < deadline
            time.sleep(0.5)
        else:
            break


# --- tables that cannot be used ----------------------------------------------------------------------------------


def spoiled_cell(table: list[dict[str, str]]) -> None:
    table[3]["employees"] = "planted-cell-4471"


def invalid_key(table: list[dict[str, str]]) -> None:
    table[5]["uscc"] = table[5]["uscc"][:-1] + ("0" if table[5]["uscc"][-1] != "0" else "1")


def repeated_key(table: list[dict[str, str]]) -> None:
    table[9]["uscc"] = table[2]["uscc"]


def unknown_column(table: list[dict[str, str]]) -> None:
    for row in table:
        row["staff"] = row.pop("jobs_created")


def missing_column(table: list[dict[str, str]]) -> None:
    for row in table:
        del row["jobs_created"]


TABLES = {
    spoiled_cell: "line 5, column employees: not ",
    invalid_key: "line 7, column uscc: check character 18",
    repeated_key: "line 11, column uscc: the same key as on line 4",
    unknown_column: "staff",
    missing_column: "jobs_created",
}


@pytest.mark.parametrize("spoil", TABLES)
def test_a_provider_does_not_start_over_a_table_with_a_fault(
    market: Market, tmp_path: Path, spoil: object
) -> None:
    """It names line and column, never the cell, in one line and without a traceback."""
    site = market.provider(SOCIAL_SECURITY)
    for name in ("tls.pem", "tls.key", "authority.pem", "social-insurance.toml", "identity.pem"):
        (tmp_path / name).write_bytes((site.folder / name).read_bytes())
        (tmp_path / name).chmod(0o600)
    text = site.config.read_text("utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "config.toml").write_text(re.sub(r"(?m)^port = \d+", f"port = {port}", text), "utf-8")
    table = rows(market.examples / "social_security.csv")[:20]
    assert callable(spoil)
    spoil(table)
    write_rows(tmp_path / "social_security.csv", table)
    command = [sys.executable, "-m", "veilmart", "node", "serve", "--role", "provider"]
    result = subprocess.run(  # noqa: S603 -- our own command
        [*command, "--config", str(tmp_path / "config.toml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = result.stdout + result.stderr
    assert result.returncode != 0
    (line,) = [line for line in said.splitlines() if line.startswith("Error: ")]
    assert "social_security.csv" in line
    assert TABLES[spoil] in line  # type: ignore[index]
    assert "Traceback" not in said
    assert "planted" not in said
    assert not any(row["uscc"] in said for row in table)
