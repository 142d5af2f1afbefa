"""A bank and a provider of joint statistics in one process, over a register of companies and 20 columns of 6 bins.

Roles and stores are the product's, messages are encoded and decoded; the marketplace and its permit are the tests'
ones. The cohort is hidden: every company of the register has a ciphertext, and every tenth of them is in no class.
"""

import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec
import numpy as np
import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # its world

from alignment import companies
from measure import timed
from statistics_world import (
    BANK,
    CONTRACT,
    DISCLOSURE,
    PERMIT,
    StatisticsNode,
    StatisticsWorld,
    statistics_node,
)
from world import NOW, TODAY, Clock

from audit.database import open_engine
from compute.binning import NumberBins
from compute.canonical import decode, encode
from compute.frame import Frame
from compute.node.provider.statistics import CohortStore
from compute.node.registry import RegistryStore
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner
from compute.protocols.closed_answer.messages import Answer
from compute.protocols.holding import Holding
from compute.protocols.joint_statistics.bank import Told
from compute.protocols.joint_statistics.messages import AskStatistics
from compute.protocols.joint_statistics.provider import Means
from compute.protocols.key_enrolment.bank import enrolment
from compute.protocols.key_enrolment.ring_pedersen import check_ring_pedersen
from compute.protocols.key_enrolment.ring_pedersen_maker import make_ring_pedersen
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.alphabet_proof import widest_slots
from compute.protocols.label_vector.bank import Labels, LabelVector, label_vector, registration
from compute.protocols.label_vector.messages import HiddenCohort, RegisterLabels
from compute.protocols.label_vector.provider import Registrar
from compute.signing import Pin, Signed
from compute.statistics.outcomes import split
from compute.statistics.released import ClassTable
from compute.statistics.woe import evidence

FEATURES, BINS = 20, 6
"""The last bin takes missing values."""
COLUMNS = tuple(f"f{index:02}" for index in range(FEATURES))
GRIDS = {column: NumberBins(column=column, edges=("1", "2", "3", "4")) for column in COLUMNS}
OFFICE, CLASSES = "office", ("good", "bad")
MILLIEPSILON = 3000
VECTORS = 10**9
"""That a contract may have here."""
POLICY = msgspec.structs.replace(DISCLOSURE, bank_milliepsilon=1_000_000, all_milliepsilon=1_000_000)
"""The example's, with room for many questions one after another."""
ENCRYPT, PROVE, VERIFY = "bank: labels encrypted", "bank: labels proven", "provider: labels verified"
KEEP = "provider: labels stored"
ANSWER = "provider: cells, atoms, sums, noise, packing, blinding, answer stored"
DECRYPT, EVIDENCE = "bank: decryption", "bank: WOE and IV"
PROOF = (PROVE, VERIFY)
"""What is paid once for each label vector."""
T = TypeVar("T")
Numbers = NDArray[np.int64]
Took = dict[str, float]
"""CPU seconds of this process, by part."""


