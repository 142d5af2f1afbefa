"""Each error gives its problem document, and a body of another form is refused before any rule."""

import ast
import inspect

import msgspec
import pytest
from market import BANK, KEYS, LABOUR, TAX, WHY, made_entry
from marketplace_api.process import MAX_BODY, STRANGER, Server, active, applied, current_terms, drafted

from audit.entry import EntryKind, encode
from audit.tile import bundle_encode
from compute.canonical import encode as canonical
from compute.market.applications import ApplicationRequest
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
    named = {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and issubclass(getattr(errors, node.name), errors.MarketplaceError)
    } - {"MarketplaceError"}
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
        operator.contracts.reinstate(permitted)
    assert caught.value.problem["allowed"] == ["suspend", "revoke"]
    assert "suspend" in caught.value.remedy


def test_terms_that_changed_since_they_were_read_are_not_approved(server: Server) -> None:
    name = applied(server, "changed-terms")
    with server.client(TAX) as tax, server.client(BANK) as bank:
        read = tax.application(name).terms
        tax.return_for_correction(name, WHY)
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
    event = server.entry(EntryKind.REFUSED, BANK)
    server.append(event)
    with pytest.raises(PeerProblemError) as caught:
        server.append(server.entry(EntryKind.REFUSED, BANK, id=event.id))
    assert caught.value.slug == "conflict"


def test_an_event_out_of_order(server: Server) -> None:
    with pytest.raises(PeerProblemError, match="none left out") as caught:
        server.append(server.entry(EntryKind.REFUSED, BANK, counter=1000))
    assert (caught.value.status, caught.value.slug) == (409, "out-of-order")


def test_an_event_of_a_stranger_s_key(server: Server) -> None:
    with pytest.raises(PeerProblemError, match="key given at onboarding") as caught:
        server.append(server.entry(EntryKind.REFUSED, BANK, key=STRANGER))
    assert (caught.value.status, caught.value.slug) == (422, "bad-signature")


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
    ],
)
def test_what_is_no_message_is_refused(server: Server, path: str, body: bytes, slug: str) -> None:
    assert kind_of(refused(server, "POST", path, body)) == (400, slug)


def test_a_message_in_another_form_is_refused(server: Server) -> None:
    body = canonical(ApplicationRequest(reference="spaced", terms=current_terms("spaced")))
    assert kind_of(refused(server, "POST", "/applications", body + b"\n")) == (400, "not-canonical")


SIGNED = encode(made_entry(EntryKind.REFUSED, BANK))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        SIGNED,
        bundle_encode([SIGNED])[:-1],
        bundle_encode([SIGNED]) + b"{}",
        bundle_encode([b" " + SIGNED]),
        bundle_encode([SIGNED]) * 257,
    ],
)
def test_what_is_no_bundle_of_entries_is_refused(server: Server, body: bytes) -> None:
    problem = refused(server, "POST", "/log/entries", body, "application/octet-stream")
    assert kind_of(problem) == (400, "not-canonical")


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


@pytest.mark.parametrize("query", ["?after=", "?after=1_0", "?after=-1", "?after=%D9%A1"])
def test_an_index_is_written_in_digits(server: Server, query: str) -> None:
    assert kind_of(refused(server, "GET", f"/audit/trace/contract-0{query}")) == (422, "invalid-fields")


def test_there_is_no_receipt_beyond_the_log(server: Server) -> None:
    assert kind_of(refused(server, "GET", "/log/receipts/9999999")) == (422, "no-such-proof")
    for index in ("9" * 22, "x", "-1"):
        assert kind_of(refused(server, "GET", f"/log/receipts/{index}"))[0] in {404, 422}


@pytest.mark.parametrize(
    "path",
    ["0/x001/1", "0/000.p/0", "0/000.p/256", "0/x000/001", "entries/9", "64/000", "0/x999/999"],
)
def test_what_is_no_tile_is_not_found(server: Server, path: str) -> None:
    assert kind_of(refused(server, "GET", f"/log/tile/{path}")) == (404, "not-found")


def test_a_refusal_is_in_the_log(server: Server) -> None:
    before = len(server.entries())
    with server.client(BANK) as bank, pytest.raises(PeerProblemError):
        bank.contract("contract-none")
    entry = server.entries()[before]
    assert (entry.kind, entry.counterparty) == (EntryKind.REFUSED, BANK)
    assert entry.detail == {"command": "contract", "reason": "not_found"}
