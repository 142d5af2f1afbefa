"""The marketplace's own process for tests: its configuration, its start, and clients with real keys."""

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from entry import admit_over
from locks import UNLOCK_TOML, lay_key_file, unlock
from market import (
    BANK,
    DAY,
    DESCRIPTIONS,
    KEYS,
    KINDS,
    LABOUR,
    ORIGIN,
    RECORDS,
    REGISTRATION,
    RESOURCES,
    TAX,
    commitments,
    made_entry,
    passing,
    registered,
    terms,
)
from subjects import telephone

from audit import policy as policies
from audit.cosignature import cosigner_name
from audit.entry import Entry, EntryKind, parse
from audit.note import KeyKind, VerifierKey
from audit.policy import Policy
from audit.tile import FULL_WIDTH, Bundle
from compute.client.marketplace import MarketplaceClient
from compute.log_client import LogClient
from compute.market.consent_requests import BatchRegistration
from compute.market.products import CatalogEntry, Review
from compute.market.resources import ResourceEntry
from compute.records import ConsentBatch, ConsentKind, ConsentWithdrawal
from compute.signing import LOG_KEY, Signed, derived_key, digest, sign
from compute.terms import Terms
from compute.web.client import PeerClient
from compute.web.keyfile import load_or_make
from compute.web.tls import make_ca, make_certificate
from marketplace.identity.registry import COLUMNS

ROOT = Path(__file__).parents[2]
STRANGER = Ed25519PrivateKey.from_private_bytes(b"\x77" * 32)
MAX_BODY = 200_000
IDENTITY_TOML = 'identity = { registry = "subjects.csv", outbox = "outbox" }'
APPLICANT = "91460100MAQBDL395F"
"""Whose code has the right check characters, as pages ask for."""
SUBJECTS = ("91350200MA2Y8QJX3K", "91110000100000001X", "911100001000000028")


def now() -> int:
    return time.time_ns() // 1_000_000


def configuration(folder: Path, port: int, /, **changes: object) -> str:
    operator_key = KEYS["operator"].public_key().public_bytes_raw()
    values: dict[str, object] = {
        "name": "market",
        "public_url": f"https://127.0.0.1:{port}",
        "host": "127.0.0.1",
        "port": port,
        "certificate": "market.pem",
        "certificate_key": "market.key",
        "key": "identity.jwe",
        "log_origin": ORIGIN,
        "policy": "policy.toml",
        "watermark": "watermark.checkpoint",
        "authority": "ca.pem",
        "operator": "operator",
        "operator_key": base64.b64encode(operator_key).decode(),
        "database": str(folder / "market.db"),
        "nonces": "nonces.db",
        "workers": 2,
        "max_body": MAX_BODY,
    } | changes
    lines = (f"{name} = {value if isinstance(value, int) else repr(value)}" for name, value in values.items())
    return "\n".join([*lines, UNLOCK_TOML, IDENTITY_TOML]) + "\n"


@dataclass
class Server:
    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def market_key(self) -> bytes:
        return load_or_make(self.folder / "identity.jwe", unlock).public_key().public_bytes_raw()

    @property
    def workers(self) -> list[int]:
        process = self.process.pid
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]

    @property
    def policy(self) -> Policy:
        """Of a reader who knows the log; its one witness never came."""
        return policies.parse((self.folder / "policy.toml").read_text("utf-8"))

    @contextmanager
    def peer(self, party: str, key: Ed25519PrivateKey | None = None) -> Iterator[PeerClient]:
        pins = {"market": self.market_key}
        with PeerClient(
            self.url, party, key or KEYS[party], "market", pins, verify=self.folder / "ca.pem", timeout=15.0
        ) as peer:
            yield peer

    @contextmanager
    def client(self, party: str, key: Ed25519PrivateKey | None = None) -> Iterator[MarketplaceClient]:
        with self.peer(party, key) as peer:
            yield MarketplaceClient(peer)

    @contextmanager
    def open_log(self) -> Iterator[LogClient]:
        with LogClient(f"{self.url}/log", self.folder / "ca.pem", 15.0) as log:
            yield log

    def entries(self) -> list[Entry]:
        """All entries of the log, as anybody reads them."""
        with self.open_log() as log:
            size = log.published().size
            widths = [min(FULL_WIDTH, size - first) for first in range(0, size, FULL_WIDTH)]
            bundles = [log.bundle(Bundle(number, width)) for number, width in enumerate(widths)]
        return [parse(data) for bundle in bundles for data in bundle]

    def entry(self, kind: EntryKind, node: str, contract: str | None = None, **changes: object) -> Entry:
        """An event of the node's, now, as its next about the contract, signed."""
        counted = [each.counter for each in self.entries() if each.stream == (node, contract)]
        numbered = {"counter": max(counted, default=0) + 1, "time": now()}
        return made_entry(kind, node, contract, **{**numbered, **changes})

    def append(self, *entries: Entry) -> Sequence[int]:
        with self.open_log() as log:
            return log.append(entries)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def prepare(folder: Path, port: int, **changes: object) -> Path:
    """Write certificate and configuration; give the configuration's path."""
    make_certificate(make_ca(folder), "market", ["127.0.0.1"])
    lay_key_file(folder)
    lay_subjects(folder)
    path = folder / "marketplace.toml"
    path.write_text(configuration(folder, port, **changes))
    return path


