"""Each error gives its problem document, and a body of another form is refused before any rule."""

import ast
import inspect

import msgspec
import pytest
from market import BANK, KEYS, LABOUR, TAX
from marketplace_api.process import MAX_BODY, Server, active, applied, current_terms, drafted

from audit.entry import Entry, EntryKind, encode, new_id
from compute.canonical import encode as canonical
from compute.market import ApplicationRequest
from compute.signing import digest, sign
from compute.web.errors import PeerProblemError
from marketplace import errors
from marketplace.api.problems import STATUSES

JSON = "application/json"


def refused(
    server: Server, method: str, path: str, content: bytes | None = None, kind: str = JSON
) -> dict[str, object]:
    with server.peer(BANK) as peer, pytest.raises(PeerProblemError) as caught:
        peer.request(method, path, expected=bytes, content=content, content_type=kind)
    return caught.value.problem


def kind_of(problem: dict[str, object]) -> tuple[object, str]:
    return problem["status"], str(problem["type"]).removeprefix("urn:veilmart:problem:")


def test_the_table_has_every_error_of_the_marketplace_and_names_it_by_its_code() -> None:
    tree = ast.parse(inspect.getsource(errors))
    named = {node.name for node in tree.body if isinstance(node, ast.ClassDef)} - {"MarketplaceError"}
    own = {error: kind for error, (_, kind) in STATUSES.items() if issubclass(error, errors.MarketplaceError)}
    assert {error.__name__ for error in own} == named
    for error, kind in own.items():
        assert issubclass(error, errors.MarketplaceError)
        assert kind == error.code.replace("_", "-")


def test_a_wrong_state_tells_what_is_possible(server: Server) -> None:
    name = drafted(server, "wrong-state")
    with server.client(TAX) as tax, pytest.raises(PeerProblemError) as caught:
        tax.approve(name, digest(tax.application(name).terms).hex())
    assert (caught.value.status, caught.value.slug) == (409, "wrong-state")
    assert caught.value.problem["allowed"] == []
    permitted = active(server, "wrong-state-2")
    with server.client("operator") as operator, pytest.raises(PeerProblemError) as caught:
        operator.reinstate_contract(permitted)
    assert caught.value.problem["allowed"] == ["suspend"]
    assert "suspend" in caught.value.remedy


def test_terms_that_changed_since_they_were_read_are_not_approved(server: Server) -> None:
    name = applied(server, "changed-terms")
    with server.client(TAX) as tax, server.client(BANK) as bank:
        read = tax.application(name).terms
        tax.return_for_correction(name)
        bank.resubmit(name, msgspec.structs.replace(read.grants[0], fields=("naics",)))
        with pytest.raises(PeerProblemError, match="read them again") as caught:
            tax.approve(name, digest(read).hex())
        assert (caught.value.status, caught.value.slug) == (409, "conflict")
        assert tax.application(name).parts[TAX] == "submitted"
    with server.peer(TAX) as peer, pytest.raises(PeerProblemError) as caught:
        peer.request("POST", f"/applications/{name}/approve", expected=bytes)  # of whatever stands there now
    assert caught.value.status == 415


def test_a_conflict(server: Server) -> None:
    applied(server, "twice")
    with pytest.raises(PeerProblemError) as caught:
        applied(server, "twice")
    assert (caught.value.status, caught.value.slug) == (409, "conflict")
    event = Entry(id=new_id(BANK, b"c"), kind=EntryKind.REFUSED, time=1, node=BANK)
    with server.client(BANK) as bank:
        bank.append_event(event)
        with pytest.raises(PeerProblemError) as caught:
            bank.append_event(Entry(id=new_id(BANK, b"c"), kind=EntryKind.REFUSED, time=2, node=BANK))
    assert caught.value.slug == "conflict"


