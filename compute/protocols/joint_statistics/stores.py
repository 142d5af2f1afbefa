"""What a provider keeps and asks for joint statistics beyond its role, as the node has it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from gmpy2 import mpz
from numpy.typing import NDArray

from compute.disclosure.refresh import KeptColumn
from compute.paillier.public import PublicKey
from compute.protocols.closed_answer.messages import Answer
from compute.protocols.joint_statistics.messages import Asked, StatisticsJob, StatisticsQuestion
from compute.protocols.label_vector.alphabet import Alphabet
from compute.signing import Signed


@dataclass(frozen=True)
class Labels:
    """A complete label vector, each of whose ciphertexts is proven."""

    contract: str
    key: PublicKey
    alphabet: Alphabet
    cohort: str | bytes
    """The digest of its frame, in hexadecimal, or of its alignment."""
    rows: int
    ciphertexts: Callable[[], Sequence[mpz]] = field(repr=False)
    """Reads them: one for each row."""


@dataclass(frozen=True)
class Aligned:
    """A complete alignment: at each place of the bank's cohort the company that is in the table too, or none."""

    contract: str
    subjects: tuple[str | None, ...] = field(repr=False)


@dataclass(frozen=True)
class Release:
    """What an answer tells for good: its content, its price, and what its columns leave to tell."""

    question: bytes
    bank: str
    milliepsilon: int
    content: bytes = field(repr=False)
    columns: Mapping[str, KeptColumn] = field(repr=False)
    is_repeated: bool = False
    """Whether its question was answered before: then nothing is charged or kept anew."""


class Cohorts(Protocol):
    """What banks registered here."""

    def labels(self, bank: str, name: bytes) -> Labels | None:
        """Give the bank's complete label vector of this name."""
        ...

    def aligned(self, bank: str, name: bytes) -> Aligned | None:
        """Give the bank's complete alignment of this name."""
        ...

    def rows(self, question: StatisticsQuestion) -> int:
        """Give how many rows the cohort has that a question names; 0 where there is none of the bank's."""
        ...

    def frame(self, digest: str) -> Sequence[str] | None:
        """Give the companies of a frame that this provider knows."""
        ...


class Ledger(Protocol):
    """The disclosure ledger: budgets, and what was told of each column."""

    def rows(self, subjects: Sequence[str]) -> NDArray[np.int64]:
        """Give each company's number in the universe; who has none gets one."""
        ...

    def size(self) -> int:
        """Give how many numbers there are."""
        ...

    def kept(self, bank: str, column: str) -> KeptColumn | None:
        """Give what the bank was last told of a column."""
        ...

    def stored(self, bank: str, question: bytes) -> bytes | None:
        """Give the content of the release that answered this question."""
        ...

    def spent(self, bank: str) -> tuple[int, int]:
        """Give the milliepsilon that the bank has spent, and all banks together."""
        ...


class Releases(Protocol):
    """The durable store of answers, as this protocol sees it; it counts a use for each."""

    def by_nonce(self, bank: str, nonce: bytes) -> Signed[Answer] | None:
        """Give the answer to the bank's job that used this nonce."""
        ...

    def require_standing(self, bank: str, job: bytes) -> None:
        """Check 2: the job is not buried."""
        ...

    def put_release(
        self, job: StatisticsJob, permit: str, answer: Signed[Answer], max_uses: int, release: Release
    ) -> Signed[Answer]:
        """Store the answer unless its bank's nonce has one; give the one that is stored, durably.

        With it the release is charged and its columns kept, unless its question was answered before.
        Raises :class:`RefusalError`, and nothing is stored: by check 2 if the job is buried, by 8 if the permit's
        uses are used up, by 9 if a budget is; and :class:`SupersededError` if something was told meanwhile.
        """
        ...


@dataclass(frozen=True)
class Stores:
    """All of them."""

    cohorts: Cohorts
    ledger: Ledger
    releases: Releases


class SupersededError(Exception):
    """Another answer was stored while this one was computed: what it rests on is not so any more."""


class Admission(Protocol):
    """The permit: each method raises :class:`RefusalError` by its check."""

    def admit_statistics(self, bank: str, asked: Asked, contract: str, question: StatisticsQuestion) -> int:
        """Check 8: the permit is this bank's under this contract, stands, and covers columns, purpose and a use.

        Gives how many uses it allows in all.
        """
        ...

    def admit_precheck(self, question: StatisticsQuestion, contract: str) -> None:
        """Check 8, for a question alone: a permit of the bank's under this contract covers the columns."""
        ...
