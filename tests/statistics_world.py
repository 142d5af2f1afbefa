"""Joint statistics over the departments' real tables: the real roles and stores, without a network."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine
from world import EXAMPLES, NOW, POLICY, TODAY, Clock

from audit.database import open_engine
from catalog.description import load_product
from compute.at_rest import AtRest
from compute.binning import Bins
from compute.disclosure.policy import Policy, read_policy
from compute.frame import Frame, read_frame
from compute.node.answers import AnswerStore
from compute.node.grids import published_grids
from compute.node.holding import scales
from compute.node.provider.alignments import AlignmentStore
from compute.node.provider.label_vectors import LabelVectorStore
from compute.node.provider.statistics import CohortStore, DisclosureLedger, ReleaseStore
from compute.paillier.private import PrivateKey
from compute.protocols.alignment.messages import AlignmentStatement
from compute.protocols.alignment.provider import Limits, Session
from compute.protocols.base import RefusalError, Transport
from compute.protocols.closed_answer.messages import Answer, ReleasedAnswer
from compute.protocols.closed_answer.provider import ClosedAnswers
from compute.protocols.holding import Holding
from compute.protocols.joint_statistics.bank import StatisticsBank, Told
from compute.protocols.joint_statistics.messages import Asked, AskStatistics, CrossBins, StatisticsQuestion
from compute.protocols.joint_statistics.provider import Means, Office, StatisticsProvider
from compute.protocols.joint_statistics.stores import Stores
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.bank import Labels, LabelVector, label_vector
from compute.protocols.label_vector.messages import DisclosedCohort, HiddenCohort
from compute.signing import Pin, Signed, digest
from connectors.base import Column, ColumnType
from connectors.files import open_csv

BANK, CONTRACT, PERMIT = "bank", "loans-2026", "permit-1"
DISCLOSURE = read_policy(EXAMPLES.parent / "config" / "disclosure.toml")
REGISTER = read_frame(EXAMPLES / "register.csv")
CLASSES = Alphabet(classes=2, width=64, with_zero=True)
"""Good and bad, of a hidden cohort."""
PRODUCTS = {
    "market-regulation": ("market-registration.toml", "market_regulation.csv"),
    "social-security": ("social-insurance.toml", "social_security.csv"),
}


@dataclass(frozen=True)
class Grant:
    """A permit over some columns, without a marketplace; what it covers is checked for real."""

    columns: frozenset[str]
    max_uses: int = 1000

    def admit_statistics(self, _bank: str, asked: Asked, contract: str, question: StatisticsQuestion) -> int:
        self.admit_precheck(question, contract)
        if asked.permit != PERMIT:
            raise RefusalError(8, "no such permit", "name another")
        return self.max_uses

    def admit_precheck(self, question: StatisticsQuestion, contract: str) -> None:
        if contract != CONTRACT or not question.columns <= self.columns:
            raise RefusalError(8, "the permit does not cover it", "apply for another")


@dataclass
class StatisticsNode:
    """One provider: the role over the stores of a node."""

    role: StatisticsProvider
    engine: Engine
    vectors: LabelVectorStore
    alignments: AlignmentStore
    closed: ClosedAnswers
    answers: AnswerStore
    ledger: DisclosureLedger

    @property
    def holding(self) -> Holding:
        return self.role.office.holding


@dataclass
class StatisticsWorld:
    """A bank and providers of joint statistics."""

    key: PrivateKey
    identities: dict[str, Ed25519PrivateKey]
    pins: dict[str, Pin]
    clock: Clock
    nodes: dict[str, StatisticsNode] = field(default_factory=dict)

    @property
    def bank(self) -> StatisticsBank:
        nobody: Any = None
        return StatisticsBank(BANK, self.identities[BANK], self.key, self.pins, _none(nobody), self.clock)

    def vector(
        self,
        provider: str,
        classes: Sequence[int],
        alphabet: Alphabet = CLASSES,
        frame: Frame = REGISTER,
        alignment: bytes | None = None,
    ) -> bytes:
        """A complete label vector at a provider, taken as proven: its proofs have tests of their own."""
        cohort: HiddenCohort | DisclosedCohort = HiddenCohort(frame=frame.digest, rows=len(classes))
        if alignment is not None:
            cohort = DisclosedCohort(alignment=alignment, rows=len(classes))
        labels = Labels(cohort, alphabet, classes)
        made = label_vector(self.key, self.identities[BANK], BANK, CONTRACT, labels, NOW)
        self.keep(provider, made)
        return made.name

    def alignment(
        self, provider: str, subjects: Sequence[str], bank: str = BANK, contract: str = CONTRACT
    ) -> bytes:
        """A complete alignment of these companies at a provider; its protocol has tests of its own."""
        node, table = self.nodes[provider], set(self.nodes[provider].holding.subjects)
        statement = AlignmentStatement(
            bank=bank,
            contract=contract,
            permit=PERMIT,
            cohort="loans",
            provider=provider,
            product=node.holding.product,
            product_version=node.holding.product_version,
            rows=len(subjects),
            points=token_bytes(32),
            legal_basis="contract",
            issued_at=NOW,
            nonce=token_bytes(32),
        )
        name = digest(statement)
        assert node.alignments.count(statement, Limits(1000, 10**6), NOW) is None
        node.alignments.open(name, Session(bytes(32), (), ()))
        matched = [subject if subject in table else None for subject in subjects]
        assert node.alignments.complete(name, bytes(32), matched, NOW)
        return name

    def keep(self, provider: str, vector: LabelVector) -> None:
        """Keep a vector at a provider as if its proofs had been verified."""
        store = self.nodes[provider].vectors
        assert store.open(vector.statement, NOW, 10**6)
        for part, ciphertexts in enumerate(vector.parts):
            store.register(vector.name, part, ciphertexts, NOW)

    def question(
        self,
        provider: str,
        cohort: bytes,
        histograms: Sequence[str | Bins] = (),
        *,
        weighted: bool = True,
        crosses: Sequence[tuple[str | Bins, str | Bins]] = (),
        moments: Sequence[str] = (),
        milliepsilon: int = 3000,
        as_of: str = TODAY,
    ) -> StatisticsQuestion:
        """A question of this provider; a column that is only named is asked for in its published grid."""
        holding = self.nodes[provider].holding

        def bins(each: str | Bins) -> Bins:
            return holding.grids[each] if isinstance(each, str) else each

        return StatisticsQuestion(
            bank=BANK,
            provider=provider,
            product=holding.product,
            product_version=holding.product_version,
            cohort=cohort,
            weighted=weighted,
            histograms=tuple(map(bins, histograms)),
            crosses=tuple(CrossBins(first=bins(one), second=bins(other)) for one, other in crosses),
            moments=tuple(moments),
            milliepsilon=milliepsilon if weighted else 0,
            as_of=as_of,
        )

    def ask(self, question: StatisticsQuestion) -> AskStatistics:
        """The message of a fresh job that asks it."""
        (message,) = self.bank.prepare([question], {question.provider: PERMIT})
        return message

    def told(self, question: StatisticsQuestion, alphabet: Alphabet | None = CLASSES) -> Told:
        """What the provider tells of it."""
        answer = self.nodes[question.provider].role.answer(self.ask(question))
        return self.read(question, answer, alphabet)

    def read(
        self, question: StatisticsQuestion, answer: Signed[Answer], alphabet: Alphabet | None = CLASSES
    ) -> Told:
        """What an answer tells, opened by the key that the provider would release."""
        key = self.nodes[question.provider].closed._key(answer.statement.job)
        alphabet = alphabet if question.weighted else None
        return self.bank.read(question, ReleasedAnswer(answer=answer, key=key), alphabet)


def _none(nothing: Any) -> Transport:
    """No transport: messages are handed over."""
    transport: Transport = nothing
    return transport


def holding_of(provider: str, stack: ExitStack, date: str = "2026-11-01") -> Holding:
    """The department's product over its real table."""
    description, source = PRODUCTS[provider]
    product = load_product(EXAMPLES / description)
    columns = tuple(Column(each.name, ColumnType(each.type), each.scale) for each in product.fields)
    table = stack.enter_context(open_csv(EXAMPLES / source, columns))
    return Holding(
        product=product.id,
        product_version=product.version,
        snapshot=table.snapshot,
        snapshot_date=date,
        scales=scales(table.columns),
        subjects=table.keys(),
        select=table.select,
        grids=published_grids(product),
    )


