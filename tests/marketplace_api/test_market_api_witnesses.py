"""The marketplace asks its witnesses over HTTPS: a quorum, missing ones, fresh cosignatures, a restored backup."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from cosigned import LOG, LOG_KEY, NOW, ORIGIN, head, policy
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from marketplace_api.witness_servers import WitnessServer, running

from audit.database import open_engine
from audit.entry import EntryKind, Event, new_id, sign
from audit.errors import LogError, WitnessError
from audit.log import Log
from audit.policy import Standing
from audit.storage import publication as publications
from audit.storage.batch import Signer
from audit.storage.publication import Publication
from audit.storage.watermark import Watermark
from audit.witness import MAX_REQUEST, make_request
from compute.witness_client import WitnessClient
from marketplace import witnesses as collecting
from marketplace.witnesses import Collector

NODE = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
Servers = dict[str, WitnessServer]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    with running(tmp_path) as servers:
        yield servers


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "INTERVAL", 0.05)
    monkeypatch.setattr(collecting, "RETRY", 0.1)
    monkeypatch.setattr(publications, "STAND", 0.5)
    monkeypatch.setattr(collecting, "STAND", 0.5)


class Market:
    """A log and its publication; `max_age` in seconds."""

    def __init__(self, folder: Path, servers: Servers, database: str = "log.db", max_age: int = 600) -> None:
        self.engine = open_engine(folder / database)
        self.log = Log(self.engine, Signer(ORIGIN, "market", LOG, lambda: NOW * 1000))
        named = tuple(server.named for server in servers.values())
        self.policy = replace(policy(), witnesses=named, max_age=max_age)
        watermark = Watermark(folder / f"{database}.watermark", LOG_KEY)
        self.publication = Publication(self.log, self.policy, watermark, lambda: NOW * 1000)
        self.collector = Collector(self.publication, folder / "ca.pem")

    def grow(self, count: int = 1) -> None:
        size, kind = self.log.size(), EntryKind.KEY_ENROLLED
        for number in range(size + 1, size + count + 1):
            event = Event(id=new_id("tax"), kind=kind, time=NOW * 1000, node="tax")
            self.log.append(sign(event, number, NODE))

    def standing(self) -> Standing:
        return self.policy.judge(self.log.published(), NOW + 1000)

    @contextmanager
    def working(self) -> Iterator[None]:
        stopped = threading.Event()
        thread = threading.Thread(target=self.collector.run, args=(stopped,))
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join(10)
            assert not thread.is_alive()
            self.engine.dispose()


def soon(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_appended_soon_has_the_cosignatures_of_all(tmp_path: Path, servers: Servers) -> None:
    market = Market(tmp_path, servers)
    market.grow(3)
    with market.working():
        soon(lambda: market.standing().cosigned.keys() == servers.keys() and market.log.published().size == 3)
        market.grow(300)
        soon(lambda: market.log.published().size == 303 and not market.standing().missing)
    assert all(server.witness.last().size == 303 for server in servers.values())  # type: ignore[union-attr]


def test_a_missing_witness_is_told_and_does_not_stop_the_others(
    tmp_path: Path, servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    market = Market(tmp_path, servers)
    servers["office"].stop()
    market.grow()
    with market.working():
        soon(lambda: market.standing().has_quorum)
        assert market.standing().missing == ("office",)
        soon(lambda: "no cosignature of office" in caplog.text)
        market.grow()
        soon(lambda: market.log.published().size == 2)
        servers["office"].start()
        soon(lambda: not market.standing().missing)
        soon(lambda: "all witnesses have cosigned" in caplog.text)
    assert "office does not cosign" in caplog.text
    assert "office cosigns again" in caplog.text
    assert caplog.text.count("no cosignature of") == 1


def test_without_a_quorum_nothing_is_published_and_with_it_again(tmp_path: Path, servers: Servers) -> None:
    market = Market(tmp_path, servers)
    market.grow()
    with market.working():
        soon(lambda: market.standing().has_quorum)
        servers["office"].stop()
        servers["bank"].stop()
        market.grow()
        soon(lambda: market.log.candidate().size == 2)
        time.sleep(0.3)
        assert market.log.published().size == 1
        servers["bank"].start()
        soon(lambda: market.log.published().size == 2)


def test_a_cosignature_is_renewed_though_nothing_happens(tmp_path: Path, servers: Servers) -> None:
    market = Market(tmp_path, servers, max_age=2)
    market.grow()
    with market.working():
        soon(lambda: not market.standing().missing)
        for server in servers.values():
            server.now += 20
        soon(lambda: set(market.standing().cosigned.values()) == {NOW + 20})
    assert market.log.size() == 1


def test_a_witness_that_is_ahead_of_the_candidate_gets_a_larger_one(tmp_path: Path, servers: Servers) -> None:
    """Somebody has shown it a checkpoint that was in a receipt."""
    market = Market(tmp_path, servers)
    market.grow(5)
    market.publication.propose()
    market.grow(4)
    servers["office"].witness.add_checkpoint(make_request(0, [], market.log.checkpoint()))
    with market.working():
        soon(lambda: market.log.published().size == 9 and not market.standing().missing)


def test_a_database_that_was_restored_signs_no_more(
    tmp_path: Path, servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    live, restored = Market(tmp_path, servers), Market(tmp_path, servers, "backup.db")
    live.grow(7)
    with live.working():
        soon(lambda: not live.standing().missing)
    restored.grow(3)
    with restored.working():
        soon(lambda: "has seen 7 entries, this database has 3: restored from a backup?" in caplog.text)
    with pytest.raises(LogError, match="halted"):
        restored.grow()
    assert all(server.witness.last().size == 7 for server in servers.values())  # type: ignore[union-attr]


def test_a_witness_that_answers_something_else_is_told(
    tmp_path: Path, servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    market = Market(tmp_path, servers)
    servers["office"].app.view_functions["witness.add_checkpoint"] = lambda: "— office/witness AAAA\n"
    servers["bank"].app.view_functions["witness.add_checkpoint"] = lambda: ("ten\n", 409)
    servers["lender"].app.view_functions["witness.add_checkpoint"] = lambda: "x" * 100_000
    market.grow()
    with market.working():
        soon(lambda: all(f"{party} does not cosign" in caplog.text for party in servers))
    assert not market.standing().has_quorum


# --- the route ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "media_type"),
    [
        (make_request(0, [], head(7, b"r" * 32)), 200, "text/plain; charset=utf-8"),
        (make_request(3, [], head(7, b"r" * 32)), 409, "text/x.tlog.size"),
        (make_request(9, [], head(7, b"r" * 32)), 400, "text/plain; charset=utf-8"),
        (make_request(0, [b"h" * 32], head(7, b"r" * 32)), 422, "text/plain; charset=utf-8"),
        (make_request(0, [], head(7, b"r" * 32, key=NODE)), 403, "text/plain; charset=utf-8"),
        (make_request(0, [], head(7, b"r" * 32, origin="other/log")), 404, "text/plain; charset=utf-8"),
        (b"", 400, "text/plain; charset=utf-8"),
        (b"x" * (MAX_REQUEST + 1), 413, None),
    ],
)
def test_every_answer_has_its_status_and_type(
    tmp_path: Path, servers: Servers, body: bytes, status: int, media_type: str | None
) -> None:
    url = f"https://127.0.0.1:{servers['office'].port}/witness/add-checkpoint"
    with httpx.Client(verify=False, trust_env=False) as nobody:  # noqa: S501 -- what it sends is believed on its signature
        answer = nobody.post(url, content=body)
    assert answer.status_code == status
    assert media_type in {None, answer.headers["Content-Type"]}
    if status == 409:
        assert answer.content == b"0\n"
    with (
        WitnessClient(url.removesuffix("/add-checkpoint"), "office", tmp_path / "ca.pem", 5.0) as client,
        pytest.raises(WitnessError) as refused,
    ):
        client.add_checkpoint(300, [], head(400, b"r" * 32))
    assert refused.value.size == (7 if status == 200 else 0)
