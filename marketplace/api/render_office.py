"""What is sent of an organisation's own steps."""

import msgspec

from compute.market.approvals import (
    ApprovalRecord,
    ApprovalRuleRecord,
    ApprovalStep,
    AttachmentRecord,
    DeadlineRecord,
    DeputyRecord,
    OpinionRecord,
)
from marketplace.flow import working_days
from marketplace.flow.attachment import Attachment
from marketplace.flow.deadline import Deadline
from marketplace.flow.deputy import Deputation
from marketplace.flow.office import Approval, Opinion, Rule, StepRule
from marketplace.store.approval_rules import revision


def approval(found: Approval, waits_for: frozenset[str]) -> ApprovalRecord:
    """Give the message about an approval; its first opinion tells when it was started."""
    return ApprovalRecord(
        id=found.id,
        matter=found.matter.value,
        command=found.command,
        about=found.about,
        state=found.state.value,
        initiator=found.initiator,
        steps=tuple(map(_step, found.steps)),
        step=found.step,
        round=found.round,
        started=found.history[0].at,
        waits_for=tuple(sorted(waits_for)),
        history=tuple(map(_opinion, found.history)),
    )


def rule(found: Rule) -> ApprovalRuleRecord:
    """Give the message about the steps for a matter."""
    steps = tuple(map(_step, found.steps))
    return ApprovalRuleRecord(matter=found.matter.value, steps=steps, node=found.node, revision=revision(found))


def attachment(found: Attachment) -> AttachmentRecord:
    """Give the message about a file."""
    members = {name: value for name, value in vars(found).items() if name != "approval"}
    return msgspec.convert(members, AttachmentRecord)


def deputy(found: Deputation) -> DeputyRecord:
    """Give the message about who acts for whom."""
    members = {name: value for name, value in vars(found).items() if name != "organisation"}
    return msgspec.convert(members, DeputyRecord)


def deadline(found: Deadline) -> DeadlineRecord:
    """Give the message about what is due, by when it first was."""
    due = found.started + found.term
    return DeadlineRecord(
        noun=found.noun,
        name=found.name,
        due=due,
        escalated=int(found.level),
        announced=working_days.is_announced(due),
    )


def _step(found: StepRule) -> ApprovalStep:
    return msgspec.convert(vars(found), ApprovalStep)


def _opinion(found: Opinion) -> OpinionRecord:
    return OpinionRecord(
        round=found.round,
        step=found.step,
        move=found.move.value,
        member=found.member,
        on_behalf_of=found.on_behalf_of,
        opinion=found.text,
        at=found.at,
    )
