"""A small market in one process: two providers, a bank and a reviewer with real keys and real protocol roles."""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from audit.database import open_engine
from audit.entry import Entry
from audit.log import Log
from compute.binning import CategoryBins, NumberBins
from compute.canonical import Message, encode
from compute.node.answers import AnswerStore
from compute.node.provider import provider_node
from compute.node.reviewer import reviewer_node
from compute.node.transport import MemoryTransport
from compute.paillier.private import PrivateKey
from compute.protocols.risk_score.bank import Bank, RegisteredModel
from compute.protocols.risk_score.checks import Domain, Holding
from compute.protocols.risk_score.messages import Query
from compute.protocols.risk_score.provider import Provider
from compute.protocols.risk_score.reviewer import Reviewer
from compute.protocols.risk_score.scorecard import Feature, Scorecard
from compute.signing import Pin, Role, sign
from veilmart.demo.admission import Permission
from veilmart.demo.data import EXAMPLES

TODAY = "2026-11-22"
NOW = int(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC).timestamp() * 1000)
DAY = 24 * 3600 * 1000
PERMIT, PURPOSE = "permit-1", "loan-approval"
REGIONS, SIZES = ["north", "south", "west", None], [0, 1, 4, 5, 99, None]


def real_codes(count: int) -> list[str]:
    with (EXAMPLES / "market_regulation.csv").open(encoding="ascii") as file:
        return [line.split(",")[0] for line in itertools.islice(file, 1, count + 1)]


SUBJECTS = real_codes(160)  # more than the slots of one ciphertext at 2048 bits


def scorecard() -> Scorecard:
    region = Feature(CategoryBins(column="region", groups=(("east", "south"), ("north",))), (-13, 26, 7))
    employees = Feature(NumberBins(column="employees", edges=("1", "5")), (-15, 0, 11, -3))
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


@dataclass
class World:
    bank: Bank
    key: PrivateKey
    identities: dict[str, Ed25519PrivateKey]
    pins: dict[str, Pin]
    providers: dict[str, Provider]
    reviewer: Reviewer
    transport: MemoryTransport
    log: Log
    tables: dict[str, pd.DataFrame]
    clock: Clock

    def enrol(self) -> None:
        self.bank.enrol_key(list(self.providers))

    def model(self, card: Scorecard | None = None) -> RegisteredModel:
        self.enrol()
        return self.bank.register_model(card or scorecard(), list(self.providers), "reviewer", PURPOSE)

    def score(self, model: RegisteredModel, subjects: Sequence[str]) -> list[int]:
        return self.bank.score(model, subjects, PERMIT, TODAY)

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

    def query(self, model: RegisteredModel, subjects: Sequence[str] = SUBJECTS[:3]) -> Query:
        """The message that the bank sends to every provider for a fresh job."""
        salt = bytes(32)
        job = self.bank._job(model, subjects, salt, PERMIT, TODAY)
        return Query(job=sign(job, "bank", self.identities["bank"]), salt=salt, subjects=tuple(subjects))

    def resigned(self, query: Query, **changes: object) -> Query:
        """The query with another job, signed by the bank as a cheating bank would."""
        job = msgspec.structs.replace(query.job.statement, **changes)
        return msgspec.structs.replace(query, job=sign(job, "bank", self.identities["bank"]))

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

    def events(self) -> list[Entry]:
        return list(self.log.entries())


def _number(value: object) -> int | None:
    return None if value is None or value is pd.NA else int(str(value))


@contextmanager
def build(key: PrivateKey, directory: Path) -> Iterator[World]:
    """Every second subject is unknown to the labour office; all values of the tables occur."""
    with ExitStack() as stack:
        yield _build(key, directory, stack)


def _build(key: PrivateKey, directory: Path, stack: ExitStack) -> World:
    def database(path: Path) -> Engine:
        engine = open_engine(path)
        stack.callback(engine.dispose)
        return engine

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
    scales: dict[str, dict[str, int | None]] = {"tax": {"region": None}, "labour": {"employees": 0, "age": 0}}
    identities = {name: Ed25519PrivateKey.generate() for name in ("bank", "reviewer", "tax", "labour")}
    roles: dict[str, Role] = {"bank": "consumer", "reviewer": "model_reviewer"}
    pins = {
        name: Pin(roles.get(name, "provider"), identity.public_key().public_bytes_raw())
        for name, identity in identities.items()
    }
    clock, transport, log = Clock(), MemoryTransport(), Log(database(directory / "audit.sqlite"))

    def select_from(table: pd.DataFrame):  # noqa: ANN202 -- a closure
        def select(subjects: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
            frame = table.reindex(list(subjects))[list(columns)].reset_index(drop=True)
            return frame.astype(table.dtypes[list(columns)].to_dict()).where(frame.notna(), None)

        return select

    providers = {}
    for name, product in (("tax", "register"), ("labour", "insurance")):
        table = tables[name]
        holding = Holding(
            product,
            "1.0.0",
            "0" * 64,
            "2026-11-01",
            scales[name],
            list(table.index),
            select_from(table),
        )
        answers = AnswerStore(database(directory / f"{name}.sqlite"))
        domain = Domain(name, "reviewer", pins, holding)
        permission = Permission(PERMIT, "bank", PURPOSE, frozenset(scales[name]), frozenset(SUBJECTS))
        providers[name] = Provider(domain, identities[name], answers, permission, clock)
    reviewer = Reviewer("reviewer", identities["reviewer"], pins, b"\1" * 32, clock)
    bank = Bank("bank", identities["bank"], key, pins, transport, clock)
    world = World(bank, key, identities, pins, providers, reviewer, transport, log, tables, clock)
    for name, provider in providers.items():
        transport.handlers[name] = provider_node(provider, log, clock).handle
    transport.handlers["reviewer"] = reviewer_node(reviewer, log, clock).handle
    return world
