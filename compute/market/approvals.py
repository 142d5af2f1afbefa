"""An organisation's own steps before it acts: their rules, the approvals, what is attached, who is a deputy."""

from typing import Annotated, Literal

from msgspec import Meta

from compute.canonical import Hex32, Line, Message, Milliseconds, Name, Prose
from compute.market.count import Count

_MEMBER = "a member's id: up to 64 letters, digits, _ or -"
Member = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z", description=_MEMBER)]
OfficeRole = Literal["handler", "section_chief", "leader", "operator_clerk", "operator_reviewer"]


class ApprovalStep(Message, frozen=True):
    """One step: held by all who have a role, or by the members named."""

    working_days: Annotated[int, Meta(ge=1, le=60)]
    role: OfficeRole | None = None
    members: Annotated[tuple[Member, ...], Meta(max_length=20)] = ()
    joint: bool = False
    """会签: all of its holders have to pass it, not any one."""


class ApprovalRuleRequest(Message, frozen=True):
    """The steps for a matter; without any the organisation acts at once."""

    steps: Annotated[tuple[ApprovalStep, ...], Meta(max_length=8)]
    node: bool = False
    """Whether the organisation's node may act without the steps."""


class ApprovalRuleRecord(Message, frozen=True):
    """The steps for a matter."""

    matter: str
    steps: tuple[ApprovalStep, ...]
    node: bool
    revision: Hex32
    """What a change has to name in If-Match."""


class ApprovalRuleList(Message, frozen=True):
    """The matters that an organisation has steps for."""

    items: tuple[ApprovalRuleRecord, ...]


class OpinionRecord(Message, frozen=True):
    """What one member did, and said."""

    round: Count
    step: Count
    move: str
    member: Member
    on_behalf_of: Member | None
    """Whose deputy the member was."""
    opinion: str | None
    at: Milliseconds


class ApprovalRecord(Message, frozen=True):
    """An approval within an organisation: a command that waits for its steps."""

    id: Name
    matter: str
    command: str
    about: str
    state: str
    initiator: Member
    steps: tuple[ApprovalStep, ...]
    step: Count
    """The number of the step it waits at, from 0."""
    round: Count
    started: Milliseconds
    waits_for: tuple[Member, ...]
    history: tuple[OpinionRecord, ...]


class ApprovalPage(Message, frozen=True):
    """Approvals, the newest first."""

    items: tuple[ApprovalRecord, ...]
    next: str | None
    """The cursor of the next page, if there is one."""


class ApprovalOpinion(Message, frozen=True):
    """What a member says when it passes, returns or rejects a step."""

    opinion: Prose | None = None
    on_behalf_of: Member | None = None
    """For whom, where the member is the deputy of several."""


class ApprovalRemark(Message, frozen=True):
    """What an initiator says when it withdraws or resubmits."""

    opinion: Prose | None = None


class AttachmentRecord(Message, frozen=True):
    """A file of an approval."""

    number: Count
    name: Line
    media_type: str
    digest: Hex32
    """SHA-256 of the content."""
    size: Count
    """Bytes."""
    member: Member
    at: Milliseconds


class AttachmentList(Message, frozen=True):
    """The files of an approval, in their order."""

    items: tuple[AttachmentRecord, ...]


class DeputyRequest(Message, frozen=True):
    """Who acts for a member, from when until when."""

    deputy: Member
    not_before: Milliseconds
    not_after: Milliseconds


class DeputyRecord(Message, frozen=True):
    """Who acts for whom."""

    id: Name
    member: Member
    deputy: Member
    not_before: Milliseconds
    not_after: Milliseconds


class DeputyList(Message, frozen=True):
    """Who acts for whom in an organisation, by its start."""

    items: tuple[DeputyRecord, ...]


class DeadlineRecord(Message, frozen=True):
    """Something that an organisation has to do by a time."""

    noun: str
    name: str
    due: Milliseconds
    escalated: Count
    """0 while it is not overdue, 1 once its holder was told, 2 once its superior was."""
    announced: bool
    """Whether the holidays of that year are known here: else the day may move."""


class DeadlineList(Message, frozen=True):
    """What an organisation has to do, the first due first."""

    items: tuple[DeadlineRecord, ...]
