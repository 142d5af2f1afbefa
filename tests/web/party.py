"""A party for the tests: its app with one route of each kind, and a process that serves it.

Run as `python -m web.party DIRECTORY PORT`.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import flask
from apiflask import APIFlask, Schema
from apiflask.fields import Integer, List, Nested, String
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from locks import SECRET

from audit.database import open_engine
from compute.web import serve as serving
from compute.web import worker
from compute.web.access import public
from compute.web.app import create_app
from compute.web.errors import ProblemError
from compute.web.nonces import NonceStore
from compute.web.signatures import Verifier
from compute.web.tls_key import KeyPair

KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    for number, name in enumerate(("bank", "provider", "stranger"))
}
PINS = {name: KEYS[name].public_key().public_bytes_raw() for name in ("bank", "provider")}
CAP = 100_000  # bytes
CANARY = "91350200MA2Y8QJX3K is in arrears"


class Row(Schema):
    code = Integer(required=True)


class Rows(Schema):
    name = String(required=True)
    rows = List(Nested(Row), required=True)


def make_app(url: str, folder: Path, clock: Callable[[], float] | None = None) -> APIFlask:
    nonces = NonceStore(open_engine(folder / "nonces.db"))
    verifier = Verifier(url, PINS.get, nonces, *([clock] if clock else []))
    app = create_app("Provider <node>", "provider", KEYS["provider"], verifier, max_content_length=CAP)

    @app.route("/echo", methods=["GET", "POST", "PUT", "DELETE"])
    def echo() -> dict[str, object]:
        body = flask.request.get_data(as_text=True)
        return {"party": flask.g.party, "url": flask.request.full_path, "body": body, "pid": os.getpid()}

    @app.post("/rows/<int:number>")
    @app.input(Rows)
    @app.output(Rows)
    def rows(number: int, json_data: dict[str, object]) -> dict[str, object]:
        return json_data if number else {}

    @app.get("/crash")
    def crash() -> str:
        raise ValueError(CANARY) from KeyError(CANARY)

    @app.get("/refuse")
    def refuse() -> str:
        raise ProblemError(409, "count-used-up", "All 3 uses are used.", "Apply for more.", used=3, title="mine")

    @app.get("/empty")
    def empty() -> tuple[str, int]:
        return "", 204

    @app.get("/long")
    def long() -> flask.Response:
        return flask.Response(b"x" * CAP, mimetype="application/octet-stream")

    @app.get("/abort")
    def abort() -> str:
        flask.abort(503)

    @app.get("/open")
    @public
    def open_to_all() -> dict[str, object]:
        """What everyone may read."""
        return {"party": flask.g.party}

    return app


def pair_in(folder: Path) -> KeyPair:
    """The server's certificate, with its key, which is encrypted."""
    return KeyPair(folder / "provider.pem", folder / "provider.key", lambda: SECRET)


def main(folder: Path, port: int) -> None:
    serving.ImpatientSocket.read_timeout = worker.HEADER_TIMEOUT = 1.0
    bound: list[int] = []
    serving.serve(
        lambda: make_app(f"https://127.0.0.1:{bound[0]}", folder),
        "127.0.0.1",
        port,
        pair_in(folder),
        workers=2,
        address_file=folder / "address",
        pid_file=folder / "pid",
        ready=lambda _host, port: bound.append(port),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
