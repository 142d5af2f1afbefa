"""What analysts say to their own node about labels and statistics, and hear from it."""

from typing import Annotated, Literal

from msgspec import Meta

from compute.binning import Bins
from compute.canonical import Date, Hex32, Message, Milliseconds, Name, Version
from compute.node.console.messages import Providers, Reference, require_day
from compute.protocols.base import Subject
from compute.protocols.joint_statistics.messages import (
    MAX_FEATURES,
    MAX_PROVIDERS,
    Digits,
    Milliepsilon,
    Precheck,
    Reason,
)
from compute.protocols.label_vector.alphabet import LEAST_WIDTH, MAX_CLASSES, MOST_WIDTH
from compute.protocols.label_vector.messages import MAX_ROWS
from compute.terms import AlignmentBasis

ClassName = Annotated[
    str, Meta(pattern=r"\A[^\x00-\x1f\x7f]{1,64}\Z", description="1 to 64 characters in one line")
]
Classes = Annotated[tuple[ClassName, ...], Meta(min_length=1, max_length=MAX_CLASSES)]
Label = Annotated[int, Meta(ge=1, le=MAX_CLASSES)]
Rows = Annotated[int, Meta(ge=1, le=MAX_ROWS)]
Column = Bins | Name
"""Bins of a column, or its name alone: then its bins are all cells of the grid that its provider publishes."""
CohortKind = Literal["hidden", "disclosed"]

# --- labels -----------------------------------------------------------------------------------------------------


class LabelRegistration(Message, frozen=True):
    """Asks to register a class for each company of a cohort at providers, under a contract.

    Without a legal basis the cohort stays hidden in the bank's frame; with one, every provider learns which of its
    companies are in it.
    """

    hidden = frozenset({"subjects", "labels", "classes"})

    reference: Reference
    contract: Name
    name: Name
    """What the bank calls them; under a contract each name is one set of labels."""
    providers: Providers
    classes: Classes
    """Their names, which stay at the bank: a label c is the c-th."""
    subjects: Annotated[tuple[Subject, ...], Meta(min_length=1, max_length=MAX_ROWS)]
    labels: Annotated[tuple[Label, ...], Meta(min_length=1, max_length=MAX_ROWS)]
    """The subjects' classes, in their order: 1 for the first, and so on."""
    width: Annotated[int, Meta(ge=LEAST_WIDTH, le=MOST_WIDTH)] | None = None
    """Bits in which a class is counted; null for as many as can be proven."""
    legal_basis: AlignmentBasis | None = None
    declared_rows: dict[Name, Rows] | None = None
    """With a legal basis: how many companies each provider has said that it holds. No more are answered."""

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.subjects):
            raise ValueError(f"{len(self.labels)} labels for {len(self.subjects)} subjects; give one for each")
        if repeated := len(self.subjects) - len(set(self.subjects)):
            raise ValueError(f"{repeated} subjects are there twice; name each once")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("a class is named twice; name each once")
        if max(self.labels) > len(self.classes):
            raise ValueError(f"a label is {max(self.labels)}, of {len(self.classes)} classes; correct it")
        if len(set(self.providers)) < len(self.providers):
            raise ValueError("a provider is named twice; name each once")
        if set(self.declared_rows or ()) != set(self.providers if self.legal_basis else ()):
            raise ValueError(
                "a disclosed cohort needs the rows that each provider has declared, a hidden one none; correct it"
            )


class LabelsRegistered(Message, frozen=True):
    """Labels that the providers hold, under which name each holds them."""

    name: Name
    contract: Name
    vectors: dict[Name, Hex32]
    """Provider → digest of the label vector."""
    rows: int
    """Ciphertexts: companies of the frame, or of the cohort."""
    milliseconds: int
    """In the run that finished."""
    sent: dict[Name, int]
    """Bytes of messages to each provider, in that run."""
    received: dict[Name, int]


class VectorHeld(Message, frozen=True):
    """Labels at one provider."""

    provider: Name
    vector: Hex32
    alignment: Hex32 | None
    """Of a disclosed cohort."""
    parts: int
    registered: int
    """Of the parts; statistics can be asked for once it is all."""


class LabelSetHeld(Message, frozen=True):
    """A set of labels as the bank knows it, without the labels."""

    hidden = frozenset({"classes"})

    contract: Name
    name: Name
    kind: CohortKind
    classes: Classes
    width: int | None
    """Null until it is known what can be proven."""
    subjects: int
    at: Milliseconds
    vectors: tuple[VectorHeld, ...]


