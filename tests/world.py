"""A small market in one process: two providers, a bank and a reviewer with real keys and real protocol roles."""

import dataclasses
import datetime as dt
import itertools
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gmpy2 import mpz
from sqlalchemy import Engine
from well_formed import ring_pedersen

from audit.database import open_engine
from audit.entry import Entry, EntryKind, Event, new_id
from audit.entry import encode as encode_entry
from audit.entry import sign as sign_event
from audit.log import Log
from audit.note import KeyKind, VerifierKey
from audit.policy import Policy, Witness
from audit.storage.batch import Batch, Signer
from audit.storage.check import check
from compute.at_rest import AtRest
from compute.binning import Bins, CategoryBins, NumberBins
from compute.canonical import Message, encode
from compute.node.answers import AnswerStore
from compute.node.dispatch import Dispatcher
from compute.node.epochs import EpochStore
from compute.node.provider import desk as provider_node
from compute.node.provider.ring_pedersen import RingPedersenStore
from compute.node.registry import RegistryStore
from compute.node.reviewer import desk as reviewer_node
from compute.node.reviewer.cases import CaseStore
from compute.node.transport import MemoryTransport
from compute.paillier.private import PrivateKey
from compute.protocols.base import RefusalError
from compute.protocols.closed_answer.bank import Logged
from compute.protocols.closed_answer.messages import Answer, ReleasedAnswer
from compute.protocols.holding import Holding
from compute.protocols.key_enrolment import bank as key_enrolment
from compute.protocols.key_enrolment.messages import EnrolKey
from compute.protocols.key_enrolment.provider import Enroller
from compute.protocols.risk_score.assessment import Limits
from compute.protocols.risk_score.bank import Bank
from compute.protocols.risk_score.bin_histogram import HistogramQuestion
from compute.protocols.risk_score.case import Case
from compute.protocols.risk_score.checks import Domain, Registered
from compute.protocols.risk_score.desk import ModelDesk
from compute.protocols.risk_score.dossier import Dossier, Sample
from compute.protocols.risk_score.messages import JobStatement, ModelApproval, Query, RegisteredTables, UnderReview
from compute.protocols.risk_score.office import Office
from compute.protocols.risk_score.provider import Provider
from compute.protocols.risk_score.reviewer import Reviewer
from compute.protocols.risk_score.scorecard import Feature, Scorecard
from compute.protocols.risk_score.submitted import SubmittedModel
from compute.signing import Pin, Role, Signed, digest, sign

EXAMPLES = Path(__file__).parents[1] / "examples" / "sba"
TODAY = "2026-11-22"
NOW = int(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC).timestamp() * 1000)
DAY = 24 * 3600 * 1000
LOG_KEY = Ed25519PrivateKey.from_private_bytes(b"\x6c" * 32)
MARKET, ORIGIN = "market", "market.example/log"
WITNESS = VerifierKey.of("office/witness", Ed25519PrivateKey.from_private_bytes(b"w" * 32), KeyKind.COSIGNATURE)
POLICY = Policy(
    party=MARKET,
    log=VerifierKey.of(ORIGIN, LOG_KEY),
    log_url="https://market.example:8443/log",
    witnesses=(Witness("office", WITNESS),),
    quorum=1,
    outside=1,
    max_age=600,
)
BANK, REVIEWER, PURPOSE = "bank", "reviewer", "loan-approval"
EXAMINERS = ("first-examiner", "second-examiner")
DOSSIER = Dossier(
    author="credit risk unit",
    purpose="loans to small businesses",
    population="small businesses that apply for a loan",
    bad_definition="charged off",
    development=Sample(first_day="2020-01-01", last_day="2024-12-31", rows=15_652, bad=3_100, auc=7010, ks=2900),
    validation=None,
    stability_index=12,
)
SNAPSHOT_DATE = "2026-11-01"
GRIDS: dict[str, Bins] = {
    "region": CategoryBins(column="region", groups=(("east",), ("north",), ("south",), ("west",))),
    "employees": NumberBins(
        column="employees", edges=(*map(str, range(1, 21)), *map(str, range(90, 101)), "99999")
    ),
    "age": NumberBins(column="age", edges=("-99", *map(str, range(1, 21)))),
}
"""Finer than a node would let a provider publish, so that what stands behind the grid is tested too."""
REGIONS, SIZES = ["north", "south", "west", None], [0, 1, 4, 5, 99, None]
QUESTION, MODEL, JOB = 5, 8, 9
"""The numbers of the permit's checks among the provider's of a histogram, a registration and a job."""
LENIENT = Limits(max_certain=1, max_gain=1, max_guess=1)
"""A policy under which a card of few bins and far-off points passes the rule of concentration."""


