"""Serves a folder as a log does at its URL, over TLS."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SILENT, CUT_OFF = 0, 1
"""In place of a status: no answer, and one that ends before its length."""


class Handler(BaseHTTPRequestHandler):
    """Serves the folder, after the answers that `server.first` holds."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.seen.append((self.path, self.client_address[1]))
        if server.first:
            status, body = server.first.pop(0)
        else:
            path = server.folder / self.path.removeprefix("/log/")
            status, body = (200, path.read_bytes()) if path.is_file() else (404, b"")
        self.close_connection = status in {SILENT, CUT_OFF}
        if status == SILENT:
            return
        self.send_response(200 if status == CUT_OFF else status)
        self.send_header("Content-Length", str(len(body) + 5 * (status == CUT_OFF)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """The certificate for 127.0.0.1 and its key are `log.pem` and `log.key` in `tls`."""

    daemon_threads = True

    def __init__(self, folder: Path, tls: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.seen = folder, list[tuple[str, int]]()
        self.first: list[tuple[int, bytes]] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls / "log.pem", tls / "log.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, *_arguments: object) -> None:
        pass  # a client that hangs up is part of the tests

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}/log"


@contextmanager
def serving(folder: Path, tls: Path) -> Iterator[Server]:
    server = Server(folder, tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
