"""A provider's node in one process, ready for one large job: its stores, its role, and what a bank sends to it.

The marketplace is played: what it hands on is signed, encoded and decoded as it would be, and only not sent.
"""

import csv
import datetime as dt
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Engine

from audit.database import open_engine
from audit.note import KeyKind, VerifierKey
from audit.policy import Policy, Witness
from audit.salts import KEY_SIZE, SaltTree
from compute.at_rest import AtRest
from compute.binning import NumberBins
from compute.canonical import DAY, decode, encode
from compute.node.admission import OPERATION, PermitAdmission
from compute.node.answers import AnswerStore
from compute.node.epochs import EpochStore
from compute.node.provider.uses import UseStore
from compute.node.registry import RegistryStore
from compute.node.salts import SaltStore
from compute.node.site import clock
from compute.paillier.ciphertexts import to_bytes
from compute.paillier.packing import SlotLayout
from compute.paillier.pool import Pool
from compute.paillier.private import PrivateKey
from compute.permit import PermitStatus, issue, permit_name
from compute.protocols.holding import Holding
from compute.protocols.key_enrolment.bank import enrolment
from compute.protocols.key_enrolment.ring_pedersen import check_ring_pedersen
from compute.protocols.key_enrolment.ring_pedersen_maker import make_ring_pedersen
from compute.protocols.permit_presentation.bank import presentation
from compute.protocols.permit_presentation.messages import PresentPermit
from compute.protocols.risk_score.checks import Domain
from compute.protocols.risk_score.job import approved_tables, layout_for, subjects_root
from compute.protocols.risk_score.messages import (
    AskProviderTerms,
    JobStatement,
    ModelApproval,
    Query,
    RegisteredTables,
    RegisterTables,
)
from compute.protocols.risk_score.provider import Means, Provider
from compute.records import ConsentBatch, ConsentKind, Consents, commitment
from compute.signing import SUITE, Pin, Role, Signed, digest, sign
from compute.terms import Grant, Terms

CODES = Path(__file__).parents[1] / "examples" / "sba" / "market_regulation.csv"
FEATURES, BINS, BOUND = 20, 6, 1000
"""Of the model, all at this provider but for one feature; points lie in ±BOUND."""
BANK, OFFICE, OTHER, REVIEWER, MARKET = "bank", "office", "other", "reviewer", "market"
PRODUCT, VERSION, SNAPSHOT, PURPOSE = "register", "1.0.0", "0" * 64, "credit_approval"
COLUMNS = tuple(f"f{index:02}" for index in range(FEATURES))
MAX_USES = 10_000_000
REACHABLE = 64
"""Totals, as the reviewer is made to say: six bits."""
ROLES: dict[str, Role] = {
    BANK: "consumer",
    OFFICE: "provider",
    OTHER: "provider",
    REVIEWER: "model_reviewer",
    MARKET: "operator",
}


def companies(count: int) -> tuple[str, ...]:
    """Give so many of the example's companies; it has 22,308."""
    with CODES.open(encoding="ascii") as file:
        return tuple(code for code, *_ in islice(csv.reader(file), 1, count + 1))


class Marketplace:
    """What a provider asks the marketplace for, answered from memory; the keys are everybody's."""

    def __init__(self, keys: dict[str, Ed25519PrivateKey], terms: Terms) -> None:
        self.keys, self.terms = keys, terms
        self.permit = permit_name(terms.contract, OFFICE)
        self.consented = b""
        """`Consents`, encoded."""

    def presentation(self, seed: bytes, now: int) -> PresentPermit:
        """Give what the bank presents: its permit, the contract, the seed of the salts."""
        token = issue(self.terms, OFFICE, self.permit, MARKET, self.keys[MARKET], now)
        contract = [sign(self.terms, party, self.keys[party]) for party in self.terms.parties]
        return presentation(BANK, self.keys[BANK], token, contract, seed, now)

    def consent(self, seed: bytes, subjects: Sequence[str], now: int) -> None:
        """Register the subjects' consents."""
        salts = SaltTree.from_seed(seed)
        batch = ConsentBatch(
            contract=self.terms.contract,
            batch="batch-1",
            kind=ConsentKind.ENTERPRISE_LETTER,
            evidence=bytes(32),
            at=now,
            expires=now + DAY,
            commitments=tuple(sorted(commitment(salts.salt(subject), subject) for subject in subjects)),
        )
        signed = sign(batch, BANK, self.keys[BANK])
        self.consented = encode(Consents(contract=self.terms.contract, batches=(signed,), withdrawals=()))

    def permit_status(self, permit: str, nonce: bytes) -> Signed[PermitStatus]:
        """Give whether a permit stands."""
        status = PermitStatus(permit=permit, nonce=nonce, active=True, terms=digest(self.terms).hex(), at=clock())
        return sign(status, MARKET, self.keys[MARKET])

    def consents(self, contract: str, batches: int = 0, withdrawals: int = 0) -> Consents:
        """Give the consents behind the first so many."""
        if batches or withdrawals:
            return Consents(contract=contract, batches=(), withdrawals=())
        return decode(self.consented, Consents)


