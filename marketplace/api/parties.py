"""Parties: who takes part."""

from apiflask import APIBlueprint

from compute.market import Directory, Enrolment, PartyStanding
from compute.web.body import gives, message, takes
from marketplace.api import render
from marketplace.api.context import actor, exchange

routes = APIBlueprint("parties", __name__, url_prefix="/parties")


@routes.post("")
@takes(message(Enrolment))
@gives(PartyStanding, 201)
def enrol(enrolment: Enrolment) -> PartyStanding:
    """Enrol a party on its own signature and the operator's. For the operator."""
    return render.party(exchange().enrol_party(actor(), enrolment.application, enrolment.admission))


@routes.get("")
@gives(Directory)
def directory() -> Directory:
    """The enrolled parties by name, each signed by the operator."""
    return Directory(parties=tuple(exchange().directory(actor())))


@routes.post("/<name>/suspend")
@gives(PartyStanding)
def suspend(name: str) -> PartyStanding:
    """Stop a party: it can command nothing, and no permit that it takes part in stands. For the operator."""
    return render.party(exchange().suspend_party(actor(), name))


@routes.post("/<name>/reinstate")
@gives(PartyStanding)
def reinstate(name: str) -> PartyStanding:
    """End a party's suspension. For the operator."""
    return render.party(exchange().reinstate_party(actor(), name))
