"""Members: the people of one's own organisation, and how an invited person takes the account."""

from typing import Any

import flask
from apiflask import APIBlueprint

from compute.market.members import (
    Enrolled,
    Invitation,
    InvitationAnswer,
    MemberChange,
    MemberDraft,
    MemberRecord,
    Members,
    Removed,
)
from compute.web.access import public
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api import render
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange
from marketplace.api.etags import if_match
from marketplace.api.queries import Page
from marketplace.store.paging import decode_cursor, encode_cursor
from marketplace.throttle import source_of

routes = APIBlueprint("members", __name__, url_prefix="/members")


@routes.get("")
@needs("member:list")
@routes.input(Page, location="query", arg_name="query")
@gives(Members)
def members(query: dict[str, Any]) -> Members:
    """The people of one's own organisation, by login."""
    after = "" if query["cursor"] is None else str(decode_cursor(query["cursor"], str)[0])
    items = tuple(map(render.member, exchange().members.page(actor(), after, query["limit"])))
    return Members(items=items, next=encode_cursor([items[-1].login]) if len(items) == query["limit"] else None)


@routes.post("")
@needs("member:invite")
@takes(form(MemberDraft))
@gives(Invitation, 201)
def invite(draft: MemberDraft) -> Invitation:
    """Invite a person; the answer has the one-time token, once. For an administrator."""
    return render.invitation(exchange().members.invite(actor(), draft.login, draft.name, draft.roles, draft.email))


@routes.post("/take")
@public
@takes(form(InvitationAnswer))
@gives(Enrolled, 201)
def take(answer: InvitationAnswer) -> Enrolled:
    """Take the account of an invitation: sets the password, gives the authenticator's secret and codes, once."""
    return render.enrolled(
        exchange().members.take(answer.token, answer.password, source_of(flask.request.remote_addr))
    )


@routes.get("/<member>")
@needs("member:read")
@gives(MemberRecord)
def member(member: str) -> MemberRecord:
    """One person of one's own organisation."""
    return render.member(exchange().members.load(actor(), member))


@routes.put("/<member>")
@needs("member:change")
@if_match
@takes(form(MemberChange))
@gives(MemberRecord)
def change(asked: MemberChange, member: str, *, revision: str) -> MemberRecord:
    """Change a person's name, roles and address, by the ETag that was read. For an administrator."""
    changed = exchange().members.change(
        actor(), member, revision, name=asked.name, roles=asked.roles, email=asked.email
    )
    return render.member(changed)


@routes.post("/<member>/reinvite")
@needs("member:reinvite")
@gives(Invitation, 201)
def reinvite(member: str) -> Invitation:
    """Invite a person anew, who has lost password or authenticator; all sessions end. For an administrator."""
    return render.invitation(exchange().members.reinvite(actor(), member))


@routes.post("/<member>/confirm")
@needs("member:confirm")
@gives(MemberRecord)
def confirm(member: str) -> MemberRecord:
    """Confirm whose account it is; until then its owner passes no steps. For another administrator."""
    return render.member(exchange().members.confirm(actor(), member))


@routes.post("/<member>/remove")
@needs("member:remove")
@gives(Removed)
def remove(member: str) -> Removed:
    """Remove a person, with sessions and the keys that the person has issued. For an administrator."""
    return render.removed(exchange().members.remove(actor(), member))
