"""Messages in and out of a view, and what /openapi.json says of them."""

from typing import Any

import flask
import pytest
from apiflask import APIFlask
from web.conftest import NOW, URL, Caller
from web.party import KEYS
from werkzeug.test import TestResponse

from compute.canonical import Message, decode, encode
from compute.web import described, messages
from compute.web.access import public
from compute.web.body import JSON, Form, answers, gives, message, respond, takes


class Ask(Message, frozen=True):
    number: int


class Told(Message, frozen=True):
    number: int


class Denied(Message, frozen=True):
    reason: str


class Later(Message, frozen=True):
    seconds: int


@pytest.fixture
def described_app(app: APIFlask) -> APIFlask:
    @app.post("/messages")
    @takes(message(Ask))
    @answers({200: Told | Denied, 202: Later})
    def ask(asked: Ask) -> flask.Response:
        """Ask for a number."""
        if asked.number == 0:
            return respond(Later(seconds=3), 202)
        return respond(Told(number=asked.number) if asked.number > 0 else Denied(reason="negative"))

    @app.put("/text/<int:number>")
    @takes(Form("text/plain", bytes.decode, str))
    @gives(Told, 201)
    def text(body: str, number: int) -> Told:
        return Told(number=number + len(body))

    @app.get("/told")
    @public
    @gives(Told)
    def told() -> Told:
        return Told(number=7)

    described.install(app, {400, 404, 409})
    return app


def send(
    app: APIFlask, body: bytes, content_type: str = JSON, method: str = "POST", target: str = "/messages"
) -> TestResponse:
    request = messages.Request(method, URL + target, {"Content-Type": content_type})
    messages.sign(request, "bank", KEYS["bank"], body, NOW)
    return Caller(app.test_client()).send(request, target, body)


@pytest.mark.parametrize(
    ("number", "status", "answer"),
    [(5, 200, Told(number=5)), (-1, 200, Denied(reason="negative")), (0, 202, Later(seconds=3))],
)
def test_a_view_answers_with_one_of_several_messages(
    described_app: APIFlask, number: int, status: int, answer: Message
) -> None:
    response = send(described_app, encode(Ask(number=number)))
    assert (response.status_code, response.mimetype) == (status, JSON)
    assert decode(response.data, type(answer)) == answer


def test_a_form_of_its_own_and_a_status_of_its_own(described_app: APIFlask) -> None:
    response = send(described_app, b"four", "text/plain", "PUT", "/text/3")
    assert response.status_code == 201
    assert decode(response.data, Told) == Told(number=7)


def test_another_media_type_is_refused(described_app: APIFlask) -> None:
    assert send(described_app, encode(Ask(number=5)), "text/plain").status_code == 415


def test_the_document_has_every_message_and_refusal(described_app: APIFlask) -> None:
    document: dict[str, Any] = described_app.test_client().get("/openapi.json").get_json()
    asked = document["paths"]["/messages"]["post"]
    assert set(asked["responses"]) == {"200", "202", "400", "401", "404", "409", "413", "415", "default"}
    assert asked["responses"]["200"]["description"] == "Told or Denied"
    several = asked["responses"]["200"]["content"][JSON]["schema"]
    assert [each["$ref"] for each in several["anyOf"]] == [
        "#/components/schemas/Told",
        "#/components/schemas/Denied",
    ]
    assert asked["responses"]["202"]["content"][JSON]["schema"] == {"$ref": "#/components/schemas/Later"}
    assert asked["requestBody"]["content"][JSON]["schema"] == {"$ref": "#/components/schemas/Ask"}
    assert {"Ask", "Told", "Denied", "Later"} <= document["components"]["schemas"].keys()
    text = document["paths"]["/text/{number}"]["put"]
    assert set(text["requestBody"]["content"]) == {"text/plain"}
    assert "201" in text["responses"]
    told = document["paths"]["/told"]["get"]
    assert set(told["responses"]) == {"200", "404", "409", "default"}
    assert "responses" in document["paths"]["/echo"]["get"]  # a route of another kind is left as it was