def real_codes(count: int) -> list[str]:
    with (EXAMPLES / "market_regulation.csv").open(encoding="ascii") as file:
        return [line.split(",")[0] for line in itertools.islice(file, 1, count + 1)]


SUBJECTS = real_codes(160)  # more than the slots of one ciphertext at 2048 bits


def region_bins() -> CategoryBins:
    return CategoryBins(column="region", groups=(("east", "south"), ("north",)))


def employee_bins() -> NumberBins:
    return NumberBins(column="employees", edges=("1", "5"))


def scorecard() -> Scorecard:
    region = Feature(region_bins(), (-13, 26, 7))
    employees = Feature(employee_bins(), (-15, 0, 11, -3))
    age = Feature(NumberBins(column="age", edges=("4",)), (-1000, 1000, 0))  # the extremes of the bound
    return Scorecard("test-card", "1.0.0", 0, 500, {"register": (region,), "insurance": (age, employees)}, ())


def region_points(value: str | None) -> int:
    return {"north": 26, "south": -13, "east": -13}.get(value or "", 7)


def employee_points(value: int | None) -> int:
    return -3 if value is None else -15 if value < 1 else 0 if value < 5 else 11


def age_points(value: int | None) -> int:
    return 0 if value is None else -1000 if value < 4 else 1000


@dataclass
class Clock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now


@dataclass(frozen=True)
class Permission:
    """One permit at one provider, without a marketplace that signs it: what it says is checked for real."""

    provider: str
    permit: str
    bank: str
    purpose: str
    fields: frozenset[str]
    consents: frozenset[str]
    max_uses: int = 1_000_000

    def admit_question(self, question: HistogramQuestion) -> None:
        beyond = {bins.column for bins in question.bins} - self.fields
        if question.bank != self.bank or beyond:
            raise RefusalError(QUESTION, f"no permit of {question.bank} covers these fields", "apply for one")

    def admit_model(self, approval: ModelApproval, tables: RegisteredTables) -> None:
        beyond = sorted({bins.column for bins in tables.bins} - self.fields)
        if tables.bank != self.bank or approval.purpose != self.purpose or beyond:
            raise RefusalError(MODEL, f"no permit of {tables.bank} covers this model", "apply for one")

    def admit_job(self, job: JobStatement, registered: Registered) -> int:
        named = job.permit_at(self.provider)
        if (named, job.bank) != (self.permit, self.bank):
            raise RefusalError(JOB, f"{job.bank} holds no permit {named} here", "apply for one")
        if registered.approval.purpose != self.purpose:
            reason = f"the model is approved for {registered.approval.purpose}, not for {self.purpose}"
            raise RefusalError(JOB, reason, "take another")
        return self.max_uses

    def admit_subjects(self, _job: JobStatement, subjects: Sequence[str]) -> None:
        missing = [subject for subject in subjects if subject not in self.consents]
        if missing:
            reason = f"{len(missing)} subjects gave no consent"
            raise RefusalError(JOB, reason, "leave them out or ask them", missing)

    def keep_use(self, _job: JobStatement, _subjects: Sequence[str]) -> None:
        """Nothing is kept: salts are the node's."""


@dataclass(frozen=True)
class LogJournal:
    """A journal whose marketplace is always there: the log itself. It signs and counts as a node's own does."""

    log: Log
    key: Ed25519PrivateKey

    def append(self, *events: Event) -> None:
        self._record(events)

    def note(self, event: Event) -> None:
        self._record([event])

    def _record(self, events: Sequence[Event]) -> None:
        def add(batch: Batch) -> None:
            batch.look_up(events)
            for event in events:
                if batch._known[event.id] is None:  # an event stays as it was first told
                    batch.add(sign_event(event, batch._next(event.stream), self.key))

        self.log.grouped(add)


