"""A stopped marketplace with a story in its log, and what somebody with write access to its file can do to it."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from locks import UNLOCK_TOML, lay_key, unlock
from market import BANK, KEYS, LABOUR, SUPERVISOR, TAX
from marketplace_api.process import ROOT, Server, active, configuration, enrol, free_port, prepare, publish, start

from audit.checkpoint import Checkpoint
from audit.cosignature import cosign, cosigner_name
from audit.entry import EntryKind
from audit.note import Note
from compute.web.keyfile import load_or_make, public_text

JOB, ANSWER = "ab" * 32, "cd" * 32


@dataclass(frozen=True)
class Market:
    """The files of one marketplace, one contract in force there, and the auditor's configuration."""

    folder: Path
    port: int
    contract: str
    size: int
    """Entries of the log when the auditor verified it last."""

    @property
    def config(self) -> Path:
        return self.folder / "auditor.toml"

    @property
    def kept(self) -> bytes:
        return (self.folder / "seen.checkpoint").read_bytes()

    @contextmanager
    def running(self) -> Iterator[Server]:
        server = start(self.folder, self.port)
        try:
            yield server
        finally:
            assert server.stop() == 0, server.log

    def copy(self, folder: Path) -> "Market":
        """The same marketplace in another folder, to be tampered with."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        (folder / "marketplace.toml").write_text(configuration(folder, self.port))
        return replace(self, folder=folder)

    def tamper(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.folder / "market.db")) as connection, connection:
            connection.execute(statement, values)


def audit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as the auditor would."""
    return subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "veilmart", "audit", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def witnessed(server: Server, size: int) -> Checkpoint:
    """Cosign, as the bank's witness, until a checkpoint of this size is published."""
    deadline = time.monotonic() + 60
    with collecting(server), server.open_log() as log:
        while True:
            candidate = log.candidate()
            line = cosign(candidate.note.text, cosigner_name(BANK), KEYS[BANK], int(time.time()))
            log.add_cosignatures(Checkpoint(Note(candidate.note.text, (*candidate.note.signatures, line))))
            published = log.published()
            if published.size >= size and len(published.note.signatures) > 1:
                return published
            assert time.monotonic() < deadline, server.log
            time.sleep(0.1)


@contextmanager
def collecting(server: Server) -> Iterator[None]:
    """The process that shows candidates to the witnesses."""
    with (server.folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "veilmart", "marketplace", "work", "--config", "marketplace.toml"],
            cwd=server.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def build(folder: Path) -> Market:
    """Let the market's parties do what makes a trace, verify it once as the auditor, and stop the marketplace."""
    port = free_port()
    prepare(folder, port)
    server = start(folder, port)
    try:
        contract = _tell_story(server)
        size = witnessed(server, len(server.entries())).size
        write_config(folder, port)
        verified = audit(folder, "verify", "--config", "auditor.toml")
        assert verified.returncode == 0, verified.stdout + verified.stderr
    finally:
        code = server.stop()
    assert code == 0, server.log
    return Market(folder, port, contract, size)


def _tell_story(server: Server) -> str:
    """A contract, a use of data in four halves, and a query that nobody has received; give the contract."""
    enrol(server)
    publish(server)
    contract = active(server, "audited")
    told = [
        (EntryKind.QUERY_SENT, BANK, TAX, {"rows": 3}),
        (EntryKind.QUERY_RECEIVED, TAX, BANK, {"rows": 3}),
        (EntryKind.ANSWER_SENT, TAX, BANK, {"rows": 3, "answer": ANSWER}),
        (EntryKind.ANSWER_RECEIVED, BANK, TAX, {"answer": ANSWER}),
        (EntryKind.QUERY_SENT, BANK, LABOUR, {"rows": 3}),
    ]
    for kind, node, other, detail in told:
        server.append(server.entry(kind, node, contract, counterparty=other, job=JOB, detail=detail))
    return contract


def write_config(folder: Path, port: int, name: str = SUPERVISOR, file: str = "auditor") -> None:
    """Write the auditor's configuration and key beside the marketplace's, which has nothing of it."""
    lay_key(folder / f"{file}-key.jwe", KEYS[name])
    own = public_text(load_or_make(folder / "identity.jwe", unlock))
    operator = public_text(KEYS["operator"])
    (folder / f"{file}.toml").write_text(f"""
name = "{name}"
key = "{file}-key.jwe"
{UNLOCK_TOML}
authority = "ca.pem"
policy = "policy.toml"
checkpoint = "seen.checkpoint"
[marketplace]
name = "market"
url = "https://127.0.0.1:{port}"
public_key = "{own}"
[operator]
name = "operator"
public_key = "{operator}"
""")