@dataclass
class Office:
    """A provider's node and, beside it, the bank's key and its query."""

    key: PrivateKey
    market: Marketplace
    domain: Domain
    engine: Engine
    pool: Pool
    approval: ModelApproval

    @property
    def layout(self) -> SlotLayout:
        """The slots of a job."""
        return layout_for(self.approval, self.key.public.bits)

    def admission(self) -> PermitAdmission:
        """Give the admission as a process opens it, with nothing in memory."""
        at_rest = AtRest.of(self.market.keys[OFFICE])
        return PermitAdmission(
            self.domain,
            MARKET,
            self.market,  # type: ignore[arg-type]
            RegistryStore(self.engine),
            AnswerStore(self.engine),
            SaltStore(self.engine, at_rest),
            UseStore(self.engine),
            clock,
        )

    def role(self) -> Provider:
        """Give the role as a process opens it, but for the pool, which is at hand."""
        identity, means = self.market.keys[OFFICE], Means(pool=lambda _key, _outputs: self.pool)
        registry, answers = RegistryStore(self.engine), AnswerStore(self.engine)
        epochs = EpochStore(self.engine, AtRest.of(identity), clock)
        return Provider(self.domain, identity, registry, epochs, answers, self.admission(), clock, means)

    def query(self, subjects: Sequence[str]) -> bytes:
        """Give the bank's query for a fresh job about these companies, encoded."""
        approval, salt, layout = self.approval, secrets.token_bytes(32), self.layout
        own = self.role().terms(AskProviderTerms(bank=BANK))
        other = msgspec.structs.replace(
            own.statement, provider=OTHER, mask_key=X25519PrivateKey.generate().public_key().public_bytes_raw()
        )
        job = JobStatement(
            version=1,
            suite=SUITE,
            bank=BANK,
            n=self.key.public.to_bytes(),
            approval=digest(approval),
            providers=(own, sign(other, OTHER, self.market.keys[OTHER])),
            permits=(self.market.permit, permit_name(self.market.terms.contract, OTHER)),
            nonce=secrets.token_bytes(32),
            subjects_root=subjects_root(salt, subjects),
            rows=len(subjects),
            slot_width=layout.width,
            slots=layout.slots,
            slot_bias=layout.bias,
            outputs=layout.outputs(len(subjects)),
            as_of=_today(),
        )
        return encode(Query(job=sign(job, BANK, self.market.keys[BANK]), salt=salt, subjects=tuple(subjects)))

    def prepare(self, message: RegisterTables, subjects: Sequence[str]) -> None:
        """Enrol the key, present the permit, register the model and the companies' consents."""
        keys, registry = self.market.keys, RegistryStore(self.engine)
        now, seed = clock(), secrets.token_bytes(KEY_SIZE)
        parameters = check_ring_pedersen(make_ring_pedersen(OFFICE), OFFICE)
        registry.enrol(enrolment(BANK, keys[BANK], self.key, OFFICE, parameters, now).statement, now)
        self.admission().present(self.market.presentation(seed, now))
        self.market.consent(seed, subjects, now)
        registry.open_probe(BANK, 1, 1)
        registry.register(digest(self.approval), message, SNAPSHOT, now, 1)


