"""A marketplace with a bank, two departments, a reviewer and a supervisor, all with real keys."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from entry import admit
from subjects import Everybody, Mailbox

from audit.checkpoint import Checkpoint
from audit.database import open_engine
from audit.entry import Entry, EntryKind, Event, new_id
from audit.entry import sign as sign_entry
from audit.note import VerifierKey
from audit.salts import SaltTree
from audit.storage.check import check
from compute.agreement.documents import bind
from compute.market.applications import CounterOffer
from compute.market.consent_requests import BatchRegistration, OpenedSubject
from compute.market.products import Outcome, ProductStop, Review, ReviewDecision, StopReason
from compute.market.reasons import Reason, Why
from compute.records import (
    ConsentBatch,
    ConsentKind,
    ConsentWithdrawal,
    PartyKind,
    PartyRecord,
    SubjectType,
    commitment,
    contract_name,
    opening,
)
from compute.signing import Signed, digest, sign
from compute.terms import DraftTerms, Grant, Terms
from marketplace.exchange import Exchange
from marketplace.flow.application import Application
from marketplace.flow.product import Listing
from marketplace.flow.resource import Registration
from marketplace.flow.states import ProductState, ResourceState
from marketplace.gate import Setting
from marketplace.identity.desk import IdentityDesk
from marketplace.store import products
from marketplace.subjects import SubjectSetting

EXAMPLES = Path(__file__).parents[1] / "examples" / "sba"
NOW = 1_795_000_000_000
DAY = 24 * 3600 * 1000
BANK, TAX, LABOUR, REVIEWER = "bank", "market-regulation", "social-security", "reviewer"
SUPERVISOR, OTHER, INSPECTOR = "supervisor", "other-bank", "inspectorate"
ORIGIN = "market.example/log"
KINDS = {
    BANK: PartyKind.BUYER,
    TAX: PartyKind.PROVIDER,
    LABOUR: PartyKind.PROVIDER,
    REVIEWER: PartyKind.MODEL_REVIEWER,
    SUPERVISOR: PartyKind.SUPERVISOR,
    OTHER: PartyKind.BUYER,
    INSPECTOR: PartyKind.SUPERVISOR,
}
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([number + 1]) * 32)
    for number, name in enumerate(("market", "operator", *KINDS))
}
RECORDS = {
    name: PartyRecord(
        name=name,
        kind=kind,
        public_key=KEYS[name].public_key().public_bytes_raw(),
        base_url=f"https://{name}.example",
    )
    for name, kind in KINDS.items()
}
DESCRIPTIONS = {
    TAX: (EXAMPLES / "market-registration.toml").read_bytes(),
    LABOUR: (EXAMPLES / "social-insurance.toml").read_bytes(),
}
VERSIONS = {TAX: (TAX, "market-registration", "1.0.0"), LABOUR: (LABOUR, "social-insurance", "1.0.0")}
WHY = Why(reason=Reason.OTHER, note="因故 for cause")
RESOURCES = {TAX: "DEMO-MR-0001", LABOUR: "DEMO-SS-0001"}
REGISTRATION = Registration("公共数据资源登记", "2026-01-01", "2028-12-31")
STOP = ProductStop(reason=StopReason.OTHER, remark="for a test")
SEED = b"\5" * 32
SALTS = SaltTree.from_seed(SEED)


@dataclass
class Clock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now


@dataclass
class Market:
    """The exchange, and what its users would send to it."""

    exchange: Exchange
    path: Path | str
    """The SQLite file, or the URL of another database."""
    setting: Setting
    clock: Clock = field(default_factory=Clock)
    contacts: Everybody = field(default_factory=Everybody)
    mailbox: Mailbox = field(default_factory=Mailbox)

    def enrol(self, *names: str) -> None:
        for name in names or KINDS:
            application = sign(RECORDS[name], name, KEYS[name])
            admission = sign(RECORDS[name], "operator", KEYS["operator"])
            admit(self.exchange, name, RECORDS[name].kind)
            self.exchange.enrol_party("operator", application, admission)

    def publish(self) -> None:
        for provider, description in DESCRIPTIONS.items():
            self.exchange.resources.enter(provider, RESOURCES[provider], REGISTRATION, ResourceState.REGISTERED)
            self.offer(provider, description)

    def offer(self, provider: str, description: bytes) -> Listing:
        """Submit a version and pass both of its reviews."""
        return self.reviewed(self.exchange.products.publish(provider, description))

    def reviewed(self, listing: Listing) -> Listing:
        """Pass both reviews of what is submitted."""
        for review in Review:
            listing = self.exchange.products.review("operator", listing.key, passing(listing.digest, review))
        return listing

    def listed(self) -> list[Listing]:
        """What is on offer, by provider, product and version."""
        with self.exchange.log.snapshot() as connection:
            return products.page(connection, None, ProductState.LISTED, ("", "", ""), 1000)

    def applied(self, reference: str = "loans-1") -> str:
        self.exchange.applications.apply(BANK, reference, terms(reference))
        return contract_name(BANK, reference)

    def approve(self, provider: str, contract: str) -> Application:
        """Approve what the terms are now."""
        read = digest(self.exchange.applications.load(provider, contract).terms)
        return self.exchange.applications.approve(provider, contract, read.hex())

    def drafted(self, reference: str = "loans-1") -> str:
        name = self.applied(reference)
        for provider in (TAX, LABOUR):
            self.approve(provider, name)
        return name

    def signed(self, party: str, contract: str, **changes: Any) -> Signed[Terms]:
        """The contract's terms, changed or not, as the party signs them."""
        held = self.exchange.contracts.load("operator", contract).terms
        return sign(msgspec.structs.replace(held, **changes), party, KEYS[party])

    def active(self, reference: str = "loans-1") -> str:
        name = self.drafted(reference)
        for party in (BANK, TAX, LABOUR):
            self.exchange.contracts.sign(party, self.signed(party, name))
        return name

    def batch(self, contract: str, name: str, subjects: Sequence[str], **changes: Any) -> Signed[ConsentBatch]:
        made = ConsentBatch(
            contract=contract,
            batch=name,
            kind=ConsentKind.ENTERPRISE_LETTER,
            evidence=b"\6" * 32,
            at=self.clock.now,
            expires=self.clock.now + DAY,
            commitments=commitments(subjects),
        )
        return sign(msgspec.structs.replace(made, **changes), BANK, KEYS[BANK])

    def registration(self, contract: str, name: str, subjects: Sequence[str], **changes: Any) -> BatchRegistration:
        """The batch as the bank sends it, with who its subjects are."""
        return registered(self.batch(contract, name, subjects, **changes), subjects)

    def withdrawal(self, contract: str, subjects: Sequence[str], **changes: Any) -> Signed[ConsentWithdrawal]:
        made = ConsentWithdrawal(contract=contract, at=self.clock.now, commitments=commitments(subjects))
        return sign(msgspec.structs.replace(made, **changes), BANK, KEYS[BANK])

    def entry(self, kind: EntryKind, node: str, contract: str | None = None, **changes: Any) -> Entry:
        """An event of the node's, as its next about the contract, signed."""
        counted = [each.counter for each in self.exchange.log.entries() if each.stream == (node, contract)]
        return made_entry(kind, node, contract, **{"counter": max(counted, default=0) + 1, **changes})

    def report(self, kind: EntryKind, node: str, contract: str | None = None, **changes: Any) -> int:
        """Append such an event; gives its index."""
        return self.exchange.append_events([self.entry(kind, node, contract, **changes)])[0]

    def check(self) -> Checkpoint:
        """Recompute the whole log."""
        key = VerifierKey.of(ORIGIN, self.setting.signer.key)
        with self.exchange.log.snapshot() as connection:
            return check(connection, key, "market")

    def stored(self) -> bytes:
        """What lies in the database's files; of PostgreSQL, whose files are its server's, in its tables' rows."""
        if isinstance(self.path, Path):
            files = [path for path in self.path.parent.iterdir() if path.name.startswith(self.path.name)]
            return b"".join(path.read_bytes() for path in files)
        found = []
        with psycopg.connect(self.path) as connection:
            tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            for (table,) in connection.execute(tables).fetchall():
                with connection.cursor().copy(f"COPY public.{table} TO STDOUT (FORMAT binary)") as rows:
                    found += map(bytes, rows)
        return b"".join(found)

    def kinds(self) -> list[str]:
        """The kinds of all entries of the log."""
        return [entry.kind.value for entry in self.exchange.log.entries()]

    def refusals(self) -> list[tuple[object, object, object]]:
        """Actor, command and reason of every refusal."""
        return [
            (entry.counterparty, entry.detail["command"], entry.detail["reason"])
            for entry in self.exchange.log.entries()
            if entry.kind.value == "refused"
        ]


