"""A marketplace that runs, with one answered use, one refused and one half reported, and an auditor's files."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ledger import hex_of
from locks import UNLOCK_TOML, lay_key
from market import BANK, KEYS, LABOUR, REVIEWER, SUPERVISOR, TAX
from marketplace_api.process import Server, active, batch, enrol, now, publish, start

from audit.entry import EntryKind as Kind
from compute.permit import permit_name

MODEL = "a0" * 32
JOBS = [hex_of("job", number) for number in range(3)]
ANSWER = hex_of("answer")
USE = {
    "approval": MODEL,
    "fields": ("naics",),
    "legal_basis": "consent",
    "policy_version": 1,
    "product": "market-registration",
    "product_version": "1.0.0",
    "purpose": "credit_approval",
    "snapshot": hex_of("snapshot"),
    "snapshot_date": "2026-11-01",
}


@dataclass(frozen=True)
class Audited:
    """The server, its contract, and the auditor's configuration."""

    server: Server
    contract: str

    @property
    def config(self) -> Path:
        return self.server.folder / "auditor.toml"


def write_config(folder: Path, server: Server, party: str = SUPERVISOR, more: str = "") -> Path:
    """Write the configuration of a party that audits; its own lines `more` come first."""
    lay_key(folder / f"{party}-key.jwe", KEYS[party])
    operator = base64.b64encode(KEYS["operator"].public_key().public_bytes_raw()).decode()
    path = folder / f"{party}.toml" if party != SUPERVISOR else folder / "auditor.toml"
    path.write_text(f"""{more}
name = "{party}"
key = "{party}-key.jwe"
authority = "{server.folder / "ca.pem"}"
policy = "{server.folder / "policy.toml"}"
checkpoint = "{party}.checkpoint"
{UNLOCK_TOML}
[marketplace]
name = "market"
url = "{server.url}"
public_key = "{base64.b64encode(server.market_key).decode()}"
[operator]
name = "operator"
public_key = "{operator}"
""")
    return path


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    server = start(tmp_path_factory.mktemp("traced"))
    enrol(server)
    publish(server)
    contract = active(server, "traced")
    with server.client(BANK) as bank:
        bank.register_consents(batch(contract, "batch-1"))

    def report(kind: Kind, node: str, other: str, job: str | None = None, **said: object) -> None:
        provider = node if node in {TAX, LABOUR} else other
        about = None if kind in {Kind.MODEL_APPROVED, Kind.MODEL_REGISTERED, Kind.REFUSED} else contract
        permit = None if about is None else permit_name(contract, provider)
        made = {"counterparty": other, "permit_id": permit, "job": job, "detail": said}
        server.append(server.entry(kind, node, about, **made))

    report(Kind.MODEL_APPROVED, REVIEWER, BANK, approval=MODEL)
    report(Kind.MODEL_REGISTERED, TAX, BANK, approval=MODEL)
    report(Kind.PERMIT_PRESENTED, TAX, BANK)
    report(Kind.QUERY_SENT, BANK, TAX, JOBS[0], rows=3, approval=MODEL)
    report(Kind.QUERY_RECEIVED, TAX, BANK, JOBS[0], rows=3, **USE)
    report(Kind.ANSWER_SENT, TAX, BANK, JOBS[0], rows=3, answer=ANSWER, **USE)
    report(Kind.ANSWER_RECEIVED, BANK, TAX, JOBS[0], answer=ANSWER)
    report(Kind.QUERY_SENT, BANK, LABOUR, JOBS[1], rows=2, approval=MODEL)
    report(Kind.REFUSED, LABOUR, BANK, JOBS[1], message="Query", check=9)
    report(Kind.QUERY_RECEIVED, TAX, BANK, JOBS[2], rows=2000, **USE)
    write_config(server.folder, server, more='journal = "auditor-journal.db"\nrules = "rules.toml"')
    (server.folder / "rules.toml").write_text("opens = 0\ncloses = 24\ndays = [1, 2, 3, 4, 5, 6, 7]\n")
    assert server.entries()[-1].time <= now()
    yield Audited(server, contract)
    assert server.stop() == 0, server.log
