"""A provider's own processes: gunicorn, TLS, two workers; and a client as a bank has it."""

import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import msgspec
import pytest
from web.conftest import ROOT, Server, until
from web.party import CANARY, CAP, KEYS, pair_in

from compute.web import messages
from compute.web.errors import PeerProblemError, PeerUnreachableError, ResponseError
from compute.web.serve import serve

pytestmark = pytest.mark.long


class Echo(msgspec.Struct):
    party: str
    url: str
    body: str
    pid: int


@dataclass
class Wire:
    """Requests that a test has signed itself, sent as they are."""

    server: Server

    def signed(self, target: str = "/echo", method: str = "POST", body: bytes = b"body") -> messages.Request:
        request = messages.Request(method, self.server.url + target, {"Content-Type": "text/plain"})
        messages.sign(request, "bank", KEYS["bank"], body, time.time())
        return request

    def send(
        self, request: messages.Request, url: str = "", body: bytes = b"body", **headers: str
    ) -> httpx.Response:
        context = ssl.create_default_context(cafile=self.server.folder / "ca.pem")
        with httpx.Client(verify=context, trust_env=False) as client:  # a connection of its own: any worker
            fields = request.headers | headers
            return client.request(request.method, url or request.url, content=body, headers=fields)


@pytest.fixture
def wire(server: Server) -> Wire:
    return Wire(server)


# --- what works ---------------------------------------------------------------------------------------------


def test_a_signed_call_reaches_the_view_and_its_answer_is_proven(server: Server) -> None:
    with server.client() as client:
        query: dict[str, str | int] = {"name": "市监 & co", "n": 1}
        answer = client.request("POST", "/echo", expected=Echo, query=query, json={"a": "中"})
        assert (answer.party, answer.body) == ("bank", '{"a":"中"}')
        assert answer.url == "/echo?name=%E5%B8%82%E7%9B%91+%26+co&n=1"
        assert client.request("GET", "/long", expected=bytes) == b"x" * CAP
        assert client.request("GET", "/empty", expected=bytes) == b""
        assert client.request("GET", "/health", expected=dict) == {"status": "ok", "party": "provider"}


def test_the_access_log_has_the_time_and_the_proven_caller(server: Server) -> None:
    with server.client() as client:
        client.request("GET", "/echo", expected=Echo)
        client.request("GET", "/health", expected=dict)
    line = r'^\[\d\d/\w{3}/\d{4}:[\d:]{8} [+-]\d{4}\] 127\.0\.0\.1 %s "GET %s" 200 \d+ \d+ms$'
    for caller, path in (("bank", "/echo"), ("-", "/health")):
        pattern = re.compile(line % (caller, path), re.MULTILINE)
        until(lambda pattern=pattern: pattern.search(server.log) is not None)


def test_many_threads_share_a_client(server: Server) -> None:
    with server.client() as client, ThreadPoolExecutor(8) as pool:
        bodies = [str(number) for number in range(40)]
        answers = pool.map(lambda b: client.request("PUT", "/echo", expected=Echo, content=b.encode()), bodies)
        assert [answer.body for answer in answers] == bodies


# --- what the server refuses --------------------------------------------------------------------------------


def test_a_refusal_arrives_with_its_members(server: Server) -> None:
    with server.client() as client, pytest.raises(PeerProblemError) as caught:
        client.request("GET", "/refuse", expected=Echo)
    error = caught.value
    assert (error.status, error.slug, error.title) == (409, "count-used-up", "Count used up")
    assert (error.detail, error.remedy) == ("All 3 uses are used.", "Apply for more.")
    assert error.problem["used"] == 3


def test_an_unknown_party_is_refused(server: Server) -> None:
    with server.client("stranger") as client, pytest.raises(PeerProblemError) as caught:
        client.request("GET", "/echo", expected=Echo)
    assert (caught.value.status, caught.value.slug) == (401, "signature-unknown-key")


def test_a_crash_tells_nothing_and_is_in_the_log_without_its_data(server: Server) -> None:
    with server.client() as client, pytest.raises(PeerProblemError) as caught:
        client.request("GET", "/crash", expected=Echo)
    assert CANARY not in str(caught.value.problem)
    until(lambda: str(caught.value.problem["instance"]) in server.log)
    assert CANARY not in server.log


def test_neither_query_nor_body_is_logged(server: Server) -> None:
    with server.client() as client:
        client.request("POST", "/echo", expected=Echo, query={"subject": "in-query"}, content=b"in-body")
    until(lambda: '"POST /echo" 200' in server.log)
    assert "in-query" not in server.log
    assert "in-body" not in server.log


def test_what_is_changed_on_the_way_is_refused(wire: Wire) -> None:
    assert wire.send(wire.signed()).status_code == 200
    assert wire.send(wire.signed(), body=b"other").status_code == 401
    assert wire.send(wire.signed(), url=f"{wire.server.url}/rows/1").status_code == 401
    assert wire.send(wire.signed(), url=f"{wire.server.url}/echo?x").status_code == 401
    assert wire.send(wire.signed(), **{"Content-Type": "text/html"}).status_code == 401
    assert wire.send(messages.Request("PUT", wire.signed().url, wire.signed().headers)).status_code == 401


def test_fields_that_proxies_set_change_nothing(wire: Wire) -> None:
    for name, value in {
        "Host": "other.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "other.example",
        "Script-Name": "/echo",
        "Path-Info": "/refuse",
    }.items():
        response = wire.send(wire.signed(), **{name: value})
        assert response.status_code == 200, name
        assert response.json()["url"] == "/echo?"