def enrolment(party: str, pin: Pin) -> Event:
    """The market's word for a party's key."""
    detail = {"public_key": b64encode(pin.key).decode()}
    kind = EntryKind.PARTY_ENROLLED
    return Event(id=new_id(MARKET), kind=kind, time=NOW, node=MARKET, counterparty=party, detail=detail)


def open_log(engine: Engine, clock: Callable[[], int]) -> Log:
    """The log that all write to."""
    return Log(engine, Signer(ORIGIN, MARKET, LOG_KEY, clock))


@dataclass
class Parties:
    """Everybody who takes part, each with a file of its own, and the log that they all write to."""

    bank: Bank
    key: PrivateKey
    identities: dict[str, Ed25519PrivateKey]
    pins: dict[str, Pin]
    providers: dict[str, Provider]
    enrollers: dict[str, Enroller]
    """The providers' other role: who takes keys."""
    reviewer: Reviewer
    desk: ModelDesk
    cases: CaseStore
    transport: MemoryTransport
    log: Log
    clock: Clock
    open: Callable[[str], Engine]
    """Open the file of a party, as one more process of its node would."""
    engines: dict[str, Engine] = field(default_factory=dict)

    @property
    def permits(self) -> dict[str, str]:
        """The permit at each provider."""
        return {name: f"permit-{name}" for name in self.providers}

    def enrol(self) -> None:
        self.bank.enrol_key(list(self.providers))

    def key_claim(self, key: PrivateKey, issued_at: int, bank: str = BANK, provider: str = "tax") -> EnrolKey:
        """The message that enrols a key at a provider, signed by the bank's identity."""
        parameters = ring_pedersen(provider).parameters
        return key_enrolment.enrolment(bank, self.identities[BANK], key, provider, parameters, issued_at)

    def model(self, card: Scorecard) -> ModelApproval:
        self.enrol()
        submitted = self.submit(card)
        self.examine(submitted)
        approved = self.bank.ask_decision(submitted)
        assert not isinstance(approved, UnderReview)
        return self.bank.register_model(approved)

    def submit(self, card: Scorecard, providers: Sequence[str] | None = None) -> SubmittedModel:
        """The card, with a dossier, at the reviewer."""
        card = dataclasses.replace(card, dossier=card.dossier or DOSSIER)
        message = self.bank.prepare_model(card, providers or list(self.providers), REVIEWER, PURPOSE)
        return self.bank.submit_model(REVIEWER, message)

    def examine(self, submitted: SubmittedModel, examiners: Sequence[str] = EXAMINERS) -> Case:
        """The case once these examiners have read and approved it, unless a rule has approved it already."""
        case = self.cases.find(submitted.submission)
        assert case is not None
        if case.approval is None:
            for examiner in examiners:
                self.desk.read(case.case, examiner)
                case = self.desk.approve(case.case, examiner)
        return case

    def score(self, model: ModelApproval, subjects: Sequence[str]) -> list[int]:
        return self.bank.score(model, subjects, self.permits, TODAY, self.record)

    def bands(self, model: ModelApproval, subjects: Sequence[str]) -> list[int]:
        return self.bank.bands(model, subjects, self.permits, TODAY, self.record)

    def record(self, answer: Answer) -> Logged:
        """The bank's word in the log that an answer came, and its receipt."""
        event = Event(
            id=new_id(BANK, digest(answer)),
            kind=EntryKind.ANSWER_RECEIVED,
            time=self.clock(),
            node=BANK,
            counterparty=answer.provider,
            job=answer.job.hex(),
            detail={"answer": digest(answer).hex()},
        )
        LogJournal(self.log, self.identities[BANK]).append(event)
        index = next(index for index, entry in enumerate(self.log.entries()) if entry.id == event.id)
        return Logged(encode_entry(self.log.entry(index)), self.log.receipt(index).encode())

    def release(self, answer: Signed[Answer]) -> ReleasedAnswer:
        """An answer with its key, once it is recorded."""
        return self.bank.receiver.release(answer, self.record(answer.statement))

    def ciphertexts(self, job: JobStatement, answer: Signed[Answer]) -> list[mpz]:
        """What an answer holds, once it is released."""
        return self.bank.open(job, self.release(answer))

    def totals(self, job: JobStatement, answers: Sequence[Signed[Answer]]) -> list[int]:
        """What all answers make together."""
        return self.bank.totals(job, [self.release(answer) for answer in answers])

    def restarted(self, name: str) -> Provider:
        """A provider's role in another process of its node: nothing but its file is what it was."""
        old = self.providers[name]
        return provider_over(self.open(name), old.domain, self.identities[name], old._admission, self.clock)

    def forget(self, party: str, table: str) -> None:
        """Delete all rows of one of a party's tables."""
        with self.engines[party].begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 -- our own text

    def send(self, party: str, message: Message) -> bytes:
        return self.transport.exchange(party, encode(message))

    def tap(self, party: str) -> list[bytes]:
        """Collect, from now on, what the party receives."""
        received: list[bytes] = []
        handler = self.transport.handlers[party]

        def record(data: bytes) -> bytes:
            received.append(data)
            return handler(data)

        self.transport.handlers[party] = record
        return received

    def journal(self, party: str) -> LogJournal:
        """The journal of a party's node."""
        return LogJournal(self.log, self.identities[party])

    def dossier(self, **changes: object) -> Dossier:
        """The dossier with other members."""
        return msgspec.structs.replace(DOSSIER, **changes)

    def office(self, **changes: object) -> Office:
        """The reviewer's office with other rules."""
        return dataclasses.replace(self.reviewer.office, **changes)  # type: ignore[arg-type]

    def events(self) -> list[Entry]:
        """All that was recorded since the parties were enrolled."""
        return list(self.log.entries(len(self.identities)))

    def check_log(self) -> None:
        """Recompute all of the log."""
        with self.log.snapshot() as connection:
            check(connection, VerifierKey.of(ORIGIN, LOG_KEY), MARKET)


