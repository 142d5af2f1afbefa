"""What a reviewer's staff say to their node about models under review, and hear from it."""

from typing import Annotated

from msgspec import Meta

from compute.canonical import Hex32, Message, Milliseconds, Name, Version
from compute.protocols.risk_score.assessment import Assessment
from compute.protocols.risk_score.case import CaseId, Reading, Reason, Step
from compute.protocols.risk_score.case_states import ModelCaseState, RefusalCode
from compute.protocols.risk_score.comparison import FeatureMark
from compute.protocols.risk_score.desk import VersionDifference
from compute.protocols.risk_score.opened import CaseFile

MAX_CASES = 200
"""In one answer."""


class CaseSummary(Message, frozen=True):
    """A case in the list."""

    case: CaseId
    bank: Name
    model: Name
    model_version: Version
    purpose: Name
    state: ModelCaseState
    opened_at: Milliseconds
    lapses_at: Milliseconds
    approvers: tuple[Name, ...]
    """The examiners who have approved it."""
    needed: Annotated[int, Meta(ge=1)]
    """How many have to."""
    expires: Milliseconds | None
    """Of the approval, once there is one."""


class Cases(Message, frozen=True):
    """The latest cases: those that wait, then the others, each the newest first."""

    cases: tuple[CaseSummary, ...]


class WithdrawalDelivery(Message, frozen=True):
    """When a provider took the withdrawal; null while it has not."""

    provider: Name
    accepted_at: Milliseconds | None


class CaseView(Message, frozen=True):
    """All of a case that the node has; the opened model and its dossier only while it is undecided."""

    summary: CaseSummary
    submission: Hex32
    points_id: Hex32
    bits: float
    """log2 of the reachable totals, or of the bands: the most that one score can tell of a subject."""
    assessment: Assessment
    features: tuple[FeatureMark, ...]
    file: CaseFile | None
    differences: tuple[VersionDifference, ...]
    steps: tuple[Step, ...]
    readings: tuple[Reading, ...]
    """Who has looked at the opened model."""
    approval: Hex32 | None
    rests_on: Hex32 | None
    """The approval of the same points that this one follows from, if it was given by rule."""
    deliveries: tuple[WithdrawalDelivery, ...]


class CaseRefusal(Message, frozen=True):
    """Why an examiner refuses: a word for the log, and a sentence for the bank."""

    code: RefusalCode
    reason: Reason


class CaseWithdrawal(Message, frozen=True):
    """Why an examiner takes an approval back, in a sentence for the bank."""

    reason: Reason
