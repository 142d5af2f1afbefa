import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from locks import SECRET
from web.party import KEYS, PINS, make_app
from werkzeug.test import TestResponse

from compute.web import messages
from compute.web.client import PeerClient
from compute.web.tls import make_ca, make_certificate

URL = "https://provider.example"
NOW = 1_800_000_000.0
ROOT = Path(__file__).parents[2]


def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Caller:
    """Signs requests as the bank would, and lets a test spoil them before they are sent."""

    client: FlaskClient

    def signed(
        self,
        method: str = "POST",
        target: str = "/echo",
        body: bytes = b"body",
        now: float = NOW,
        party: str = "bank",
        key: str = "bank",
        url: str = URL,
    ) -> messages.Request:
        headers = {"Content-Type": "text/plain"} if body else {}
        request = messages.Request(method, url + target, headers)
        messages.sign(request, party, KEYS[key], body, now)
        return request

    def send(
        self, request: messages.Request, target: str = "/echo", body: bytes = b"body", method: str | None = None
    ) -> TestResponse:
        return self.client.open(
            target, base_url=URL, method=method or request.method, data=body, headers=request.headers
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, clock: Clock) -> APIFlask:
    return make_app(URL, tmp_path, clock)


@pytest.fixture
def caller(app: APIFlask) -> Caller:
    return Caller(app.test_client())


@dataclass
class Server:
    """The provider's process."""

    folder: Path
    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def client(self, party: str = "bank", peer: str = "provider", **options: object) -> PeerClient:
        settings = {"verify": self.folder / "ca.pem", "timeout": 10.0, **options}
        return PeerClient(self.url, party, KEYS[party], peer, PINS, **settings)  # type: ignore[arg-type]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(15)


def start(folder: Path, port: int = 0) -> Server:
    (folder / "address").unlink(missing_ok=True)
    if not (folder / "ca.pem").exists():
        make_certificate(make_ca(folder), "provider", ["127.0.0.1", "localhost"], lambda: SECRET)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own command
            [sys.executable, "-m", "web.party", str(folder), str(port)],
            env=environment,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    until(lambda: (folder / "address").exists() or process.poll() is not None)
    assert process.poll() is None, (folder / "log").read_text()
    return Server(folder, process, json.loads((folder / "address").read_text())["port"])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("server"))
    yield running
    assert running.stop() == 0


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers that the test may stop."""
    started: list[Server] = []

    def starter(port: int = 0) -> Server:
        started.append(start(tmp_path, port))
        return started[-1]

    yield starter
    for each in started:
        each.stop()
