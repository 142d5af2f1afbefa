"""Every route is closed to strangers and to wrong actors, and what others contract about is secret."""

import json
import re
from typing import Any

import httpx
import pytest
from market import (
    BANK,
    DESCRIPTIONS,
    KEYS,
    LABOUR,
    OTHER,
    RECORDS,
    REVIEWER,
    TAX,
    VERSIONS,
    WHY,
    counter_offer,
    grant,
)
from marketplace_api.process import (
    STRANGER,
    SUBJECTS,
    Server,
    applied,
    batch,
    current_terms,
    drafted,
    withdrawal,
)

from audit.entry import EntryKind
from compute.client.marketplace import MarketplaceClient
from compute.market.products import StopReason
from compute.permit import permit_name
from compute.signing import sign
from compute.web.errors import PeerProblemError

OPEN = {
    ("get", "/health"),
    ("get", "/products"),
    ("get", "/catalog"),
    ("get", "/catalog.jsonld"),
    ("get", "/catalog.ttl"),
    ("get", "/products/{provider}/{product}/{version}"),
    ("get", "/consent-receipts/{code}"),
    ("get", "/log/checkpoint"),
    ("get", "/log/candidate"),
    ("get", "/log/receipts/{index}"),
    ("get", "/log/{path}"),
    ("post", "/log/entries"),
    ("post", "/log/cosignatures"),
}
NONCE = b"\7" * 32


def document(server: Server) -> dict[str, dict[str, dict[str, Any]]]:
    with server.peer(BANK) as peer:
        answer = json.loads(peer.request("GET", "/openapi.json", expected=bytes))
    paths: dict[str, dict[str, dict[str, Any]]] = answer["paths"]
    return paths


def refusal(call: object, *arguments: object) -> tuple[int, str]:
    assert callable(call)
    with pytest.raises(PeerProblemError) as caught:
        call(*arguments)
    assert caught.value.detail
    assert caught.value.remedy
    return caught.value.status, caught.value.slug


def leading_to(path: str, operation: dict[str, Any]) -> str:
    """The path with a name or a number in place of each variable, whichever fits."""
    parts = {each["name"]: each["schema"] for each in operation.get("parameters", ()) if each["in"] == "path"}
    return re.sub(r"\{(\w+)\}", lambda at: "1" if parts[at[1]].get("type") == "integer" else "a", path)


def test_every_route_but_the_public_ones_is_closed_to_strangers(server: Server) -> None:
    closed, opened = [], set()
    with server.peer("stranger", STRANGER) as stranger, httpx.Client(verify=False, trust_env=False) as nobody:  # noqa: S501 -- who has no key has no authority either
        for path, operations in document(server).items():
            for method in operations:
                if operations[method].get("security") == []:
                    opened.add((method, path))
                    continue
                target = leading_to(path, operations[method])
                found = refusal(lambda m, t: stranger.request(m, t, expected=bytes), method.upper(), target)
                assert found == (401, "signature-unknown-key"), path
                assert nobody.request(method, server.url + target).status_code == 401
                closed.append(path)
    assert len(closed) > 25
    assert opened >= OPEN


def test_the_public_catalog_is_open_to_all(server: Server) -> None:
    with server.client("stranger", STRANGER) as stranger:
        assert VERSIONS[TAX] in [(e.provider, e.product, e.version) for e in stranger.products()]
        assert stranger.product(*VERSIONS[LABOUR]).state == "listed"


def test_a_key_that_is_not_the_enrolled_one_is_refused(server: Server) -> None:
    with server.client(BANK, STRANGER) as impostor:
        assert refusal(impostor.directory) == (401, "signature-wrong")


def test_the_marketplace_s_own_name_is_no_party(server: Server) -> None:
    with server.client("market", STRANGER) as impostor:
        assert refusal(impostor.directory) == (401, "signature-unknown-key")


