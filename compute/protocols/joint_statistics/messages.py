"""The messages of joint statistics, in the order in which they are sent.

::

    bank ─ RegisterLabels (label_vector) ─────▶ provider      its classes, encrypted, each proven to be one
    bank ─ Align, AlignReturn (alignment) ────▶ provider      of a disclosed cohort before: who is in both
    bank ─ AskPrecheck ───────────────────────▶ provider      what would this cost and tell
    bank ◀────────── Signed[Precheck] ──────── provider
    bank ─ AskStatistics (signed job) ────────▶ provider
    bank ◀────────────── Signed[Answer] ────── provider       holds a StatisticsRelease (closed_answer.messages)

A provider learns: which bank asks for statistics of which columns in which bins, over which frame or how
large a disclosed cohort, how many classes there are, and of a disclosed cohort which of its companies are in
it. It never learns a class of a company, nor any result. The bank learns sums over the companies of each cell
that is told, with discrete Laplace noise wherever its ciphertexts are weights, and which cells were withheld.
Assumed: identity keys and roles were pinned at onboarding, and the bank's modulus is proven (key_enrolment).
"""

import hashlib
from typing import Annotated, Literal

from msgspec import Meta

from compute.binning import Bins
from compute.canonical import Bytes32, Date, Hex32, Message, Milliseconds, Name, Version
from compute.signing import Signed, Suite

MAX_FEATURES = 64
MAX_PROVIDERS = 16
MAX_CELLS = 65_536
"""Of all tables of a question together."""
MAX_MILLIEPSILON = 100_000

Milliepsilon = Annotated[int, Meta(ge=0, le=MAX_MILLIEPSILON)]
"""Thousandths of ε."""


class CrossBins(Message, frozen=True):
    """Two columns of one provider, each in its bins: a table of both."""

    first: Bins
    second: Bins

    def __post_init__(self) -> None:
        if self.first.column == self.second.column:
            raise ValueError("a cross-table takes two columns; name another one")


class StatisticsQuestion(Message, frozen=True):
    """What one provider is asked; the same question has the same answer, whenever it is asked."""

    bank: Name
    provider: Name
    product: Name
    product_version: Version
    cohort: Bytes32
    """The digest of the statement of a label vector or, where `weighted` is false, of an alignment."""
    weighted: bool
    """Whether the classes of a label vector are the weights: then the answer is under encryption, with noise."""
    milliepsilon: Milliepsilon
    """What the answer costs of the privacy budget; 0 where it is not weighted."""
    as_of: Date
    """The values are those of the snapshot that was valid on this day."""
    histograms: Annotated[tuple[Bins, ...], Meta(max_length=MAX_FEATURES)] = ()
    crosses: Annotated[tuple[CrossBins, ...], Meta(max_length=MAX_FEATURES)] = ()
    moments: Annotated[tuple[Name, ...], Meta(max_length=MAX_FEATURES)] = ()
    """Number columns whose count of values, sum and sum of squares are asked for."""

    def __post_init__(self) -> None:
        if not self.histograms and not self.crosses and not self.moments:
            raise ValueError("nothing is asked for; name a histogram, a cross-table or moments")
        asked = [bins.column for bins in self.histograms]
        if len(set(asked)) < len(asked) or len(set(self.moments)) < len(self.moments):
            raise ValueError("a column is asked for twice; name it once")
        if self.weighted == (self.milliepsilon == 0):
            raise ValueError("an answer under weights costs more than ε = 0, any other costs nothing; correct ε")

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the answer is about."""
        crossed = {bins.column for cross in self.crosses for bins in (cross.first, cross.second)}
        return frozenset({bins.column for bins in self.histograms} | crossed | set(self.moments))


class AskPrecheck(Message, frozen=True):
    """Bank to provider: what would the answer to this question cost and tell? Nothing is computed."""

    question: Signed[StatisticsQuestion]


class Precheck(Message, frozen=True):
    """What an answer would cost, as things stand; of the data it says nothing."""

    question: Bytes32
    cells: int
    """Numbers that would be told: cells of tables, for each class."""
    bound: int
    """Of the noise in a cell of a histogram: it is nowhere further off; 0 where none is due."""
    milliepsilon: Milliepsilon
    """What would be charged; 0 if the answer is stored."""
    bank_left: int
    """Milliepsilon that are left to the bank before."""
    is_stored: bool
    """Whether the question was answered before: then that answer is given again."""
    snapshot: Hex32
    snapshot_date: Date
    is_present_only: bool
    """Current values, not for model development: the provider has none of the day asked for."""
    milliseconds: Milliseconds
    """Of computing, as estimated."""


class Asked(Message, frozen=True):
    """One provider's part in a job."""

    provider: Name
    permit: Name
    question: Bytes32
    """The digest of its :class:`StatisticsQuestion`."""