@contextmanager
def open_office(bits: int, subjects: Sequence[str]) -> Iterator[Office]:
    """Give a node over a fresh SQLite file that a bank with a key of this length may ask about these companies."""
    keys = {name: Ed25519PrivateKey.generate() for name in ROLES}
    pins = {name: Pin(role, keys[name].public_key().public_bytes_raw()) for name, role in ROLES.items()}
    domain = Domain(OFFICE, REVIEWER, pins, _holding(subjects), _policy(keys[MARKET]))
    key = PrivateKey.generate(bits)
    with TemporaryDirectory(prefix="veilmart-") as folder:
        engine = open_engine(Path(folder) / "office.sqlite")
        try:
            message, pool = _model(key, keys), Pool.make(key.public)
            office = Office(key, Marketplace(keys, _terms()), domain, engine, pool, message.approval.statement)
            office.prepare(message, subjects)
            yield office
        finally:
            engine.dispose()


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


def _terms() -> Terms:
    now = clock()
    grants = (
        Grant(provider=OFFICE, product=PRODUCT, product_version=VERSION, fields=COLUMNS),
        Grant(provider=OTHER, product=PRODUCT, product_version=VERSION, fields=COLUMNS),
    )
    return Terms(
        contract="contract-1",
        policy_version=1,
        consumer=BANK,
        grants=grants,
        operation=OPERATION,
        purpose=PURPOSE,
        legal_basis="consent",
        model_reviewer=REVIEWER,
        max_uses=MAX_USES,
        not_before=now - DAY,
        not_after=now + DAY,
    )


def _holding(subjects: Sequence[str]) -> Holding:
    """Give a holding of random numbers, every bin as full as any other."""
    generator = np.random.default_rng(secrets.randbits(64))
    values = generator.integers(0, BINS - 1, (len(subjects), FEATURES))
    table = pd.DataFrame(values, index=list(subjects), columns=list(COLUMNS)).astype("Int64")

    def select(asked: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
        return table.reindex(list(asked))[list(columns)].reset_index(drop=True)

    scales = dict.fromkeys(COLUMNS, 0)
    return Holding(PRODUCT, VERSION, SNAPSHOT, _today(), scales, list(subjects), select)


def _policy(key: Ed25519PrivateKey) -> Policy:
    """Give the policy that the role wants; no answer is acknowledged here, so nothing is held against it."""
    witness = VerifierKey.of("other/witness", Ed25519PrivateKey.generate(), KeyKind.COSIGNATURE)
    log = VerifierKey.of("market.example/log", key)
    return Policy(
        party=MARKET,
        log=log,
        log_url="https://market.example/log",
        witnesses=(Witness(OTHER, witness),),
        quorum=1,
        outside=1,
        max_age=600,
    )


def _model(key: PrivateKey, keys: dict[str, Ed25519PrivateKey]) -> RegisterTables:
    """Give a model of random points, with the reviewer's approval."""
    edges = tuple(str(edge) for edge in range(1, BINS - 1))
    bins = tuple(NumberBins(column=column, edges=edges) for column in COLUMNS)
    points = np.random.default_rng(secrets.randbits(64)).integers(0, 2 * BOUND + 1, FEATURES * BINS)
    tables = RegisteredTables(
        bank=BANK,
        key=key.public.fingerprint,
        model="card",
        model_version="1.0.0",
        provider=OFFICE,
        product=PRODUCT,
        product_version=VERSION,
        bins=bins,
        ciphertexts=to_bytes(key.public, key.encrypt_many([int(each) for each in points])),
    )
    others = msgspec.structs.replace(
        tables, provider=OTHER, bins=bins[:1], ciphertexts=tables.ciphertexts[: BINS * key.public.ciphertext_bytes]
    )
    approval = ModelApproval(
        reviewer=REVIEWER,
        suite=SUITE,
        bank=BANK,
        key=key.public.fingerprint,
        purpose=PURPOSE,
        tables=approved_tables([tables, others]),
        points_id=secrets.token_hex(32),
        points_bound=BOUND,
        reachable_totals=REACHABLE,
        expires=clock() + DAY,
    )
    return RegisterTables(tables=tables, approval=sign(approval, REVIEWER, keys[REVIEWER]))