@dataclass
class World(Parties):
    """The parties over two small tables."""

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def model(self, card: Scorecard | None = None) -> ModelApproval:
        return super().model(card or scorecard())

    def clear(self, subjects: Sequence[str]) -> dict[str, list[int]]:
        """Each provider's partial scores, computed apart from the product."""
        register = self.tables["tax"]["region"].to_dict()
        employees = self.tables["labour"]["employees"].to_dict()
        age = self.tables["labour"]["age"].to_dict()
        return {
            "tax": [region_points(register.get(s)) for s in subjects],
            "labour": [
                employee_points(_number(employees.get(s))) + age_points(_number(age.get(s))) for s in subjects
            ],
        }

    def query(self, model: ModelApproval, subjects: Sequence[str] = SUBJECTS[:3]) -> Query:
        """The message that the bank sends to every provider for a fresh job."""
        return self.bank.prepare(model, subjects, self.permits, TODAY)

    def resigned(self, query: Query, **changes: object) -> Query:
        """The query with another job, signed by the bank as a cheating bank would."""
        job = msgspec.structs.replace(query.job.statement, **changes)
        return msgspec.structs.replace(query, job=sign(job, "bank", self.identities["bank"]))


def _number(value: object) -> int | None:
    return None if value is None or value is pd.NA else int(str(value))


def provider_over(
    engine: Engine,
    domain: Domain,
    identity: Ed25519PrivateKey,
    admission: object,
    clock: Clock,
) -> Provider:
    """The role with the durable stores of a node."""
    registry, answers = RegistryStore(engine), AnswerStore(engine)
    epochs = EpochStore(engine, AtRest.of(identity), clock)
    return Provider(domain, identity, registry, epochs, answers, admission, clock)  # type: ignore[arg-type]