class Case:
    """So many companies and everybody's state. Each job has a label vector of its own: nothing was told before."""

    def __init__(self, key: PrivateKey, rows: int, folder: Path) -> None:
        drawn = np.random.default_rng(secrets.randbits(64))
        self.key, self.rows = key, rows
        self.codes = drawn.integers(0, BINS, (rows, FEATURES), dtype=np.int8)
        # The first columns tell of the class: their information value is not nothing.
        bad = drawn.random(rows) < 0.1 + 0.03 * self.codes[:, 0] + 0.01 * self.codes[:, 1]
        self.classes: Numbers = np.where(np.arange(rows) % 10 > 0, 1 + bad, 0)
        identities = {name: Ed25519PrivateKey.generate() for name in (BANK, OFFICE)}
        pins = {
            name: Pin("consumer" if name == BANK else "provider", each.public_key().public_bytes_raw())
            for name, each in identities.items()
        }
        self._world = StatisticsWorld(key, identities, pins, Clock())
        self._frame = Frame(tuple(companies(rows)))
        self._holding = _holding(self._frame, self.codes)
        self.engine = open_engine(folder / "office.sqlite")
        self._alphabet = Alphabet(classes=2, width=widest_slots(key.public, 2), with_zero=True)
        self._taken: Took = {}

    def enrol(self) -> None:
        """Enrol the key, as must be before a proof is verified; it takes seconds."""
        parameters = check_ring_pedersen(make_ring_pedersen(OFFICE), OFFICE)
        identity = self._world.identities[BANK]
        message = enrolment(BANK, identity, self.key, OFFICE, parameters, NOW)
        RegistryStore(self.engine).enrol(message.statement, NOW)

    def job(self, runner: Runner = HERE, *, proven: bool) -> Took:
        """Do all of it, the labels taken as ``proven`` or not; give the CPU seconds of each part in this process.

        Raises AssertionError for a number that is not the true one with noise.
        """
        self._taken = {}
        node = statistics_node(
            self._world, OFFICE, self.engine, self._holding, POLICY, [self._frame], Means(runner)
        )
        self._world.nodes[OFFICE] = node
        vector = self._part(ENCRYPT, lambda: self._vector(runner))
        if proven:
            self._register(node, vector, runner)
        else:
            self._part(KEEP, lambda: _keep(node, vector))
        grids = [GRIDS[column] for column in COLUMNS]
        question = self._world.question(OFFICE, vector.name, grids, milliepsilon=MILLIEPSILON)
        (message,) = self._world.bank.prepare([question], {OFFICE: PERMIT})
        asked = encode(message)
        answer = self._part(ANSWER, lambda: encode(node.role.answer(decode(asked, AskStatistics))))
        told = self._part(
            DECRYPT, lambda: self._world.read(question, decode(answer, Signed[Answer]), self._alphabet)
        )
        self._part(EVIDENCE, lambda: _evidence(told))
        self._check(told)
        return self._taken

    def expected(self, rows: int) -> Numbers:
        """Give the good and the bad among the first rows, by column and bin: (columns, bins, 2)."""
        cells = [
            np.bincount(self.codes[:rows, column][self.classes[:rows] == of], minlength=BINS)
            for column in range(FEATURES)
            for of in (1, 2)
        ]
        return np.array(cells).reshape(FEATURES, 2, BINS).swapaxes(1, 2)

    def _part(self, name: str, work: Callable[[], T]) -> T:
        made: list[T] = []
        taken = timed(lambda: made.append(work())).cpu
        self._taken[name] = self._taken.get(name, 0.0) + taken
        return made[0]

    def _vector(self, runner: Runner) -> LabelVector:
        cohort = HiddenCohort(frame=self._frame.digest, rows=self.rows)
        labels = Labels(cohort, self._alphabet, self.classes.tolist())
        return label_vector(self.key, self._world.identities[BANK], BANK, CONTRACT, labels, NOW, runner)

    def _register(self, node: StatisticsNode, vector: LabelVector, runner: Runner) -> None:
        cohorts = CohortStore(node.vectors, node.alignments, {self._frame.digest: self._frame}, POLICY)
        registry, pins, clock = RegistryStore(self.engine), self._world.pins, self._world.clock
        registrar = Registrar(OFFICE, pins, registry, cohorts, node.vectors, lambda _: None, clock, VECTORS)
        for part in range(len(vector.parts)):
            sent = self._part(PROVE, lambda part=part: encode(registration(self.key, vector, part, runner)))  # type: ignore[misc]
            self._part(VERIFY, lambda sent=sent: registrar.register(decode(sent, RegisterLabels), runner))  # type: ignore[misc]

    def _check(self, told: Told) -> None:
        found = np.array([table.numbers for table in told.tables])
        if np.abs(found - self.expected(self.rows)).max() > told.tables[0].bound:
            raise AssertionError("a count is wrong by more than the noise")


@contextmanager
def open_case(key: PrivateKey, rows: int) -> Iterator[Case]:
    """Give a case over a fresh SQLite file."""
    with TemporaryDirectory(prefix="veilmart-") as folder:
        case = Case(key, rows, Path(folder))
        try:
            yield case
        finally:
            case.engine.dispose()


def weigh_counts(counts: Numbers) -> None:
    """Compute WOE and IV of every column from counts: (columns, bins, 2)."""
    for column, numbers in zip(COLUMNS, counts, strict=True):
        table = ClassTable(OFFICE, column, GRIDS[column], CLASSES, numbers)
        if not np.isfinite(evidence(split(table, CLASSES[:1], CLASSES[1:])).information_value):
            raise AssertionError(f"the information value of {column} is no number")


def _evidence(told: Told) -> None:
    weigh_counts(np.array([table.numbers for table in told.tables]))


def _keep(node: StatisticsNode, vector: LabelVector) -> None:
    """Keep a vector as if its proofs were verified."""
    if not node.vectors.open(vector.statement, NOW, VECTORS):
        raise AssertionError("the store takes no vector more")
    for part, ciphertexts in enumerate(vector.parts):
        node.vectors.register(vector.name, part, ciphertexts, NOW)


def _holding(frame: Frame, codes: NDArray[np.int8]) -> Holding:
    """Give a holding of everybody in the frame, whose values are the codes; the last code is a missing value."""
    table = pd.DataFrame(codes, index=list(frame.subjects), columns=list(COLUMNS)).astype("Int64")
    table = table.where(table < BINS - 1)

    def select(asked: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
        return table.reindex(list(asked))[list(columns)].reset_index(drop=True)

    scales = dict.fromkeys(COLUMNS, 0)
    return Holding("register", "1.0.0", "0" * 64, TODAY, scales, frame.subjects, select, GRIDS)
