"""A client against a provider in this process, with somebody between them who changes what comes back."""

from collections.abc import Callable

import flask
import httpx
import pytest
from flask.testing import FlaskClient
from web.conftest import URL
from web.party import KEYS, PINS, make_app

from compute.web.auth import SignatureAuth
from compute.web.errors import ResponseError
from compute.web.signatures import sign_response

Between = Callable[[httpx.Response], httpx.Response]


@pytest.fixture
def provider(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return make_app(URL, tmp_path_factory.mktemp("provider")).test_client()


def call(
    provider: FlaskClient,
    between: Between = lambda response: response,
    method: str = "GET",
    target: str = "/echo",
    peer: str = "provider",
) -> httpx.Response:
    def transport(request: httpx.Request) -> httpx.Response:
        answer = provider.open(
            request.url.raw_path.decode(),
            base_url=URL,
            method=request.method,
            headers=list(request.headers.items()),
            data=request.content,
        )
        return between(httpx.Response(answer.status_code, headers=list(answer.headers), content=answer.data))

    auth = SignatureAuth("bank", KEYS["bank"], peer, PINS)
    with httpx.Client(transport=httpx.MockTransport(transport), auth=auth, base_url=URL) as client:
        return client.request(method, target)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/echo", 200),
        ("HEAD", "/echo", 200),
        ("GET", "/empty", 204),
        ("GET", "/open", 200),
        ("GET", "/health", 200),
        ("GET", "/docs/swagger-ui.css", 200),
        ("GET", "/nowhere", 404),
        ("PUT", "/open", 405),
        ("GET", "/crash", 500),
        ("OPTIONS", "/open", 200),
    ],
)
def test_every_answer_to_a_signed_request_is_signed(
    provider: FlaskClient, method: str, target: str, status: int
) -> None:
    assert call(provider, method=method, target=target).status_code == status


def test_a_refused_signature_is_answered_with_a_signed_refusal(provider: FlaskClient) -> None:
    def unknown(request: httpx.Request) -> httpx.Response:
        answer = provider.get("/echo", base_url=URL, headers=list(request.headers.items()))
        return httpx.Response(answer.status_code, headers=list(answer.headers), content=answer.data)

    auth = SignatureAuth("stranger", KEYS["stranger"], "provider", PINS)
    with httpx.Client(transport=httpx.MockTransport(unknown), auth=auth) as client:
        assert client.get(f"{URL}/echo").status_code == 401


def changed(**changes: object) -> Between:
    def change(response: httpx.Response) -> httpx.Response:
        headers = dict(response.headers)
        for name, value in changes.items():
            field = name.replace("_", "-")
            if field in {"status", "body"}:
                continue
            headers.pop(field, None)
            if value is not None:
                headers[field] = str(value)
        headers.pop("content-length", None)
        status = int(str(changes.get("status", response.status_code)))
        body = changes.get("body", response.content)
        assert isinstance(body, bytes)
        return httpx.Response(status, headers=headers, content=body)

    return change


@pytest.mark.parametrize(
    "between",
    [
        changed(body=b"{}"),
        changed(body=b""),
        changed(status=201),
        changed(content_type="text/html"),
        changed(content_type=None),
        changed(content_digest=None),
        changed(signature=None),
        changed(signature_input=None),
        changed(signature=None, signature_input=None),
        changed(content_encoding="identity"),
    ],
)
def test_a_changed_or_unsigned_response_is_refused(provider: FlaskClient, between: Between) -> None:
    with pytest.raises(ResponseError, match="not proven to be the answer of provider"):
        call(provider, between)


def test_a_response_to_another_request_is_refused(provider: FlaskClient) -> None:
    kept: list[httpx.Response] = []

    def keep(response: httpx.Response) -> httpx.Response:
        kept.append(response)
        return response

    call(provider, keep)
    with pytest.raises(ResponseError, match="not proven"):
        call(provider, lambda _: httpx.Response(200, headers=kept[0].headers, content=kept[0].content))


@pytest.mark.parametrize("key", ["bank", "stranger"])
@pytest.mark.parametrize("name", ["bank", "stranger", "provider"])
def test_a_response_signed_by_another_party_is_refused(provider: FlaskClient, key: str, name: str) -> None:
    def forge(request: httpx.Request) -> httpx.Response:
        fields = list(request.headers.items())
        with provider.application.test_request_context("/echo", base_url=URL, headers=fields):
            response = flask.Response("{}", mimetype="application/json")
            assert sign_response(response, flask.request, name, KEYS[key], URL)
        return httpx.Response(200, headers=list(response.headers), content=b"{}")

    auth = SignatureAuth("bank", KEYS["bank"], "provider", PINS)
    client = httpx.Client(transport=httpx.MockTransport(forge), auth=auth)
    with client, pytest.raises(ResponseError, match="not proven"):
        client.get(f"{URL}/echo")


def test_a_peer_without_a_pinned_key_is_not_believed(provider: FlaskClient) -> None:
    with pytest.raises(ResponseError, match="signed by provider"):
        call(provider, peer="stranger")


def test_an_unsigned_request_gets_an_unsigned_answer(provider: FlaskClient) -> None:
    assert "Signature" not in provider.get("/health", base_url=URL).headers
    unsignable = provider.get("/health", base_url=URL, headers={"Signature": "é"})
    assert unsignable.status_code == 200
    assert "Signature" not in unsignable.headers


def test_a_url_that_cannot_be_signed_is_refused_before_it_is_sent() -> None:
    auth = SignatureAuth("bank", KEYS["bank"], "provider", PINS)
    request = httpx.Request("get", f"{URL}/echo")
    request.method = "get"
    with pytest.raises(ValueError, match="cannot be signed"):
        next(auth.auth_flow(request))


@pytest.mark.parametrize("target", ["/health", "/open", "/nowhere", "/echo?other"])
def test_an_answer_to_another_question_under_the_same_signature_is_refused(
    provider: FlaskClient, target: str
) -> None:
    """A proxy keeps the client's signature, asks something else under it, and hands that answer back."""

    def proxy(request: httpx.Request) -> httpx.Response:
        answer = provider.get(target, base_url=URL, headers=list(request.headers.items()))
        return httpx.Response(answer.status_code, headers=list(answer.headers), content=answer.data)

    auth = SignatureAuth("bank", KEYS["bank"], "provider", PINS)
    with (
        httpx.Client(transport=httpx.MockTransport(proxy), auth=auth) as client,
        pytest.raises(ResponseError, match="not proven"),
    ):
        client.get(f"{URL}/echo")