def loans() -> pd.DataFrame:
    """The bank's loan book: by company, what is known at application and whether it was charged off."""
    return pd.read_csv(EXAMPLES / "bank_loans.csv", index_col="uscc")


def good_and_bad(frame: Frame = REGISTER) -> list[int]:
    """Of each company of the frame 0 if the bank has no loan with it, 1 for a good loan, 2 for a bad one."""
    bad = loans()["defaulted"]
    of_company = dict(zip(bad.index, (bad + 1).tolist(), strict=True))
    return [of_company.get(subject, 0) for subject in frame.subjects]


@contextmanager
def build_statistics(
    key: PrivateKey,
    directory: Path,
    holdings: Mapping[str, Holding],
    policy: Policy = DISCLOSURE,
    frames: Sequence[Frame] = (REGISTER,),
    **grant: Any,
) -> Iterator[StatisticsWorld]:
    """The parties over these holdings, by provider, who know these frames."""
    with ExitStack() as stack:
        identities = {name: Ed25519PrivateKey.generate() for name in (BANK, *holdings)}
        pins = {
            name: Pin("consumer" if name == BANK else "provider", each.public_key().public_bytes_raw())
            for name, each in identities.items()
        }
        world = StatisticsWorld(key, identities, pins, Clock())
        for name, holding in holdings.items():
            engine = open_engine(directory / f"{name}.sqlite")
            stack.callback(engine.dispose)
            world.nodes[name] = statistics_node(world, name, engine, holding, policy, frames, **grant)
        yield world


def statistics_node(
    world: StatisticsWorld,
    name: str,
    engine: Engine,
    holding: Holding,
    policy: Policy = DISCLOSURE,
    frames: Sequence[Frame] = (REGISTER,),
    means: Means | None = None,
    **grant: Any,
) -> StatisticsNode:
    """One more process of a provider's node."""
    identity = world.identities[name]
    at_rest, answers = AtRest.of(identity), AnswerStore(engine)
    vectors, alignments = LabelVectorStore(engine), AlignmentStore(engine, at_rest)
    cohorts = CohortStore(vectors, alignments, {each.digest: each for each in frames}, policy)
    closed = ClosedAnswers(name, identity, world.pins, POLICY, answers, world.clock)
    ledger = DisclosureLedger(engine, at_rest)
    stores = Stores(cohorts, ledger, ReleaseStore(answers, at_rest, policy))
    office = Office(name, world.pins, holding, policy)
    admission = Grant(frozenset(holding.scales), **grant)
    role = StatisticsProvider(office, identity, closed, stores, admission, world.clock, means)
    return StatisticsNode(role, engine, vectors, alignments, closed, answers, ledger)
