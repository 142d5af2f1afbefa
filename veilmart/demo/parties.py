"""The demo's parties: each with its own identity, keys, data and folder, reached through bytes only."""

import datetime as dt
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from audit.database import open_engine
from audit.log import Log
from compute.node.answers import AnswerStore
from compute.node.provider import provider_node
from compute.node.reviewer import reviewer_node
from compute.node.transport import MemoryTransport
from compute.paillier.private import PrivateKey
from compute.protocols.base import Progress
from compute.protocols.risk_score.bank import Bank
from compute.protocols.risk_score.checks import Domain, Holding
from compute.protocols.risk_score.provider import Provider
from compute.protocols.risk_score.reviewer import Reviewer
from compute.signing import Pin, Role
from connectors.base import Table
from veilmart.demo.admission import Permission
from veilmart.demo.data import PRODUCT_FILES, DemoError, Department, open_applicants, open_department, scales

BANK, REVIEWER = "harbour-bank", "model-review-office"
PERMIT, PURPOSE = "demo-permit", "loan-approval"


@dataclass(frozen=True)
class Parties:
    """Everybody who takes part, and the log that they all write to."""

    bank: Bank
    applicants: Table
    departments: dict[str, Department]
    """By the provider's name."""
    transport: MemoryTransport
    log: Log


def clock() -> int:
    """Give the time: UTC, milliseconds since 1970-01-01."""
    return time.time_ns() // 1_000_000


@contextmanager
def assemble(directory: Path, examples: Path, bits: int, progress: Progress) -> Iterator[Parties]:
    """Give all parties, their files below ``directory`` and their keys in memory only; close what is open."""
    with ExitStack() as stack:

        def database(path: Path) -> Engine:
            engine = open_engine(path)
            stack.callback(engine.dispose)
            return engine

        applicants = stack.enter_context(open_applicants(examples, directory / BANK))
        departments: dict[str, Department] = {}
        for description in PRODUCT_FILES:
            department = open_department(examples, description, directory)
            stack.enter_context(department.table)
            provider = department.product.provider
            if provider in {BANK, REVIEWER, *departments}:
                raise DemoError(f"{description}: the provider's name {provider} is taken; choose another")
            departments[provider] = department
        identities = {name: Ed25519PrivateKey.generate() for name in (BANK, REVIEWER, *departments)}
        roles: dict[str, Role] = {BANK: "consumer", REVIEWER: "model_reviewer"}
        pins = {
            name: Pin(roles.get(name, "provider"), identity.public_key().public_bytes_raw())
            for name, identity in identities.items()
        }
        consents = frozenset(applicants.keys())
        log, transport = Log(database(directory / "audit.sqlite")), MemoryTransport()
        for name, department in departments.items():
            domain = Domain(name, REVIEWER, pins, _holding(department))
            fields = frozenset(field.name for field in department.product.fields)
            permission = Permission(PERMIT, BANK, PURPOSE, fields, consents)
            answers = AnswerStore(database(directory / name / "answers.sqlite"))
            role = Provider(domain, identities[name], answers, permission, clock, progress)
            transport.handlers[name] = provider_node(role, log, clock).handle
        reviewer = Reviewer(REVIEWER, identities[REVIEWER], pins, secrets.token_bytes(32), clock)
        transport.handlers[REVIEWER] = reviewer_node(reviewer, log, clock).handle
        bank = Bank(BANK, identities[BANK], PrivateKey.generate(bits), pins, transport, clock)
        yield Parties(bank, applicants, departments, transport, log)


def today() -> str:
    """Give the date in UTC, ISO 8601."""
    return dt.datetime.now(dt.UTC).date().isoformat()


def _holding(department: Department) -> Holding:
    product, table = department.product, department.table
    return Holding(
        product.id,
        product.version,
        table.snapshot,
        today(),
        scales(table.columns),
        table.keys(),
        table.select,
    )
