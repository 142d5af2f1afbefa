import json
import logging
import re

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from web.conftest import NOW, URL, Caller
from web.party import CANARY, KEYS
from werkzeug.test import TestResponse

from compute.web import messages
from compute.web.access import public

MEMBERS = {"type", "title", "status", "detail", "remedy"}


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    return app.test_client()


def problem(response: TestResponse, status: int) -> dict[str, object]:
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    document: dict[str, object] = json.loads(response.data)
    assert document.keys() >= MEMBERS
    assert document["status"] == status
    assert str(document["type"]).startswith("urn:veilmart:problem:")
    assert all(document[member] for member in MEMBERS)
    return document


def signed(caller: Caller, method: str, target: str, body: bytes = b"", content_type: str = "") -> TestResponse:
    request = messages.Request(method, URL + target, {"Content-Type": content_type} if content_type else {})
    messages.sign(request, "bank", KEYS["bank"], body, NOW)
    return caller.send(request, target, body)


# --- who may come in ----------------------------------------------------------------------------------------


def test_a_route_is_closed_unless_it_says_otherwise(app: APIFlask) -> None:
    @app.route("/new", methods=["GET", "POST"])
    def new() -> str:
        return "secret"

    for method in ("GET", "POST", "HEAD", "OPTIONS"):
        response = app.test_client().open("/new", method=method)
        assert response.status_code == 401
        assert b"secret" not in response.data


def test_every_route_of_a_fresh_app_is_known_to_be_open_or_closed(app: APIFlask) -> None:
    client = app.test_client()
    opened = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if client.open(re.sub("<.*?>", "1", rule.rule), method=min(rule.methods)).status_code != 401
    }
    assert opened == {"/health", "/openapi.json", "/docs", "/docs/start.js", "/docs/<name>", "/open"}


def test_a_public_view_has_no_party_even_if_the_request_is_signed(caller: Caller) -> None:
    assert caller.client.get("/open").get_json() == {"party": None}
    assert signed(caller, "GET", "/open").get_json() == {"party": None}


def test_health(client: FlaskClient) -> None:
    assert client.get("/health").get_json() == {"status": "ok", "party": "provider"}


def test_security_headers(client: FlaskClient) -> None:
    for path in ("/health", "/nowhere", "/echo"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Strict-Transport-Security"] == "max-age=31536000"


# --- problems -----------------------------------------------------------------------------------------------


def test_unknown_path_and_method(client: FlaskClient) -> None:
    missing = problem(client.get("/nowhere"), 404)
    assert missing["type"] == "urn:veilmart:problem:not-found"
    assert missing["detail"].endswith(" serves nothing at /nowhere.")
    refused = client.delete("/health")
    problem(refused, 405)
    assert "GET" in refused.headers["Allow"]


def test_a_refusal_of_a_view_keeps_its_words_and_the_standard_members(caller: Caller) -> None:
    document = problem(signed(caller, "GET", "/refuse"), 409)
    assert document["type"] == "urn:veilmart:problem:count-used-up"
    assert document["title"] == "Count used up"  # and not the `title` among the view's extra members
    assert (document["detail"], document["remedy"]) == ("All 3 uses are used.", "Apply for more.")
    assert document["used"] == 3


def test_refused_fields_are_named(caller: Caller) -> None:
    body = json.dumps({"rows": [{"code": 1}, {"code": "x"}]}).encode()
    document = problem(signed(caller, "POST", "/rows/1", body, "application/json"), 422)
    assert document["errors"] == [
        {"location": "json", "field": "name", "message": "Missing data for required field."},
        {"location": "json", "field": "rows.1.code", "message": "Not a valid integer."},
    ]
    assert document["detail"] == "Refused: json name, json rows.1.code."


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 50, b"[]", b"null"])
def test_a_malformed_body_is_a_problem_of_the_sender(caller: Caller, body: bytes) -> None:
    response = signed(caller, "POST", "/rows/1", body, "application/json")
    problem(response, response.status_code)
    assert 400 <= response.status_code < 500


