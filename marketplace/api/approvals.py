"""An organisation's own steps before it acts: what its members do with them. To others there are none."""

from typing import Any
from urllib.parse import quote

import flask
from apiflask import APIBlueprint

from compute.market.applications import Decision
from compute.market.approvals import (
    ApprovalOpinion,
    ApprovalPage,
    ApprovalRecord,
    ApprovalRemark,
    AttachmentList,
    AttachmentRecord,
)
from compute.market.contracts import ContractRecord
from compute.web.body import Form, Raw, answers, gives, respond, takes
from compute.web.forms import form
from marketplace.api import render, render_office
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange, expire_due
from marketplace.api.queries import ApprovalQuery, FileName
from marketplace.command import ApprovalStarted
from marketplace.flow.office import Approval
from marketplace.flow.office_states import ApprovalState
from marketplace.store.paging import decode_cursor, encode_cursor

routes = APIBlueprint("approvals", __name__)
routes.before_request(expire_due)

_APPROVAL = "/approvals/<approval>"
_FILE: Form[bytes] = Form("application/octet-stream", bytes, str)


@routes.get("/approvals")
@needs("approval:list")
@routes.input(ApprovalQuery, location="query", arg_name="query")
@gives(ApprovalPage)
def approvals(query: dict[str, Any]) -> ApprovalPage:
    """The organisation's own approvals, the newest first."""
    limit, state = query["limit"], query["state"]
    behind = None
    if query["cursor"] is not None:
        at, name = decode_cursor(query["cursor"], int, str)
        behind = int(at), str(name)
    found = exchange().approvals.page(actor(), behind, limit + 1, None if state is None else ApprovalState(state))
    items = tuple(render_office.approval(each, waits) for _, each, waits in found[:limit])
    last = found[limit - 1] if len(found) > limit else None
    return ApprovalPage(items=items, next=None if last is None else encode_cursor((last[0], last[1].id)))


@routes.get(_APPROVAL)
@needs("approval:read")
@gives(ApprovalRecord)
def approval(approval: str) -> ApprovalRecord:
    """An approval with its history. For the organisation itself."""
    return _shown(exchange().approvals.load(actor(), approval))


@routes.post(f"{_APPROVAL}/pass")
@needs("approval:decide")
@takes(form(ApprovalOpinion))
@gives(ApprovalRecord)
def pass_step(said: ApprovalOpinion, approval: str) -> ApprovalRecord:
    """Pass the step it waits at; with the last one the command is carried out. For who holds it, and deputies."""
    return _shown(exchange().approvals.pass_step(actor(), approval, said.opinion, said.on_behalf_of))


@routes.post(f"{_APPROVAL}/return")
@needs("approval:decide")
@takes(form(ApprovalOpinion))
@gives(ApprovalRecord)
def return_for_correction(said: ApprovalOpinion, approval: str) -> ApprovalRecord:
    """Return it to its initiator for correction. For who holds the step, and deputies."""
    return _shown(exchange().approvals.return_for_correction(actor(), approval, said.opinion, said.on_behalf_of))


@routes.post(f"{_APPROVAL}/reject")
@needs("approval:decide")
@takes(form(ApprovalOpinion))
@gives(ApprovalRecord)
def reject(said: ApprovalOpinion, approval: str) -> ApprovalRecord:
    """Reject it: the organisation does not act. For who holds the step, and deputies."""
    return _shown(exchange().approvals.reject(actor(), approval, said.opinion, said.on_behalf_of))


@routes.post(f"{_APPROVAL}/withdraw")
@needs("approval:decide")
@takes(form(ApprovalRemark))
@gives(ApprovalRecord)
def withdraw(said: ApprovalRemark, approval: str) -> ApprovalRecord:
    """Take it back. For its initiator."""
    return _shown(exchange().approvals.withdraw(actor(), approval, said.opinion))


@routes.post(f"{_APPROVAL}/resubmit")
@needs("approval:decide")
@takes(form(ApprovalRemark))
@gives(ApprovalRecord)
def resubmit(said: ApprovalRemark, approval: str) -> ApprovalRecord:
    """Submit a returned one again as it is; the command sent again does so with changes. For its initiator."""
    return _shown(exchange().approvals.resubmit(actor(), approval, said.opinion))


# --- what is attached -----------------------------------------------------------------------------------------


@routes.get(f"{_APPROVAL}/attachments")
@needs("approval:read")
@gives(AttachmentList)
def attachments(approval: str) -> AttachmentList:
    """The files of an approval. For the organisation itself."""
    found = exchange().attachments.of(actor(), approval)
    return AttachmentList(items=tuple(map(render_office.attachment, found)))


@routes.post(f"{_APPROVAL}/attachments")
@needs("approval:attach")
@routes.input(FileName, location="query", arg_name="query")
@takes(_FILE)
@gives(AttachmentRecord, 201)
def attach(content: bytes, approval: str, query: dict[str, str]) -> AttachmentRecord:
    """Attach a PDF, PNG, JPEG, DOCX or XLSX file of at most 5 MiB. For the initiator and who holds the step."""
    return render_office.attachment(exchange().attachments.add(actor(), approval, query["name"], content))


@routes.get(f"{_APPROVAL}/attachments/<int:number>")
@needs("approval:read")
@answers({200: Raw("application/octet-stream")})
def attachment(approval: str, number: int) -> flask.Response:
    """A file, to be saved. For the organisation itself."""
    found, content = exchange().attachments.load(actor(), approval, number)
    # Never shown as a page, whatever it is: the type is this one, and `X-Content-Type-Options` keeps it (app.py).
    response = flask.Response(content, content_type="application/octet-stream")
    name = quote(found.name, safe="")  # RFC 8187
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    return response


# --- signing --------------------------------------------------------------------------------------------------


@routes.post("/contracts/<contract>/ready")
@needs("contract:ready")
@takes(form(Decision))
@answers({200: ContractRecord, 202: ApprovalRecord})
def ready(decision: Decision, contract: str) -> flask.Response:
    """Agree that one's node signs the terms as read, by one's own steps if there are any. For its parties."""
    return respond(render.contract(exchange().readiness.declare(actor(), contract, decision.terms)))


def waiting(started: ApprovalStarted) -> flask.Response:
    """Answer a command that waits for its organisation's own steps: 202, with the approval."""
    return respond(_shown(started.approval), 202)


def _shown(found: Approval) -> ApprovalRecord:
    return render_office.approval(found, exchange().approvals.waiting(actor(), found))
