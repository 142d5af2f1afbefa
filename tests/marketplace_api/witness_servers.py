"""Witnesses over HTTPS, each with its own file, port and clock, that a test may stop and start again."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import flask
from cosigned import LOG_KEY, NOW, PARTIES, WITNESSES, witness_key, witness_name
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from audit.database import open_engine
from audit.policy import Witness as Named
from audit.witness import Witness
from compute.node.cosigning import routes
from compute.web.tls import make_ca, make_certificate


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass


@dataclass
class WitnessServer:
    """One witness; `now` is its clock, in seconds."""

    party: str
    folder: Path
    port: int = 0
    now: int = NOW
    seen: int = 0
    """Requests that came."""
    _server: BaseWSGIServer | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        engine = open_engine(self.folder / f"{self.party}.db")
        name, key = witness_name(self.party), WITNESSES[self.party]
        self.witness = Witness(engine, name, key, LOG_KEY, lambda: self.now * 1000)
        self.app = flask.Flask(__name__)
        self.app.register_blueprint(routes(self.witness))
        self.app.before_request(self._count)

    def _count(self) -> None:
        self.seen += 1

    @property
    def named(self) -> Named:
        return Named(self.party, witness_key(self.party), f"https://127.0.0.1:{self.port}/witness")

    def start(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "witness.pem", self.folder / "witness.key")
        server = make_server("127.0.0.1", self.port, self.app, True, 1, _Silent, ssl_context=context)  # noqa: FBT003 -- threaded
        server.daemon_threads = True
        self._server, self.port = server, server.port
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def running(folder: Path) -> Iterator[dict[str, WitnessServer]]:
    """A witness for each of the parties, all listening; the authority is `ca.pem`."""
    make_certificate(make_ca(folder), "witness", ["127.0.0.1"])
    servers = {party: WitnessServer(party, folder) for party in PARTIES}
    for server in servers.values():
        server.start()
    try:
        yield servers
    finally:
        for server in servers.values():
            server.stop()
            server.witness._engine.dispose()