def test_a_crash_gives_an_incident_that_is_logged_and_no_text_of_it(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = signed(caller, "GET", "/crash")
    document = problem(response, 500)
    assert CANARY not in response.text
    assert "ValueError" not in response.text
    (record,) = [record for record in caplog.records if str(document["instance"]) in record.getMessage()]
    assert record.levelno == logging.ERROR
    assert "ValueError" in record.getMessage()
    assert "KeyError" in record.getMessage()  # its cause
    assert "party.py" in record.getMessage()
    assert CANARY not in caplog.text


def test_an_aborted_request_is_an_incident_too(caller: Caller) -> None:
    assert "instance" in problem(signed(caller, "GET", "/abort"), 500)


# --- documents ----------------------------------------------------------------------------------------------


def document_of(client: FlaskClient) -> dict[str, dict[str, object]]:
    response = client.get("/openapi.json", base_url="https://poisoned.example")
    assert response.mimetype == "application/json"
    result: dict[str, dict[str, object]] = response.get_json()
    return result


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        return [node["$ref"]] if "$ref" in node else [ref for child in node.values() for ref in references(child)]
    return [ref for child in node for ref in references(child)] if isinstance(node, list) else []


def test_the_openapi_document_is_3_1_and_holds_together(client: FlaskClient) -> None:
    document = document_of(client)
    assert str(document["openapi"]).startswith("3.1.")
    assert document["info"] == {"title": "Provider <node>", "version": "0.1.0"}
    assert document["servers"] == [{"url": URL}]
    assert set(document["paths"]) == {
        "/health", "/open", "/echo", "/rows/{number}", "/crash", "/refuse", "/empty", "/long", "/abort",
    }  # fmt: skip
    for ref in references(document):
        node: object = document
        for part in ref.removeprefix("#/").split("/"):
            assert isinstance(node, dict)
            node = node[part]
    for path, operations in document["paths"].items():
        assert isinstance(operations, dict)
        for operation in operations.values():
            assert operation["responses"]
            declared = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert declared == set(re.findall(r"{(\w+)}", path))
            assert all("description" in r or "$ref" in r for r in operation["responses"].values())


def test_the_openapi_document_declares_problems_and_signatures(client: FlaskClient) -> None:
    document = document_of(client)
    assert document["security"] == [{"httpSignature": []}]
    paths: dict[str, dict[str, dict[str, object]]] = document["paths"]  # type: ignore[assignment]
    assert paths["/open"]["get"]["security"] == []
    assert "security" not in paths["/echo"]["get"]
    refusal = {"$ref": "#/components/responses/Problem"}
    responses = paths["/rows/{number}"]["post"]["responses"]
    assert isinstance(responses, dict)
    assert {status for status, response in responses.items() if response == refusal} == {
        "400",
        "404",
        "422",
        "default",
    }
    assert set(document["components"]["responses"]["Problem"]["content"]) == {"application/problem+json"}  # type: ignore[index]


def test_the_page_of_the_documents_asks_nobody_else(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert "<title>Provider &lt;node&gt;</title>" in page.text
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {source for sources in policy.values() for source in sources.split()} <= {"'none'", "'self'", "data:"}
    found = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(found) == 4
    for path in found:
        assert path.startswith("/docs/")
        assert client.get(path).status_code == 200
    assert "//" not in page.text.replace("<!doctype html>", "")
    style = client.get("/docs/swagger-ui.css").text
    assert {url[:5] for url in re.findall(r"url\([\"']?(.{5})", style)} == {"data:"}
    assert "@import" not in style
    start = client.get("/docs/start.js").text
    assert "//" not in start
    assert "validatorUrl: null" in start
    assert 'url: "/openapi.json"' in start


def test_only_the_page_s_own_files_are_served(client: FlaskClient) -> None:
    for path in ("/docs/swagger-ui.js", "/docs/..%2fLICENSE", "/docs/oauth2-redirect.html"):
        problem(client.get(path), 404)


@pytest.mark.parametrize("text", ["A", "0", "a:b", "a%3Fb", "a%2Fb", "a b", "é", "a" * 65, "a%0A"])
def test_a_name_in_a_path_is_a_name_or_there_is_no_such_route(app: APIFlask, text: str) -> None:
    """A node passes it on in the path of its own request: a question mark would begin a query there."""

    @app.get("/things/<name:thing>")
    @public
    def thing(thing: str) -> dict[str, str]:
        return {"thing": thing}

    client = app.test_client()
    assert client.get("/things/contract-1_a").json == {"thing": "contract-1_a"}
    assert client.get(f"/things/{text}").status_code == 404
    (part,) = client.get("/openapi.json").json["paths"]["/things/{thing}"]["get"]["parameters"]
    assert part["schema"] == {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}$"}
