"""Organisations: whoever wants to take part applies; the operator reviews, suspends and reinstates.

An applicant is no principal yet: the token of the application is sent as `Authorization: Bearer vma_…`.
"""

from typing import Any

import flask
from apiflask import APIBlueprint

from compute.market.members import Invitation, MemberRecord
from compute.market.organisations import (
    Acceptance,
    ApplicationReceipt,
    ContactChange,
    FirstAdministrator,
    HandedOver,
    OrganisationApplication,
    OrganisationProfile,
    OrganisationRecord,
    Organisations,
    Reinstatement,
    Review,
    Suspension,
)
from compute.web.access import public
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api import render
from marketplace.api.access import bearer_token, needs
from marketplace.api.context import actor, exchange
from marketplace.api.etags import if_match
from marketplace.api.queries import OfState
from marketplace.flow.organisation import Organisation
from marketplace.flow.states import OrganisationState
from marketplace.store.paging import decode_cursor, encode_cursor
from marketplace.throttle import Throttle, source_of

routes = APIBlueprint("organisations", __name__, url_prefix="/organisations")

EACH, ALL = 30, 200
"""Applications within an hour from one source, and from all."""


@routes.post("")
@public
@takes(form(OrganisationApplication))
@gives(ApplicationReceipt, 201)
def apply(application: OrganisationApplication) -> ApplicationReceipt:
    """Apply to take part under a name. The answer has the token by which the application is followed, once."""
    throttle = Throttle("applications", source_of(flask.request.remote_addr), EACH, ALL)
    found, token = exchange().organisations.apply(application.name, application.profile, throttle)
    return ApplicationReceipt(name=found.name, token=token, state=found.state.value)


@routes.post("/entries")
@needs("organisation:enter")
@takes(form(OrganisationApplication))
@gives(ApplicationReceipt, 201)
def enter(application: OrganisationApplication) -> ApplicationReceipt:
    """Enter an application from paper; gives half its token, and somebody else admits it. For the operator."""
    found, token = exchange().organisations.enter(actor(), application.name, application.profile)
    return ApplicationReceipt(name=found.name, token=token, state=found.state.value)


@routes.post("/<name>/hand-over")
@needs("organisation:hand_over")
@gives(HandedOver)
def hand_over(name: str) -> HandedOver:
    """The second half of an entered application's token, once. For the operator, not who entered it."""
    return HandedOver(name=name, half=exchange().organisations.hand_over(actor(), name))


@routes.get("")
@needs("organisation:list")
@routes.input(OfState, location="query", arg_name="query")
@gives(Organisations)
def organisations(query: dict[str, Any]) -> Organisations:
    """Organisations by name: to the operator all or those of a state, to others those that take part."""
    after = "" if query["cursor"] is None else str(decode_cursor(query["cursor"], str)[0])
    state = None if query["state"] is None else OrganisationState(query["state"])
    found = exchange().organisations.page(actor(), after, query["limit"], state)
    items = tuple(render.organisation(*each) for each in found)
    return Organisations(
        items=items, next=encode_cursor([items[-1].name]) if len(items) == query["limit"] else None
    )


@routes.get("/<name>")
@needs("organisation:read")
@gives(OrganisationRecord)
def organisation(name: str) -> OrganisationRecord:
    """One organisation; what only itself and the operator know of it is for these."""
    return render.organisation(*exchange().organisations.load(actor(), name))


@routes.put("/<name>")
@needs("organisation:change")
@if_match
@takes(form(ContactChange))
@gives(OrganisationRecord)
def change(asked: ContactChange, name: str, *, revision: str) -> OrganisationRecord:
    """Change where one's own organisation is reached, by the ETag that was read. For an administrator."""
    return render.organisation(
        *exchange().organisations.relocate(actor(), name, asked.desk, asked.address, revision)
    )


@routes.post("/<name>/return")
@needs("organisation:review")
@takes(form(Review))
@gives(OrganisationRecord)
def return_for_correction(review: Review, name: str) -> OrganisationRecord:
    """Return an application, for it to be corrected. For the operator."""
    return _moved(exchange().organisations.return_for_correction(actor(), name, review.reason, review.opinion))


@routes.post("/<name>/reject")
@needs("organisation:review")
@takes(form(Review))
@gives(OrganisationRecord)
def reject(review: Review, name: str) -> OrganisationRecord:
    """Reject an application for good. For the operator."""
    return _moved(exchange().organisations.reject(actor(), name, review.reason, review.opinion))


@routes.post("/<name>/admit")
@needs("organisation:review")
@if_match
@gives(OrganisationRecord)
def admit(name: str, *, revision: str) -> OrganisationRecord:
    """Admit, by the ETag that was read, who accepted the entry agreement. For the operator, not who entered it."""
    return _moved(exchange().organisations.admit(actor(), name, revision))


@routes.post("/<name>/suspend")
@needs("organisation:suspend")
@takes(form(Suspension))
@gives(OrganisationRecord)
def suspend(suspension: Suspension, name: str) -> OrganisationRecord:
    """Stop an organisation: it can command nothing, and no permit of its party stands. For the operator."""
    return _moved(exchange().organisations.suspend(actor(), name, suspension.reason, suspension.opinion))


@routes.post("/<name>/reinstate")
@needs("organisation:reinstate")
@takes(form(Reinstatement))
@gives(OrganisationRecord)
def reinstate(reinstatement: Reinstatement, name: str) -> OrganisationRecord:
    """End an organisation's suspension. For the operator."""
    return _moved(exchange().organisations.reinstate(actor(), name, reinstatement.opinion))


# --- applicants, by their token -------------------------------------------------------------------------------


@routes.get("/<name>/application")
@public
@gives(OrganisationRecord)
def application(name: str) -> OrganisationRecord:
    """What has become of an application. For who has its token."""
    return render.organisation(*exchange().organisations.follow(name, bearer_token()))


@routes.put("/<name>/application")
@public
@if_match
@takes(form(OrganisationProfile))
@gives(OrganisationRecord)
def correct(profile: OrganisationProfile, name: str, *, revision: str) -> OrganisationRecord:
    """Correct an application, by the ETag that was read; it is applied for again. For who has its token."""
    return render.organisation(*exchange().organisations.correct(name, bearer_token(), profile, revision))


@routes.post("/<name>/application/accept")
@public
@takes(form(Acceptance))
@gives(OrganisationRecord)
def accept(acceptance: Acceptance, name: str) -> OrganisationRecord:
    """Accept the newest entry agreement, by its version and hash. For who has the application's token."""
    found = exchange().organisations.accept(
        name, bearer_token(), acceptance.version, acceptance.digest, acceptance.signatory
    )
    return render.organisation(*found)


@routes.post("/<name>/application/claim")
@public
@takes(form(FirstAdministrator))
@gives(Invitation, 201)
def claim(first: FirstAdministrator, name: str) -> Invitation:
    """Name the first administrator of an organisation that was admitted; once. For who has its token."""
    return render.invitation(exchange().organisations.claim(name, bearer_token(), first.login, first.name))


@routes.post("/<name>/members/<member>/confirm")
@needs("member:vouch")
@gives(MemberRecord)
def confirm_member(name: str, member: str) -> MemberRecord:
    """Confirm whose account it is, where an organisation has no other administrator. For the operator."""
    return render.member(exchange().members.confirm(actor(), member, name))


def _moved(found: Organisation) -> OrganisationRecord:
    return render.organisation(*exchange().organisations.load(actor(), found.name))