def lay_subjects(folder: Path) -> None:
    """Write who acts for the subjects."""
    rows = (f"{each},enterprise,Representative,{telephone(each)},," for each in (*SUBJECTS, APPLICANT))
    (folder / "subjects.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")


def lay_policy(folder: Path, port: int) -> None:
    """Write the policy of the marketplace in this folder, whose key is made if there is none."""
    log = VerifierKey.of(ORIGIN, derived_key(load_or_make(folder / "identity.jwe", unlock), LOG_KEY))
    witness = VerifierKey.of(cosigner_name(BANK), KEYS[BANK], KeyKind.COSIGNATURE)
    (folder / "policy.toml").write_text(f"""
max_age = 600
quorum = 1
outside = 1
log = {{ party = "market", key = "{log.encode()}", url = "https://127.0.0.1:{port}/log" }}
witnesses = [{{ party = "{BANK}", key = "{witness.encode()}" }}]
""")


def command(config: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "veilmart", "marketplace", "serve", "--config", str(config), *options]


def start(folder: Path, port: int | None = None) -> Server:
    """Start the process, prepared or not, and wait until it listens."""
    if port is None:
        port = free_port()
        prepare(folder, port)
    lay_policy(folder, port)
    address = folder / "address"
    address.unlink(missing_ok=True)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own command
            command(folder / "marketplace.toml", "--address-file", str(address)),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )
    server = Server(folder, port, process)
    deadline = time.monotonic() + 20
    while not address.exists():
        assert process.poll() is None, server.log
        assert time.monotonic() < deadline, server.log
        time.sleep(0.02)
    return server


# --- what the parties do ------------------------------------------------------------------------------------


def enrol(server: Server, *names: str) -> None:
    with server.client("operator") as operator:
        for name in names or KINDS:
            record = RECORDS[name]
            admit_over(server.url, server.folder / "ca.pem", operator, name, record.kind)
            operator.enrol(sign(record, name, KEYS[name]), sign(record, "operator", KEYS["operator"]))


def publish(server: Server) -> None:
    for provider, description in DESCRIPTIONS.items():
        with server.client(provider) as client:
            client.resources.enter(entered(RESOURCES[provider]))
        offer(server, provider, description)


def entered(code: str) -> ResourceEntry:
    """A registration of the registrar's under this number."""
    return ResourceEntry(code=code, state="registered", **vars(REGISTRATION))


def offer(server: Server, provider: str, description: bytes) -> CatalogEntry:
    """Submit a version and pass both of its reviews."""
    with server.client(provider) as client, server.client("operator") as operator:
        entry = client.publish(description)
        for review in Review:
            decision = passing(entry.digest, review)
            entry = operator.product_desk.review(entry.provider, entry.product, entry.version, decision)
        return entry


def current_terms(reference: str, **changes: object) -> Terms:
    moment = now()
    return terms(reference, **({"not_before": moment - DAY, "not_after": moment + 30 * DAY} | changes))


def applied(server: Server, reference: str, **changes: object) -> str:
    asked = current_terms(reference, **changes)
    with server.client(BANK) as bank:
        bank.apply(reference, asked)
    return asked.contract


def drafted(server: Server, reference: str, **changes: object) -> str:
    name = applied(server, reference, **changes)
    for provider in (TAX, LABOUR):
        with server.client(provider) as client:
            client.approve(name, digest(client.application(name).terms).hex())
    return name


def active(server: Server, reference: str, **changes: object) -> str:
    name = drafted(server, reference, **changes)
    for party in (BANK, TAX, LABOUR):
        with server.client(party) as client:
            client.sign(sign(client.contract(name).terms, party, KEYS[party]))
    return name


def batch(contract: str, name: str, subjects: Sequence[str] = SUBJECTS) -> BatchRegistration:
    made = ConsentBatch(
        contract=contract,
        batch=name,
        kind=ConsentKind.ENTERPRISE_LETTER,
        evidence=b"\6" * 32,
        at=now(),
        expires=now() + DAY,
        commitments=commitments(subjects),
    )
    return registered(sign(made, BANK, KEYS[BANK]), subjects)


def withdrawal(contract: str, subjects: Sequence[str]) -> Signed[ConsentWithdrawal]:
    made = ConsentWithdrawal(contract=contract, at=now(), commitments=commitments(subjects))
    return sign(made, BANK, KEYS[BANK])
