"""The messages of the risk score, in the order in which they are sent.

::

    bank ─ AskProviderTerms ──────────────────▶ provider      who are you, which snapshot, which mask key
    bank ◀────────── Signed[ProviderTerms] ─── provider
    bank ─ AskReviewerTerms ──────────────────▶ reviewer      where to seal the opening
    bank ◀────────── Signed[ReviewerTerms] ─── reviewer
    bank ─ AskHistogram ──────────────────────▶ provider      how many companies are in each combination of bins
    bank ◀────── Signed[SealedHistogram] ───── provider       sealed to the reviewer (bin_histogram.py)
    bank ─ SubmitModel (sealed opening) ──────▶ reviewer      bins in the clear, points encrypted and opened
    bank ◀────────── ModelReceived ─────────── reviewer       recomputed, no rule is broken: a case is open
    bank ─ AskDecision ───────────────────────▶ reviewer       and again, until two examiners have decided
    bank ◀── UnderReview | Signed[ModelApproval]  reviewer
    bank ─ RegisterTables + approval ─────────▶ provider      the same ciphertexts, no opening
    bank ─ Query (signed job, subjects) ──────▶ provider
    bank ◀────────────── Signed[Answer] ────── provider       masked, blinded ciphertexts, under a one-time key
    bank ─ Acknowledge + event in the log ────▶ provider      the same for every answer that is of the right size
    bank ◀────────────────── AnswerKey ─────── provider
    bank ─ BandQuery (opened answers) ────────▶ provider      to a banded model's last one, after all others
    bank ◀────────────── Signed[Answer] ────── provider       zero tests of the totals; then as above
    bank ─ Abandon (signed tombstone) ────────▶ provider      instead: the answer's key is never given out
    reviewer ─ WithdrawModel ─────────────────▶ provider      at any time: no job under this approval any more

A provider learns: which bank asks about which consenting subjects, when and for what purpose; the model's name and
version, its bins' edges, the number of features of every provider, the decimals of the points, and how many totals
the model can reach; of a banded model its cuts, and the least and greatest total and their step; and it recognises
a model that is encrypted anew. It never learns points, partial or total scores or bands. The bank learns each
subject's total over all providers and what that total implies: a rare total can determine a part of it, or a
field. By a banded model it learns the band of the total and what the band implies. The reviewer learns the points,
and how many companies of a provider are in each combination of the model's bins where they are k or more. Assumed:
identity keys and roles were pinned at onboarding; not all providers collude with the bank.
"""

from itertools import pairwise
from typing import Annotated, TypeVar

from msgspec import Meta

from compute.binning import Bins
from compute.canonical import Bytes32, Date, Hex32, Message, Milliseconds, Name, Version
from compute.paillier.packing import SlotLayout
from compute.protocols.base import Subject
from compute.protocols.closed_answer.messages import ReleasedAnswer
from compute.protocols.risk_score.bands import Bands, Cuts
from compute.protocols.risk_score.bin_histogram import HistogramQuestion, SealedHistogram
from compute.protocols.risk_score.dossier import Dossier
from compute.signing import Signed, Suite

MAX_ROWS = 1_000_000
MAX_FEATURES = 64
MAX_PROVIDERS = 16
MAX_POINTS_BOUND = 1_000_000
MAX_OPENING = 2**22
"""Bytes of a model's ciphertexts, or of their openings: 4,096 bins under a key of 4,096 bits."""

Modulus = Annotated[bytes, Meta(min_length=256, max_length=512)]
T = TypeVar("T")
Providers = Annotated[tuple[T, ...], Meta(min_length=1, max_length=MAX_PROVIDERS)]


class AskProviderTerms(Message, frozen=True):
    """Bank to provider: the question which snapshot and which mask key are current."""

    bank: Name


class ProviderTerms(Message, frozen=True):
    """What a provider computes on now, and its mask key of this epoch; signed, so nobody can swap the key."""

    provider: Name
    product: Name
    product_version: Version
    snapshot: Hex32
    snapshot_date: Date
    mask_key: Bytes32
    """X25519."""
    expires: Milliseconds


class AskReviewerTerms(Message, frozen=True):
    """Bank to reviewer: the question to which key the opening is sealed."""

    bank: Name


class ReviewerTerms(Message, frozen=True):
    """The reviewer's current HPKE public key; signed."""

    reviewer: Name
    sealing_key: Bytes32
    """X25519, for HPKE (RFC 9180) with HKDF-SHA256 and ChaCha20-Poly1305."""
    expires: Milliseconds


class AskHistogram(Message, frozen=True):
    """Bank to provider: the question, and the reviewer's terms, whose key the answer is sealed to."""

    question: Signed[HistogramQuestion]
    terms: Signed[ReviewerTerms]


class RegisteredTables(Message, frozen=True):
    """One provider's share of a model: bins in the clear, points encrypted, biased by the bound to be ≥ 0.

    ``ciphertexts`` holds the features' tables one after another, one ciphertext per bin.
    """

    bank: Name
    key: Hex32
    """Fingerprint of the bank's modulus."""
    model: Name
    model_version: Version
    provider: Name
    product: Name
    product_version: Version
    bins: Annotated[tuple[Bins, ...], Meta(min_length=1, max_length=MAX_FEATURES)]
    ciphertexts: Annotated[bytes, Meta(max_length=MAX_OPENING)]

    def __post_init__(self) -> None:
        columns = [feature.column for feature in self.bins]
        if any(low >= high for low, high in pairwise(columns)):
            raise ValueError("features must stand in the order of their columns, each column once")