class StatisticsJob(Message, frozen=True):
    """One request over one or several providers, signed by the bank: its digest names the job in the log."""

    version: Annotated[int, Meta(ge=1, le=1)]
    suite: Suite
    bank: Name
    asked: Annotated[tuple[Asked, ...], Meta(min_length=1, max_length=MAX_PROVIDERS)]
    nonce: Bytes32

    def __post_init__(self) -> None:
        providers = [each.provider for each in self.asked]
        if len(set(providers)) < len(providers):
            raise ValueError("a provider is asked twice in one job; put its questions together")

    def asked_of(self, provider: str) -> Asked | None:
        """Give a provider's part; None if it has none."""
        return next((each for each in self.asked if each.provider == provider), None)


def logged_question(job: StatisticsJob, question: bytes) -> str:
    """Give, in hexadecimal, by which the log names the question with this digest, as one of a job.

    It covers the job's nonce, which is never logged (PROTOCOLS.md §7). All else that a question says can be
    guessed, for its cohort's digest is in the log too: who reads there would find bins and day by trying them.
    """
    return hashlib.sha256(b"veilmart/logged-question/v1" + job.nonce + question).hexdigest()


class AskStatistics(Message, frozen=True):
    """Bank to provider: the job, and the question that it has for this provider."""

    job: Signed[StatisticsJob]
    question: StatisticsQuestion


Reason = Literal["below_min_cohort", "complementary", "dominance"]
"""Fewer enterprises than k; they would give others away; few enterprises make most of a sum."""
Digits = Annotated[str, Meta(pattern=r"\A(0|-?[1-9][0-9]{0,79})\Z", description="a whole number")]
"""Of any size: JSON's own numbers end at 2⁵³."""


class TableNotes(Message, frozen=True):
    """What is to be known of one table of a release beside its numbers."""

    withheld: tuple[Annotated[int, Meta(ge=0, lt=MAX_CELLS)], ...]
    """Cells that are not told, by their places; in a cross-table the second column's bins count fastest."""
    reasons: tuple[Reason, ...]
    """Why, of the table as a whole: of a single cell it would tell more."""
    scale_numerator: Digits
    scale_denominator: Digits
    """b of the noise z in each number, P(z) ∝ exp(−|z|/b), as a fraction; 0 where there is none."""
    bound: Digits
    """The noise is clamped to ± so much; each number under encryption is raised by it."""
    low: Digits = "0"
    high: Digits = "0"
    """Of moments under weights: values are clipped to these, in units of 10^-scale, and counted from `low`."""

    def __post_init__(self) -> None:
        if int(self.scale_denominator) < 1 or min(int(self.scale_numerator), int(self.bound)) < 0:
            raise ValueError("noise has a scale and a bound of 0 or more; so state them")
        if int(self.low) > int(self.high):
            raise ValueError("values are clipped to nothing; name the low end first")


class StatisticsRelease(Message, frozen=True):
    """What an answer holds: tables in the question's order, histograms, then cross-tables, then moments.

    A table's cells are its bins, code by code. A column's moments are three tables of one cell each: the count of
    values, their sum, their sum of squares.
    """

    question: Bytes32
    snapshot: Hex32
    snapshot_date: Date
    is_present_only: bool
    """Current values, not for model development: the provider has none of the day asked for."""
    repeated: tuple[Name, ...]
    """Columns whose values are those of an earlier answer: fewer than k have changed since, or none."""
    tables: tuple[TableNotes, ...]
    ciphertexts: bytes = b""
    """Under weights: the told cells, one after another, as :mod:`packed_cells` packs them."""
    numbers: tuple[Digits, ...] = ()
    """Otherwise: the told cells."""
    padding: Annotated[str, Meta(pattern=r"\A0*\Z")] = ""
    """Makes all answers to the question equally long: a sealed one does not show how much was withheld."""