def made_entry(kind: EntryKind, node: str, contract: str | None = None, **changes: Any) -> Entry:
    """An event of the node's about the contract, signed; `counter` is 1 and `key` the node's unless given."""
    counter, key = changes.pop("counter", 1), changes.pop("key", None) or KEYS[node]
    members = {"id": new_id(node), "kind": kind, "time": NOW, "node": node, "contract": contract, **changes}
    return sign_entry(Event(**members), counter, key)


def passing(read: str, review: Review) -> ReviewDecision:
    """The decision that a review of the description with this digest is passed."""
    return ReviewDecision(review=review, outcome=Outcome.PASSED, digest=read)


def terms(reference: str = "loans-1", **changes: Any) -> Terms:
    asked = DraftTerms(
        contract=contract_name(BANK, reference),
        policy_version=2,
        subject_types=("enterprise",),
        consumer=BANK,
        grants=(grant(TAX, "naics", "franchise"), grant(LABOUR, "employees")),
        operation="risk_score",
        purpose="credit_approval",
        legal_basis="consent",
        model_reviewer=REVIEWER,
        max_uses=10_000,
        not_before=NOW,
        not_after=NOW + 30 * DAY,
    )
    return bind(msgspec.structs.replace(asked, **changes))


def grant(provider: str, /, *fields: str, **changes: Any) -> Grant:
    _, product, version = VERSIONS[provider]
    made = Grant(provider=provider, product=product, product_version=version, fields=fields)
    return msgspec.structs.replace(made, **changes)


