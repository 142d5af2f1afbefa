"""How an organisation's office is set up: its steps by matter, deputies, and what is due."""

from apiflask import APIBlueprint

from compute.market.approvals import (
    ApprovalRuleList,
    ApprovalRuleRecord,
    ApprovalRuleRequest,
    ApprovalStep,
    DeadlineList,
    DeputyList,
    DeputyRecord,
    DeputyRequest,
)
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api import render_office
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange
from marketplace.api.etags import if_match
from marketplace.errors import missing
from marketplace.flow.office import Matter, OfficeRole, Rule, StepRule

routes = APIBlueprint("office", __name__)

_RULE = "/approval-rules/<matter>"


@routes.get("/approval-rules")
@needs("approval_rule:read")
@gives(ApprovalRuleList)
def rules() -> ApprovalRuleList:
    """The matters that the organisation has steps for."""
    return ApprovalRuleList(items=tuple(map(render_office.rule, exchange().approval_rules.all_of(actor()))))


@routes.get(_RULE)
@needs("approval_rule:read")
@gives(ApprovalRuleRecord)
def rule(matter: str) -> ApprovalRuleRecord:
    """The organisation's steps for a matter; a rule without steps where there are none."""
    return render_office.rule(exchange().approval_rules.load(actor(), _matter(matter)))


@routes.put(_RULE)
@needs("approval_rule:edit")
@if_match
@takes(form(ApprovalRuleRequest))
@gives(ApprovalRuleRecord)
def put_rule(asked: ApprovalRuleRequest, matter: str, *, revision: str) -> ApprovalRuleRecord:
    """Set the organisation's steps for a matter; approvals under way keep theirs. For its administrator."""
    made = Rule(_matter(matter), tuple(map(_step, asked.steps)), asked.node)
    return render_office.rule(exchange().approval_rules.put(actor(), made, revision))


@routes.get("/deputies")
@needs("deputy:list")
@gives(DeputyList)
def deputies() -> DeputyList:
    """Who acts for whom in the organisation."""
    return DeputyList(items=tuple(map(render_office.deputy, exchange().deputies.all_of(actor()))))


@routes.post("/deputies")
@needs("deputy:name")
@takes(form(DeputyRequest))
@gives(DeputyRecord, 201)
def name_deputy(asked: DeputyRequest) -> DeputyRecord:
    """Have a colleague act for oneself for a time. For members."""
    made = exchange().deputies.name(actor(), asked.deputy, asked.not_before, asked.not_after)
    return render_office.deputy(made)


@routes.post("/deputies/<deputy>/end")
@needs("deputy:name")
@gives(DeputyRecord)
def end_deputy(deputy: str) -> DeputyRecord:
    """End a deputation before its time. For who is represented."""
    return render_office.deputy(exchange().deputies.end(actor(), deputy))


@routes.get("/deadlines")
@needs("deadline:list")
@gives(DeadlineList)
def deadlines() -> DeadlineList:
    """What the organisation has to do, the first due first."""
    return DeadlineList(items=tuple(map(render_office.deadline, exchange().deadlines(actor()))))


def _matter(name: str) -> Matter:
    try:
        return Matter(name)
    except ValueError:
        raise missing("matter", name) from None


def _step(asked: ApprovalStep) -> StepRule:
    role = None if asked.role is None else OfficeRole(asked.role)
    return StepRule(role, asked.members, asked.joint, asked.working_days)
