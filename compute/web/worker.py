"""A gunicorn worker whose threads are for requests that have come: whoever is waited for holds none.

    accept ──▶ poller ──▶ handshake ──▶ poller ──▶ header ──▶ thread ──▶ answer ──▶ poller ──▶ closed, or
                 ▲  the other side stays silent: closed after HEADER_TIMEOUT │            kept alive, for the next
                 └───────────────────────────────────────────────────────────┘            header

Gunicorn's own threads wait for the first byte, for the rest of a handshake and for the rest of a header, and its
one event loop waits for the other side to close. So as many silent connections as there are threads stop a server.
Here all four wait in the poller. What is done in between, a step of a handshake or of a header, is done by a
thread, without waiting.
"""

import errno
import selectors
import socket
import ssl
import sys
import time
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.http import get_parser  # type: ignore[import-untyped]
from gunicorn.sock import ssl_wrap_socket  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

HEADER_TIMEOUT = 5.0
"""Seconds from the connection, or the first byte of a next request, to the end of the request's header."""
LINGER = 2.0
"""Seconds that the other side has to close a connection, so that it still reads the answer (RFC 9112 §9.6)."""
DRAIN = 0.1
"""Seconds to read away a body that the app has left; where that is not enough, the connection is closed."""
MAX_HEADER = 32 * 1024
"""Bytes of a request's header; ours have about 1 KiB."""
MAX_LINGER = 64 * 1024
"""Bytes read away while a connection lingers."""

SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread gives way to another that waits for the interpreter; a tenth of Python's own."""

_END = b"\r\n\r\n"
_RECORD = 16 * 1024  # bytes; no TLS record holds more, so none is left half read where the poller cannot see it
_NO_CONNECTION = frozenset({errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK})
_WAIT = object()


class Connection(TConn):  # type: ignore[misc]  # gunicorn ships no types
    """A connection and what has come of the next request's header."""

    def __init__(self, worker: "PatientWorker", sock: ssl.SSLSocket, client: object, server: object) -> None:
        super().__init__(worker.cfg, sock, client, server)
        self.parser = get_parser(worker.cfg, sock, client)
        self.initialized = self.data_ready = True  # gunicorn shall neither shake hands nor wait for a byte
        self.deadline: float | None = time.monotonic() + HEADER_TIMEOUT
        self.wanted = selectors.EVENT_READ
        self.drained = 0
        self._worker = worker
        self._greeted = False
        self._received = bytearray()

    def advance(self) -> bool:
        """Take what has come of handshake and header, and give whether a request may be parsed.

        False is for a connection that is over. Raises SSLWantReadError or SSLWantWriteError where it has to wait,
        another OSError where the connection is broken.
        """
        if self.deadline is None:
            self.deadline = time.monotonic() + HEADER_TIMEOUT
        self.sock.settimeout(0)
        if not self._greeted:
            self.sock.do_handshake()
            self._greeted = True
        self._received += self.parser.unreader.take_buffered()
        while _END not in self._received:
            if len(self._received) > MAX_HEADER:
                return False
            data = self.sock.recv(_RECORD)
            if not data:
                return False
            self._received += data
        self.parser.unreader.unread(bytes(self._received))
        self._received.clear()
        self.deadline = None
        return True

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 -- gunicorn's signature
        """Close at once, or `graceful`: once the other side has, which is waited for in the poller."""
        if not graceful:
            super().close()
        else:
            self._worker.linger(self)


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn's worker with threads, which waits for nobody in one of them before a request has come."""

    def init_process(self) -> None:
        """Have threads give way to each other sooner than by default.

        A thread that has an answer of the database waits for the interpreter up to this long; who writes does so
        dozens of times, and all other writers wait meanwhile.
        """
        sys.setswitchinterval(SWITCH_INTERVAL)
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection and wait for its first byte."""
        try:
            plain, client = listener.accept()
        except OSError as error:
            if error.errno not in _NO_CONNECTION:
                raise
            return
        plain.settimeout(0)
        try:
            sock = ssl_wrap_socket(plain, self.cfg)
        except OSError as error:  # it has gone already
            self.log.debug("Connection lost: %s", error)
            plain.close()
            return
        self.nr_conns += 1
        self._await(Connection(self, sock, client, listener.getsockname()))

    def handle(self, conn: Connection) -> Any:  # noqa: ANN401 -- what gunicorn's own gives, or _WAIT
        """Handle a request, in a thread, if it has come."""
        try:
            if not conn.advance():
                return False
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as want:
            reading = isinstance(want, ssl.SSLWantReadError)
            conn.wanted = selectors.EVENT_READ if reading else selectors.EVENT_WRITE
            return _WAIT
        except OSError as error:  # SSLError is one
            self.log.debug("Closing connection: %s", error)
            return False
        return super().handle(conn)

    def finish_request(self, conn: Connection, fs: "Future[Any]") -> None:
        """Go on with a connection after a thread has been at it, in the event loop."""
        if not fs.cancelled() and fs.exception() is None and fs.result() is _WAIT:
            self._await(conn)
        else:
            super().finish_request(conn, fs)

    def linger(self, conn: Connection) -> None:
        """Wait for the other side to close."""
        try:
            conn.sock.settimeout(0)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:  # there is no other side any more
            conn.close()
            return
        self.nr_conns += 1
        conn.deadline = time.monotonic() + LINGER
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))

    def murder_pending(self) -> None:
        """Close what has waited in the poller too long."""
        now = time.monotonic()
        for conn in [each for each in self.pending_conns if each.deadline <= now]:
            self._drop(conn)

    def _await(self, conn: Connection) -> None:
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, conn.wanted, partial(self.on_pending_socket_readable, conn))

    def _drain(self, conn: Connection, sock: socket.socket) -> None:
        try:
            data = sock.recv(_RECORD)
        except BlockingIOError:
            return
        except OSError:  # it was reset, which ends it too
            data = b""
        conn.drained += len(data)
        if not data or conn.drained > MAX_LINGER:
            self._drop(conn)

    def _drop(self, conn: Connection) -> None:
        self.pending_conns.remove(conn)
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def _keepalive_after(self, conn: Connection, keepalive: object) -> bool:
        return bool(keepalive) and bool(conn.parser.finish_body(deadline=time.monotonic() + DRAIN))
