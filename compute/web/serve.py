"""A party's app behind gunicorn: TLS, worker processes with threads, an address that a parent can wait for.

Silent connections hold no thread (`compute.web.worker`): a handshake and a header have a few seconds together and
wait in the poller; each worker takes CONNECTIONS at a time. What remains to whoever can connect: to open
connections faster than they time out, to ask for the public pages and read them slowly, or to keep the processors
busy with handshakes; to an enrolled party: to send bodies slowly, each of which holds a thread while it comes. In
front of a server that strangers reach belongs a proxy that limits connections and their rate for each address.
"""

import functools
import json
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from wsgiref.types import WSGIApplication

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.errors import HaltServer  # type: ignore[import-untyped]

from compute.web.access import CALLER
from compute.web.files import write_atomically
from compute.web.tls_key import KeyPair, load_chain
from compute.web.worker import PatientWorker

THREADS = 8  # per worker
CONNECTIONS = 512  # per worker, silent ones too; each is an open file, of which a process often has 1024
READ_TIMEOUT = 30.0  # seconds that a connection may stay silent within a body, or leave an answer unread
KEEP_ALIVE = 15  # seconds; longer than the client keeps an idle connection, so that none is cut under a request
GRACE = 10  # seconds that a request has to end when the server stops
WORKER_TIMEOUT = 60  # seconds without a sign of life, after which a worker is killed and replaced

# Time, address and proven caller, method and path, status, bytes, milliseconds: a query or a body may hold data.
_ACCESS_LOG = f'%(t)s %(h)s %({{{CALLER}}}e)s "%(m)s %(U)s" %(s)s %(b)s %(M)sms'

Ready = Callable[[str, int], None]


def serve(
    app_factory: Callable[[], WSGIApplication],
    host: str,
    port: int,
    pair: KeyPair,
    *,
    workers: int = 2,
    address_file: Path | None = None,
    pid_file: Path | None = None,
    ready: Ready | None = None,
) -> NoReturn:
    """Serve until SIGTERM or SIGINT, then exit the process: 0 after a stop, 3 if a worker cannot start.

    `app_factory` is called in each worker, so that nothing of the app (connections, locks, threads) is carried
    over a fork. Port 0 takes a free port. Once the server listens, its address is written to `address_file` as
    JSON, `{"host": …, "port": …}`, in one step, and `ready(host, port)` called, both before the first worker
    starts: the factory may use what `ready` has learnt.
    Raises OSError if the address is taken or not of this machine.
    """
    listener = _listen(host, port)
    bound = listener.getsockname()[1]

    def when_ready(_arbiter: object) -> None:
        if address_file is not None:
            write_atomically(address_file, json.dumps({"host": host, "port": bound}).encode())
        if ready is not None:
            ready(host, bound)

    @functools.cache  # gunicorn asks for one per connection
    def context() -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        load_chain(made, pair)
        made.sslsocket_class = ImpatientSocket
        return made

    settings = {
        "bind": f"fd://{listener.detach()}",
        "workers": workers,
        "worker_class": PatientWorker,
        "threads": THREADS,
        "worker_connections": CONNECTIONS,
        "timeout": WORKER_TIMEOUT,
        "graceful_timeout": GRACE,
        "keepalive": KEEP_ALIVE,
        "certfile": str(pair.certificate),
        "keyfile": str(pair.key),
        "ssl_context": lambda _config, _default: context(),
        "pidfile": None if pid_file is None else str(pid_file),
        "accesslog": "-",
        "access_log_format": _ACCESS_LOG,
        "when_ready": when_ready,
        # By default gunicorn believes what a process on the same host says of scheme and path, and opens a
        # control socket in the user's home.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        "forwarder_headers": "",
        "control_socket_disable": True,
    }
    try:
        _Server(app_factory, settings).run()
    except HaltServer as halt:  # a worker that cannot start has said why
        raise SystemExit(halt.exit_status) from halt
    raise SystemExit(0)  # run() has left by itself; the type checker cannot know


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn with settings from here alone: no command line, file or environment."""

    def __init__(self, app_factory: Callable[[], WSGIApplication], settings: dict[str, Any]) -> None:
        self._app_factory = app_factory
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        return self._app_factory()


class ImpatientSocket(ssl.SSLSocket):
    """A TLS connection that blocks no longer than `read_timeout` seconds.

    Gunicorn sets its sockets to wait for ever, and so a few clients who stop in the middle of a body would hold
    all threads.
    """

    read_timeout = READ_TIMEOUT

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 -- the standard library's signature
        """Wait for the other side `read_timeout` seconds where `flag` asks to wait for ever."""
        super().settimeout(self.read_timeout if flag else 0)

    def settimeout(self, value: float | None) -> None:
        """Wait `value` seconds, and `read_timeout` for None."""
        super().settimeout(self.read_timeout if value is None else value)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)