class TableOpening(Message, frozen=True):
    """Points in units, in the order of the ciphertexts, and each one's r in big-endian bytes of n's length."""

    hidden = frozenset({"points", "randomness"})

    points: tuple[Annotated[int, Meta(ge=-MAX_POINTS_BOUND, le=MAX_POINTS_BOUND)], ...]
    randomness: bytes


class Opening(Message, frozen=True):
    """What the reviewer needs to recompute every ciphertext; it travels sealed."""

    tables: Providers[TableOpening]
    dossier: Dossier | None = None


class ModelSubmission(Message, frozen=True):
    """A model for review: every provider's tables and the opening, sealed to the reviewer."""

    bank: Name
    issued_at: Milliseconds
    n: Modulus
    purpose: Name
    points_bound: Annotated[int, Meta(ge=1, le=MAX_POINTS_BOUND)]
    tables: Providers[RegisteredTables]
    sealed_opening: Annotated[bytes, Meta(max_length=2 * MAX_OPENING)]
    histograms: Providers[Signed[SealedHistogram]]
    """Each provider's, in the order of the tables."""
    cuts: Cuts | None = None
    """In units of the points, if answers shall be the bands of totals and not the totals."""


class SubmitModel(Message, frozen=True):
    """Bank to reviewer: review this model."""

    submission: Signed[ModelSubmission]


class ModelReceived(Message, frozen=True):
    """The reviewer has the model, recomputed it and found nothing; its examiners decide."""

    reviewer: Name
    submission: Bytes32
    """The digest of the :class:`ModelSubmission`."""
    at: Milliseconds


class AskDecision(Message, frozen=True):
    """Bank to reviewer: the question what became of its submission of this digest."""

    bank: Name
    submission: Bytes32


class UnderReview(Message, frozen=True):
    """The examiners have not decided yet; after `lapses` they will not, and the model is to be submitted anew."""

    reviewer: Name
    submission: Bytes32
    since: Milliseconds
    lapses: Milliseconds


class ApprovedTables(Message, frozen=True):
    """One provider's part of an approval; ``digest`` is that of its :class:`RegisteredTables`."""

    provider: Name
    product: Name
    product_version: Version
    features: Annotated[int, Meta(ge=1, le=MAX_FEATURES)]
    digest: Bytes32


class ModelApproval(Message, frozen=True):
    """The reviewer's word that the model keeps within the bounds; what a score leaks is log2(outcomes) bits."""

    reviewer: Name
    suite: Suite
    bank: Name
    key: Hex32
    purpose: Name
    tables: Providers[ApprovedTables]
    points_id: Hex32
    """HMAC under the reviewer's key of what the points tell (canonical_points.py), however it is encrypted."""
    points_bound: Annotated[int, Meta(ge=1, le=MAX_POINTS_BOUND)]
    reachable_totals: Annotated[int, Meta(ge=1, lt=2**53)]
    expires: Milliseconds
    bands: Bands | None = None
    """If given, jobs answer with the band of a total and never with the total."""
    rests_on: Bytes32 | None = None
    """The digest of an approval that examiners gave to the same `points_id`: this one follows from it by rule."""

    @property
    def outcomes(self) -> int:
        """How many different answers a subject can get."""
        return self.reachable_totals if self.bands is None else self.bands.count


class Withdrawal(Message, frozen=True):
    """The reviewer takes an approval back for good."""

    reviewer: Name
    bank: Name
    approval: Bytes32
    """The digest of the :class:`ModelApproval`."""
    at: Milliseconds


class WithdrawModel(Message, frozen=True):
    """Reviewer to provider: take no job under this approval any more."""

    withdrawal: Signed[Withdrawal]


class RegisterTables(Message, frozen=True):
    """Bank to provider: keep these tables, which the reviewer approved."""

    tables: RegisteredTables
    approval: Signed[ModelApproval]


class JobStatement(Message, frozen=True):
    """J: everything a job depends on, signed by the bank; every mask is bound to its digest."""

    version: Annotated[int, Meta(ge=1, le=1)]
    suite: Suite
    bank: Name
    n: Modulus
    approval: Bytes32
    providers: Providers[Signed[ProviderTerms]]
    permits: Providers[Name]
    """Each provider's, in the order of the providers."""
    nonce: Bytes32
    subjects_root: Bytes32
    rows: Annotated[int, Meta(ge=0, le=MAX_ROWS)]
    slot_width: Annotated[int, Meta(ge=1, le=64)]
    slots: Annotated[int, Meta(ge=1, le=16384)]
    slot_bias: Annotated[int, Meta(ge=0, lt=2**53)]
    outputs: Annotated[int, Meta(ge=0, le=MAX_ROWS)]
    as_of: Date

    def __post_init__(self) -> None:
        if len(self.permits) != len(self.providers):
            raise ValueError("there must be one permit for each provider")

    def permit_at(self, provider: str) -> str | None:
        """Give the permit named for a provider; None if the provider takes no part."""
        named = zip(self.providers, self.permits, strict=True)
        return next((permit for signed, permit in named if signed.statement.provider == provider), None)

    @property
    def layout(self) -> SlotLayout:
        """The slots as the kernel takes them."""
        return SlotLayout(self.slot_width, self.slots, self.slot_bias)


class Query(Message, frozen=True):
    """Bank to provider: the job, and the subjects and salt that its root commits to."""

    hidden = frozenset({"subjects"})

    job: Signed[JobStatement]
    salt: Bytes32
    subjects: Annotated[tuple[Subject, ...], Meta(max_length=MAX_ROWS)]


class BandQuery(Message, frozen=True):
    """Bank to the last provider of a banded model's job: the query, and all others' answers in the job's order."""

    query: Query
    answers: Providers[ReleasedAnswer]

    @property
    def job(self) -> Signed[JobStatement]:
        """The query's."""
        return self.query.job

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The query's."""
        return self.query.subjects