def test_a_replay_is_refused_by_every_worker(wire: Wire) -> None:
    workers = {wire.send(wire.signed()).json()["pid"] for _ in range(3)}
    until(lambda: bool(workers.add(wire.send(wire.signed()).json()["pid"])) or len(workers) == 2)
    request = wire.signed()
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda _: wire.send(request).status_code, range(12)))
    assert sorted(statuses) == [200] + [401] * 11


def test_a_replay_is_refused_after_a_restart(own_server: Callable[..., Server]) -> None:
    first = own_server()
    request = Wire(first).signed()
    assert Wire(first).send(request).status_code == 200
    assert (first.folder / "pid").read_text().strip() == str(first.process.pid)
    assert first.stop() == 0
    second = own_server(first.port)
    assert second.port == first.port
    again = Wire(second).send(request)
    assert again.json()["type"] == "urn:veilmart:problem:signature-replayed"


def test_a_body_above_the_cap_or_without_a_length_is_refused(wire: Wire) -> None:
    body = b"x" * (CAP + 1)
    assert wire.send(wire.signed(body=body), body=body).status_code == 413
    context = ssl.create_default_context(cafile=wire.server.folder / "ca.pem")
    request = wire.signed(body=body)
    with httpx.Client(verify=context, trust_env=False) as client:
        chunks = iter([body[:-1], body[-1:]])
        chunked = client.post(request.url, headers=request.headers, content=chunks)
    assert chunked.json()["type"] == "urn:veilmart:problem:length-required"


def test_a_request_line_for_a_proxy_is_refused(wire: Wire) -> None:
    request = wire.signed()
    context = ssl.create_default_context(cafile=wire.server.folder / "ca.pem")
    fields = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with (
        socket.create_connection(("127.0.0.1", wire.server.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        line = f"POST {request.url} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n"
        connection.sendall(f"{line}{fields}\r\nbody".encode())
        assert re.match(rb"HTTP/1.1 4\d\d ", connection.recv(4096))


# --- what the client refuses --------------------------------------------------------------------------------


def test_a_server_that_is_another_party_is_not_believed(server: Server) -> None:
    with server.client(peer="bank") as client, pytest.raises(ResponseError, match="signed by provider"):
        client.request("GET", "/echo", expected=Echo)


def test_an_answer_of_another_type_is_refused(server: Server) -> None:
    with server.client() as client:
        with pytest.raises(ResponseError, match="no Echo"):
            client.request("GET", "/health", expected=Echo)
        with pytest.raises(ResponseError, match="application/octet-stream"):
            client.request("GET", "/long", expected=Echo)


def test_a_long_answer_is_not_read(server: Server) -> None:
    with server.client(max_response=CAP - 1) as client, pytest.raises(ResponseError, match="longer"):
        client.request("GET", "/long", expected=bytes)


def test_a_certificate_of_another_authority_is_refused_at_once(server: Server) -> None:
    refused = pytest.raises(PeerUnreachableError, match="certificate verify failed")
    with server.client(verify=ssl.create_default_context(), timeout=600.0) as client, refused:
        client.request("GET", "/health", expected=dict)


def test_a_path_begins_with_a_slash(server: Server) -> None:
    with server.client() as client, pytest.raises(ValueError, match="no path"):
        client.request("GET", "https://other.example/echo", expected=Echo)


@pytest.mark.parametrize(("method", "retried"), [("GET", True), ("PUT", True), ("POST", False)])
def test_only_what_is_idempotent_is_retried_until_the_deadline(
    server: Server, method: str, *, retried: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(10)
        deaf = Server(server.folder, server.process, listener.getsockname()[1])

        def hang_up() -> int:
            calls = 0
            while True:
                connection, _ = listener.accept()
                with connection:
                    if connection.recv(1) == b"q":
                        return calls
                calls += 1

        calls = pool.submit(hang_up)
        began = time.monotonic()
        with (
            deaf.client(timeout=0.5) as client,
            pytest.raises(PeerUnreachableError, match="no answer of provider"),
        ):
            client.request(method, "/echo", expected=Echo)
        assert time.monotonic() - began < 5
        with socket.create_connection(listener.getsockname()) as quitter:
            quitter.sendall(b"q")
        assert (calls.result(10) > 1) == retried


# --- start, TLS and time ------------------------------------------------------------------------------------


def test_a_server_whose_app_cannot_be_made_ends_with_3(server: Server) -> None:
    script = (
        "from pathlib import Path\n"
        "from compute.web.serve import serve\n"
        "from web.party import pair_in\n"
        "serve(lambda: 1 / 0, '127.0.0.1', 0, pair_in(Path()), workers=1)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    result = subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-c", script],
        cwd=server.folder,
        env=environment,
        timeout=20,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 3
    assert b"ZeroDivisionError" in result.stderr


def test_a_taken_port_is_told_at_once(server: Server) -> None:
    pair = pair_in(server.folder)
    with pytest.raises(OSError, match="in use"):
        serve(lambda: None, "127.0.0.1", server.port, pair)  # type: ignore[arg-type, return-value]


def test_old_tls_is_refused(server: Server) -> None:
    context = ssl.create_default_context(cafile=server.folder / "ca.pem")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", server.port), 10) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_who_stops_in_the_middle_of_a_handshake_or_a_request_is_cut_off(server: Server) -> None:
    context = ssl.create_default_context(cafile=server.folder / "ca.pem")
    address = ("127.0.0.1", server.port)
    with socket.create_connection(address, 10) as half, socket.create_connection(address, 10) as plain:
        half.sendall(b"\x16\x03\x01")  # the beginning of a ClientHello
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in connection.recv(4096)
            connection.sendall(b"GET /health HT")
            while connection.recv(4096):
                pass  # the rest of the first answer
        while half.recv(4096):
            pass
