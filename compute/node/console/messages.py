"""What staff say to their own node and hear from it; what concerns the marketplace is in `compute.market`."""

from datetime import date
from typing import Annotated

from msgspec import Meta

from compute.canonical import Bytes32, Date, Hex32, Message, Milliseconds, Name, Version
from compute.node.console.submission_states import SubmissionState
from compute.protocols.base import Subject, Ticket
from compute.protocols.risk_score.messages import MAX_PROVIDERS, MAX_ROWS
from compute.records import ConsentKind
from compute.terms import MAX_USES, DraftTerms, Grant, Operation, Purpose, SubjectType, Terms

MAX_JOBS = 100
"""Jobs in one answer."""

Reference = Name
"""A request's name, chosen by its author: the same request under the same name is done once."""
Subjects = Annotated[tuple[Subject, ...], Meta(min_length=1, max_length=MAX_ROWS)]
Providers = Annotated[tuple[Name, ...], Meta(min_length=1, max_length=MAX_PROVIDERS)]


class ShownTerms(Message, frozen=True):
    """The terms of an application or contract, for a person to read, and what they then decide about."""

    terms: Terms
    begins: str
    """`terms.not_before` as a date: ISO 8601, UTC."""
    ends: str
    """`terms.not_after` likewise."""
    digest: Hex32
    """SHA-256 of the canonical terms, as this node computed it."""


class ReadTerms(Message, frozen=True):
    """What a person decides about: the terms as they read them."""

    terms: Hex32
    """SHA-256 of the canonical terms. Others under the same contract are not meant."""


class AmendmentDraft(Message, frozen=True):
    """What a contract is to be from its next version on; the node makes the agreement's digest."""

    terms: DraftTerms


class ApplicationDraft(Message, frozen=True):
    """What the bank wants to apply for; the node makes the terms of it."""

    reference: Reference
    grants: Annotated[tuple[Grant, ...], Meta(min_length=1, max_length=MAX_PROVIDERS)]
    purpose: Purpose
    model_reviewer: Name
    max_uses: Annotated[int, Meta(ge=1, le=MAX_USES)]
    not_before: Milliseconds
    not_after: Milliseconds
    operation: Operation
    subject_types: Annotated[tuple[SubjectType, ...], Meta(min_length=1, max_length=3)]
    """Whose data is used: sole traders and persons consent separately."""

    def __post_init__(self) -> None:
        _require_milliseconds("not_after", self.not_after)


class ConsentRegistration(Message, frozen=True):
    """Consents that the bank holds; `subjects` null stands for all of its applicants."""

    hidden = frozenset({"subjects"})

    batch: Name
    kind: ConsentKind
    evidence: Bytes32
    """SHA-256 of the evidence, which stays at the bank."""
    expires: Milliseconds
    subjects: Subjects | None

    def __post_init__(self) -> None:
        _require_milliseconds("expires", self.expires)


class ConsentBatchHeld(Message, frozen=True):
    """A batch of consents as the bank registered it; some may have been withdrawn since."""

    batch: Name
    kind: ConsentKind
    evidence: Bytes32
    at: Milliseconds
    expires: Milliseconds
    consents: int


class ConsentsHeld(Message, frozen=True):
    """What the bank registered under a contract, in the order of registration."""

    hidden = frozenset({"subjects"})

    contract: Name
    batches: tuple[ConsentBatchHeld, ...]
    subjects: tuple[Subject, ...]
    """The applicants whose consent stands now."""


class WithdrawnSubjects(Message, frozen=True):
    """Subjects who took their consent back."""

    hidden = frozenset({"subjects"})

    subjects: Subjects


class PermitsPresented(Message, frozen=True):
    """The permits of a contract, each presented at its provider: provider → permit."""

    contract: Name
    permits: dict[Name, Name]


class ErasureRequest(Message, frozen=True):
    """Asks to erase a subject under a contract at this node, for good."""

    contract: Name
    subject: Subject


class SubjectErased(Message, frozen=True):
    """A subject is erased under a contract; for whom this node had nothing, so are all traces."""

    contract: Name
    new: bool
    """False if it had been erased before."""
    wiped: bool
    """Whether its salt is overwritten in every file already; otherwise it is within a minute."""


CaseNumber = Annotated[
    str, Meta(pattern=r"\A[^\x00-\x1f\x7f]{1,100}\Z", description="1 to 100 characters in one line")
]


class LegalHold(Message, frozen=True):
    """A case for which nobody is erased under a contract, until a time or until it is lifted."""

    contract: Name
    case_number: CaseNumber
    until: Milliseconds

    def __post_init__(self) -> None:
        _require_milliseconds("until", self.until)


class LegalHolds(Message, frozen=True):
    """The legal holds on a contract, those over too, in the order of their cases."""

    contract: Name
    holds: tuple[LegalHold, ...]


class LiftedHold(Message, frozen=True):
    """A case that needs a contract no more."""

    case_number: CaseNumber


class SubjectNamed(Message, frozen=True):
    """The subject that something is asked about."""

    subject: Subject


