"""/openapi.json describes every route: what it takes, what it gives, how it refuses."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from market import BANK
from marketplace_api.process import Server

ROOT = Path(__file__).parents[2]
OWN_CLIENTS = ("/log/", "/catalog")
"""Open to everybody, with clients of their own: `compute.log_client`, `compute.client.catalog`."""
WITH_BODY = {
    "/parties": "Enrolment",
    "/applications": "ApplicationRequest",
    "/applications/{contract}/approve": "Decision",
    "/applications/{contract}/resubmit": "Grant",
    "/contracts/sign": "Signed_Terms_",
    "/consents/register": "BatchRegistration",
    "/consent-requests": "ConsentRequestDraft",
    "/disputes/{number}/answer": "DisputeAnswer",
    "/disputes/{number}/correct": "DisputeCorrection",
    "/consents/withdraw": "Signed_ConsentWithdrawal_",
    "/cases": "CaseRequest",
    "/products": "application/toml",
    "/products/check": "application/toml",
    "/products/drafts": "application/toml",
    "/products/{provider}/{product}/{version}/draft": "application/toml",
    "/products/{provider}/{product}/{version}/submit": "Submission",
    "/products/{provider}/{product}/{version}/review": "ReviewDecision",
    "/products/{provider}/{product}/{version}/delist": "ProductStop",
    "/products/{provider}/{product}/{version}/suspend": "ProductStop",
    "/resources": "ResourceEntry",
    "/resources/{provider}/{code}/change": "ResourceChange",
    "/resources/{provider}/{code}/correct": "ResourceChange",
}


MAY_WAIT = {
    "post /applications",
    "post /applications/{contract}/approve",
    "post /applications/{contract}/reject",
    "post /applications/{contract}/return",
    "post /applications/{contract}/resubmit",
    "post /contracts/{contract}/ready",
    "post /applications/{contract}/counter",
    "post /applications/{contract}/withdraw",
    "post /applications/{contract}/offers/{provider}/accept",
    "post /applications/{contract}/offers/{provider}/decline",
    "post /contracts/{contract}/renew",
    "post /contracts/{contract}/revoke",
    "post /contracts/{contract}/suspend",
    "post /contracts/{contract}/terminate",
    "post /permits/{permit}/revoke",
    "post /products",
    "post /products/{provider}/{product}/{version}/submit",
    "post /products/{provider}/{product}/{version}/delist",
}
"""What an organisation may have steps of its own for: the answer is then an approval, by 202."""


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    with server.peer(BANK) as peer:
        found: dict[str, Any] = json.loads(peer.request("GET", "/openapi.json", expected=bytes))
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path != "/health" and not path.startswith(OWN_CLIENTS):
                yield path, method, operation


def test_the_client_has_one_method_for_each_route(document: dict[str, Any]) -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "compute" / "client").glob("*.py")]
    asked = {unnamed(path) for source in sources for path in re.findall(r'"(/[^"]+)"', source)}
    ends = {end for source in sources for end in re.findall(r'["/]([a-z-]+)"', source)}
    served = {unnamed(path) for path, _, _ in operations(document)}
    assert [path for path in served - asked if path.rpartition("/")[2] not in ends] == []


def unnamed(path: str) -> str:
    """The path without the names of its variables."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_every_route_says_what_it_gives_and_how_it_refuses(document: dict[str, Any]) -> None:
    refusals = {"403", "404", "409", "422", "default"}
    for path, method, operation in operations(document):
        responses = dict(operation["responses"])
        waits = responses.pop("202", None)
        assert waits is not None or f"{method} {path}" not in MAY_WAIT, path
        if waits is not None:
            assert waits["content"]["application/json"]["schema"]["$ref"].endswith("/ApprovalRecord")
        (success,) = [status for status in responses if status.startswith("2")]
        for media_type, content in responses[success]["content"].items():  # files are no message
            assert media_type != "application/json" or {"$ref", "oneOf"} & content["schema"].keys(), path
        assert responses.keys() >= refusals
        assert "401" in responses
        assert operation.get("security", document["security"]) in ([], [{"httpSignature": []}, {"bearer": []}])
        assert operation["summary"]
        too_long = responses.pop("414", None)  # gunicorn's own word
        asked = {part["in"] for part in operation.get("parameters", ())}
        assert (too_long is not None) == ("query" in asked), path
        for status in responses.keys() - {success}:
            assert responses[status] == {"$ref": "#/components/responses/Problem"}


def test_every_body_is_described(document: dict[str, Any]) -> None:
    found = {}
    for path, _, operation in operations(document):
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= operation["responses"].keys()
            ((media_type, content),) = operation["requestBody"]["content"].items()
            found[path] = content["schema"].get("$ref", "").rpartition("/")[2] or media_type
    assert found.items() >= WITH_BODY.items()
    messages = {each for each in found.values() if "/" not in each}  # the others are media types
    assert messages <= document["components"]["schemas"].keys()


def test_every_query_is_described(document: dict[str, Any]) -> None:
    found = {
        path: sorted(parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query")
        for path, _, operation in operations(document)
        if any(parameter["in"] == "query" for parameter in operation.get("parameters", ()))
    }
    assert (
        found.items()
        >= {
            "/permits/{permit}/status": ["nonce"],
            "/applications/{contract}": ["case"],
            "/contracts/{contract}": ["case"],
            "/contracts/{contract}/permits/{provider}": ["case"],
            "/consents/{contract}": ["batches", "case", "withdrawals"],
            "/audit/trace/{contract}": ["after", "case"],
            "/products": sorted(
                [
                    "text",
                    "theme",
                    "kind",
                    "provider",
                    "grade",
                    "delivery",
                    "price",
                    "refresh",
                    "sort",
                    "versions",
                    "cursor",
                    "limit",
                ]
            ),
            "/products/own": ["cursor", "limit", "state"],
            "/resources": ["cursor", "limit"],
        }.items()
    )
    paged = [path for path, names in found.items() if "cursor" in names]
    assert all("limit" in found[path] for path in paged)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r'"\$ref": "#/components/(\w+)/([^"]+)"', json.dumps(document)))
    assert len(references) > 20
    for section, name in references:
        assert name in document["components"][section]