def outsider_calls(client: MarketplaceClient, contract: str) -> dict[str, tuple[object, ...]]:
    permit = permit_name(contract, TAX)
    return {
        "application": (client.application, contract),
        "approve": (client.approve, contract, "00" * 32),
        "reject": (client.reject, contract, WHY),
        "return": (client.return_for_correction, contract, WHY),
        "resubmit": (client.resubmit, contract, grant(TAX, "naics")),
        "contract": (client.contract, contract),
        "sign": (client.sign, sign(current_terms("standing"), OTHER, KEYS[OTHER])),
        "suspend": (client.contracts.suspend, contract, WHY),
        "reinstate": (client.contracts.reinstate, contract),
        "terminate": (client.contracts.terminate, contract, WHY),
        "register": (client.register_consents, batch(contract, "b")),
        "withdraw": (client.withdraw_consents, withdrawal(contract, SUBJECTS)),
        "consents": (client.consents, contract),
        "permit": (client.permit, contract, TAX),
        "status": (client.permit_status, permit, NONCE),
        "revoke": (client.revoke_permit, permit, WHY),
        "trace": (client.trace, contract),
    }


def test_what_others_contract_about_is_as_if_it_were_not(server: Server, contract: str) -> None:
    with server.client(OTHER) as other:
        for name, (call, *arguments) in outsider_calls(other, contract).items():
            assert refusal(call, *arguments) == (404, "not-found"), name
        assert [found.terms.consumer for found in other.applications().items] == []
        with pytest.raises(PeerProblemError) as secret:
            other.contract(contract)
        absent = contract.replace(contract[-1], "0" if contract[-1] != "0" else "1")
        with pytest.raises(PeerProblemError) as missing:
            other.contract(absent)
        assert secret.value.detail.replace(contract, "") == missing.value.detail.replace(absent, "")


def test_a_provider_sees_no_other_provider_s_permit(server: Server, contract: str) -> None:
    with server.client(LABOUR) as labour:
        assert refusal(labour.permit, contract, TAX) == (404, "not-found")
        assert refusal(labour.permit_status, permit_name(contract, TAX), NONCE) == (404, "not-found")


def test_who_may_know_of_a_thing_still_does_only_what_is_its_part(server: Server, contract: str) -> None:
    pending, draft = applied(server, "pending"), drafted(server, "draft")
    record = RECORDS[OTHER]
    enrolment = sign(record, OTHER, KEYS[OTHER]), sign(record, BANK, KEYS[BANK])
    by_rule: list[bool] = []
    with server.client(BANK) as bank, server.client(TAX) as tax, server.client("operator") as operator:
        for call, *arguments in (
            (bank.enrol, *enrolment),
            (bank.organisations.suspend, OTHER, "breach"),
            (bank.publish, DESCRIPTIONS[TAX]),
            (bank.product_desk.suspend, *VERSIONS[TAX], StopReason.OTHER),
            (tax.product_desk.suspend, *VERSIONS[TAX], StopReason.OTHER),
            (operator.product_desk.delist, *VERSIONS[TAX], StopReason.OTHER),
            (tax.apply, "pending", current_terms("pending")),
            (bank.approve, pending, "00" * 32),
            (operator.reject, pending, WHY),
            (bank.return_for_correction, pending, WHY),
            (bank.bargaining.counter, pending, counter_offer()),
            (tax.bargaining.withdraw, pending, WHY),
            (operator.contracts.terminate, contract, WHY),
            (tax.register_consents, batch(contract, "b")),
            (operator.withdraw_consents, withdrawal(contract, SUBJECTS)),
            (bank.revoke_permit, permit_name(contract, TAX), WHY),
            (server.append, server.entry(EntryKind.ANSWER_SENT, BANK)),
        ):
            status, slug = refusal(call, *arguments)
            assert status == 403, call
            by_rule.append(slug == "forbidden")
        assert 7 <= by_rule.count(True) < len(by_rule)  # the others at the door
        terms = bank.contract(draft).terms
        assert refusal(tax.sign, sign(terms, BANK, KEYS[BANK])) == (422, "bad-signature")
        assert refusal(operator.consents, contract) == (403, "permission-denied")


def test_a_suspended_party_may_only_withdraw_report_and_verify(server: Server) -> None:
    with server.client("operator") as operator, server.client(REVIEWER) as reviewer:
        operator.organisations.suspend(REVIEWER, "breach")
        assert refusal(reviewer.directory) == (403, "forbidden")
        assert refusal(reviewer.applications) == (403, "forbidden")
        event = server.entry(EntryKind.MODEL_APPROVED, REVIEWER)
        (index,) = server.append(event)
        assert server.entries()[index] == event
        operator.organisations.reinstate(REVIEWER)
        assert reviewer.directory()
