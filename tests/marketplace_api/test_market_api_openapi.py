"""/openapi.json describes every route: what it takes, what it gives, how it refuses."""

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from market import BANK
from marketplace_api.process import Server

from compute.client import MarketplaceClient

PUBLIC = {"/health", "/products", "/products/{provider}/{product}/{version}"}
LOG = "/log/"
"""Open to everybody, with a client of its own."""
WITH_BODY = {
    "/parties": "Enrolment",
    "/applications": "ApplicationRequest",
    "/applications/{contract}/approve": "Decision",
    "/applications/{contract}/resubmit": "Grant",
    "/contracts/sign": "Signed_Terms_",
    "/consents/register": "Signed_ConsentBatch_",
    "/consents/withdraw": "Signed_ConsentWithdrawal_",
    "/cases": "CaseRequest",
}


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    with server.peer(BANK) as peer:
        found: dict[str, Any] = json.loads(peer.request("GET", "/openapi.json", expected=bytes))
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path != "/health" and not path.startswith(LOG):
                yield path, method, operation


def test_the_client_has_one_method_for_each_route(document: dict[str, Any]) -> None:
    methods = inspect.getmembers(MarketplaceClient, inspect.isfunction)
    public = [name for name, _ in methods if not name.startswith("_")]
    assert len(public) == len(list(operations(document)))


def test_every_route_says_what_it_gives_and_how_it_refuses(document: dict[str, Any]) -> None:
    refusals = {"403", "404", "409", "422", "default"}
    for path, method, operation in operations(document):
        responses = operation["responses"]
        (success,) = [status for status in responses if status.startswith("2")]
        assert responses[success]["content"]["application/json"]["schema"]["$ref"], path
        assert responses.keys() >= refusals
        is_open = method == "get" and path in PUBLIC
        assert ("401" in responses) is not is_open
        assert (operation.get("security") == []) is is_open
        assert operation["summary"]
        for status in responses.keys() - {success}:
            assert responses[status] == {"$ref": "#/components/responses/Problem"}


def test_every_body_is_described(document: dict[str, Any]) -> None:
    found = {}
    for path, _, operation in operations(document):
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= operation["responses"].keys()
            ((media_type, content),) = operation["requestBody"]["content"].items()
            found[path] = content["schema"].get("$ref", "").rpartition("/")[2] or media_type
    assert found == WITH_BODY | {"/products": "application/toml"}


def test_every_query_is_described(document: dict[str, Any]) -> None:
    found = {
        path: sorted(parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query")
        for path, _, operation in operations(document)
        if any(parameter["in"] == "query" for parameter in operation.get("parameters", ()))
    }
    assert found == {
        "/permits/{permit}/status": ["nonce"],
        "/applications/{contract}": ["case"],
        "/contracts/{contract}": ["case"],
        "/contracts/{contract}/permits/{provider}": ["case"],
        "/consents/{contract}": ["batches", "case", "withdrawals"],
        "/audit/trace/{contract}": ["after", "case"],
    }


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r'"\$ref": "#/components/(\w+)/([^"]+)"', json.dumps(document)))
    assert len(references) > 20
    for section, name in references:
        assert name in document["components"][section]
