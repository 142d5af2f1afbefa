"""Parties: who takes part."""

from apiflask import APIBlueprint

from compute.market.parties import Directory, Enrolment, PartyStanding
from compute.web.body import gives, message, takes
from marketplace.api import render
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange

routes = APIBlueprint("parties", __name__, url_prefix="/parties")


@routes.post("")
@needs("party:enrol")
@takes(message(Enrolment))
@gives(PartyStanding, 201)
def enrol(enrolment: Enrolment) -> PartyStanding:
    """Enrol a party on its own signature and the operator's. For the operator."""
    return render.party(exchange().enrol_party(actor(), enrolment.application, enrolment.admission))


@routes.get("")
@needs("party:list")
@gives(Directory)
def directory() -> Directory:
    """The enrolled parties by name, each signed by the operator."""
    return Directory(parties=tuple(exchange().directory(actor())))
