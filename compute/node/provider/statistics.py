"""A provider's stores for joint statistics: cohorts that banks registered, the disclosure ledger, the answers."""

from collections.abc import Mapping, Sequence

import numpy as np
from gmpy2 import mpz
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine

from audit.database import reader
from compute.at_rest import AtRest
from compute.disclosure.policy import Policy
from compute.disclosure.refresh import KeptColumn
from compute.frame import Frame
from compute.node.answers import AnswerStore, Counted
from compute.node.provider import disclosure_ledger, universe
from compute.node.provider.alignments import AlignmentStore
from compute.node.provider.disclosure_ledger import OutdatedError
from compute.node.provider.label_vectors import LabelVectorStore
from compute.paillier.ciphertexts import read
from compute.paillier.public import PublicKey
from compute.protocols.closed_answer.messages import Answer
from compute.protocols.joint_statistics.messages import StatisticsJob, StatisticsQuestion
from compute.protocols.joint_statistics.stores import Aligned, Labels, Release, SupersededError
from compute.protocols.label_vector.messages import HiddenCohort
from compute.signing import Signed, digest

PERMIT = 8
"""The number of the permit's check among those of a question."""


class CohortStore:
    """Label vectors and alignments of banks, and the frames that this provider knows, by their digests."""

    def __init__(
        self, vectors: LabelVectorStore, alignments: AlignmentStore, frames: Mapping[str, Frame], policy: Policy
    ) -> None:
        self._vectors, self._alignments, self._frames = vectors, alignments, frames
        self.hidden_allowed, self.disclosed_allowed = policy.hidden_cohorts, policy.disclosed_cohorts

    def labels(self, bank: str, name: bytes) -> Labels | None:
        """Give the bank's complete label vector of this name."""
        kept = self._vectors.find(name)
        if kept is None or not kept.complete or kept.statement.statement.bank != bank:
            return None
        statement = kept.statement.statement
        key, cohort = PublicKey.from_bytes(statement.n), statement.cohort
        over = cohort.frame if isinstance(cohort, HiddenCohort) else cohort.alignment

        def ciphertexts() -> list[mpz]:
            return [each for part in self._vectors.ciphertexts(name) for each in read(key, part)]

        return Labels(statement.contract, key, statement.alphabet, over, cohort.rows, ciphertexts)

    def aligned(self, bank: str, name: bytes) -> Aligned | None:
        """Give the bank's complete alignment of this name."""
        cohort = self._alignments.cohort(name)
        return None if cohort is None or cohort.bank != bank else Aligned(cohort.contract, cohort.subjects)

    def rows(self, question: StatisticsQuestion) -> int:
        """Give how many rows the cohort has that a question names; 0 where there is none of the bank's."""
        if not question.weighted:
            aligned = self.aligned(question.bank, question.cohort)
            return 0 if aligned is None else len(aligned.subjects)
        kept = self._vectors.find(question.cohort)
        return 0 if kept is None else kept.statement.statement.cohort.rows

    def frame_rows(self, frame: str) -> int | None:
        """Give how many companies a frame has; None if it is not known here."""
        found = self.frame(frame)
        return None if found is None else len(found)

    def aligned_rows(self, bank: str, contract: str, alignment: bytes) -> int | None:
        """Give how many places the bank's alignment under this contract has; None if there is no complete one."""
        found = self.aligned(bank, alignment)
        return None if found is None or found.contract != contract else len(found.subjects)

    def frame(self, digest: str) -> Sequence[str] | None:
        """Give the companies of a frame that this provider knows."""
        frame = self._frames.get(digest)
        return None if frame is None else frame.subjects


class DisclosureLedger:
    """The ledger's tables over an engine of ``audit.database``."""

    def __init__(self, engine: Engine, at_rest: AtRest) -> None:
        self._engine, self._reader, self._at_rest = engine, reader(engine), at_rest
        disclosure_ledger.METADATA.create_all(engine)
        universe.METADATA.create_all(engine)

    def rows(self, subjects: Sequence[str]) -> NDArray[np.int64]:
        """Give each company's number in the universe; who has none gets one."""
        with self._engine.begin() as connection:
            return universe.rows(connection, self._at_rest, subjects)

    def size(self) -> int:
        """Give how many numbers there are."""
        with self._reader.begin() as connection:
            return universe.count(connection)

    def kept(self, bank: str, column: str) -> KeptColumn | None:
        """Give what the bank was last told of a column."""
        with self._reader.begin() as connection:
            return disclosure_ledger.kept(connection, self._at_rest, bank, column)

    def stored(self, bank: str, question: bytes) -> bytes | None:
        """Give the content of the release that answered this question."""
        with self._reader.begin() as connection:
            return disclosure_ledger.answered(connection, self._at_rest, bank, question)

    def spent(self, bank: str) -> tuple[int, int]:
        """Give the milliepsilon that the bank has spent, and all banks together."""
        with self._reader.begin() as connection:
            return disclosure_ledger.spent(connection, bank)


class ReleaseStore:
    """The node's answers, as joint statistics see them: with each its release is charged and kept."""

    def __init__(self, answers: AnswerStore, at_rest: AtRest, policy: Policy) -> None:
        self._answers, self._at_rest, self._policy = answers, at_rest, policy
        self.by_nonce, self.require_standing = answers.by_nonce, answers.require_standing

    def put_release(
        self, job: StatisticsJob, permit: str, answer: Signed[Answer], max_uses: int, release: Release
    ) -> Signed[Answer]:
        """Store the answer unless its bank's nonce has one; give the one that is stored, durably."""
        name = digest(job)

        def spend(connection: Connection) -> None:
            stored = disclosure_ledger.stored(connection, self._at_rest, release.bank, release.question, name)
            if stored != (release.content if release.is_repeated else None):
                raise SupersededError("the question was answered, or its answer abandoned, meanwhile")
            if stored is None:
                charged = disclosure_ledger.Release(
                    release.question, release.bank, name, release.milliepsilon, release.content, release.columns
                )
                disclosure_ledger.spend(connection, self._at_rest, charged, self._policy)

        try:
            counted = Counted(job.bank, job.nonce, name, permit, uses=1, check=PERMIT)
            return self._answers.store(counted, answer, max_uses, spend)
        except OutdatedError as error:
            raise SupersededError(str(error)) from error