class SubjectUse(Message, frozen=True):
    """A use of the provider's data, and whether a subject was among those asked about.

    To be checked by `audit.subjects`: against root and rows of the log's entry about the job, and never against
    those given here.
    """

    hidden = frozenset({"salt"})

    contract: Name
    job: Hex32
    """The digest of the job's statement."""
    at: Milliseconds
    subjects_root: Hex32
    rows: int
    salt: Hex32
    """The subject's under the contract: for the subject and who checks for it, and for nobody else."""
    present: bool
    proof: str
    """`audit.presence`: JSON."""


class SubjectUses(Message, frozen=True):
    """All uses of the provider's data under every contract, each with a proof about one subject."""

    provider: Name
    subject: Subject
    uses: tuple[SubjectUse, ...]
    erased: tuple[Name, ...]
    """The contracts under which the subject was erased: of their uses nothing can be told."""


class BankLeakage(Message, frozen=True):
    """What all scores of a bank could tell of a subject at most, in thousandths of a bit."""

    bank: Name
    millibits: int


class SubjectLeakage(Message, frozen=True):
    """What scores could tell of a subject's row at a provider, and how much they may."""

    provider: Name
    subject: Subject
    banks: tuple[BankLeakage, ...]
    millibits: int
    """Of all banks together."""
    bank_bits: float
    """What may be told to one bank, in bits."""
    all_bits: float
    """What may be told to all together, in bits."""


class KeyEnrolment(Message, frozen=True):
    """Asks to prove the bank's Paillier key to these providers."""

    reference: Reference
    providers: Providers


class ModelRegistration(Message, frozen=True):
    """Asks to have a scorecard reviewed for use under a contract, to register it once it is approved."""

    hidden = frozenset({"scorecard"})

    reference: Reference
    contract: Name
    scorecard: Annotated[str, Meta(max_length=2**20)]
    """`compute.protocols.risk_score.scorecard`."""


class Scoring(Message, frozen=True):
    """Asks to score subjects; null stands for all of the bank's applicants."""

    hidden = frozenset({"subjects"})

    reference: Reference
    contract: Name
    model: Name
    model_version: Version
    as_of: Date
    subjects: Subjects | None

    def __post_init__(self) -> None:
        require_day("as_of", self.as_of)


class KeyEnrolled(Message, frozen=True):
    """The providers that took the key, and its fingerprint."""

    key: Hex32
    providers: Providers


class ModelCollection(Message, frozen=True):
    """Asks for the decision about a submission, and to register the model if it is approved."""

    submission: Hex32


class ModelSubmitted(Message, frozen=True):
    """A model that its reviewer has received and that breaks no rule; its examiners decide."""

    model: Name
    model_version: Version
    submission: Hex32
    """The digest by which the reviewer knows it."""
    reviewer: Name
    at: Milliseconds


class ModelHeld(Message, frozen=True):
    """A model that the bank submitted, as the bank knows it."""

    model: Name
    model_version: Version
    submission: Hex32
    reviewer: Name
    at: Milliseconds
    """When it was submitted."""
    state: SubmissionState
    reason: str | None
    """What the reviewer said that ended it."""
    approval: Hex32 | None
    expires: Milliseconds | None


class Models(Message, frozen=True):
    """The models that the bank submitted, the newest first."""

    models: tuple[ModelHeld, ...]


class ModelRegistered(Message, frozen=True):
    """A model that the providers hold, and what one score of it can tell at most."""

    model: Name
    model_version: Version
    approval: Hex32
    reachable_totals: int
    bands: int | None = None
    """Their number, if scores of the model are bands: of so many different answers each score is one."""


class Scored(Message, frozen=True):
    """A finished scoring; the scores are in a folder of the bank's and at `/scorings/<job>/scores.csv`."""

    rows: int
    milliseconds: int
    """From the first question to the providers to the last decrypted total, in the run that finished."""
    sent: dict[Name, int]
    """Bytes of messages to each provider, in that run."""
    received: dict[Name, int]
    scores: str
    """Path of the CSV on the bank's node; the Parquet file lies beside it."""


class Jobs(Message, frozen=True):
    """A page of the bank's jobs, the newest first; a page shorter than MAX_JOBS is the last."""

    jobs: Annotated[tuple["JobView", ...], Meta(max_length=MAX_JOBS)]


class JobView(Message, frozen=True):
    """A job of the bank's, as it stands."""

    job: Ticket
    reference: Reference
    kind: str
    state: str
    size: int
    """Units of work: rows, bins, or proofs."""
    estimated_milliseconds: int
    """How long the whole job was expected to run, as it was submitted: by what was measured here before."""
    created_at: Milliseconds
    started_at: Milliseconds | None
    finished_at: Milliseconds | None
    step: str | None
    done: int
    total: int
    milliseconds_left: int | None
    """Until this step is over, once its pace is known."""
    error: str | None
    reason: str | None
    remedy: str | None
    """Of a job that failed or was cancelled: what to do next."""
    subjects: tuple[Subject, ...]
    """Those that a refusal is about."""


_SECONDS = 10**11
"""What is less is a time in seconds: in milliseconds it would lie in 1973 at the latest."""


def _require_milliseconds(name: str, time: int) -> None:
    if time < _SECONDS:
        raise ValueError(f"{name} {time} lies in the past, unless it is in seconds; give milliseconds since 1970")


def require_day(name: str, day: str) -> None:
    """Raise ValueError unless the calendar has this day."""
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise ValueError(f"{name} {day} is no day of the calendar; correct it") from error
