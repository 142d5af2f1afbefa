"""A stopped marketplace with a story in its log, and what somebody with write access to its file can do to it."""

import base64
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from locks import UNLOCK_TOML, lay_key, unlock
from market import BANK, KEYS, LABOUR, SUPERVISOR, TAX
from marketplace_api.process import (
    ROOT,
    Server,
    active,
    configuration,
    enrol,
    free_port,
    now,
    prepare,
    publish,
    start,
)

from audit.database import open_engine
from audit.entry import Entry, EntryKind, new_id
from audit.log import Log
from compute.web.keyfile import load as load_key
from compute.web.keyfile import public_text

JOB, ANSWERS = "ab" * 32, {TAX: "cd" * 32, LABOUR: "ef" * 32}


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
        return (self.folder / "checkpoint.json").read_bytes()

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

    def entries(self) -> list[Entry]:
        with self._log() as log:
            return list(log.entries())

    def rewrite(self, change: Callable[[list[Entry]], list[Entry]]) -> None:
        """Make the whole log anew, hashes included, as the owner of the marketplace could."""
        entries = change(self.entries())
        for table in ("entries", "nodes"):
            self.tamper(f"DELETE FROM {table}")  # noqa: S608 -- the attack
        with self._log() as log:
            log.append_many(entries)

    @contextmanager
    def _log(self) -> Iterator[Log]:
        engine = open_engine(self.folder / "market.db")
        try:
            yield Log(engine)
        finally:
            engine.dispose()


def audit(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as the auditor would."""
    return subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "veilmart", "audit", *arguments, "--config", str(config)],
        cwd=config.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def build(folder: Path) -> Market:
    """Let the market's parties do what makes a trace, verify it once as the auditor, and stop the marketplace."""
    port = free_port()
    prepare(folder, port)
    server = start(folder, port)
    enrol(server)
    publish(server)
    contract = active(server, "audited")
    with server.client(TAX) as tax, server.client(LABOUR) as labour, server.client(BANK) as bank:
        for provider, client in ((TAX, tax), (LABOUR, labour)):
            permit = client.permit(contract, provider).permit
            detail: dict[str, str | int] = {"answer": ANSWERS[provider], "rows": 3}
            client.append_event(
                event(EntryKind.ANSWER_RELEASED, provider, counterparty=BANK, permit_id=permit, detail=detail)
            )
        bank.append_event(event(EntryKind.ANSWER_ACKNOWLEDGED, BANK, detail={"answer": ANSWERS[TAX]}))
        size = bank.checkpoint().statement.size
    write_config(folder, port, load_public(folder))
    verified = audit(folder / "auditor.toml", "verify")
    assert verified.returncode == 0, verified.stderr
    assert server.stop() == 0, server.log
    return Market(folder, port, contract, size)


def event(
    kind: EntryKind,
    node: str,
    counterparty: str | None = None,
    permit_id: str | None = None,
    detail: dict[str, str | int] | None = None,
) -> Entry:
    return Entry(
        id=new_id(node),
        kind=kind,
        time=now(),
        node=node,
        counterparty=counterparty,
        permit_id=permit_id,
        job=JOB,
        detail=detail or {},
    )


def load_public(folder: Path) -> str:
    return public_text(load_key(folder / "identity.jwe", unlock))


def write_config(folder: Path, port: int, market_key: str, name: str = SUPERVISOR) -> None:
    """Write the auditor's configuration and key beside the marketplace's, which has nothing of it."""
    lay_key(folder / "auditor-key.jwe", KEYS[SUPERVISOR])
    operator = base64.b64encode(KEYS["operator"].public_key().public_bytes_raw()).decode()
    (folder / "auditor.toml").write_text(f"""
name = "{name}"
key = "auditor-key.jwe"
{UNLOCK_TOML}
authority = "ca.pem"
checkpoint = "checkpoint.json"
[marketplace]
name = "market"
url = "https://127.0.0.1:{port}"
public_key = "{market_key}"
[operator]
name = "operator"
public_key = "{operator}"
""")
