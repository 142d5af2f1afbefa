"""Interventions 代办: what the operator does for an organisation that cannot by itself, proposed and confirmed."""

from typing import Any

from apiflask import APIBlueprint

from compute.market.interventions import (
    AdministratorProposal,
    InterventionOpinion,
    InterventionRecord,
    Interventions,
    ProfileProposal,
)
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange
from marketplace.api.etags import if_match
from marketplace.api.queries import Page
from marketplace.flow.intervention import Intervention
from marketplace.revision import revision_of
from marketplace.store.paging import decode_cursor, encode_cursor

routes = APIBlueprint("interventions", __name__)

_ONE = "/interventions/<intervention>"


@routes.post("/organisations/<name>/complete")
@needs("intervention:propose")
@if_match
@takes(form(ProfileProposal))
@gives(InterventionRecord, 201)
def complete(proposal: ProfileProposal, name: str, *, revision: str) -> InterventionRecord:
    """Propose what an organisation from an earlier version is, by the ETag that was read. For the operator."""
    made = exchange().interventions.complete(actor(), name, proposal.profile, proposal.evidence, revision)
    return _record(made)


@routes.post("/organisations/<name>/administrator")
@needs("intervention:propose")
@takes(form(AdministratorProposal))
@gives(InterventionRecord, 201)
def readminister(proposal: AdministratorProposal, name: str) -> InterventionRecord:
    """Propose an administrator of an organisation that has lost its own, on its letter. For the operator."""
    return _record(exchange().interventions.readminister(actor(), name, proposal))


@routes.get("/interventions")
@needs("intervention:list")
@routes.input(Page, location="query", arg_name="query")
@gives(Interventions)
def interventions(query: dict[str, Any]) -> Interventions:
    """Proposals about one's own organisation, the newest first; the operator and supervisors see all."""
    behind, limit = None, query["limit"]
    if query["cursor"] is not None:
        at, name = decode_cursor(query["cursor"], int, str)
        behind = int(at), str(name)
    found = exchange().interventions.page(actor(), behind, limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    following = None if last is None else encode_cursor((last.proposed_at, last.id))
    return Interventions(items=tuple(map(_record, found[:limit])), next=following)


@routes.get(_ONE)
@needs("intervention:read")
@gives(InterventionRecord)
def intervention(intervention: str) -> InterventionRecord:
    """One proposal. For the organisation, the operator and supervisors."""
    return _record(exchange().interventions.load(actor(), intervention))


@routes.post(f"{_ONE}/confirm")
@needs("intervention:confirm")
@if_match
@gives(InterventionRecord)
def confirm(intervention: str, *, revision: str) -> InterventionRecord:
    """Carry a proposal out, by the ETag that was read. For the operator, not who proposed it."""
    return _record(exchange().interventions.confirm(actor(), intervention, revision))


@routes.post(f"{_ONE}/reject")
@needs("intervention:reject")
@takes(form(InterventionOpinion))
@gives(InterventionRecord)
def reject(said: InterventionOpinion, intervention: str) -> InterventionRecord:
    """Take a proposal back as the operator, or object to it as an administrator of the organisation."""
    return _record(exchange().interventions.reject(actor(), intervention, said.opinion))


def _record(found: Intervention) -> InterventionRecord:
    return InterventionRecord(
        intervention=found.id,
        organisation=found.organisation,
        matter=found.matter.value,
        reason=found.reason,
        evidence=found.evidence,
        proposal=found.proposal,
        state=found.state.value,
        proposer=found.proposer,
        proposed_at=found.proposed_at,
        not_before=found.not_before,
        decider=found.decider,
        decided_at=found.decided_at,
        opinion=found.opinion,
        revision=revision_of(found),
    )