def assemble(
    key: PrivateKey,
    directory: Path,
    holdings: Mapping[str, Holding],
    consents: Sequence[str],
    stack: ExitStack,
    limits: Limits = LENIENT,
) -> Parties:
    """Give the parties over these holdings, by provider; what they open closes with the stack."""

    def database(name: str) -> Engine:
        engine = open_engine(directory / f"{name}.sqlite")
        stack.callback(engine.dispose)
        return engine

    identities = {name: Ed25519PrivateKey.generate() for name in (BANK, REVIEWER, *holdings)}
    roles: dict[str, Role] = {BANK: "consumer", REVIEWER: "model_reviewer"}
    pins = {
        name: Pin(roles.get(name, "provider"), identity.public_key().public_bytes_raw())
        for name, identity in identities.items()
    }
    engines = {name: database(name) for name in (REVIEWER, *holdings)}
    clock, transport = Clock(), MemoryTransport()
    log = open_log(database("audit"), clock)
    LogJournal(log, LOG_KEY).append(*(enrolment(name, pin) for name, pin in pins.items()))
    office = Office(REVIEWER, pins, b"\1" * 32, limits)
    identity = identities[REVIEWER]
    at_rest = AtRest.of(identity)
    cases, epochs = CaseStore(engines[REVIEWER], at_rest), EpochStore(engines[REVIEWER], at_rest, clock)
    reviewer = Reviewer(office, identity, epochs, cases, clock)
    desk = ModelDesk(office, identity, cases, clock)
    bank = Bank(BANK, identities[BANK], key, pins, transport, clock)
    parties = Parties(
        bank, key, identities, pins, {}, {}, reviewer, desk, cases, transport, log, clock, database, engines
    )
    for name, holding in holdings.items():
        fields = frozenset(holding.scales)
        permission = Permission(name, f"permit-{name}", BANK, PURPOSE, fields, frozenset(consents))
        domain = Domain(name, REVIEWER, pins, holding, POLICY)
        provider = provider_over(engines[name], domain, identities[name], permission, clock)
        parties.providers[name] = provider
        parameters = RingPedersenStore(engines[name], name)
        parameters.keep(ring_pedersen(name))
        registry = RegistryStore(engines[name])
        enroller = Enroller(name, identities[name], pins, registry, parameters.find, clock)
        parties.enrollers[name] = enroller
        journal = LogJournal(log, identities[name])
        dispatcher = Dispatcher(name, provider_node.handlers(provider, enroller), journal, clock)
        transport.handlers[name] = dispatcher.handle_bytes
    journal = LogJournal(log, identities[REVIEWER])
    front = Dispatcher(REVIEWER, reviewer_node.handlers(reviewer), journal, clock)
    transport.handlers[REVIEWER] = front.handle_bytes
    return parties


@contextmanager
def build(key: PrivateKey, directory: Path) -> Iterator[World]:
    """Every second subject is unknown to the labour office; all values of the tables occur."""
    tables = {
        "tax": pd.DataFrame(
            {"region": pd.Series([REGIONS[i % 4] for i in range(len(SUBJECTS))], SUBJECTS, dtype=object)}
        ),
        "labour": pd.DataFrame(
            {
                "employees": pd.Series([SIZES[i % 6] for i in range(80)], SUBJECTS[::2], dtype="Int64"),
                "age": pd.Series([i % 9 for i in range(80)], SUBJECTS[::2], dtype="Int64"),
            }
        ),
    }
    holdings = {
        "tax": holding("register", tables["tax"], {"region": None}),
        "labour": holding("insurance", tables["labour"], {"employees": 0, "age": 0}),
    }
    with ExitStack() as stack:
        parties = assemble(key, directory, holdings, SUBJECTS, stack)
        yield World(**vars(parties), tables=tables)


def holding(product: str, table: pd.DataFrame, scales: Mapping[str, int | None]) -> Holding:
    """A holding over a frame in memory."""

    def select(subjects: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
        frame = table.reindex(list(subjects))[list(columns)].reset_index(drop=True)
        return frame.astype(table.dtypes[list(columns)].to_dict()).where(frame.notna(), None)

    grids = {column: GRIDS[column] for column in scales}
    return Holding(product, "1.0.0", "0" * 64, SNAPSHOT_DATE, scales, list(table.index), select, grids)