def counter_offer(provider: str = TAX, fields: tuple[str, ...] = ("naics",), **changes: Any) -> CounterOffer:
    """What a provider would agree to instead of `terms()`."""
    asked = terms()
    made = CounterOffer(
        grant=grant(provider, *fields),
        max_uses=asked.max_uses,
        not_before=asked.not_before,
        not_after=asked.not_after,
    )
    return msgspec.structs.replace(made, **changes)


def commitments(subjects: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(sorted(commitment(SALTS.salt(subject), subject) for subject in subjects))


def registered(
    batch: Signed[ConsentBatch], subjects: Sequence[str], of: SubjectType = SubjectType.ENTERPRISE
) -> BatchRegistration:
    """A batch with openings of the commitments to these subjects."""
    shown = tuple(OpenedSubject(subject=each, opening=opening(SALTS.salt(each))) for each in subjects)
    return BatchRegistration(batch=batch, subject_type=of, subjects=shown)


@contextmanager
def open_market(path: Path | str, clock: Clock | None = None) -> Iterator[Market]:
    """The marketplace over this file, as a process of its own would open it."""
    clock = clock or Clock()
    engine = open_engine(path)
    try:
        operator = KEYS["operator"].public_key().public_bytes_raw()
        contacts, mailbox = Everybody(), Mailbox()
        subjects = SubjectSetting.of(IdentityDesk(contacts, mailbox), "https://market.example", KEYS["market"])
        setting = Setting("market", KEYS["market"], "operator", operator, clock, ORIGIN, subjects)
        yield Market(Exchange(engine, setting), path, setting, clock, contacts, mailbox)
    finally:
        engine.dispose()