class LabelsHeld(Message, frozen=True):
    """The labels that the bank registered, by contract and name."""

    labels: tuple[LabelSetHeld, ...]


# --- statistics -------------------------------------------------------------------------------------------------


class CrossColumns(Message, frozen=True):
    """Two columns of one provider against each other."""

    first: Column
    second: Column


class StatisticsPart(Message, frozen=True):
    """What one provider is asked."""

    provider: Name
    histograms: Annotated[tuple[Column, ...], Meta(max_length=MAX_FEATURES)] = ()
    crosses: Annotated[tuple[CrossColumns, ...], Meta(max_length=MAX_FEATURES)] = ()
    moments: Annotated[tuple[Name, ...], Meta(max_length=MAX_FEATURES)] = ()


class StatisticsRequest(Message, frozen=True):
    """Asks for statistics over registered labels, of one provider or of several at once."""

    reference: Reference
    contract: Name
    labels: Name
    """The registered labels; where they are not the weights, their disclosed cohort."""
    weighted: bool
    """Whether the labels are the weights: then there is noise, and a price. Otherwise there is neither."""
    parts: Annotated[tuple[StatisticsPart, ...], Meta(min_length=1, max_length=MAX_PROVIDERS)]
    milliepsilon: Milliepsilon
    """Of each provider: thousandths of ε."""
    as_of: Date

    def __post_init__(self) -> None:
        require_day("as_of", self.as_of)
        providers = [part.provider for part in self.parts]
        if len(set(providers)) < len(providers):
            raise ValueError("a provider is asked twice; put its tables into one part")


class ProviderPrecheck(Message, frozen=True):
    """What one provider says of its part."""

    provider: Name
    precheck: Precheck | None
    reason: str | None
    """Why it would refuse."""
    remedy: str | None


class Prechecks(Message, frozen=True):
    """What a request would cost and tell, at each provider; nothing was computed."""

    providers: tuple[ProviderPrecheck, ...]
    estimated_milliseconds: int
    """Of the whole job, by what was measured here before."""


class StatisticsDone(Message, frozen=True):
    """Finished statistics; the tables are in a folder of the bank's and at `/statistics/<job>/statistics.json`."""

    files: tuple[str, ...]
    """Their paths on the bank's node."""
    milliseconds: int
    """From the first question to the providers to the last decrypted number, in the run that finished."""
    sent: dict[Name, int]
    """Bytes of messages to each provider, in that run."""
    received: dict[Name, int]


class ResultTable(Message, frozen=True):
    """One table as a provider told it."""

    hidden = frozenset({"numbers"})

    measure: Literal["companies", "count", "sum", "squares"]
    """Companies in each cell; or of a column how many have a value, the values' sum, the sum of their squares."""
    columns: tuple[Name, ...]
    bins: tuple[Bins, ...]
    """The column's, or both columns' of a cross-table, where the second's count fastest; moments have none."""
    numbers: tuple[tuple[Digits, ...] | None, ...]
    """For each cell a number for each class, noise included; null where it was withheld."""
    reasons: tuple[Reason, ...]
    """Why cells were withheld, of the table as a whole."""
    scale_numerator: Digits
    scale_denominator: Digits
    """b of the noise z in each number, P(z) ∝ exp(−|z|/b), as a fraction; 0 where there is none."""
    bound: Digits
    """No noise is greater."""
    low: Digits
    high: Digits
    """Of moments with noise: values were clipped to these, in units of 10^-decimals, and counted from `low`."""
    decimals: int


class ProviderStatistics(Message, frozen=True):
    """What one provider told."""

    provider: Name
    product: Name
    product_version: Version
    question: Hex32
    milliepsilon: int
    snapshot: Hex32
    snapshot_date: Date
    is_present_only: bool
    """Current values, not for model development: the provider has none of the day asked for."""
    repeated: tuple[Name, ...]
    """Columns whose values are those of an earlier answer: fewer than k have changed since, or none."""
    tables: tuple[ResultTable, ...]


class StatisticsResult(Message, frozen=True):
    """The statistics of one request; what follows from them is computed at the bank (`compute.statistics`)."""

    hidden = frozenset({"classes"})

    reference: Reference
    contract: Name
    labels: Name
    weighted: bool
    classes: Classes
    """Of the numbers in every cell; the one class `all` where the labels were not the weights."""
    as_of: Date
    job: Hex32
    """The digest by which the audit log names the job."""
    providers: tuple[ProviderStatistics, ...]
