"""Connections that stop: more of them than there are threads, and the server answers everybody else at once."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
from web.conftest import Server

from compute.web import worker
from compute.web.serve import KEEP_ALIVE, THREADS

pytestmark = pytest.mark.long

MANY = 40
"""More than the threads of both workers together."""
AT_ONCE = 0.8
"""Seconds: less than the server of these tests waits for a header."""

Attack = Callable[[Server, ExitStack], socket.socket]


def plain(server: Server, stack: ExitStack) -> socket.socket:
    return stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))


def encrypted(server: Server, stack: ExitStack) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=server.folder / "ca.pem")
    return stack.enter_context(context.wrap_socket(plain(server, stack), server_hostname="127.0.0.1"))


def sending(data: bytes) -> Attack:
    def send(server: Server, stack: ExitStack) -> socket.socket:
        connection = encrypted(server, stack)
        connection.sendall(data)
        return connection

    return send


def stop_in_the_handshake(server: Server, stack: ExitStack) -> socket.socket:
    connection = plain(server, stack)
    connection.sendall(b"\x16\x03\x01")  # the beginning of a ClientHello
    return connection


ATTACKS: dict[str, Attack] = {
    "says nothing": plain,
    "stops in the handshake": stop_in_the_handshake,
    "stops before the header": encrypted,
    "stops in the header": sending(b"GET /health HTTP/1.1\r\nHost: x\r\n"),
    "does not send the body": sending(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n"),
    "does not close": sending(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def rest(connection: socket.socket) -> bytes:
    """What still comes until the server closes."""
    received = bytearray()
    while data := connection.recv(65_536):
        received += data
    return bytes(received)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_more_connections_than_threads_that_stop_keep_nobody_waiting(
    server: Server, stack: ExitStack, attack: Attack
) -> None:
    assert MANY > 2 * THREADS
    for _ in range(MANY):
        attack(server, stack)
    began = time.monotonic()
    with server.client() as client:
        assert client.request("GET", "/health", expected=dict)["status"] == "ok"
        assert client.request("POST", "/echo", expected=dict, content=b"body")["body"] == "body"
    assert time.monotonic() - began < AT_ONCE


def test_a_header_that_comes_byte_by_byte_has_one_deadline_for_all_of_it(server: Server, stack: ExitStack) -> None:
    connection = encrypted(server, stack)
    began = time.monotonic()
    with suppress(OSError):  # reset, broken pipe or end of TLS, as it happens
        while time.monotonic() - began < 10:
            connection.sendall(b"G")
            time.sleep(0.1)
    assert time.monotonic() - began < 5


def test_the_next_request_of_a_connection_has_a_deadline_too(server: Server, stack: ExitStack) -> None:
    connection = encrypted(server, stack)
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"200 OK" in connection.recv(65_536)
    connection.sendall(b"GET /health HT")
    began = time.monotonic()
    rest(connection)
    assert time.monotonic() - began < KEEP_ALIVE / 3


@pytest.mark.parametrize("pause", [0, 0.05])
def test_a_header_in_pieces_is_one_request(server: Server, stack: ExitStack, pause: float) -> None:
    connection = encrypted(server, stack)
    for piece in (b"GET /health HTTP/1.1\r", b"\nHost: x\r\n", b"Connection: close\r\n\r", b"\n"):
        connection.sendall(piece)
        time.sleep(pause)
    assert b"200 OK" in rest(connection)


def test_two_requests_at_once_on_one_connection_are_both_answered(server: Server, stack: ExitStack) -> None:
    connection = encrypted(server, stack)
    first, second = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", b"Connection: close\r\n\r\n"
    connection.sendall(first + first.removesuffix(b"\r\n") + second)
    assert rest(connection).count(b"200 OK") == 2


def test_a_header_without_end_is_cut_off(server: Server, stack: ExitStack) -> None:
    connection = encrypted(server, stack)
    connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
    sent = 0
    with suppress(OSError):
        while sent < 1000 * worker.MAX_HEADER:
            sent += connection.send(b"x" * 4096)
    assert sent < 1000 * worker.MAX_HEADER


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x00\x05garbage", b"\r\n\r\n"]
)
def test_what_is_no_tls_is_closed_and_the_server_goes_on(server: Server, stack: ExitStack, data: bytes) -> None:
    connection = plain(server, stack)
    connection.sendall(data)
    rest(connection)
    with server.client() as client:
        client.request("GET", "/health", expected=dict)


def test_a_request_that_is_none_is_refused(server: Server, stack: ExitStack) -> None:
    for data in (b"\r\n\r\n", b"\r\nGET\r\n\r\n", b"GET / HTTP/1.1\r\nno field\r\n\r\n"):
        connection = encrypted(server, stack)
        connection.sendall(data)
        assert b"400 Bad Request" in rest(connection)


def test_a_server_stops_although_connections_stay_silent(
    own_server: Callable[..., Server], stack: ExitStack
) -> None:
    own = own_server()
    for attack in ATTACKS.values():
        attack(own, stack)
    began = time.monotonic()
    assert own.stop() == 0
    assert time.monotonic() - began < 8