def test_what_breaks_a_rule_is_invalid(server: Server) -> None:
    with server.client(LABOUR) as labour, pytest.raises(PeerProblemError) as caught:
        labour.publish(b"id = 1")
    assert (caught.value.status, caught.value.slug) == (422, "invalid")
    name = drafted(server, "changed")
    with server.client(BANK) as bank, pytest.raises(PeerProblemError) as caught:
        bank.sign(sign(msgspec.structs.replace(bank.contract(name).terms, max_uses=1), BANK, KEYS[BANK]))
    assert (caught.value.status, caught.value.slug) == (422, "invalid")


@pytest.mark.parametrize(
    ("path", "body", "slug"),
    [
        ("/applications", b"", "not-canonical"),
        ("/applications", b"{}", "invalid-message"),
        ("/applications", b"[1]", "invalid-message"),
        ("/applications", b"\xff", "not-canonical"),
        ("/applications", b"[" * 50_000, "invalid-message"),
        ("/contracts/sign", b'{"type":"terms"}', "invalid-message"),
        ("/audit/events", b"{}", "not-canonical"),
    ],
)
def test_what_is_no_message_is_refused(server: Server, path: str, body: bytes, slug: str) -> None:
    assert kind_of(refused(server, "POST", path, body)) == (400, slug)


def test_a_message_in_another_form_is_refused(server: Server) -> None:
    body = canonical(ApplicationRequest(reference="spaced", terms=current_terms("spaced")))
    assert kind_of(refused(server, "POST", "/applications", body + b"\n")) == (400, "not-canonical")
    event = encode(Entry(id=new_id(BANK), kind=EntryKind.REFUSED, time=1, node=BANK))
    assert kind_of(refused(server, "POST", "/audit/events", b" " + event)) == (400, "not-canonical")


def test_a_body_of_another_media_type_or_too_large_is_refused(server: Server) -> None:
    body = canonical(ApplicationRequest(reference="typed", terms=current_terms("typed")))
    assert kind_of(refused(server, "POST", "/applications", body, "text/plain")) == (415, "unsupported-media-type")
    assert kind_of(refused(server, "POST", "/products", b"id = 1", JSON)) == (415, "unsupported-media-type")
    assert refused(server, "POST", "/applications", b" " * (MAX_BODY + 1))["status"] == 413


@pytest.mark.parametrize(
    "query", ["", "?nonce=", "?nonce=" + "A" * 64, "?nonce=" + "a" * 62, "?nonce=" + "a" * 64 + "%0A"]
)
def test_a_nonce_is_32_bytes_in_hex(server: Server, query: str) -> None:
    problem = refused(server, "GET", f"/permits/permit-x/status{query}")
    assert kind_of(problem) == (422, "invalid-fields")
    assert problem["errors"]


@pytest.mark.parametrize(
    "query", ["", "?index=0", "?index=1_0&size=9", "?index=-1&size=9", "?index=%D9%A1&size=9"]
)
def test_sizes_are_written_in_digits(server: Server, query: str) -> None:
    assert kind_of(refused(server, "GET", f"/audit/inclusion{query}")) == (422, "invalid-fields")


def test_there_is_no_proof_beyond_the_log(server: Server) -> None:
    for path in (
        "/audit/inclusion?index=0&size=9999999",
        "/audit/inclusion?index=5&size=5",
        "/audit/consistency?old=3&new=2",
    ):
        assert kind_of(refused(server, "GET", path)) == (422, "no-such-proof")
    assert kind_of(refused(server, "GET", "/audit/entries/9999999999999999999999")) == (404, "not-found")
    assert kind_of(refused(server, "GET", "/audit/entries/x")) == (404, "not-found")


def test_a_refusal_is_in_the_log(server: Server) -> None:
    with server.client(BANK) as bank:
        before = bank.checkpoint().statement.size
        with pytest.raises(PeerProblemError):
            bank.contract("contract-none")
        entry = bank.entry(before)
    assert (entry.kind, entry.counterparty) == (EntryKind.REFUSED, BANK)
    assert entry.detail == {"command": "contract", "reason": "not_found"}
